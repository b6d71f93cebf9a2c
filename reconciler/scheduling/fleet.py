"""The fleet as scheduling sees it, prepared once for all Subscriptions, and which clusters a Subscription may go to.

A candidate is a cluster that a subscriber selects, whose taints are tolerated, that nobody deletes, and that its
subgroup takes. Candidates are in order of ties: fewest `PreferNoSchedule` taints that are not tolerated, then binding.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from reconciler.model.authored import Subscriber, SubscriptionSpec
from reconciler.model.clusters import ClusterFacts, TaintFact
from reconciler.model.placement import Placement, Reason, Refusal
from reconciler.model.selectors import LabelIndex
from reconciler.model.status import FleetStatus
from reconciler.scheduling.taints import unpreferred, untolerated

Rows = Mapping[str, Mapping[str, int]]
"""Of one Subscription: replicas by feed key, by cluster id. A row without replicas is a binding."""


class Refused(dict[str, Refusal]):
    """Refusals for one reason in the same words, by cluster; each is made once."""

    def __init__(self, reason: Reason, message: str) -> None:
        """Nothing is refused yet."""
        self._reason, self._message = reason, message

    def __missing__(self, cluster: str) -> Refusal:
        self[cluster] = made = Refusal(cluster, self._reason, self._message)
        return made


class Fleet:
    """Facts and previous placements. Placements and refusals are shared between Subscriptions."""

    def __init__(self, facts: Mapping[str, ClusterFacts], previous: FleetStatus) -> None:
        """Order everything once."""
        self.facts = facts
        self.clusters = tuple(sorted(facts.values(), key=lambda cluster: (cluster.binding, cluster.id)))
        """By binding, the order of placements and of ties."""
        self.labels = LabelIndex({cluster.id: cluster.labels for cluster in self.clusters})
        self.hindered = tuple(cluster for cluster in self.clusters if cluster.taints or cluster.deleting)
        self.whole = tuple(Placement(cluster.binding, cluster.id) for cluster in self.clusters)
        self.unselected = tuple(
            Refusal(name, Reason.NOT_SELECTED, "no subscriber selects its labels") for name in sorted(facts)
        )
        self._refused: dict[tuple[Reason, str], Refused] = {}
        self._before: dict[str, dict[str, Mapping[str, int]]] = {}
        for unit, status in previous.units.items():
            self._before.setdefault(unit.subscription, {})[unit.cluster] = status.replicas

    def before(self, subscription: str) -> Rows:
        """Where a Subscription was, clusters that are gone included."""
        return self._before.get(subscription, {})

    def refused(self, reason: Reason, message: str) -> Refused:
        """Refusals in these words, shared."""
        found = self._refused.get((reason, message))
        if found is None:
            found = self._refused[reason, message] = Refused(reason, message)
        return found

    def refusals(self, placed: Iterable[str], reasons: Mapping[str, Refusal]) -> tuple[Refusal, ...]:
        """Refusals of all clusters but the placed ones, sorted; those without a reason are not selected."""
        there = frozenset(placed)
        if not reasons:
            return tuple(refusal for refusal in self.unselected if refusal.cluster not in there)
        return tuple(reasons.get(one.cluster, one) for one in self.unselected if one.cluster not in there)


class Candidates(msgspec.Struct, frozen=True):
    """Clusters that a Subscription may go to, and why not to others."""

    clusters: tuple[str, ...]
    """Ids in order of ties."""
    refused: Mapping[str, Refusal]
    """Selected clusters that are none, by id."""
    matching: tuple[tuple[Subscriber, frozenset[str]], ...]
    """Every subscriber with all clusters that it selects."""
    unpreferred: Mapping[str, int]
    """Untolerated `PreferNoSchedule` taints of clusters that have some."""


def candidates(spec: SubscriptionSpec, fleet: Fleet, before: Rows) -> Candidates:
    """The candidates for a Subscription that was where `before` says."""
    matching = tuple((subscriber, fleet.labels.select(subscriber.cluster_affinity)) for subscriber in spec.subscribers)
    selected: frozenset[str] = frozenset().union(*(chosen for _, chosen in matching))
    refused = dict(_hindrances(spec, selected, fleet))
    tolerations = spec.cluster_tolerations or ()
    marks = {
        cluster.id: count
        for cluster in fleet.hindered
        if cluster.id in selected and (count := unpreferred(cluster.taints, tolerations))
    }
    fit = [cluster.id for cluster in fleet.clusters if cluster.id in selected and cluster.id not in refused]
    if marks:
        fit.sort(key=lambda cluster: marks.get(cluster, 0))
    if spec.scheduling_by_sub_group:
        taken = _grouped(matching, fit, marks, before)
        refused |= {cluster: _others_first(fleet)[cluster] for cluster in fit if cluster not in taken}
        fit = [cluster for cluster in fit if cluster in taken]
    return Candidates(tuple(fit), refused, matching, marks)


def _others_first(fleet: Fleet) -> Refused:
    return fleet.refused(Reason.SUBGROUP, "its subgroups take no more clusters, and others come first")


def _hindrances(spec: SubscriptionSpec, selected: frozenset[str], fleet: Fleet) -> Iterator[tuple[str, Refusal]]:
    tolerations = spec.cluster_tolerations or ()
    for cluster in fleet.hindered:
        if cluster.id not in selected:
            continue
        if cluster.deleting:
            yield cluster.id, fleet.refused(Reason.DELETING, "its ManagedCluster is being deleted")[cluster.id]
        elif taint := untolerated(cluster.taints, tolerations):
            yield cluster.id, fleet.refused(Reason.TAINTED, f"taint {told(taint)} is not tolerated")[cluster.id]


def told(taint: TaintFact) -> str:
    """A taint as kubectl writes it."""
    return f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"


def _grouped(
    matching: Iterable[tuple[Subscriber, frozenset[str]]], fit: list[str], marks: Mapping[str, int], before: Rows
) -> frozenset[str]:
    """What the subgroups take, each exactly its number in the order of subscribers; a cluster is taken once."""
    order = sorted(fit, key=lambda cluster: (marks.get(cluster, 0), cluster not in before))
    taken: set[str] = set()
    for subscriber, chosen in matching:
        strategy = subscriber.sub_group_strategy
        free = [cluster for cluster in order if cluster in chosen and cluster not in taken]
        taken.update(free[: strategy.min_clusters if strategy else 0])
    return frozenset(taken)
