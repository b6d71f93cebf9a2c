"""Pods on simulated nodes become what a test needs them to be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.plugins.fleet import Cluster, Fleet


def _deployment(outcome: str | None) -> str:
    annotations = {"local-fleet/outcome": outcome} if outcome else {}
    template = {
        "metadata": {"labels": {"app": "web"}, "annotations": annotations},
        "spec": {"containers": [{"name": "web", "image": "example/web:1"}]},
    }
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    document = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    return json.dumps(document)


def _pods(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(cluster.kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
    return items


def test_deployment_becomes_ready_on_simulated_nodes(fleet: Fleet, namespace: str) -> None:
    child = fleet.children[0]
    child.kubectl("apply", "-n", namespace, "-f", "-", input=_deployment(None))
    child.kubectl("wait", "-n", namespace, "deployment/web", "--for=condition=Available", "--timeout=30s")
    assert {pod["status"]["podIP"].rsplit(".", 2)[0] for pod in _pods(child, namespace)} == {"10.151"}


def test_job_completes(fleet: Fleet, namespace: str) -> None:
    child = fleet.children[1]
    child.kubectl("create", "job", "once", "-n", namespace, "--image=example/job:1")
    child.kubectl("wait", "-n", namespace, "job/once", "--for=condition=Complete", "--timeout=30s")


@pytest.mark.parametrize(("outcome", "phase"), [("fail", "Failed"), ("pending", "Pending")])
def test_annotation_decides_the_fate_of_a_pod(fleet: Fleet, namespace: str, outcome: str, phase: str) -> None:
    child = fleet.children[2]
    manifest = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "one", "annotations": {"local-fleet/outcome": outcome}},
            "spec": {"containers": [{"name": "one", "image": "example/one:1"}], "restartPolicy": "Never"},
        }
    )
    child.kubectl("wait", "-n", namespace, "serviceaccount/default", "--for=create", "--timeout=30s")
    child.kubectl("apply", "-n", namespace, "-f", "-", input=manifest)
    child.kubectl("wait", "-n", namespace, "pod/one", "--for=jsonpath={.status.containerStatuses}", "--timeout=30s")
    assert [pod["status"]["phase"] for pod in _pods(child, namespace)] == [phase]


def test_namespace_is_deleted_with_its_content(fleet: Fleet, namespace: str) -> None:
    child = fleet.children[0]
    child.kubectl("apply", "-n", namespace, "-f", "-", input=_deployment(None))
    child.kubectl("delete", "namespace", namespace, "--timeout=60s")


def test_each_cluster_has_address_ranges_of_its_own(fleet: Fleet, namespace: str) -> None:
    for number, cluster in enumerate(fleet.clusters):
        cluster.kubectl("create", "service", "clusterip", "web", "-n", namespace, "--tcp=80")
        address = cluster.kubectl("get", "service", "web", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")
        assert address.startswith(f"10.{100 + number}.")
