"""Outcomes folded upwards: nothing changes where nothing happened, and nothing that failed looks done."""

import pytest

from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import Exit
from reconciler.model.feed import Unit
from reconciler.model.objects import CommitId, Digest, ObjectKey
from reconciler.model.plan import Guard
from reconciler.model.status import Delivered, FleetStatus, Health, Outcome, Result, State, UnitStatus
from reconciler.planning import fold

UNIT = Unit("default/app", "c1")
FACTS = {"c1": ClusterFacts(id="c1", namespace="clusternet-east", name="east")}
FEED = Digest("f" * 40)
OLD, NEW = CommitId("a" * 40), CommitId("b" * 40)


def outcome(name: str, result: Result, health: Health = Health.UNKNOWN) -> Outcome:
    return Outcome(ObjectKey("", "ConfigMap", "default", name), result, health, "words of the server")


def delivered(*outcomes: Outcome, state: State = State.READY, feed: Digest | None = FEED) -> Delivered:
    return Delivered(UNIT, state, outcomes, feed)


def held() -> Delivered:
    guard = Guard("empty-feed", "the feed is empty", (ObjectKey("", "ConfigMap", "default", "a"),), Digest("d" * 40))
    return Delivered(UNIT, State.HELD, (), None, guard=guard)


def status_of(row: Delivered, before: UnitStatus | None = None, commit: CommitId = NEW) -> UnitStatus:
    return fold.unit_status(row, before, commit, {})


def test_commit_of_a_unit_moves_only_when_something_was_written() -> None:
    first = status_of(delivered(outcome("a", Result.CREATED)), commit=OLD)
    quiet = status_of(delivered(outcome("a", Result.UNCHANGED)), first)
    loud = status_of(delivered(outcome("a", Result.CHANGED)), first)
    assert (first.commit, quiet.commit, loud.commit) == (OLD, OLD, NEW)


def test_status_of_a_unit_that_needed_nothing_is_equal_to_the_one_before() -> None:
    first = status_of(delivered(outcome("a", Result.CREATED)), commit=OLD)
    assert status_of(delivered(outcome("a", Result.UNCHANGED)), first) == first


def test_unit_without_its_whole_feed_is_not_settled() -> None:
    row = delivered(outcome("a", Result.FAILED), state=State.FAILED, feed=None)
    assert not fold.settled(status_of(row), FEED)
    assert fold.settled(status_of(delivered(outcome("a", Result.CREATED))), FEED)
    assert not fold.settled(None, FEED)


def test_failures_carry_the_words_of_the_server() -> None:
    (failure,) = status_of(delivered(outcome("a", Result.FAILED), state=State.FAILED, feed=None)).failures
    assert (failure.object, failure.message) == ("ConfigMap default/a", "words of the server")


def test_failures_beyond_the_bound_are_counted() -> None:
    rows = [outcome(f"a{number}", Result.FAILED) for number in range(fold.FAILURES_KEPT + 5)]
    status = status_of(delivered(*rows, state=State.FAILED, feed=None))
    assert len(status.failures) == fold.FAILURES_KEPT
    assert "5 more failures" in status.message


def test_pruned_objects_are_not_counted_as_there() -> None:
    status = status_of(delivered(outcome("a", Result.CREATED), outcome("b", Result.PRUNED)))
    assert status.objects == 1


def test_held_unit_keeps_its_count_and_says_how_to_acknowledge() -> None:
    first = status_of(delivered(outcome("a", Result.CREATED), outcome("b", Result.CREATED)))
    status = status_of(held(), first)
    assert status.objects == 2
    assert "d" * 40 in status.message


def test_fleet_status_is_the_same_value_when_nothing_differs() -> None:
    before = fold.fleet_status(
        FleetStatus("demo"), {UNIT: status_of(delivered(outcome("a", Result.CREATED)))}, FACTS, OLD
    )
    assert fold.fleet_status(before, {UNIT: before.units[UNIT]}, FACTS, NEW) is before


def test_forgotten_unit_takes_the_note_of_its_cluster_with_it() -> None:
    before = fold.fleet_status(
        FleetStatus("demo"), {UNIT: status_of(delivered(outcome("a", Result.CREATED)))}, FACTS, OLD
    )
    after = fold.fleet_status(before, {UNIT: None}, FACTS, NEW)
    assert (after.units, after.clusters, after.commit) == ({}, {}, NEW)


def test_cluster_that_vanished_keeps_its_note_while_units_are_left_there() -> None:
    before = fold.fleet_status(
        FleetStatus("demo"), {UNIT: status_of(delivered(outcome("a", Result.CREATED)))}, FACTS, OLD
    )
    after = fold.fleet_status(before, {UNIT: status_of(held(), before.units[UNIT])}, {}, NEW)
    assert after.clusters["c1"].name == "east"


@pytest.mark.parametrize(
    ("row", "wanted", "gone"),
    [
        pytest.param(delivered(outcome("a", Result.PRUNED), feed=None), False, True, id="all pruned"),
        pytest.param(delivered(outcome("a", Result.PRUNED)), True, False, id="still wanted"),
        pytest.param(delivered(outcome("a", Result.FAILED), state=State.FAILED, feed=None), False, False, id="failed"),
        pytest.param(held(), False, False, id="held"),
        pytest.param(delivered(state=State.UNREACHABLE, feed=None), False, False, id="unreachable"),
    ],
)
def test_unit_is_gone_only_when_nothing_is_left_of_it(row: Delivered, wanted: bool, gone: bool) -> None:
    assert fold.is_gone(row, wanted=wanted) is gone


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([State.READY, State.DELIVERED, State.SUSPENDED], Exit.OK),
        ([State.READY, State.PROGRESSING], Exit.NOT_READY),
        ([State.FAILED], Exit.FAILED),
        ([State.UNREACHABLE, State.READY], Exit.FAILED),
        ([State.FAILED, State.PROGRESSING], Exit.NOT_READY),
    ],
    ids=str,
)
def test_exit_code_is_the_highest_class(states: list[State], code: Exit) -> None:
    assert fold.exit_of(delivered(state=state) for state in states) is code


def test_guard_decides_the_exit_code() -> None:
    assert fold.exit_of([held(), delivered(state=State.PROGRESSING)]) is Exit.REFUSED


def test_row_of_a_cluster_counts_by_result() -> None:
    row = fold.tally(
        "east",
        [
            delivered(outcome("a", Result.CREATED), outcome("b", Result.UNCHANGED)),
            delivered(outcome("c", Result.FAILED), outcome("d", Result.PRUNED), state=State.FAILED),
        ],
    )
    assert (row.objects, row.created, row.unchanged, row.failed, row.pruned) == (3, 1, 1, 1, 1)
    assert row.state is State.FAILED
