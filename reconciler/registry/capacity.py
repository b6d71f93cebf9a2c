"""The room that is left on the nodes of a cluster, and the replicas that take it, from its nodes and pods.

As Kubernetes' scheduler counts it, node by node: what a node may give, less what the pods on it ask for. A node that
gives more than it has is negative by itself and costs the others nothing. Pods that wait for a node take no room.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from reconciler.model.clusters import NodeFact, TaintFact
from reconciler.model.objects import Object
from reconciler.model.requests import amounts, requests_of

HOSTNAME = "kubernetes.io/hostname"
_OVER = frozenset({"Succeeded", "Failed"})
_CLOSED = TaintFact("node.kubernetes.io/unschedulable", "NoSchedule")
_HASH = "pod-template-hash"


class Room(msgspec.Struct, frozen=True):
    """What facts say of a cluster's nodes."""

    nodes: tuple[NodeFact, ...]
    running: Mapping[str, int]
    """Replicas by feed key, sorted."""


def room(nodes: Iterable[Object], pods: Iterable[Object]) -> Room:
    """Nodes that are alike grouped and sorted, and the replicas on them by the workload that they belong to."""
    used: dict[str, Counter[str]] = {}
    running: Counter[str] = Counter()
    for pod in pods:
        spec, status = pod.get("spec") or {}, pod.get("status") or {}
        if not spec.get("nodeName") or status.get("phase") in _OVER:
            continue
        taken = used.setdefault(spec["nodeName"], Counter())
        taken.update(requests_of(spec, status))
        taken["pods"] += 1
        if workload := _workload(pod["metadata"]):
            running[workload] += 1
    groups = Counter(_node(node, used.get(node["metadata"]["name"], Counter())) for node in nodes)
    # By labels before numbers, so that the order of groups is the same while pods come and go.
    alike = tuple(msgspec.structs.replace(node, count=count) for node, count in sorted(groups.items()))
    return Room(alike, dict(sorted(running.items())))


def _node(node: Object, taken: Mapping[str, int]) -> NodeFact:
    spec, labels = node.get("spec") or {}, node["metadata"].get("labels") or {}
    there = amounts((node.get("status") or {}).get("allocatable"))
    taints = {TaintFact(t["key"], t["effect"], t.get("value") or "") for t in spec.get("taints") or ()}
    if spec.get("unschedulable") and not any((t.key, t.effect) == (_CLOSED.key, _CLOSED.effect) for t in taints):
        taints.add(_CLOSED)
    left = {name: there.get(name, 0) - taken.get(name, 0) for name in there.keys() | taken.keys()}
    return NodeFact(
        labels=tuple(sorted((key, value) for key, value in labels.items() if key != HOSTNAME)),
        taints=tuple(sorted(taints)),
        free=tuple(sorted((name, free) for name, free in left.items() if free or there.get(name))),
    )


def _workload(metadata: Object) -> str:
    """The feed key of whoever made a pod: of a ReplicaSet that a Deployment made, the Deployment."""
    owner = next((one for one in metadata.get("ownerReferences") or () if one.get("controller")), None)
    if owner is None or owner["kind"] == "DaemonSet":
        return ""
    kind, name = owner["kind"], owner["name"]
    # A Deployment names its ReplicaSets after itself and the hash that it labels their pods with.
    suffix = f"-{(metadata.get('labels') or {}).get(_HASH) or ''}"
    if kind == "ReplicaSet" and len(suffix) > 1 and name.endswith(suffix):
        kind, name = "Deployment", name.removesuffix(suffix)
    return f"{owner['apiVersion']}/{kind}/{metadata['namespace']}/{name}"
