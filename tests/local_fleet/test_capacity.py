"""What we count as free on real nodes is what Kubernetes' scheduler fills: so many replicas run, one more waits."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.kube.client import connect
from reconciler.adapters.kube.kubeconfig import resolve
from reconciler.apply import childfacts
from reconciler.model.clusters import ClusterFacts
from reconciler.model.settings import Access
from reconciler.scheduling.nodes import room
from reconciler.scheduling.requirements import of_pod
from tests.plugins.fleet import Cluster, Fleet

Body = dict[str, Any]
AMOUNTS = (
    {"cpu": "8", "memory": "16Gi", "pods": "20", "example.com/card": "3"},
    {"cpu": "5", "memory": "4Gi", "pods": "20"},
)


def container(name: str, *, limits: Body | None = None, always: bool = False, **requests: str) -> Body:
    body: Body = {"name": name, "image": "example/web:1", "resources": {"requests": requests}}
    if limits:
        body["resources"]["limits"] = limits
    return body | ({"restartPolicy": "Always"} if always else {})


@pytest.fixture
def pool(fleet: Fleet, namespace: str) -> Iterator[str]:
    """Two nodes of a child for the pods of one test alone; the name of their taint and label."""
    child, name = fleet.children[0], f"pool-{namespace}"
    for number, amounts in enumerate(AMOUNTS):
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": f"{name}-{number}",
                "labels": {"pool": name, "kubernetes.io/hostname": f"{name}-{number}"},
                "annotations": {"kwok.x-k8s.io/node": "fake"},
            },
            "spec": {"taints": [{"key": "pool", "value": name, "effect": "NoSchedule"}]},
        }
        status = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"{name}-{number}"}}
        child.api.apply(f"/api/v1/nodes/{name}-{number}", node)
        child.api.apply(
            f"/api/v1/nodes/{name}-{number}/status", status | {"status": {"capacity": amounts, "allocatable": amounts}}
        )
    child.kubectl("wait", "nodes", "-l", f"pool={name}", "--for=condition=Ready", "--timeout=60s")
    yield name
    for number in range(len(AMOUNTS)):
        child.api.delete(f"/api/v1/nodes/{name}-{number}")


def template(pool: str, *containers: Body, **more: Any) -> Body:
    spec = {
        "containers": list(containers),
        "nodeSelector": {"pool": pool},
        "tolerations": [{"key": "pool", "operator": "Equal", "value": pool, "effect": "NoSchedule"}],
        **more,
    }
    return {"metadata": {"labels": {"app": "web"}}, "spec": spec}


def facts_of(child: Cluster) -> ClusterFacts:
    async def ask() -> ClusterFacts:
        how = resolve(Access(context=child.context), {"KUBECONFIG": str(child.kubeconfig)}, Path.home())
        async with connect(how) as client:
            return await childfacts.with_room(client, ClusterFacts("i", "n", child.name))

    return asyncio.run(ask())


def deploy(child: Cluster, namespace: str, replicas: int, pod: Body) -> None:
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": pod},
    }
    child.api.apply(f"/apis/apps/v1/namespaces/{namespace}/deployments/web", body)


def bound(child: Cluster, namespace: str, replicas: int) -> int:
    """How many pods have a node, once the scheduler has looked at all of them."""
    deadline = time.monotonic() + 60
    while True:
        pods = json.loads(child.kubectl("get", "pods", "-n", namespace, "-l", "app=web", "-o", "json"))["items"]
        looked = [
            {c["type"]: c["status"] for c in pod["status"].get("conditions", ())}.get("PodScheduled") for pod in pods
        ]
        if len(looked) == replicas and None not in looked:
            return looked.count("True")
        assert time.monotonic() < deadline, looked
        time.sleep(0.1)


PODS: dict[str, dict[str, Any]] = {
    "requests": {"containers": [container("main", cpu="900m", memory="700Mi")]},
    "limits-only": {"containers": [container("main", limits={"cpu": "1500m", "memory": "1Gi"})]},
    "init-container-is-larger": {
        "containers": [container("main", cpu="500m")],
        "initContainers": [container("setup", cpu="2")],
    },
    "sidecar": {
        "containers": [container("main", cpu="500m")],
        "initContainers": [container("proxy", cpu="250m", always=True), container("setup", cpu="1")],
    },
    "extended-resource": {"containers": [container("main", limits={"example.com/card": "1"})]},
    "nothing-asked": {"containers": [container("main")]},
}


@pytest.mark.parametrize("spec", PODS.values(), ids=PODS)
def test_so_many_replicas_run_and_one_more_waits(fleet: Fleet, namespace: str, pool: str, spec: dict[str, Any]) -> None:
    child, pod = fleet.children[0], template(pool, *spec["containers"], initContainers=spec.get("initContainers", []))
    before = facts_of(child)
    fitting = room(before.nodes or (), of_pod(pod))
    assert fitting > 0
    deploy(child, namespace, fitting + 1, pod)
    assert bound(child, namespace, fitting + 1) == fitting
    after = facts_of(child)
    assert room(after.nodes or (), of_pod(pod)) == 0
    assert after.running[f"apps/v1/Deployment/{namespace}/web"] == fitting


def test_a_closed_node_takes_no_more(fleet: Fleet, namespace: str, pool: str) -> None:
    child, pod = fleet.children[0], template(pool, container("main", cpu="1"))
    child.kubectl("cordon", f"{pool}-0")
    fitting = room(facts_of(child).nodes or (), of_pod(pod))
    assert fitting == 5
    deploy(child, namespace, fitting + 1, pod)
    assert bound(child, namespace, fitting + 1) == fitting
