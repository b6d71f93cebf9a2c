"""How the replicas of one cluster came about, in one line: the arithmetic of dividing by weight."""

from collections.abc import Mapping

from reconciler.model.clusters import ClusterFacts
from reconciler.model.placement import Scheduled
from reconciler.model.selectors import LabelIndex
from reconciler.model.snapshot import Snapshot


def by_weight(
    snapshot: Snapshot, facts: Mapping[str, ClusterFacts], scheduled: Scheduled, cluster: str, replicas: tuple[int, int]
) -> str:
    """`weight 2 of 3: 6 x 2 / 3 = 4`; empty where replicas are not divided by weight.

    `replicas`: in the whole fleet, and on this cluster.
    """
    spec = snapshot.subscriptions[scheduled.subscription].value.spec
    dividing = spec.dividing_scheduling
    if spec.scheduling_strategy != "Dividing" or (dividing is not None and dividing.type != "Static"):
        return ""
    index = LabelIndex({name: one.labels for name, one in facts.items()})
    weights = {placement.cluster: 0 for placement in scheduled.placements}
    for subscriber in spec.subscribers:
        for chosen in index.select(subscriber.cluster_affinity) & weights.keys():
            weights[chosen] += subscriber.weight
    together, own = sum(weights.values()), weights[cluster]
    whole, got = replicas
    if not together:
        return ""
    base = whole * own // together
    rest = f", {got - base} more of the remainder" if got > base else ""
    return f"weight {own} of {together}: {whole} x {own} / {together} = {base}{rest}"
