"""Clusternet's multi-cluster services demo as a fleet repo, from commit to Ready pods and away again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.plugins.fleet import Cluster, Fleet
from tests.program import live, manifests
from tests.program.fleetrepo import FleetRepo, acknowledging, eventually

pytestmark = pytest.mark.xdist_group("program")


def ready(child: Cluster, namespace: str) -> int:
    deployment = live.get(child, "deployment", "nginx-app", "--namespace", namespace)
    return int(deployment["status"].get("readyReplicas", 0))


def gone(child: Cluster, namespace: str) -> Callable[[], bool]:
    return lambda: live.get(child, "namespace", namespace) is None


def test_commits_divide_redivide_localize_and_remove_the_demo(
    fleet: Fleet, repo: FleetRepo, fleet_id: str, namespace: str, delivered: str
) -> None:
    first, second, third = fleet.children
    names = [child.context for child in fleet.children]
    app = manifests.demo(delivered)
    feeds, deployment = app[:3], app[2]
    repo.env["KUBECONFIG"] = str(fleet.kubeconfig)
    bystander = manifests.config_map(namespace, "bystander", "untouched")

    def divided(one: int, two: int) -> dict[str, object]:
        return {"subscription.yaml": manifests.subscription("demo", feeds, {names[0]: one, names[1]: two})}

    repo.commit(
        {
            "fleet.yaml": manifests.settings(fleet_id, {name: {"context": name} for name in names}),
            "clusters.yaml": manifests.clusters(fleet_id, names),
            "app.yaml": feeds,
            "export.yaml": app[3],
            "bystander.yaml": [bystander, manifests.subscription("other", [bystander])],
            **divided(1, 2),
        }
    )
    repo.sync()
    assert (ready(first, delivered), ready(second, delivered)) == (2, 4)
    for child in (first, second):
        assert "ServiceExport/nginx-svc" in live.objects(child, delivered)
    others = {child.name: live.versions(child, namespace) for child in fleet.children}
    assert all("ConfigMap/bystander" in found for found in others.values())

    repo.commit(divided(2, 1))
    repo.sync()
    assert (ready(first, delivered), ready(second, delivered)) == (4, 2)

    before = {child.name: live.versions(child, delivered) for child in fleet.children}
    repo.commit({"image.yaml": manifests.image_for(names[1], deployment, "nginx:1.16.1")})
    repo.sync()
    after = {child.name: live.versions(child, delivered) for child in fleet.children}
    assert after[first.name] == before[first.name]
    changed = {name for name, version in after[second.name].items() if before[second.name][name] != version}
    assert changed == {"Deployment/nginx-app"}
    container = live.objects(second, delivered)["Deployment/nginx-app"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "nginx:1.16.1"
    assert ready(second, delivered) == 2

    assert live.get(third, "namespace", delivered) is None, "the third child is not subscribed"

    repo.commit({"subscription.yaml": None, "image.yaml": None, "export.yaml": None})
    held = repo.sync(expect=6)
    repo.sync(*acknowledging(held.report))
    for child in (first, second):
        eventually(gone(child, delivered), f"{delivered} gone from {child.name}", within=60)
    assert {child.name: live.versions(child, namespace) for child in fleet.children} == others
