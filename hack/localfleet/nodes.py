"""Simulated nodes: Node objects that KWOK plays the kubelet for."""

from __future__ import annotations

from typing import Any

from localfleet.api import Api
from localfleet.controlplane import NODE_ANNOTATION
from localfleet.spec import ClusterSpec
from localfleet.waiting import wait_until

_CAPACITY = {"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "250"}
_OURS = "reconciler.local/simulated-node"


def node(cluster: ClusterSpec, number: int) -> dict[str, Any]:
    """One Node without taints, so that ordinary workloads land on it; its pods live in the cluster's own range."""
    name = f"{cluster.name}-node{number}"
    labels = {
        _OURS: "true",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": f"{cluster.name}-{'abc'[(number - 1) % 3]}",
    }
    metadata = {"name": name, "labels": labels, "annotations": {NODE_ANNOTATION: "fake"}}
    podcidr = cluster.pod_cidr.replace(".0.0/16", f".{number % 256}.0/24")
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"podCIDR": podcidr}}


def ensure(api: Api, cluster: ClusterSpec) -> None:
    """Exactly the nodes that the cluster should have, capacity set."""
    wanted = {document["metadata"]["name"]: document for document in _nodes(cluster)}
    for surplus in _ours(api) - set(wanted):
        api.delete(f"/api/v1/nodes/{surplus}")
    for name, document in wanted.items():
        api.apply(f"/api/v1/nodes/{name}", document)
        status = {"capacity": _CAPACITY, "allocatable": _CAPACITY}
        bare = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}
        api.apply(f"/api/v1/nodes/{name}/status", bare)


def wait_ready(api: Api, cluster: ClusterSpec, seconds: float) -> None:
    """Return when every simulated node is Ready."""
    wait_until(
        lambda: ready_count(api) >= cluster.nodes,
        seconds,
        f"{cluster.name}: not all {cluster.nodes} nodes became Ready in {seconds:.0f} s",
    )


def ready_count(api: Api) -> int:
    """How many nodes are Ready."""
    items = api.get("/api/v1/nodes")["items"]
    return sum(any(_is_ready(c) for c in item["status"].get("conditions", [])) for item in items)


def _is_ready(condition: dict[str, Any]) -> bool:
    return bool(condition["type"] == "Ready" and condition["status"] == "True")


def _nodes(cluster: ClusterSpec) -> list[dict[str, Any]]:
    return [node(cluster, number) for number in range(1, cluster.nodes + 1)]


def _ours(api: Api) -> set[str]:
    items = api.get(f"/api/v1/nodes?labelSelector={_OURS}")["items"]
    return {item["metadata"]["name"] for item in items}
