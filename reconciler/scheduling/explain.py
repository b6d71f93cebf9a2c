"""Why one Subscription goes, or does not go, to one cluster, in words: for `schedule --explain`, worked out when asked.

`schedule` names a reason for every cluster that it refuses; here is what lies behind it: each subscriber with the term
that failed, each taint, the room, and what moved.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from reconciler.model.authored import (
    LabelSelector,
    LabelSelectorRequirement,
    Subscription,
    SubscriptionSpec,
    Toleration,
)
from reconciler.model.clusters import ClusterFacts
from reconciler.model.placement import Placement, Schedule, Scheduled
from reconciler.model.snapshot import Severity, Snapshot
from reconciler.model.status import FleetStatus
from reconciler.scheduling import nodeterms, replicas
from reconciler.scheduling.fleet import told
from reconciler.scheduling.nodes import nodes_of, room
from reconciler.scheduling.taints import tolerates


class Explanation(msgspec.Struct, frozen=True):
    """Lines for people, the answer first."""

    lines: tuple[str, ...]


def explain(
    snapshot: Snapshot,
    facts: Mapping[str, ClusterFacts],
    previous: FleetStatus,
    schedule: Schedule,
    subscription: str,
    cluster: str,
) -> Explanation:
    """Explain one Subscription (`namespace/name`) on one cluster (id), both of which exist."""
    sourced, fact = snapshot.subscriptions[subscription], facts[cluster]
    scheduled = schedule.subscriptions.get(subscription)
    if scheduled is None:
        return Explanation(tuple(_absent(subscription, sourced.value, snapshot, schedule)))
    before = {
        unit.cluster: status.replicas for unit, status in previous.units.items() if unit.subscription == subscription
    }
    lines = [
        *_answer(scheduled, fact),
        *_subscribers(sourced.value.spec, fact),
        *_taints(sourced.value.spec, fact),
        *(_room(subscription, sourced.value.spec, snapshot, fact)),
        *_history(scheduled, fact, before),
    ]
    return Explanation(tuple(lines))


def _absent(name: str, subscription: Subscription, snapshot: Snapshot, schedule: Schedule) -> Iterator[str]:
    yield f"{name} is not scheduled: it keeps what it has"
    if subscription.spec.scheduler_name != "default":
        yield f"it belongs to the scheduler {subscription.spec.scheduler_name}"
    for problem in (*snapshot.problems, *schedule.problems):
        if problem.severity is Severity.ERROR and name in problem.concerns:
            yield f"{problem.rule}: {problem.message}"


def _answer(scheduled: Scheduled, fact: ClusterFacts) -> Iterator[str]:
    placement = next((p for p in scheduled.placements if p.cluster == fact.id), None)
    if placement is not None:
        yield f"{scheduled.subscription} goes to {fact.binding}{_replicas(placement)}"
        if scheduled.kept:
            yield "no cluster fits it any more, so it stays where it was"
        return
    refusal = next((r for r in scheduled.refusals if r.cluster == fact.id), None)
    said = f" ({refusal.reason.value}): {refusal.message}" if refusal else ""
    yield f"{scheduled.subscription} does not go to {fact.binding}{said}"


def _replicas(placement: Placement) -> str:
    if not placement.replicas:
        return ", everything as written"
    return " with " + ", ".join(f"{count} of {feed}" for feed, count in sorted(placement.replicas.items()))


def _subscribers(spec: SubscriptionSpec, fact: ClusterFacts) -> Iterator[str]:
    for number, subscriber in enumerate(spec.subscribers):
        failed = tuple(why_not(subscriber.cluster_affinity, fact.labels))
        said = "selects it" if not failed else f"does not select it: {'; '.join(failed)}"
        weight = f", weight {subscriber.weight}" if subscriber.weight else ""
        group = subscriber.sub_group_strategy if spec.scheduling_by_sub_group else None
        takes = f", takes {group.min_clusters} cluster{'s' * (group.min_clusters != 1)}" if group else ""
        yield f"subscriber {number} {said}{weight}{takes}"


def why_not(selector: LabelSelector, labels: Mapping[str, str]) -> Iterator[str]:
    """The terms of a selector that labels do not meet, each with what it wants and what there is."""
    for key, value in (selector.match_labels or {}).items():
        if labels.get(key) != value:
            yield f"wants {key}={value}, {_has(key, labels)}"
    for term in selector.match_expressions or ():
        if not nodeterms.Term(term.key, term.operator, tuple(term.values or ())).holds(labels):
            yield f"wants {_wants(term)}, {_has(term.key, labels)}"


def _wants(term: LabelSelectorRequirement) -> str:
    values = ", ".join(term.values or ())
    match term.operator:
        case "In":
            return f"{term.key} in ({values})"
        case "NotIn":
            return f"{term.key} not in ({values})"
        case "Exists":
            return f"a label {term.key}"
        case "DoesNotExist":
            return f"no label {term.key}"


def _has(key: str, labels: Mapping[str, str]) -> str:
    return f"has {key}={labels[key]}" if key in labels else f"has no {key}"


def _taints(spec: SubscriptionSpec, fact: ClusterFacts) -> Iterator[str]:
    tolerations: Sequence[Toleration] = spec.cluster_tolerations or ()
    for taint in fact.taints:
        tolerated = any(tolerates(toleration, taint) for toleration in tolerations)
        yield f"taint {told(taint)} is {'tolerated' if tolerated else 'not tolerated'}"
    if fact.deleting:
        yield "its ManagedCluster is being deleted"


def _room(name: str, spec: SubscriptionSpec, snapshot: Snapshot, fact: ClusterFacts) -> Iterator[str]:
    """What dividing by room looks at."""
    dividing = spec.dividing_scheduling
    if spec.scheduling_strategy != "Dividing" or dividing is None or dividing.type != "Dynamic":
        return
    nodes = nodes_of(fact)
    for feed in replicas.Feeds(snapshot).of(name):
        if nodes is None:
            yield "nothing is known of its capacity"
            return
        runs = fact.running.get(feed.feed, 0) if fact.nodes is not None else 0
        has = f", beside {runs} that run" if runs else ""
        yield f"{feed.feed}: {room(nodes, feed.need)} more fit there by themselves{has}"
    rules = dividing.dynamic_dividing
    if rules is not None and rules.preferred_clusters:
        yield f"score {nodeterms.score(fact, rules.preferred_clusters)} by preferredClusters"
    for one in (rules.topology_spread_constraints if rules else None) or ():
        yield f"domain {one.topology_key}={fact.labels.get(one.topology_key, '(none)')}, maxSkew {one.max_skew}"


def _history(scheduled: Scheduled, fact: ClusterFacts, before: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    yield "it was there before" if fact.id in before else "it was not there before"
    for move in scheduled.moves:
        if move.cluster == fact.id:
            yield f"{move.feed}: {move.before} -> {move.after}, {move.reason}"
    for short in scheduled.shortfalls:
        yield f"{short.missing} of {short.wanted} replicas of {short.feed} fit nowhere"
