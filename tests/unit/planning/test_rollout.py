"""Laws of rollouts: whoever is changed is changed in order, few at a time, and no further than failures allow."""

import datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.clusters import ClusterFacts
from reconciler.model.core import LabelSelector
from reconciler.model.objects import CommitId, Digest
from reconciler.model.rollout import Group, Rollout, Window
from reconciler.model.status import RolloutStatus, State, UnitStatus
from reconciler.planning import rolloutahead, rolloutmemory, windows
from reconciler.planning.rollout import OPEN, Asked, Standing, timetable
from reconciler.planning.rolloutgroups import members, part, rollout_of
from reconciler.planning.rolloutmemory import Moment

NOW = datetime.datetime(2026, 3, 4, 12, tzinfo=datetime.UTC)
OLD, NEW = Digest("0" * 40), Digest("1" * 40)
MOMENT = Moment(NOW, CommitId("c" * 40), CommitId("b" * 40))


def unit(cluster: str, state: State = State.READY, feed: Digest | None = OLD) -> UnitStatus:
    return UnitStatus("default/app", cluster, state, CommitId("a" * 40), feed)


def asked(groups: dict[str, list[str]], *settings: Group, broken: tuple[str, ...] = (), paused: bool = False) -> Asked:
    """A change from OLD to NEW for the clusters of these groups; a group's settings are matched by its name."""
    given_settings = {group.name: group for group in settings}
    facts, listed = {}, []
    for name, clusters in groups.items():
        for cluster in clusters:
            facts[cluster] = ClusterFacts(id=cluster, namespace="", name=cluster, labels={"group": name})
        group = given_settings.get(name, Group(name=name))
        listed.append(msgspec.structs.replace(group, clusters=LabelSelector(match_labels={"group": name})))
    rollout = Rollout(name="all", groups=tuple(listed), paused=paused)
    statuses = {c: unit(c, State.FAILED, None) if c in broken else unit(c) for c in facts}
    return Asked("default/app", rollout, members(rollout, facts, facts), dict.fromkeys(facts, NEW), statuses)


def after(one: Asked, changed: dict[str, State], now: datetime.datetime = NOW) -> Asked:
    """The clusters were touched, and are like this now."""
    moment = msgspec.structs.replace(MOMENT, now=now)
    touched = msgspec.structs.replace(one, memory=rolloutmemory.begun(one, list(changed), moment))
    good = (State.READY, State.PROGRESSING)
    statuses = {**one.statuses, **{c: unit(c, s, NEW if s in good else None) for c, s in changed.items()}}
    seen = msgspec.structs.replace(touched, statuses=statuses)
    return msgspec.structs.replace(seen, memory=rolloutmemory.seen(seen, moment))


def standings(one: Asked, now: datetime.datetime = NOW) -> dict[str, str]:
    return {slot.cluster: slot.standing.value for slot in timetable(one, now).slots()}


def why(one: Asked, cluster: str, now: datetime.datetime = NOW) -> str:
    return next(slot.why for slot in timetable(one, now).slots() if slot.cluster == cluster)


CANARY = {"canary": ["a"], "prod": ["b", "c"]}


def test_later_groups_wait_for_earlier_ones() -> None:
    one = asked(CANARY)
    assert standings(one) == {"a": "due", "b": "waits", "c": "waits"}
    assert why(one, "b") == "waits for group canary"
    assert standings(after(one, {"a": State.READY})) == {"a": "done", "b": "due", "c": "due"}


def test_a_cluster_of_several_groups_belongs_to_the_first_and_one_of_none_comes_last() -> None:
    facts = {i: ClusterFacts(id=i, namespace="", name=i, labels={"x": i}) for i in "abc"}
    groups = (
        Group(name="one", clusters=LabelSelector(match_labels={"x": "b"})),
        Group(name="two", clusters=LabelSelector(match_labels={"x": "b"})),
        Group(name="three", clusters=LabelSelector(match_labels={"x": "c"})),
    )
    found = members(Rollout(name="r", groups=groups), facts, facts)
    assert [(one.group.name, one.clusters) for one in found] == [
        ("one", ("b",)),
        ("three", ("c",)),
        ("(others)", ("a",)),
    ]


@pytest.mark.parametrize(
    ("text", "whole", "expected"), [("3", 10, 3), ("25%", 10, 2), ("1%", 10, 0), ("100%", 7, 7)], ids=str
)
def test_a_part_is_a_number_or_a_percentage_rounded_down(text: str, whole: int, expected: int) -> None:
    assert part(text, whole) == expected


def test_at_least_one_cluster_is_changed_at_a_time() -> None:
    assert timetable(asked(CANARY, Group(name="canary", at_once="1%")), NOW).due == ("a",)


def test_a_failure_past_the_budget_halts_everybody_else_and_tells_what_a_revert_takes_back() -> None:
    one = after(asked(CANARY), {"a": State.FAILED})
    assert standings(one) == {"a": "failed", "b": "halted", "c": "halted"}
    halt = timetable(one, NOW).halt
    assert halt is not None
    assert (halt.group, halt.failed) == ("canary", ("a",))
    assert [(turn.cluster, turn.was) for turn in halt.has_it] == [("a", CommitId("a" * 40))]
    assert one.memory is not None
    assert one.memory.halted == "halted: 1 failed in group canary, 0 may"


