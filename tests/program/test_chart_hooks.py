"""A chart with hooks through its whole life on a real cluster, by an account that may do only what `rbac` prints.

The oracle of what is left is helm itself, in a namespace beside ours; but helm's hooks outlive their release, and ours
go with their chart.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.plugins.fleet import Cluster, Fleet, tool
from tests.program import live, manifests, template
from tests.program.fleetrepo import FleetRepo
from tests.program.test_rbac import with_token

pytestmark = [pytest.mark.xdist_group("program"), pytest.mark.needs_tool("helm")]
KINDS = "configmaps,jobs,secrets"


def hook(name: str, events: str, weight: int = 0, policy: str = "") -> dict[str, Any]:
    annotations = {"helm.sh/hook": events, "helm.sh/hook-weight": str(weight)}
    annotations |= {"helm.sh/hook-delete-policy": policy} if policy else {}
    container = {"name": "main", "image": "busybox:1.37.0"}
    pod = {"restartPolicy": "Never", "containers": [container]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }


def chart(version: str, value: str) -> dict[str, object]:
    """The files of a chart with a Job for every event, and objects that stay."""
    plain = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": {"value": value}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "stringData": {"key": f"s-{value}"}}
    hooks = [
        hook("prepare", "pre-install,pre-upgrade", weight=-5, policy="before-hook-creation,hook-succeeded"),
        hook("migrate", "pre-install,pre-upgrade"),
        hook("announce", "post-install"),
        hook("upgraded", "post-upgrade"),
        hook("goodbye", "pre-delete"),
        hook("gone", "post-delete", policy="hook-succeeded"),
    ]
    return {
        "charts/app/Chart.yaml": {"apiVersion": "v2", "name": "app", "version": version},
        "charts/app/templates/all.yaml": "\n---\n".join(yaml.safe_dump(one) for one in (plain, secret, *hooks)),
    }


class Helm:
    """helm by hand, in a namespace of its own."""

    def __init__(self, child: Cluster, namespace: str, chart: Path) -> None:
        self._child, self._namespace, self._chart = child, namespace, chart

    def run(self, verb: str) -> None:
        what = [str(self._chart)] if verb != "uninstall" else []
        command = [str(tool("helm")), verb, "app", *what, "-n", self._namespace, "--kubeconfig"]
        subprocess.run([*command, str(self._child.kubeconfig)], check=True, capture_output=True, env=os.environ)


def left(child: Cluster, namespace: str) -> list[str]:
    """What is there, without what the cluster and helm themselves keep."""
    items = live.get(child, KINDS, "--namespace", namespace)["items"]
    names = {
        f"{one['kind']}/{one['metadata']['name']}" for one in items if not one["metadata"].get("deletionTimestamp")
    }
    return sorted(name for name in names if "kube-root-ca" not in name and "sh.helm.release" not in name)


@pytest.fixture
def by_hand(fleet: Fleet, fleet_id: str) -> Iterator[str]:
    name, child = f"{fleet_id}-helm", fleet.children[2]
    child.kubectl("create", "namespace", name)
    yield name
    child.kubectl("delete", "namespace", name, "--wait=false")


def test_hooks_of_a_chart_run_as_with_helm_and_need_no_right_beyond_those_printed(
    fleet: Fleet, repo: FleetRepo, fleet_id: str, by_hand: str, tmp_path: Path
) -> None:
    child = fleet.children[2]
    repo.env["RECONCILER_HELM"] = str(tool("helm"))
    helm = Helm(child, by_hand, repo.work / "charts/app")
    release = {
        "apiVersion": "apps.clusternet.io/v1alpha1",
        "kind": "HelmChart",
        "metadata": {"name": "app", "namespace": "default"},
        "spec": {"repo": "charts", "chart": "app", "version": "1.0.0", "targetNamespace": fleet_id},
    }
    own = [manifests.namespace(fleet_id), manifests.config_map(fleet_id, "beside", "1")]
    subscribed = manifests.subscription("app", [release, *own])
    settings = manifests.settings(
        fleet_id, {"only": {"context": child.context}}, inventory={"namespace": f"{fleet_id}-inventory"}
    )
    repo.commit(
        {
            "fleet.yaml": settings,
            "clusters.yaml": manifests.clusters(fleet_id, ["only"]),
            "own.yaml": [subscribed, release, *own],
            **chart("1.0.0", "one"),
        }
    )
    env = {"RECONCILER_HELM": repo.env["RECONCILER_HELM"]}
    account = f"{fleet_id}-inventory/deployer"
    printed = template.run("rbac", "only", "--account", account, "--namespaces", at=repo.work, env=env)
    made = list(yaml.safe_load_all(printed.stdout))
    try:
        child.kubectl("apply", "-f", "-", input=printed.stdout)
        child.kubectl("create", "serviceaccount", "deployer", "-n", f"{fleet_id}-inventory")
        token = child.kubectl("create", "token", "deployer", "-n", f"{fleet_id}-inventory").strip()
        repo.env["KUBECONFIG"] = with_token(child, token, tmp_path / "kubeconfig")

        def told(*options: str) -> str:
            done = repo.sync(*options)
            assert "orbidden" not in done.stdout + done.stderr
            return done.stdout

        def beside() -> list[str]:
            return [name for name in left(child, fleet_id) if name != "ConfigMap/beside"]

        told()
        helm.run("install")
        assert beside() == left(child, by_hand) == ["ConfigMap/app", "Job/announce", "Job/migrate", "Secret/app"]
        told("--check-drift")
        release["spec"]["version"] = "1.1.0"
        repo.commit({"own.yaml": [subscribed, release, *own], **chart("1.1.0", "two")})
        told()
        helm.run("upgrade")
        assert beside() == left(child, by_hand)
        assert "Job/upgraded" in beside()
        repo.commit({"own.yaml": [manifests.subscription("app", own), *own]}, "Without the chart")
        told()
        helm.run("uninstall")
        assert beside() == []
        assert {name for name in left(child, by_hand) if "app" in name} == set(), (
            "helm leaves its hooks, and only these"
        )
    finally:
        for obj in made:
            if obj["kind"] in ("Namespace", "ClusterRole", "ClusterRoleBinding"):
                child.kubectl("delete", obj["kind"], obj["metadata"]["name"], "--wait=false", "--ignore-not-found")
