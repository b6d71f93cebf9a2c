"""`reconciler sync` without `--once` on real clusters: the newest commit is what counts."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.plugins.fleet import Fleet
from tests.program import live, manifests
from tests.program.fleetrepo import FleetRepo, eventually, finish

pytestmark = pytest.mark.xdist_group("program")


def app(namespace: str, selector: dict[str, str]) -> list[dict[str, Any]]:
    """A namespace and a Deployment whose pods need a node with these labels."""
    space, _, deployment, _ = manifests.demo(namespace)
    template = deployment["spec"]["template"]
    pod = {**template["spec"], "nodeSelector": selector}
    spec = {**deployment["spec"], "replicas": 1, "template": {**template, "spec": pod}}
    return [space, {**deployment, "spec": spec}]


def test_newer_commit_ends_the_wait_for_the_one_before(
    fleet: Fleet, repo: FleetRepo, fleet_id: str, delivered: str
) -> None:
    child = fleet.children[0]
    repo.env["KUBECONFIG"] = str(fleet.kubeconfig)
    never = app(delivered, {"nowhere": "found"})
    repo.commit(
        {
            "fleet.yaml": manifests.settings(fleet_id, {child.context: {"context": child.context}}),
            "clusters.yaml": manifests.clusters(fleet_id, [child.context]),
            "subscription.yaml": manifests.subscription("app", never),
            "app.yaml": never,
        }
    )
    running = repo.start("sync", "--interval", "1s", "--timeout", "10m", "--quiet")
    try:
        look = (child, "deployment", "nginx-app", "--namespace", delivered)
        eventually(lambda: live.get(*look), "the first commit is applied, and waited for")
        repo.commit({"app.yaml": app(delivered, {})})
        eventually(lambda: live.get(*look)["status"].get("readyReplicas") == 1, "the second commit is ready")
        eventually(lambda: '"Ready"' in status(repo), "the status says so")
    finally:
        running.send_signal(signal.SIGTERM)
        ended = finish(running, timeout=10)
    assert ended.code == 128 + signal.SIGTERM, ended.stderr


def status(repo: FleetRepo) -> str:
    """`reconciler status -o json`; empty as long as there is none."""
    return repo.run("status", "-o", "json").stdout
