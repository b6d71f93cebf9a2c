"""From snapshot and schedule to the feed of every unit: overrides applied, exports following, replicas divided.

A unit that cannot be rendered is absent and its Subscription named in `broken`; all others go on. Every feed carries
what was read for it, and shares objects and reads with the units that get the same.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import Feeds, RenderedFeed, Unit
from reconciler.model.inflation import Answers
from reconciler.model.placement import Schedule
from reconciler.model.snapshot import Problem, Severity, Snapshot
from reconciler.render.claims import Claims, without
from reconciler.render.contents import Contents
from reconciler.render.contested import contested, some
from reconciler.render.exports import unfollowed
from reconciler.render.ground import NO_ANSWERS, prepared
from reconciler.render.lint import lint


def render(
    snapshot: Snapshot,
    schedule: Schedule,
    facts: Mapping[str, ClusterFacts],
    answers: Answers = NO_ANSWERS,
) -> Feeds:
    """Render every placement of the schedule. `facts` are by cluster id and hold every placed cluster.

    `answers` hold whatever `inflations` asks for.
    """
    ground = prepared(snapshot, schedule, facts, answers)
    disputes = contested(snapshot, schedule)
    found = _Found({}, {})
    units: dict[Unit, RenderedFeed] = {}
    claims = Claims(snapshot, schedule)
    for name in sorted(schedule.subscriptions):
        contents = Contents(name, ground)
        lost = disputes.lost.get(name, frozenset())
        for placement in sorted(schedule.subscriptions[name].placements, key=lambda placement: placement.cluster):
            if placement.cluster in lost or contents.missing:
                continue
            variant = contents.variant(placement)
            feed = contents.feed(placement, variant)
            if feed is not None:
                units[feed.unit] = feed
                claims.add(feed.unit, variant)
                for space in variant.spaces:
                    ground.spaces.made(space, placement.cluster, name)
        found.add(name, (*_missing(name, snapshot, contents.missing), *contents.problems))
        found.add_faults(name, contents.faults, len(schedule.subscriptions[name].placements))
    charted = claims.disputes()
    for unit in charted.units:
        del units[unit]
    for unit, spaces in claims.yielded(charted.units).items():
        if unit in units:
            units[unit] = without(units[unit], spaces)
    problems = (
        *ground.exports.problems,
        *disputes.problems,
        *charted.problems,
        *found.problems(),
        *(unfollowed(snapshot, ground.exports, ground.charts.objects.followed) if not found.faults else ()),
        *lint(snapshot, facts, ground.overrides),
    )
    broken = {name for problem in problems if problem.severity is Severity.ERROR for name in problem.concerns}
    return Feeds(units, tuple(sorted(problems)), frozenset(broken.union(disputes.lost)))


class _Found(msgspec.Struct):
    """Problems of Subscriptions, each told once."""

    told: dict[Problem, list[str]]
    faults: dict[Problem, list[tuple[str, list[str], bool]]]

    def add(self, name: str, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.told.setdefault(problem, []).append(name)

    def add_faults(self, name: str, faults: Mapping[Problem, list[str]], placed: int) -> None:
        for problem, bindings in faults.items():
            self.faults.setdefault(problem, []).append((name, bindings, len(bindings) == placed))

    def problems(self) -> Iterator[Problem]:
        """All of them; what holds only on some clusters names those."""
        for problem, names in self.told.items():
            yield _concerning(problem, names)
        for problem, found in self.faults.items():
            if not all(everywhere for _, _, everywhere in found):
                message = f"{problem.message} (on {some(binding for _, bindings, _ in found for binding in bindings)})"
                problem = msgspec.structs.replace(problem, message=message)
            yield _concerning(problem, [name for name, _, _ in found])


def _concerning(problem: Problem, names: Iterable[str]) -> Problem:
    return msgspec.structs.replace(problem, concerns=tuple(names) if problem.severity is Severity.ERROR else ())


def _missing(name: str, snapshot: Snapshot, positions: Iterable[int]) -> list[Problem]:
    """A safety net below the checks of reading: a feed that is dropped in silence would be pruned."""
    sourced = snapshot.subscriptions[name]
    place, feeds = sourced.place, snapshot.feeds[name]
    return [
        Problem(place, place.within(*feeds[at].field), "feed-not-found", f"{feeds[at].feed.key} cannot be rendered")
        for at in positions
    ]