def test_a_failure_within_the_budget_lets_the_others_go_on() -> None:
    one = after(asked(CANARY, Group(name="canary", max_failures="1")), {"a": State.FAILED})
    assert standings(one) == {"a": "failed", "b": "due", "c": "due"}


@pytest.mark.parametrize("before", [State.FAILED, State.UNREACHABLE, State.PROGRESSING], ids=str)
def test_a_cluster_that_was_not_well_before_uses_up_no_budget(before: State) -> None:
    one = asked(CANARY)
    one = msgspec.structs.replace(one, statuses={**one.statuses, "a": unit("a", before, None)})
    assert standings(after(one, {"a": State.FAILED})) == {"a": "excused", "b": "due", "c": "due"}


def test_a_newer_target_starts_again_and_does_not_excuse_what_the_last_one_broke() -> None:
    one = after(asked(CANARY), {"a": State.FAILED})
    newer = msgspec.structs.replace(one, targets=dict.fromkeys("abc", Digest("2" * 40)))
    assert standings(newer) == {"a": "due", "b": "waits", "c": "waits"}
    again = msgspec.structs.replace(newer, memory=rolloutmemory.begun(newer, ["a"], MOMENT))
    assert standings(again) == {"a": "failed", "b": "halted", "c": "halted"}


def test_a_revert_touches_only_those_that_have_the_change() -> None:
    one = after(asked(CANARY), {"a": State.READY})
    back = msgspec.structs.replace(one, targets=dict.fromkeys("abc", OLD))
    assert standings(back) == {"a": "due", "b": "done", "c": "done"}


def test_a_group_soaks_before_the_next_one_begins_and_is_looked_at_meanwhile() -> None:
    one = after(asked(CANARY, Group(name="canary", soak="1h")), {"a": State.READY})
    table = timetable(one, NOW + datetime.timedelta(minutes=59))
    assert (table.due, table.watched, table.wake) == ((), ("a",), NOW + datetime.timedelta(hours=1))
    assert timetable(one, NOW + datetime.timedelta(hours=1)).due == ("b", "c")


def test_a_soak_begins_anew_when_the_group_was_not_well_meanwhile() -> None:
    one = after(asked(CANARY, Group(name="canary", soak="1h")), {"a": State.READY})
    later = NOW + datetime.timedelta(minutes=50)
    ill = msgspec.structs.replace(one, statuses={**one.statuses, "a": unit("a", State.PROGRESSING, NEW)})
    ill = msgspec.structs.replace(ill, memory=rolloutmemory.seen(ill, msgspec.structs.replace(MOMENT, now=later)))
    well = msgspec.structs.replace(ill, statuses=one.statuses)
    well = msgspec.structs.replace(well, memory=rolloutmemory.seen(well, msgspec.structs.replace(MOMENT, now=later)))
    assert timetable(well, later).wake == later + datetime.timedelta(hours=1)


def test_nothing_new_begins_while_paused() -> None:
    one = asked(CANARY, paused=True)
    assert standings(one) == dict.fromkeys("abc", "waits")
    assert why(one, "a") == "paused"


def test_an_approval_holds_for_one_target_only() -> None:
    one = after(asked(CANARY, Group(name="prod", approval=True)), {"a": State.READY})
    assert why(one, "b") == "waits for approval of group prod"
    approved = msgspec.structs.replace(one, memory=rolloutmemory.seen(one, MOMENT, ("prod",)))
    assert timetable(approved, NOW).due == ("b", "c")
    newer = msgspec.structs.replace(approved, targets=dict.fromkeys("abc", Digest("2" * 40)))
    newer = msgspec.structs.replace(newer, memory=rolloutmemory.seen(newer, MOMENT))
    assert newer.memory is not None
    assert newer.memory.approved == ()


def test_memory_is_gone_when_everybody_has_the_change() -> None:
    one = after(after(asked(CANARY), {"a": State.READY}), {"b": State.READY, "c": State.READY})
    assert one.memory is None
    assert timetable(one, NOW).finished


BERLIN = Window(days=("Sun",), start="02:30", end="03:30", time_zone="Europe/Berlin")
NIGHT = Window(days=("Fri",), start="22:00", end="04:00")


@pytest.mark.parametrize(
    ("window", "now", "opens"),
    [
        (NIGHT, "2026-03-06T22:00", None),
        (NIGHT, "2026-03-07T03:59", None),
        (NIGHT, "2026-03-07T04:00", "2026-03-13T22:00"),
        (NIGHT, "2026-03-06T21:59", "2026-03-06T22:00"),
        (BERLIN, "2026-03-22T01:30", None),
        (BERLIN, "2026-03-28T12:00", "2026-04-05T00:30"),
        (BERLIN, "2026-10-24T12:00", "2026-10-25T00:30"),
        (Window(), "2026-03-29T01:30", None),
    ],
    ids=[
        "opens",
        "after midnight",
        "closed",
        "before",
        "winter",
        "hour that summer time skips",
        "hour twice",
        "always",
    ],
)
def test_a_window_is_open_from_its_start_to_its_end_in_its_own_zone(
    window: Window, now: str, opens: str | None
) -> None:
    moment = datetime.datetime.fromisoformat(now).replace(tzinfo=datetime.UTC)
    expected = datetime.datetime.fromisoformat(opens).replace(tzinfo=datetime.UTC) if opens else None
    assert windows.opening((window,), moment) == expected


