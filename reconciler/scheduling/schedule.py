"""Which clusters a Subscription goes to, with how many replicas each, and why not to the others.

Replication takes every matching cluster that is not tainted; Dividing Static also divides replicas by weight. The
answer depends on the repo and the fleet facts alone: no history, no order of inputs. A Subscription that an error
concerns is left out, so that it keeps what it has.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from reconciler.model.authored import Subscriber, Subscription, SubscriptionSpec
from reconciler.model.clusters import ClusterFacts
from reconciler.model.placement import Placement, Reason, Refusal, Schedule, Scheduled
from reconciler.model.selectors import LabelIndex
from reconciler.model.snapshot import Problem, Severity, Snapshot, Sourced
from reconciler.model.status import FleetStatus
from reconciler.scheduling import replicas
from reconciler.scheduling.taints import untolerated


class _Fleet(msgspec.Struct, frozen=True):
    """The facts, prepared once for all Subscriptions. Placements and refusals in it are shared between them."""

    clusters: tuple[ClusterFacts, ...]
    """By binding, the order of placements and of ties."""
    labels: LabelIndex
    hindered: tuple[ClusterFacts, ...]
    """Tainted clusters and those that are going away."""
    whole: tuple[Placement, ...]
    unselected: tuple[Refusal, ...]


def schedule(snapshot: Snapshot, facts: Mapping[str, ClusterFacts], previous: FleetStatus) -> Schedule:  # noqa: ARG001 dynamic dividing adds onto the previous numbers
    """Schedule every Subscription that nothing is wrong with over `facts` (by cluster id).

    Strategies that are not supported yet are errors of reading, so they never come here.
    A Subscription that no cluster fits is scheduled to nowhere: whether that may delete is for guards to say.
    """
    fleet = _prepared(facts)
    held = {name for p in snapshot.problems if p.severity is Severity.ERROR for name in p.concerns}
    problems: list[Problem] = []
    scheduled: dict[str, Scheduled] = {}
    for name, sourced in sorted(snapshot.subscriptions.items()):
        if name in held:
            continue
        answer = _scheduled(name, sourced, snapshot, fleet)
        if isinstance(answer, Problem):
            problems.append(answer)
        else:
            scheduled[name] = answer
    return Schedule(scheduled, tuple(problems))


def _prepared(facts: Mapping[str, ClusterFacts]) -> _Fleet:
    clusters = tuple(sorted(facts.values(), key=lambda cluster: (cluster.binding, cluster.id)))
    return _Fleet(
        clusters=clusters,
        labels=LabelIndex({cluster.id: cluster.labels for cluster in clusters}),
        hindered=tuple(cluster for cluster in clusters if cluster.taints or cluster.deleting),
        whole=tuple(Placement(cluster.binding, cluster.id) for cluster in clusters),
        unselected=tuple(
            Refusal(name, Reason.NOT_SELECTED, "no subscriber selects its labels") for name in sorted(facts)
        ),
    )


def _scheduled(name: str, sourced: Sourced[Subscription], snapshot: Snapshot, fleet: _Fleet) -> Scheduled | Problem:
    spec = sourced.value.spec
    matching = [(subscriber, fleet.labels.select(subscriber.cluster_affinity)) for subscriber in spec.subscribers]
    selected: frozenset[str] = frozenset().union(*(chosen for _, chosen in matching))
    hindrances = tuple(_hindrances(spec, selected, fleet.hindered))
    chosen = selected - {refusal.cluster for refusal in hindrances}
    placements = tuple(placement for placement in fleet.whole if placement.cluster in chosen)
    if spec.scheduling_strategy == "Dividing":
        totals = replicas.totals(name, snapshot)
        weights = _weights(placements, matching)
        if totals and placements and not any(weights):
            return _weightless(name, sourced)
        placements = replicas.divided(placements, weights, totals)
    return Scheduled(name, placements, _refusals(fleet.unselected, selected, hindrances))


def _hindrances(
    spec: SubscriptionSpec, selected: frozenset[str], hindered: Iterable[ClusterFacts]
) -> Iterator[Refusal]:
    tolerations = spec.cluster_tolerations or ()
    for cluster in hindered:
        if cluster.id not in selected:
            continue
        if cluster.deleting:
            yield Refusal(cluster.id, Reason.DELETING, "its ManagedCluster is being deleted")
        elif taint := untolerated(cluster.taints, tolerations):
            told = f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"
            yield Refusal(cluster.id, Reason.TAINTED, f"taint {told} is not tolerated")


def _refusals(
    unselected: tuple[Refusal, ...], selected: frozenset[str], hindrances: tuple[Refusal, ...]
) -> tuple[Refusal, ...]:
    refusals = tuple(refusal for refusal in unselected if refusal.cluster not in selected)
    return tuple(sorted(refusals + hindrances)) if hindrances else refusals


def _weights(placements: Sequence[Placement], matching: Iterable[tuple[Subscriber, frozenset[str]]]) -> tuple[int, ...]:
    """The weight of each placement; weights add up where several subscribers match one cluster."""
    weights = dict.fromkeys((placement.cluster for placement in placements), 0)
    for subscriber, chosen in matching:
        for cluster in chosen & weights.keys() if subscriber.weight else ():
            weights[cluster] += subscriber.weight
    return tuple(weights.values())


def _weightless(name: str, sourced: Sourced[Subscription]) -> Problem:
    return Problem(
        sourced.place,
        sourced.place.within("spec", "subscribers"),
        "no-weight",
        "no chosen cluster has a weight, so replicas cannot be divided; Clusternet would give all of them to every one",
        hint="Set `weight` on a subscriber, or `schedulingStrategy: Replication` for all replicas on every cluster.",
        concerns=(name,),
    )
