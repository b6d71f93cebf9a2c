"""What `render` prints for a kustomization is what `kubectl kustomize` prints by hand."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.source import documents
from tests.plugins.fleet import tool
from tests.program import manifests
from tests.program.fleetrepo import Done, FleetRepo
from tests.wire.kustomize.shapes import BASE, SHAPES, overlays

pytestmark = pytest.mark.needs_tool("kubectl")
Body = dict[str, Any]
CANARY = "canary-of-a-generated-secret"


@pytest.fixture
def repo(tmp_path: Path) -> FleetRepo:
    made = FleetRepo(tmp_path / "fleet")
    made.env["PATH"] = os.pathsep.join((str(tool("kubectl").parent), os.environ["PATH"]))
    return made


def subscription(cluster: str, *directories: str, name: str = "") -> Body:
    made = manifests.subscription(name or cluster, [])
    made["spec"]["subscribers"] = [{"clusterAffinity": {"matchLabels": {"cluster": cluster}}}]
    kind = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    made["spec"]["feeds"] = [{**kind, "name": directory} for directory in directories]
    return made


def fleet(files: Mapping[str, object], *subscriptions: Body, **settings: Any) -> dict[str, object]:
    return {
        "fleet.yaml": manifests.settings(f"test-{secrets.token_hex(4)}", **settings),
        "fleet/clusters.yaml": manifests.clusters("kustomized", ["east", "west"]),
        "fleet/subscriptions.yaml": list(subscriptions),
        **files,
    }


def two(files: Mapping[str, object], **settings: Any) -> dict[str, object]:
    """A fleet where the directory `apps/east` goes to one cluster and `apps/west` to another."""
    subscriptions = (subscription("east", "apps/east"), subscription("west", "./apps/west/"))
    return fleet(files, *subscriptions, **settings)


def rendered(done: Done) -> dict[str, list[Body]]:
    """Objects by cluster."""
    found: dict[str, list[Body]] = {}
    for unit in done.report:
        found.setdefault(unit["cluster"], []).extend(unit["objects"])
    return found


def by_hand(directory: Path) -> list[Body]:
    command = [str(tool("kubectl")), "kustomize", str(directory)]
    text = subprocess.run(command, check=True, capture_output=True).stdout
    return [_placed(document.value) for document in documents.everything(text).documents]


def _placed(body: Body) -> Body:
    """Where `kubectl apply` puts it."""
    if body["kind"] == "Namespace" or "namespace" in body["metadata"]:
        return body
    return {**body, "metadata": {**body["metadata"], "namespace": "default"}}


def _sorted(bodies: list[Body]) -> list[str]:
    return sorted(json.dumps(body, sort_keys=True) for body in bodies)


def problems(done: Done) -> str:
    return done.stdout + done.stderr


@pytest.mark.parametrize("shape", SHAPES)
def test_render_is_what_kustomize_builds(repo: FleetRepo, shape: str) -> None:
    repo.commit(two(SHAPES[shape]))
    done = repo.run("render", "-o", "json", "--show-secrets")
    assert done.code == 0, problems(done)
    found = rendered(done)
    for cluster in ("east", "west"):
        wanted = by_hand(repo.work / "apps" / cluster)
        assert wanted
        assert _sorted(found[cluster]) == _sorted(wanted)


def test_object_of_a_kustomization_is_overridden_by_its_own_name(repo: FleetRepo) -> None:
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "east"}}
    override = manifests.image_for("east", deployment, "nginx:9")
    repo.commit({**two(SHAPES["overlays"]), "fleet/image.yaml": override})
    checked, done = repo.run("check"), repo.run("render", "-o", "json")
    assert checked.code == 0
    assert "override" not in checked.stdout
    [web] = [body for body in rendered(done)["east"] if body["kind"] == "Deployment"]
    assert web["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:9"


def test_same_object_of_two_kustomizations_to_one_cluster_is_told(repo: FleetRepo) -> None:
    files = overlays("resources: [../base]\n", "resources: [../base]\n")
    repo.commit(fleet(files, subscription("east", "apps/east"), subscription("east", "apps/west", name="second")))
    done = repo.run("check", "-o", "text")
    assert "delivered-twice" in done.stdout
    assert done.code == 3


def test_same_object_of_two_kustomizations_in_one_subscription_is_told(repo: FleetRepo) -> None:
    files = overlays("resources: [../base]\n", "resources: [../base]\n")
    repo.commit(fleet(files, subscription("east", "apps/east", "apps/west")))
    assert "feed-duplicate" in repo.run("check", "-o", "text").stdout


def test_two_overlays_of_one_base_may_differ_between_clusters(repo: FleetRepo) -> None:
    files = overlays("resources: [../base]\n", "resources: [../base]\nimages: [{name: nginx, newTag: '2'}]\n")
    repo.commit(two(files))
    found = rendered(repo.run("render", "-o", "json"))
    images = {
        cluster: body["spec"]["template"]["spec"]["containers"][0]["image"]
        for cluster, bodies in found.items()
        for body in bodies
        if body["kind"] == "Deployment"
    }
    assert images == {"east": "nginx:1.27", "west": "nginx:2"}


def test_replicas_of_a_built_deployment_are_divided(repo: FleetRepo) -> None:
    divided = subscription("east", "apps/east")
    weights = [{"clusterAffinity": {"matchLabels": {"cluster": name}}, "weight": 1} for name in ("east", "west")]
    divided["spec"] |= {"schedulingStrategy": "Dividing", "dividingScheduling": {"type": "Static"}}
    divided["spec"]["subscribers"] = weights
    repo.commit(
        fleet(overlays("resources: [../base]\nreplicas: [{name: web, count: 6}]\n", "resources: []\n"), divided)
    )
    found = rendered(repo.run("render", "-o", "json"))
    replicas = [body["spec"]["replicas"] for bodies in found.values() for body in bodies if "replicas" in body["spec"]]
    assert replicas == [3, 3]


def test_removed_resource_of_a_kustomization_is_pruned(repo: FleetRepo) -> None:
    repo.commit(two(SHAPES["overlays"]))
    repo.sync()
    assert list((repo.run_in / "rendered" / "east").rglob("*service_web*"))
    repo.commit({"apps/base/kustomization.yaml": "resources: [deployment.yaml]\n"})
    repo.sync()
    assert not list((repo.run_in / "rendered" / "east").rglob("*service_web*"))


def test_broken_kustomization_keeps_what_was_delivered(repo: FleetRepo) -> None:
    repo.commit(two(SHAPES["overlays"]))
    repo.sync()
    before = {path: path.read_text() for path in (repo.run_in / "rendered" / "east").rglob("*.yaml")}
    repo.commit({"apps/east/kustomization.yaml": "resources: [../base]\nnamePrefx: a-\n"})
    done = repo.sync(expect=3)
    assert {path: path.read_text() for path in (repo.run_in / "rendered" / "east").rglob("*.yaml")} == before
    assert 'unknown field \\"namePrefx\\"' in done.stdout or 'unknown field "namePrefx"' in problems(done)


def test_unchanged_kustomization_is_not_built_again(repo: FleetRepo) -> None:
    repo.commit(two(SHAPES["overlays"]))
    first = repo.run("render", "-o", "json")
    repo.commit({"apps/unrelated.txt": "x", "docs/README.md": "y"})
    repo.env["RECONCILER_KUBECTL"] = repo.env["RECONCILER_KUSTOMIZE"] = "/nonexistent/program"
    assert repo.run("render", "-o", "json").stdout == first.stdout
    repo.commit({"apps/base/service.yaml": BASE["apps/base/service.yaml"].replace("80", "81")})
    done = repo.run("check", "-o", "text")
    assert done.code == 3
    assert "kustomization-failed" in done.stdout


def test_generated_secret_is_in_no_cache_and_no_output(repo: FleetRepo) -> None:
    files = {**SHAPES["generators"], "apps/west/token.txt": CANARY}
    repo.commit(two(files))
    for command in (["check"], ["render"], ["render", "-o", "json"], ["schedule"]):
        done = repo.run(*command)
        assert done.code == 0
        assert CANARY not in problems(done)
    kept = [path for path in repo.cache.rglob("*") if path.is_file()]
    encoded = b"Y2FuYXJ5LW9mLWEtZ2VuZXJhdGVkLXNlY3JldA"
    assert kept
    assert not [path for path in kept if encoded in path.read_bytes()]


def test_remote_base_is_not_fetched(repo: FleetRepo) -> None:
    repo.commit(two(overlays("resources: ['https://127.0.0.1:9/base']\n", "resources: [../base]\n")))
    done = repo.run("check", "-o", "text")
    assert "kustomization-remote" in done.stdout
    assert "apps/east/kustomization.yaml:1:13" in done.stdout


def test_remote_base_that_is_allowed_is_not_fetched_offline(repo: FleetRepo) -> None:
    files = overlays("resources: ['https://127.0.0.1:9/base']\n", "resources: [../base]\n")
    repo.commit(two(files, kustomize={"remoteBases": True}))
    done = repo.run("check", "-o", "text", "--offline")
    assert done.code == 3
    assert "nothing is fetched offline" in done.stdout


def test_kustomization_is_found_by_its_path(repo: FleetRepo) -> None:
    found = subscription("east")
    found["metadata"]["annotations"] = {"reconciler.clusternet.io/feeds-from": "apps/east, shared"}
    thing = manifests.config_map("default", "shared", "1")
    repo.commit(fleet({**SHAPES["overlays"], "shared/thing.yaml": thing}, found))
    done = repo.run("render", "-o", "json")
    assert done.code == 0, problems(done)
    wanted = [*by_hand(repo.work / "apps" / "east"), thing]
    assert _sorted(rendered(done)["east"]) == _sorted(wanted)


def test_remote_base_that_is_allowed_is_fetched(repo: FleetRepo, tmp_path: Path) -> None:
    base = tmp_path / "elsewhere"
    base.mkdir()
    (base / "kustomization.yaml").write_text("resources: [map.yaml]\n")
    (base / "map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: far}\n")
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "x"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *command], cwd=base, check=True)
    repo.env["GIT_CONFIG_COUNT"] = "0"
    files = overlays(f"resources: ['file://{base}']\n", "resources: [../base]\n")
    repo.commit(two(files, kustomize={"remoteBases": True}))
    done = repo.run("render", "-o", "json")
    assert done.code == 0, problems(done)
    assert [body["metadata"]["name"] for body in rendered(done)["east"]] == ["far"]