def test_the_first_rollout_that_names_a_subscription_holds_for_it() -> None:
    rollouts = (Rollout(name="a", subscriptions=("team-a/*",), groups=()), Rollout(name="rest", groups=()))
    found = [rollout_of(rollouts, name) for name in ("team-a/x", "team-b/x")]
    assert [one.name for one in found if one] == ["a", "rest"]
    assert rollout_of(rollouts[:1], "team-b/x") is None


def test_what_would_fail_is_played_forward() -> None:
    one = asked({"canary": ["a", "b"], "prod": list("cdefgh")}, Group(name="prod", at_once="2", max_failures="1"))
    ahead = rolloutahead.ahead(one, NOW, ("c", "d"))
    assert ahead.halt is not None
    assert (ahead.halt.group, ahead.touched, ahead.failed, ahead.spared) == ("prod", 4, ("c", "d"), 4)
    assert rolloutahead.ahead(one, NOW).halt is None


# -- laws -----------------------------------------------------------------------------------------------------------

_PARTS = st.one_of(st.integers(0, 4).map(str), st.integers(0, 100).map(lambda n: f"{n}%"))
_STATES = st.sampled_from([State.READY, State.PROGRESSING, State.FAILED, State.UNREACHABLE])


@st.composite
def fleets(draw: st.DrawFn) -> Asked:
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    groups = {f"g{n}": [f"{n}-{i}" for i in range(size)] for n, size in enumerate(sizes)}
    chosen = [
        Group(name=n, at_once=draw(_PARTS), max_failures=draw(_PARTS), soak=draw(st.sampled_from(["0s", "5m"])))
        for n in groups
    ]
    every = [cluster for clusters in groups.values() for cluster in clusters]
    return asked(groups, *chosen, broken=tuple(draw(st.sets(st.sampled_from(every), max_size=2))))


@settings(max_examples=60, deadline=None)
@given(fleets(), st.data())
def test_order_places_and_budget_hold_whatever_becomes_of_the_clusters(one: Asked, data: st.DataObject) -> None:
    now = NOW
    for _ in range(40):
        table = timetable(one, now)
        assert table == timetable(one, now)
        halted = any(stage.count(Standing.FAILED) > stage.members.budget for stage in table.stages)
        assert (table.halt is not None) == halted
        assert not (halted and table.due)
        for number, stage in enumerate(table.stages):
            moving = stage.count(Standing.DUE) + stage.count(Standing.ON_ITS_WAY)
            assert not stage.count(Standing.DUE) or moving <= stage.members.at_once
            if stage.count(Standing.DUE):
                assert all(earlier.passed for earlier in table.stages[:number])
                assert not any(slot.standing in OPEN for earlier in table.stages[:number] for slot in earlier.slots)
        changed = {cluster: data.draw(_STATES) for cluster in table.due}
        changed.update(
            {slot.cluster: data.draw(_STATES) for slot in table.slots() if slot.standing is Standing.ON_ITS_WAY}
        )
        if changed:
            due = [c for c in changed if c in table.due]
            one = msgspec.structs.replace(one, memory=rolloutmemory.begun(one, due, MOMENT)) if due else one
            states = {c: unit(c, s, NEW if s is State.READY else None) for c, s in changed.items()}
            one = msgspec.structs.replace(one, statuses={**one.statuses, **states})
            one = msgspec.structs.replace(one, memory=rolloutmemory.seen(one, msgspec.structs.replace(MOMENT, now=now)))
        elif table.wake is None:
            return
        else:
            now = table.wake
    raise AssertionError("it goes on for ever")


@settings(max_examples=60, deadline=None)
@given(fleets())
def test_it_ends_with_everybody_changed_when_nobody_fails(one: Asked) -> None:
    ahead = rolloutahead.ahead(one, NOW)
    assert ahead.last.finished
    touched = [cluster for step in ahead.steps for cluster in step.clusters]
    assert sorted(touched) == sorted(one.targets)


@settings(max_examples=60, deadline=None)
@given(fleets())
def test_looking_twice_remembers_the_same(one: Asked) -> None:
    first = after(one, dict.fromkeys(timetable(one, NOW).due, State.READY))
    later = msgspec.structs.replace(MOMENT, now=NOW + datetime.timedelta(minutes=1))
    assert rolloutmemory.seen(first, later) == first.memory


def test_memory_is_written_and_read_back() -> None:
    one = after(asked(CANARY), {"a": State.READY})
    assert msgspec.json.decode(msgspec.json.encode(one.memory), type=RolloutStatus) == one.memory
