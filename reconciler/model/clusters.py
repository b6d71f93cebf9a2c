"""Fleet facts: what is known of the clusters.

A cluster *is* its cluster id; name, labels and dedicated namespace are attributes. Objects that a server wrote are read
leniently here, so that a newer Clusternet does not stop us.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from reconciler.model.objects import Object
from reconciler.model.requests import amounts, quantity_of

EXPORTED = "reconciler.clusternet.io/exported"
"""Annotation of a ManagedCluster in a file: a copy of what a hub knows, not the declaration of a cluster."""
OBSERVED = "reconciler"
"""Member of the status of a ManagedCluster in a file: what Clusternet's own fields cannot say."""
_NOT_OURS = frozenset({EXPORTED, "kubectl.kubernetes.io/last-applied-configuration"})


class TaintFact(msgspec.Struct, frozen=True, order=True):
    """A taint of a ManagedCluster."""

    key: str
    effect: str
    value: str = ""


class NodeFact(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """Nodes of a cluster that are alike: what a pod that asks for resources can still get on each of them."""

    count: int = 1
    labels: tuple[tuple[str, str], ...] = ()
    """Sorted; without `kubernetes.io/hostname`, by which no two nodes would be alike."""
    taints: tuple[TaintFact, ...] = ()
    """Sorted; those of a node that takes no pods now included (`node.kubernetes.io/unschedulable`)."""
    free: tuple[tuple[str, int], ...] = ()
    """What is left of each resource, sorted by name: cpu in thousandths, memory and storage in bytes, pods and
    extended resources in pieces. Negative where more is requested than there is."""


class ClusterFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What scheduling and rendering may know of one cluster."""

    id: str
    """The UUID of `spec.clusterId`."""
    namespace: str
    """The dedicated namespace: Localizations in it belong to this cluster."""
    name: str
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    taints: tuple[TaintFact, ...] = ()
    sync_mode: str = "Push"
    kubernetes: str = ""
    """`gitVersion` of its API server, empty when unknown."""
    platform: str = ""
    ready: bool | None = None
    """Its Ready condition; None when nobody observed it."""
    deleting: bool = False
    """Somebody deletes its ManagedCluster: nothing new goes there."""
    capacity: Mapping[str, str] = {}
    allocatable: Mapping[str, str] = {}
    nodes: tuple[NodeFact, ...] | None = None
    """Room on its nodes; None when nobody looked, so that only `allocatable` tells of its capacity."""
    running: Mapping[str, int] = {}
    """Replicas that run there and are taken off in `nodes` already, by feed key (`apps/v1/Deployment/default/web`)."""
    apis: Mapping[str, bool] = {}
    """Kinds that its API server serves (`apps/v1/Deployment`), and whether their objects live in namespaces."""
    exported: bool = False
    """It comes from a file that `cluster export` wrote of a hub's cluster."""

    @property
    def binding(self) -> str:
        """`namespace/name`, as `status.bindingClusters` of a Subscription spells it."""
        return f"{self.namespace}/{self.name}"


def facts_of(obj: Object) -> ClusterFacts:
    """Facts of a ManagedCluster object (contract `clusternet-clusters.md` §1.2), from a file or from a server."""
    metadata, spec, status = obj["metadata"], obj["spec"], obj.get("status") or {}
    annotations, observed = metadata.get("annotations") or {}, status.get(OBSERVED)
    ready = {c.get("type"): c.get("status") for c in status.get("conditions") or ()}.get("Ready")
    return ClusterFacts(
        id=spec["clusterId"].lower(),
        namespace=metadata.get("namespace") or "default",
        name=metadata["name"],
        labels=metadata.get("labels") or {},
        annotations={key: value for key, value in annotations.items() if key not in _NOT_OURS},
        taints=tuple(sorted(TaintFact(t["key"], t["effect"], t.get("value") or "") for t in spec.get("taints") or ())),
        sync_mode=spec.get("syncMode") or "Push",
        kubernetes=status.get("k8sVersion") or "",
        platform=status.get("platform") or "",
        ready=None if ready is None else ready == "True",
        deleting=bool(metadata.get("deletionTimestamp")),
        capacity={k: str(v) for k, v in (status.get("capacity") or {}).items()},
        allocatable={k: str(v) for k, v in (status.get("allocatable") or {}).items()},
        **_observed(observed) if isinstance(observed, Mapping) else {},
        exported=EXPORTED in annotations,
    )


def _observed(told: Mapping[str, Any]) -> dict[str, Any]:
    """Nodes, running replicas and served kinds as `cluster export` writes them; nothing where they cannot be read."""
    try:
        apis = told.get("apis") or {}
        return {
            "nodes": tuple(_node(one) for one in told["nodes"]) if told.get("nodes") is not None else None,
            "running": {str(feed): int(count) for feed, count in (told.get("running") or {}).items()},
            "apis": _apis(*(tuple(apis.get(word) or ()) for word in _SCOPES.values())),
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}


@lru_cache(maxsize=256)
def _apis(cluster: tuple[str, ...], namespaced: tuple[str, ...]) -> Mapping[str, bool]:
    """Served kinds, one value for all the clusters that serve the same: there are thousands of those."""
    return dict(sorted((dict.fromkeys(cluster, False) | dict.fromkeys(namespaced, True)).items()))


def _node(told: Mapping[str, Any]) -> NodeFact:
    taints = (TaintFact(t["key"], t["effect"], t.get("value") or "") for t in told.get("taints") or ())
    return NodeFact(
        count=int(told.get("count", 1)),
        labels=tuple(sorted((told.get("labels") or {}).items())),
        taints=tuple(sorted(taints)),
        free=tuple(sorted(amounts(told.get("free")).items())),
    )


_SCOPES = {False: "cluster", True: "namespaced"}


def observed_of(facts: ClusterFacts) -> dict[str, Any]:
    """What `facts_of` reads back from the member `OBSERVED` of a status; without what nobody looked at. Sorted."""
    told: dict[str, Any] = {}
    if facts.apis:
        kinds = sorted(facts.apis.items())
        told["apis"] = {word: [kind for kind, at in kinds if at is scope] for scope, word in _SCOPES.items()}
    if facts.nodes is not None:
        told["nodes"] = [_told(node) for node in facts.nodes]
    if facts.running:
        told["running"] = dict(sorted(facts.running.items()))
    return told


def _told(node: NodeFact) -> dict[str, Any]:
    taints = [{"key": t.key, **({"value": t.value} if t.value else {}), "effect": t.effect} for t in node.taints]
    return {
        "count": node.count,
        "free": {name: quantity_of(name, free) for name, free in node.free},
        **({"labels": dict(node.labels)} if node.labels else {}),
        **({"taints": taints} if taints else {}),
    }
