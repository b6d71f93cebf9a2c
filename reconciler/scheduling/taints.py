"""Taints of clusters against tolerations of Subscriptions, as Kubernetes matches those of nodes and pods.

`tolerationSeconds` is accepted and has no effect, as in Clusternet; `PreferNoSchedule` never keeps a cluster out, but
puts it after others where there is a choice.
"""

from collections.abc import Sequence

from reconciler.model.authored import Toleration
from reconciler.model.clusters import TaintFact

_BLOCKING = frozenset({"NoSchedule", "NoExecute"})


def untolerated(taints: Sequence[TaintFact], tolerations: Sequence[Toleration]) -> TaintFact | None:
    """The first taint that keeps the cluster out, or None."""
    for taint in taints:
        if taint.effect in _BLOCKING and not any(tolerates(toleration, taint) for toleration in tolerations):
            return taint
    return None


def unpreferred(taints: Sequence[TaintFact], tolerations: Sequence[Toleration]) -> int:
    """How many `PreferNoSchedule` taints are not tolerated."""
    return sum(
        taint.effect == "PreferNoSchedule" and not any(tolerates(toleration, taint) for toleration in tolerations)
        for taint in taints
    )


def tolerates(toleration: Toleration, taint: TaintFact) -> bool:
    """Kubernetes' `ToleratesTaint`: an empty effect or key stands for all, the operator defaults to Equal."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    return toleration.operator == "Exists" or (toleration.value or "") == taint.value
