"""From snapshot and schedule to the feed of every unit: overrides applied, exports following, replicas divided.

A unit that cannot be rendered is absent and its Subscription named in `broken`; all others go on. Every feed carries
what was read for it, and shares objects and reads with the units that get the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import Feeds, RenderedFeed, Unit
from reconciler.model.inflation import Answers, Wanted
from reconciler.model.placement import Schedule
from reconciler.model.selectors import LabelIndex
from reconciler.model.snapshot import Problem, Severity, Snapshot
from reconciler.render.contents import Contents
from reconciler.render.contested import contested
from reconciler.render.exports import Exports, exports
from reconciler.render.overrides import Overrides

_NO_ANSWERS: Answers = MappingProxyType({})


class Ground(msgspec.Struct, frozen=True):
    """What all Subscriptions are rendered on."""

    snapshot: Snapshot
    overrides: Overrides
    exports: Exports

    def contents(self, subscription: str) -> Contents:
        """What one Subscription delivers."""
        return Contents(subscription, self.snapshot, self.overrides, self.exports)


def inflations(
    snapshot: Snapshot,  # noqa: ARG001
    schedule: Schedule,  # noqa: ARG001
    facts: Mapping[str, ClusterFacts],  # noqa: ARG001
    answers: Answers,  # noqa: ARG001
) -> tuple[Wanted, ...]:
    """What rendering needs from programs outside and is not in `answers` yet, sorted. Empty: render can go on."""
    return ()


def render(
    snapshot: Snapshot,
    schedule: Schedule,
    facts: Mapping[str, ClusterFacts],
    answers: Answers = _NO_ANSWERS,  # noqa: ARG001
) -> Feeds:
    """Render every placement of the schedule. `facts` are by cluster id and hold every placed cluster.

    `answers` hold whatever `inflations` asks for.
    """
    ground = prepared(snapshot, schedule, facts)
    disputes = contested(snapshot, schedule)
    found: dict[Problem, list[str]] = {}
    units: dict[Unit, RenderedFeed] = {}
    for name in sorted(schedule.subscriptions):
        contents = ground.contents(name)
        lost = disputes.lost.get(name, frozenset())
        for placement in sorted(schedule.subscriptions[name].placements, key=lambda placement: placement.cluster):
            if placement.cluster in lost or contents.missing:
                continue
            feed = contents.feed(placement, facts[placement.cluster])
            if feed is not None:
                units[feed.unit] = feed
        for problem in (*_missing(name, snapshot, contents.missing), *contents.problems):
            found.setdefault(problem, []).append(name)
    problems = (*ground.exports.problems, *disputes.problems, *_concerning(found))
    broken = {name for problem, names in found.items() if problem.severity is Severity.ERROR for name in names}
    return Feeds(units, tuple(sorted(problems)), frozenset(broken.union(disputes.lost)))


def prepared(snapshot: Snapshot, schedule: Schedule, facts: Mapping[str, ClusterFacts]) -> Ground:
    """Overrides by object and exports by Service, for all Subscriptions."""
    labels = LabelIndex({name: cluster.labels for name, cluster in facts.items()})
    return Ground(snapshot, Overrides(snapshot, facts, labels), exports(snapshot, schedule))


def _concerning(found: Mapping[Problem, list[str]]) -> Iterator[Problem]:
    for problem, names in found.items():
        yield msgspec.structs.replace(problem, concerns=tuple(names) if problem.severity is Severity.ERROR else ())


def _missing(name: str, snapshot: Snapshot, positions: Iterable[int]) -> list[Problem]:
    """A safety net below the checks of reading: a feed that is dropped in silence would be pruned."""
    sourced = snapshot.subscriptions[name]
    place, feeds = sourced.place, snapshot.feeds[name]
    return [
        Problem(place, place.within(*feeds[at].field), "feed-not-found", f"{feeds[at].feed.key} cannot be rendered")
        for at in positions
    ]
