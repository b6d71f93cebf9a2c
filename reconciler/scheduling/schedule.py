"""Which clusters a Subscription goes to, with how many replicas each, and why not to the others.

Replication takes every candidate; Dividing Static also divides replicas by weight; both depend on the repo and the
fleet facts alone. Dividing Dynamic divides by room: it adds to, or takes from, the previous placement, and shares the
room with the other Subscriptions of the run. A Subscription that an error concerns is left out: it keeps what it has.
"""

from collections.abc import Mapping, Sequence

from reconciler.model.authored import Subscription
from reconciler.model.clusters import ClusterFacts
from reconciler.model.placement import WHEN_NO_CLUSTER_FITS, Placement, Schedule, Scheduled
from reconciler.model.snapshot import Problem, Severity, Snapshot, Sourced
from reconciler.model.status import FleetStatus
from reconciler.scheduling import moves, replicas, sharing, trouble
from reconciler.scheduling.capacity import Ledger
from reconciler.scheduling.claims import Claim
from reconciler.scheduling.fleet import Candidates, Fleet, candidates

DEFAULT_SCHEDULER = "default"


def schedule(snapshot: Snapshot, facts: Mapping[str, ClusterFacts], previous: FleetStatus) -> Schedule:
    """Schedule every Subscription that nothing is wrong with over `facts` (by cluster id).

    `previous` tells where everything was, with how many replicas. A Subscription that no cluster fits stays there,
    and a warning says so, unless it asks to be undeployed. One of another scheduler is absent: it keeps what it has.
    """
    run = _Run(snapshot, Fleet(facts, previous))
    held = {name for p in snapshot.problems if p.severity is Severity.ERROR for name in p.concerns}
    for name, sourced in sorted(snapshot.subscriptions.items()):
        if name in held or sourced.value.spec.scheduler_name != DEFAULT_SCHEDULER:
            run.absent.append(name)
        else:
            run.place(name, sourced)
    run.divide()
    return Schedule(dict(sorted(run.scheduled.items())), tuple(sorted(run.problems)))


class _Run:
    """One call: what is scheduled so far, and the Dynamic Subscriptions that come last because they share room."""

    def __init__(self, snapshot: Snapshot, fleet: Fleet) -> None:
        self.fleet, self.feeds = fleet, replicas.Feeds(snapshot)
        self.absent: list[str] = []
        self.scheduled: dict[str, Scheduled] = {}
        self.problems: list[Problem] = []
        self._dynamic: list[tuple[str, Sourced[Subscription], Candidates]] = []

    def place(self, name: str, sourced: Sourced[Subscription]) -> None:
        """Schedule one Subscription, or put it aside when it divides by room."""
        spec = sourced.value.spec
        found = candidates(spec, self.fleet, self.fleet.before(name))
        if not found.clusters:
            self.scheduled[name] = self._without_candidates(name, sourced, found)
        elif spec.scheduling_strategy != "Dividing":
            chosen = frozenset(found.clusters)
            self._whole(name, found, tuple(p for p in self.fleet.whole if p.cluster in chosen))
        elif spec.dividing_scheduling is not None and spec.dividing_scheduling.type == "Dynamic":
            self._dynamic.append((name, sourced, found))
        else:
            self._by_weight(name, sourced, found)

    def divide(self) -> None:
        """Schedule all Dynamic Subscriptions, in the order in which they share the room."""
        if not self._dynamic:
            return
        ledger = Ledger(self.fleet.facts)
        order = sorted(self._dynamic, key=lambda one: (-(one[1].value.spec.priority or 0), one[0]))
        claims = [Claim(name, sourced, found, self.feeds.of(name), ledger) for name, sourced, found in order]
        fixed = [*self._fixed(), *self._left_alone()]
        for scheduled, problems in sharing.share_out(claims, fixed, self.fleet, ledger):
            self.problems += problems
            if scheduled is not None:
                self.scheduled[scheduled.subscription] = scheduled

    def _whole(self, name: str, found: Candidates, placements: tuple[Placement, ...]) -> None:
        refusals = self.fleet.refusals((p.cluster for p in placements), found.refused)
        self.scheduled[name] = Scheduled(name, placements, refusals)

    def _by_weight(self, name: str, sourced: Sourced[Subscription], found: Candidates) -> None:
        chosen = frozenset(found.clusters)
        placements = tuple(placement for placement in self.fleet.whole if placement.cluster in chosen)
        feeds = self.feeds.of(name)
        weights = _weights(placements, found)
        if feeds and not any(weights):
            self.problems.append(trouble.weightless(name, sourced))
            self.absent.append(name)
            return
        position = {placement.cluster: at for at, placement in enumerate(placements)}
        placements = replicas.divided(placements, weights, feeds, [position[cluster] for cluster in found.clusters])
        moved = moves.of_static(feeds, placements, self.fleet.before(name), self.fleet, found.refused)
        refusals = self.fleet.refusals(chosen, found.refused)
        self.scheduled[name] = Scheduled(name, placements, refusals, moved)

    def _without_candidates(self, name: str, sourced: Sourced[Subscription], found: Candidates) -> Scheduled:
        """Where it was, as far as that still exists; nowhere when it was nowhere, or says that it wants that."""
        asked = (sourced.value.metadata.annotations or {}).get(WHEN_NO_CLUSTER_FITS)
        undeploy = asked == "undeploy"
        before = {} if undeploy else self.fleet.before(name)
        keys = [feed.feed for feed in self.feeds.of(name)] if any(before.values()) else []
        stays = tuple(
            Placement(whole.binding, whole.cluster, {key: before[whole.cluster].get(key, 0) for key in keys})
            for whole in self.fleet.whole
            if whole.cluster in before
        )
        if (sourced.value.spec.subscribers or stays) and self.fleet.facts and not undeploy:
            self.problems.append(trouble.no_cluster_fits(sourced, len(stays)))
        refusals = self.fleet.refusals((p.cluster for p in stays), found.refused)
        return Scheduled(name, stays, refusals, kept=bool(stays))

    def _fixed(self) -> list[sharing.Amounts]:
        """Replicas of what is scheduled already, whatever the room."""
        return [
            (feed, {p.cluster: p.replicas.get(feed.feed, feed.wanted) for p in scheduled.placements})
            for name, scheduled in sorted(self.scheduled.items())
            for feed in self.feeds.of(name)
        ]

    def _left_alone(self) -> list[sharing.Amounts]:
        """Replicas of Subscriptions that keep what they have."""
        return [
            (feed, {c: row.get(feed.feed, feed.wanted) for c, row in self.fleet.before(name).items()})
            for name in self.absent
            for feed in self.feeds.of(name)
        ]


def _weights(placements: Sequence[Placement], found: Candidates) -> tuple[int, ...]:
    """The weight of each placement; weights add up where several subscribers match one cluster."""
    weights = dict.fromkeys((placement.cluster for placement in placements), 0)
    for subscriber, chosen in found.matching:
        for cluster in chosen & weights.keys() if subscriber.weight else ():
            weights[cluster] += subscriber.weight
    return tuple(weights.values())
