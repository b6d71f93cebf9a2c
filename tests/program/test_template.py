"""The template as `reconciler init` makes it, on real clusters: every object is accepted, every pod becomes ready."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
import yaml

from tests.plugins.fleet import Fleet
from tests.program import live
from tests.program.fleetrepo import RECONCILER, FleetRepo, acknowledging, eventually

pytestmark = pytest.mark.xdist_group("program")
NAMESPACES = ("web", "logging")


@pytest.fixture
def template(fleet: Fleet, repo: FleetRepo, fleet_id: str) -> Iterator[FleetRepo]:
    """The template's repo with dev, staging and prod as the three children; its namespaces are gone afterwards."""
    init = [str(RECONCILER), "init", str(repo.work), "--fleet", fleet_id]
    subprocess.run(init, check=True, capture_output=True)
    settings = yaml.safe_load((repo.work / "fleet.yaml").read_text())
    names = ("dev", "staging", "prod")
    access = {name: {"context": child.context} for name, child in zip(names, fleet.children, strict=True)}
    clusters = {**settings["clusters"], "access": access}
    repo.env["KUBECONFIG"] = str(fleet.kubeconfig)
    repo.commit({"fleet.yaml": yaml.safe_dump({**settings, "delivery": {"to": "clusters"}, "clusters": clusters})})
    yield repo
    for child in fleet.children:
        for name in NAMESPACES:
            child.api.delete(f"/api/v1/namespaces/{name}")


def test_template_is_ready_on_real_clusters_and_goes_without_a_trace(fleet: Fleet, template: FleetRepo) -> None:
    dev, staging, prod = fleet.children
    template.sync()
    replicas = [
        live.get(child, "deployment", "web", "-n", "web")["status"]["readyReplicas"] for child in (staging, prod)
    ]
    assert replicas == [2, 4]
    assert live.get(dev, "namespace", "web") is None
    for child in fleet.children:
        shipped = live.get(child, "daemonset", "log-shipper", "-n", "logging")["status"]
        assert shipped["numberReady"] == shipped["desiredNumberScheduled"] > 0
    template.git("rm", "-r", "-q", "addons", "apps", "overrides")
    template.commit({})
    held = template.sync(expect=6)
    template.sync(*acknowledging(held.report))
    for child in fleet.children:
        for name in NAMESPACES:
            eventually(lambda child=child, name=name: not live.get(child, "namespace", name), f"{name} gone", within=60)
