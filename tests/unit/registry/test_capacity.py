"""Room on nodes and the replicas that take it, from plain nodes and pods."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from reconciler.model.clusters import NodeFact, TaintFact
from reconciler.model.requests import amount, requests_of
from reconciler.registry.capacity import room

Body = dict[str, Any]


def container(name: str = "main", *, limits: Body | None = None, always: bool = False, **requests: str) -> Body:
    resources = ({"requests": requests} if requests else {}) | ({"limits": limits} if limits else {})
    return {"name": name, "resources": resources} | ({"restartPolicy": "Always"} if always else {})


def node(name: str, labels: Body | None = None, **allocatable: str) -> Body:
    amounts = {"cpu": "4", "memory": "8Gi", "pods": "10"} | {k.replace("__", "/"): v for k, v in allocatable.items()}
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", **(labels or {})}
    return {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": {"allocatable": amounts}}


def pod(on: str, *containers: Body, phase: str = "Running", owner: Body | None = None, **more: Any) -> Body:
    metadata: Body = {"name": "p", "namespace": "shop", "labels": more.pop("labels", {})}
    if owner:
        metadata["ownerReferences"] = [{"controller": True, **owner}]
    spec = {"nodeName": on, "containers": list(containers), **more}
    return {"metadata": metadata, "spec": spec, "status": {"phase": phase}}


def free(*pods: Body, **allocatable: str) -> dict[str, int]:
    (only,) = room([node("n1", **allocatable)], pods).nodes
    return dict(only.free)


SPECS: dict[str, tuple[Body, dict[str, int]]] = {
    "nothing-asked": ({"containers": [container()]}, {}),
    "containers-add-up": (
        {"containers": [container(cpu="100m", memory="1Gi"), container("b", cpu="1")]},
        {"cpu": 1100, "memory": 1 << 30},
    ),
    "fractions-round-up-once-per-pod": (
        {"containers": [container(cpu="100u"), container("b", cpu="100u"), container("c", memory="1500m")]},
        {"cpu": 1, "memory": 2},
    ),
    "an-init-container-runs-alone": (
        {"containers": [container(cpu="1"), container("b", cpu="1")], "initContainers": [container("i", cpu="3")]},
        {"cpu": 3000},
    ),
    "init-containers-run-one-by-one": (
        {
            "containers": [container(cpu="1", memory="2Gi")],
            "initContainers": [container("i", cpu="2"), container("j", cpu="1", memory="1Gi")],
        },
        {"cpu": 2000, "memory": 2 << 30},
    ),
    "a-sidecar-runs-beside-all-that-follow": (
        {
            "containers": [container(cpu="1")],
            "initContainers": [
                container("first", cpu="2"),
                container("proxy", cpu="500m", always=True),
                container("second", cpu="2"),
            ],
        },
        {"cpu": 2500},
    ),
    "two-sidecars": (
        {
            "containers": [container(cpu="1")],
            "initContainers": [container("a", cpu="1", always=True), container("b", cpu="1", always=True)],
        },
        {"cpu": 3000},
    ),
    "a-limit-is-a-request": (
        {"containers": [container(limits={"cpu": "2", "memory": "1Gi"})]},
        {"cpu": 2000, "memory": 1 << 30},
    ),
    "a-request-beside-a-limit-stands": (
        {"containers": [container(limits={"cpu": "2", "memory": "1Gi"}, cpu="1")]},
        {"cpu": 1000, "memory": 1 << 30},
    ),
    "overhead-comes-on-top": (
        {"containers": [container(cpu="1")], "overhead": {"cpu": "250m", "memory": "64Mi"}},
        {"cpu": 1250, "memory": 64 << 20},
    ),
    "amounts-of-the-pod-count-instead": (
        {"containers": [container(cpu="1", memory="1Gi")], "resources": {"requests": {"cpu": "4"}}},
        {"cpu": 4000, "memory": 1 << 30},
    ),
    "a-limit-of-the-pod-counts-where-nobody-asks": (
        {"containers": [container(cpu="1")], "resources": {"limits": {"cpu": "4", "memory": "1Gi"}}},
        {"cpu": 1000, "memory": 1 << 30},
    ),
    "extended-resources": ({"containers": [container(**{"nvidia.com/gpu": "2"})]}, {"nvidia.com/gpu": 2}),
    "what-is-no-list-asks-for-nothing": ({"containers": {"main": {}}, "initContainers": "x"}, {}),
}


@pytest.mark.parametrize(("spec", "expected"), SPECS.values(), ids=SPECS)
def test_requests_of_a_pod(spec: Body, expected: dict[str, int]) -> None:
    assert requests_of(spec) == expected


def test_a_pod_that_is_being_resized_holds_the_larger_of_wish_and_state() -> None:
    status = {"containerStatuses": [{"name": "main", "allocatedResources": {"cpu": "2"}, "resources": {}}]}
    assert requests_of({"containers": [container(cpu="1")]}, status) == {"cpu": 2000}
    assert requests_of({"containers": [container(cpu="3")]}, status) == {"cpu": 3000}


@pytest.mark.parametrize(
    ("resource", "text", "expected"),
    [
        ("cpu", "1", 1000),
        ("cpu", "0.5", 500),
        ("cpu", "1u", 1),
        ("memory", "1Ki", 1024),
        ("memory", "1.5", 2),
        ("pods", 7, 7),
    ],
)
def test_amounts_are_whole_and_rounded_up(resource: str, text: str | int, expected: int) -> None:
    assert amount(resource, text) == expected


def test_what_is_no_quantity_is_said() -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        requests_of({"containers": [container(cpu="much")]})


def test_pods_take_their_requests_and_a_place() -> None:
    left = free(pod("n1", container(cpu="1500m", memory="1Gi")), pod("n1", container()))
    assert left == {"cpu": 2500, "memory": 7 << 30, "pods": 8}


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_is_over_takes_nothing(phase: str) -> None:
    assert free(pod("n1", container(cpu="4"), phase=phase))["cpu"] == 4000


def test_a_pod_that_waits_for_a_node_takes_nothing_and_one_that_starts_does() -> None:
    assert free(pod("", container(cpu="4"), phase="Pending"))["cpu"] == 4000
    assert free(pod("n1", container(cpu="4"), phase="Pending"))["cpu"] == 0


def test_an_over_committed_node_is_negative_and_the_others_stay_as_they_are() -> None:
    found = room([node("n1"), node("n2")], [pod("n1", container(cpu="5"))])
    assert sorted(dict(one.free)["cpu"] for one in found.nodes) == [-1000, 4000]


def test_what_a_node_does_not_have_and_a_pod_holds_is_negative() -> None:
    assert free(pod("n1", container(**{"example.com/card": "1"})))["example.com/card"] == -1


def test_resources_that_nobody_has_or_takes_are_not_told() -> None:
    assert "hugepages-1Gi" not in free(**{"hugepages-1Gi": "0"})
    assert free(**{"example.com__card": "2"})["example.com/card"] == 2


def test_a_closed_node_carries_the_taint_once() -> None:
    closed = node("n1")
    closed["spec"] = {"unschedulable": True}
    told = node("n2")
    told["spec"] = {
        "unschedulable": True,
        "taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}],
    }
    (both,) = room([closed, told], []).nodes
    assert both.count == 2
    assert both.taints == (TaintFact("node.kubernetes.io/unschedulable", "NoSchedule"),)


def test_equal_nodes_are_one_group_whatever_their_names_and_order() -> None:
    nodes = [node("a"), node("b", {"zone": "x"}), node("c"), node("d", {"zone": "x"}), node("e")]
    wanted = room(nodes, []).nodes
    assert [one.count for one in wanted] == [3, 2]
    assert all("kubernetes.io/hostname" not in dict(one.labels) for one in wanted)
    assert all(room(list(order), []).nodes == wanted for order in itertools.permutations(nodes))
    assert wanted[0] == NodeFact(
        3, (("kubernetes.io/os", "linux"),), (), (("cpu", 4000), ("memory", 8 << 30), ("pods", 10))
    )


OWNERS: dict[str, tuple[Body | None, Body, str | None]] = {
    "deployment": (
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "my-web-5d9f"},
        {"pod-template-hash": "5d9f"},
        "apps/v1/Deployment/shop/my-web",
    ),
    "replica-set": ({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web"}, {}, "apps/v1/ReplicaSet/shop/web"),
    "replica-set-with-an-empty-hash": (
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-"},
        {"pod-template-hash": ""},
        "apps/v1/ReplicaSet/shop/web-",
    ),
    "stateful-set": ({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"}, {}, "apps/v1/StatefulSet/shop/db"),
    "job": ({"apiVersion": "batch/v1", "kind": "Job", "name": "once"}, {}, "batch/v1/Job/shop/once"),
    "other": ({"apiVersion": "example.com/v1", "kind": "Game", "name": "g"}, {}, "example.com/v1/Game/shop/g"),
    "daemon-set": ({"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "log"}, {}, None),
    "nobody": (None, {}, None),
}


@pytest.mark.parametrize(("owner", "labels", "key"), OWNERS.values(), ids=OWNERS)
def test_replicas_are_counted_by_the_workload_that_made_them(owner: Body | None, labels: Body, key: str | None) -> None:
    pods = [pod("n1", container(), owner=owner, labels=labels) for _ in range(2)]
    waiting = pod("", container(), owner=owner, labels=labels, phase="Pending")
    assert room([node("n1")], [*pods, waiting]).running == ({key: 2} if key else {})
