"""What a change of the fleet would do: facts with clusters added, lost or changed, and two outcomes compared.

The same commit is evaluated over both, by the one path; here is only what differs. The second evaluation stands on what
the first one places, so that every move has its reason in the change.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from reconciler.model.clusters import ClusterFacts, TaintFact
from reconciler.model.feed import Feeds, RenderedFeed, Unit
from reconciler.model.objects import CommitId, ObjectKey
from reconciler.model.placement import Schedule
from reconciler.model.requests import amount, quantity_of
from reconciler.model.selectors import LabelIndex
from reconciler.model.snapshot import Problem, Severity, Snapshot
from reconciler.model.status import FleetStatus, State, UnitStatus

LOST = TaintFact("clusters.clusternet.io/unschedulable", "NoSchedule", "ClusterStatusUnknown")
"""What Clusternet's lifecycle controller puts on a cluster whose heartbeats stopped (`clusternet-clusters.md` §4.4)."""
_GROUP = "multicluster.x-k8s.io"


class Resize(msgspec.Struct, frozen=True):
    """Another amount of one resource: so many percent more or less, so much more or less, or exactly so much."""

    resource: str
    percent: int | None = None
    by: int | None = None
    to: int | None = None


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to the fleet, by cluster id; applied in this order."""

    added: tuple[ClusterFacts, ...] = ()
    labels: tuple[tuple[str, str, str | None], ...] = ()
    """Cluster, key, and value; None removes the label."""
    taints: tuple[tuple[str, TaintFact, bool], ...] = ()
    """Cluster, taint, and whether it goes. A taint that goes is known by key and effect; no effect means any."""
    resized: tuple[tuple[str, Resize], ...] = ()
    lost: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def applied(facts: Mapping[str, ClusterFacts], changes: Changes) -> Mapping[str, ClusterFacts]:
    """The facts as they would be. Precondition: every cluster that is named is known or added."""
    after = {**facts, **{cluster.id: cluster for cluster in changes.added}}
    for cluster, key, value in changes.labels:
        kept = {name: word for name, word in after[cluster].labels.items() if name != key}
        labels = kept if value is None else {**kept, key: value}
        after[cluster] = msgspec.structs.replace(after[cluster], labels=labels)
    for cluster, taint, gone in changes.taints:
        after[cluster] = _tainted(after[cluster], taint, gone=gone)
    for cluster, resize in changes.resized:
        after[cluster] = _resized(after[cluster], resize)
    for cluster in changes.lost:
        after[cluster] = msgspec.structs.replace(_tainted(after[cluster], LOST, gone=False), ready=False)
    return {i: cluster for i, cluster in sorted(after.items()) if i not in changes.removed}


def _tainted(cluster: ClusterFacts, taint: TaintFact, *, gone: bool) -> ClusterFacts:
    def same(other: TaintFact) -> bool:
        return other.key == taint.key and (other.effect == taint.effect or (gone and not taint.effect))

    kept = [other for other in cluster.taints if not same(other)]
    return msgspec.structs.replace(cluster, taints=tuple(sorted(kept if gone else [*kept, taint])))


def _resized(cluster: ClusterFacts, resize: Resize) -> ClusterFacts:
    """The cluster with another amount; where its nodes are known each of them gets the same part of the difference."""
    name = resize.resource
    there = amount(name, cluster.allocatable.get(name, "0"))
    if resize.to is not None:
        more = resize.to - there
    else:
        more = resize.by if resize.by is not None else there * (resize.percent or 0) // 100
    told = {**cluster.allocatable, name: quantity_of(name, there + more)}
    nodes = cluster.nodes
    count = sum(node.count for node in nodes or ())
    if nodes and count:
        each = more // count
        nodes = tuple(
            msgspec.structs.replace(
                node, free=tuple(sorted({**dict(node.free), name: dict(node.free).get(name, 0) + each}.items()))
            )
            for node in nodes
        )
    return msgspec.structs.replace(cluster, allocatable=told, nodes=nodes)


def foreseen(
    status: FleetStatus, schedule: Schedule, facts: Mapping[str, ClusterFacts], commit: CommitId
) -> FleetStatus:
    """The status as it will be once this schedule is delivered; a Subscription that it leaves out keeps what it has."""
    units = {unit: known for unit, known in status.units.items() if unit.subscription not in schedule.subscriptions}
    for name, scheduled in schedule.subscriptions.items():
        for placement in scheduled.placements:
            if placement.cluster in facts:
                one = UnitStatus(name, placement.cluster, State.DELIVERED, commit, replicas=placement.replicas)
                units[one.unit] = one
    return msgspec.structs.replace(status, units=dict(sorted(units.items())))


class Outcome(msgspec.Struct, frozen=True):
    """What one evaluation says."""

    snapshot: Snapshot
    facts: Mapping[str, ClusterFacts]
    schedule: Schedule
    feeds: Feeds
    problems: tuple[Problem, ...] = ()


class UnitChange(msgspec.Struct, frozen=True):
    """What becomes of one Subscription on one cluster."""

    subscription: str
    cluster: str
    """Name of the cluster."""
    cluster_id: str
    what: str
    """`new`, `lost` or `changed`."""
    before: Mapping[str, int] = {}
    """Replicas by feed key."""
    after: Mapping[str, int] = {}
    new: tuple[str, ...] = ()
    """Objects."""
    lost: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class Difference(msgspec.Struct, frozen=True):
    """What a change would do; everything sorted."""

    units: tuple[UnitChange, ...] = ()
    moved: int = 0
    """Replicas that are on another cluster afterwards."""
    deliveries: int = 0
    """Units before and after."""
    broken: tuple[str, ...] = ()
    """Minimums that hold before and not afterwards."""
    exports: tuple[str, ...] = ()
    """Services that lose their last export, exports that lose their Service."""

    @property
    def nothing(self) -> bool:
        """Whether nothing at all differs."""
        return not (self.units or self.broken or self.exports)


def compared(before: Outcome, after: Outcome) -> Difference:
    """What differs between two outcomes of one commit."""
    names = {i: cluster.name for i, cluster in {**before.facts, **after.facts}.items()}
    held = _held(after)
    old, new = _replicas(before.schedule), _replicas(after.schedule)
    units = {**before.feeds.units, **after.feeds.units}
    found = []
    for unit in sorted(units):
        one, other = before.feeds.units.get(unit), after.feeds.units.get(unit)
        if other is None and unit.subscription in held:
            continue  # it keeps what it has
        was, now = old.get(unit, {}), new.get(unit, {})
        if one is None or other is None or one.digest != other.digest or was != now:
            found.append(_change(unit, names[unit.cluster], (one, other), (was, now)))
    found.sort(key=lambda change: (change.subscription, change.cluster, change.cluster_id))
    return Difference(
        units=tuple(found),
        moved=_moved(found),
        deliveries=len(units),
        broken=tuple(sorted({*_short(after), *held.values()} - {*_short(before), *_held(before).values()})),
        exports=tuple(sorted(_exports(before, after, names))),
    )


def _held(outcome: Outcome) -> dict[str, str]:
    """Subscriptions that cannot be delivered and so keep what they have, each with the first problem of it."""
    names = (outcome.snapshot.subscriptions.keys() - outcome.schedule.subscriptions.keys()) | outcome.feeds.broken
    told = dict.fromkeys(sorted(names), "")
    for problem in reversed(outcome.problems):
        if problem.severity is Severity.ERROR:
            told.update({name: problem.message for name in problem.concerns if name in told})
    return {name: f"{name}: keeps what it has: {why or 'it cannot be delivered'}" for name, why in told.items()}


def _change(
    unit: Unit,
    name: str,
    feeds: tuple[RenderedFeed | None, RenderedFeed | None],
    replicas: tuple[Mapping[str, int], Mapping[str, int]],
) -> UnitChange:
    one, other = ({o.key: o.digest for o in feed.objects} if feed else {} for feed in feeds)
    return UnitChange(
        unit.subscription,
        name,
        unit.cluster,
        what="new" if feeds[0] is None else "lost" if feeds[1] is None else "changed",
        before=replicas[0],
        after=replicas[1],
        new=_told(key for key in other if key not in one),
        lost=_told(key for key in one if key not in other),
        changed=_told(key for key in one if key in other and one[key] != other[key]),
    )


def _told(keys: Iterable[ObjectKey]) -> tuple[str, ...]:
    return tuple(str(key) for key in sorted(keys))


def _replicas(schedule: Schedule) -> dict[Unit, Mapping[str, int]]:
    return {
        Unit(name, placement.cluster): placement.replicas
        for name, scheduled in schedule.subscriptions.items()
        for placement in scheduled.placements
    }


def _moved(changes: Iterable[UnitChange]) -> int:
    """Replicas that one cluster has less and another more."""
    more: dict[tuple[str, str], int] = {}
    less: dict[tuple[str, str], int] = {}
    for change in changes:
        for feed in {**change.before, **change.after}:
            difference = change.after.get(feed, 0) - change.before.get(feed, 0)
            into = more if difference > 0 else less
            into[change.subscription, feed] = into.get((change.subscription, feed), 0) + abs(difference)
    return sum(min(count, less.get(feed, 0)) for feed, count in more.items())


def _short(outcome: Outcome) -> Iterator[str]:
    """Every minimum that an outcome does not reach, in words."""
    index = LabelIndex({i: cluster.labels for i, cluster in outcome.facts.items()})
    for name, scheduled in outcome.schedule.subscriptions.items():
        spec = outcome.snapshot.subscriptions[name].value.spec
        chosen = {placement.cluster for placement in scheduled.placements}
        if scheduled.kept:
            yield f"{name}: no cluster fits; it stays where it is"
        elif not chosen:
            yield f"{name}: goes to no cluster"
        for short in scheduled.shortfalls:
            yield f"{name}: {short.missing} of {short.wanted} replicas of {short.feed} fit nowhere"
        dividing = spec.dividing_scheduling
        dynamic = dividing.dynamic_dividing if dividing and dividing.type == "Dynamic" else None
        least = dynamic.min_clusters if dynamic and spec.scheduling_strategy == "Dividing" else None
        if least and len(chosen) < least:
            yield f"{name}: goes to {len(chosen)} of at least {least} clusters (minClusters)"
        for number, subscriber in enumerate(spec.subscribers if spec.scheduling_by_sub_group else ()):
            wanted = subscriber.sub_group_strategy.min_clusters if subscriber.sub_group_strategy else 0
            there = len(chosen & index.select(subscriber.cluster_affinity))
            if there < wanted:
                yield f"{name}: subscriber {number} gets {there} of {wanted} clusters (its minClusters)"


def _exports(before: Outcome, after: Outcome, names: Mapping[str, str]) -> Iterator[str]:
    old, new = _exporters(before.feeds), _exporters(after.feeds)
    for service, clusters in old.items():
        if not new.get(service):
            told = ", ".join(sorted(names[cluster] for cluster in clusters))
            yield f"{service}: exported by no cluster any more (before: {told})"
    services, earlier = _services(after.feeds), _services(before.feeds)
    for service, clusters in new.items():
        for cluster in clusters:
            alone = (cluster, service) not in services
            if alone and ((cluster, service) in earlier or cluster not in old.get(service, ())):
                yield f"{service}: the export on {names[cluster]} is left without a Service"


def _exporters(feeds: Feeds) -> dict[str, set[str]]:
    """Clusters that export a Service, by `namespace/name`."""
    found: dict[str, set[str]] = {}
    for unit, feed in feeds.units.items():
        for rendered in feed.objects:
            if (rendered.key.group, rendered.key.kind) == (_GROUP, "ServiceExport"):
                found.setdefault(f"{rendered.key.namespace}/{rendered.key.name}", set()).add(unit.cluster)
    return found


def _services(feeds: Feeds) -> set[tuple[str, str]]:
    return {
        (unit.cluster, f"{rendered.key.namespace}/{rendered.key.name}")
        for unit, feed in feeds.units.items()
        for rendered in feed.objects
        if (rendered.key.group, rendered.key.kind) == ("", "Service")
    }
