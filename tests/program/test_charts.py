"""Charts through the whole program: what `render` prints is what helm prints by hand, and an outage changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.plugins import charts
from tests.plugins.charts import SHAPES, versioned
from tests.plugins.fleet import tool
from tests.program import manifests
from tests.program.fleetrepo import FleetRepo

pytestmark = [pytest.mark.xdist_group("program"), pytest.mark.needs_tool("helm")]
VALUES: dict[str, Any] = {
    "plain": {"color": "0x1F"},
    "hooks": {},
    "definitions": {},
    "family": {"global": {"zone": "b"}, "second": {"size": "9Gi"}},
    "lookup": {},
    "capabilities": {},
    "big": {"rows": [f"{'x' * 100}-{number}" for number in range(500)]},
    "schema": {"replicas": 3},
    "loose": {},
}
KUBERNETES = "v1.31.4"


def helm_chart(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps.clusternet.io/v1alpha1",
        "kind": "HelmChart",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"chart": name, "targetNamespace": f"apps-{name}", **spec},
    }


def helm_values(chart: dict[str, Any], values: Any) -> dict[str, Any]:
    override = {"name": "values", "type": "Helm", "value": json.dumps(values)}
    return {
        "apiVersion": "apps.clusternet.io/v1alpha1",
        "kind": "Globalization",
        "metadata": {"name": chart["metadata"]["name"]},
        "spec": {"feed": manifests.feed(chart), "overrides": [override]},
    }


def by_name(objects: list[Any], namespace: str) -> dict[str, Any]:
    """Objects without their namespace, which helm leaves to the one who applies them."""
    found = {}
    for one in objects:
        inner = one["items"] if one["kind"] == "List" else [one]
        for body in inner:
            metadata = {key: value for key, value in body["metadata"].items() if key != "namespace"}
            assert body["metadata"].get("namespace", namespace) == namespace
            found[f"{body['kind']}/{metadata['name']}"] = {**body, "metadata": metadata}
    return found


@pytest.fixture
def with_helm(repo: FleetRepo) -> FleetRepo:
    repo.env["RECONCILER_HELM"] = str(tool("helm"))
    return repo


def test_what_render_prints_of_nine_shapes_is_what_helm_prints_by_hand(with_helm: FleetRepo, tmp_path: Path) -> None:
    every = {name: helm_chart(name, repo="charts") for name in SHAPES}
    clusters = manifests.clusters("demo", ["east"])
    clusters[0]["status"] = {"k8sVersion": KUBERNETES}
    files: dict[str, object] = {"fleet.yaml": manifests.settings("demo"), "clusters.yaml": clusters}
    for name, chart in every.items():
        files |= {f"charts/{name}/{path}": text for path, text in SHAPES[name].items()}
        files[f"apps/{name}.yaml"] = [chart, helm_values(chart, VALUES[name])]
    files["apps/all.yaml"] = manifests.subscription("all", every.values())
    with_helm.commit(files)
    done = with_helm.run("render", "-o", "json", "--hooks", "--show-secrets")
    assert done.code == 0, done.stderr
    printed = _objects(done.report)
    for name in SHAPES:
        namespace = f"apps-{name}"
        flags = ("--namespace", namespace, "--include-crds", "--kube-version", KUBERNETES, "--values", "-")
        chart = charts.write_chart(tmp_path / name, SHAPES[name])
        said = charts.helm("template", name, str(chart), *flags, input=json.dumps(VALUES[name]), home=tmp_path)
        expected = by_name([found for found in yaml.safe_load_all(said) if found], namespace)
        assert expected
        got = by_name([one for one in printed if _belongs(one, namespace, expected)], namespace)
        assert got == expected


def _objects(report: Any) -> list[Any]:
    """Every Kubernetes object in what `render -o json` printed."""
    if isinstance(report, list):
        return [found for one in report for found in _objects(one)]
    if isinstance(report, dict) and {"apiVersion", "kind", "metadata"} <= report.keys():
        return [report]
    return [found for one in report.values() for found in _objects(one)] if isinstance(report, dict) else []


def _belongs(body: Any, namespace: str, expected: dict[str, Any]) -> bool:
    own = body["metadata"].get("namespace")
    cluster_scoped = own is None and body["kind"] != "Namespace"
    return own == namespace or (cluster_scoped and f"{body['kind']}/{body['metadata']['name']}" in expected)


def test_an_outage_of_a_repository_is_told_and_takes_nothing_away(with_helm: FleetRepo, tmp_path: Path) -> None:
    with charts.chart_server(tmp_path / "http") as server:
        for version in ("1.0.0", "1.1.0"):
            server.add(charts.packaged(versioned(SHAPES["plain"], version), tmp_path / "scratch", tmp_path / "made"))
        chart = helm_chart("plain", repo=server.url, version="1.0.0", createNamespace=False)
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other", "namespace": "apps"}}
        files = {
            "fleet.yaml": manifests.settings("demo"),
            "clusters.yaml": manifests.clusters("demo", ["east"]),
            "app.yaml": [chart, manifests.subscription("chart", [chart])],
            "other.yaml": [config, manifests.subscription("other", [config])],
        }
        with_helm.commit(files)
        with_helm.sync()
        before = _delivered(with_helm)
        assert len(before) == 2
        server.status = 503
        newer = helm_chart("plain", repo=server.url, version="^1.1", createNamespace=False)
        config["data"] = {"a": "b"}
        with_helm.commit(
            {
                "app.yaml": [newer, manifests.subscription("chart", [newer])],
                "other.yaml": [config, manifests.subscription("other", [config])],
            }
        )
        told = with_helm.sync(expect=3)
        assert "chart-unreachable" in told.stdout
        after = _delivered(with_helm)
        assert after.keys() == before.keys()
        changed = [path for path in after if after[path] != before[path]]
        assert [path.name for path in changed] == [path.name for path in after if "other" in path.name]
        server.status = 0
        with_helm.sync()


def _delivered(repo: FleetRepo) -> dict[Path, bytes]:
    root = repo.run_in / "rendered"
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*.yaml") if path.is_file()}
