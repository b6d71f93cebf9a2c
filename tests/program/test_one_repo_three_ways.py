"""The same repo through directory, branch and cluster delivery: the files are what is live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.plugins.fleet import Fleet
from tests.program import live, manifests
from tests.program.fleetrepo import FleetRepo

pytestmark = pytest.mark.xdist_group("program")
Body = dict[str, Any]


def read(directory: Path) -> dict[str, Body]:
    """Every delivered file below a directory, by kind and name of its object."""
    found = [yaml.safe_load(path.read_text()) for path in sorted(directory.rglob("*.yaml"))]
    return {f"{body['kind']}/{body['metadata']['name']}": body for body in found}


def test_files_of_directory_and_branches_equal_what_is_live(
    fleet: Fleet, fleet_id: str, delivered: str, tmp_path: Path
) -> None:
    names = [child.context for child in fleet.children[:2]]
    app = manifests.demo(delivered)
    content = {
        "clusters.yaml": manifests.clusters(fleet_id, names),
        "app.yaml": app,
        "subscription.yaml": manifests.subscription("demo", app[:3], {names[0]: 1, names[1]: 2}),
        "image.yaml": manifests.image_for(names[1], app[2], "nginx:1.16.1"),
    }

    def synced(way: str, settings: Body) -> FleetRepo:
        repo = FleetRepo(tmp_path / way, {"KUBECONFIG": str(fleet.kubeconfig)})
        repo.commit({"fleet.yaml": settings, **content})
        repo.sync("--no-wait")
        return repo

    synced("clusters", manifests.settings(fleet_id, {name: {"context": name} for name in names}))
    on_clusters = [live.objects(child, delivered) for child in fleet.children[:2]]
    repo = synced("directory", manifests.settings(fleet_id))
    in_directory = [read(repo.run_in / "rendered" / name) for name in names]
    repo = synced("branches", manifests.settings(fleet_id, delivery={"to": "branches"}))
    on_branches = []
    for name in names:
        checkout = tmp_path / "checkouts" / name
        repo.git("clone", "--quiet", "--branch", f"clusters/{name}", str(repo.remote), str(checkout))
        on_branches.append(read(checkout))

    assert in_directory == on_branches
    assert [set(files) for files in in_directory] == [set(found) for found in on_clusters]
    for files, found in zip(in_directory, on_clusters, strict=True):
        assert {name: live.ours(body) for name, body in found.items()} == files


def test_changing_the_way_of_delivery_delivers_everything_the_new_way(repo: FleetRepo, fleet_id: str) -> None:
    thing = manifests.config_map("default", "thing", "here")
    repo.commit(
        {
            "fleet.yaml": manifests.settings(fleet_id),
            "clusters.yaml": manifests.clusters(fleet_id, ["one"]),
            "thing.yaml": [thing, manifests.subscription("app", [thing])],
        }
    )
    repo.sync()
    repo.commit({"fleet.yaml": manifests.settings(fleet_id, delivery={"to": "branches"})})
    repo.sync()
    assert "clusters/one" in repo.git("ls-remote", "--heads", "origin")
    repo.commit({"fleet.yaml": manifests.settings(fleet_id, delivery={"directory": {"path": "elsewhere"}})})
    repo.sync()
    assert read(repo.run_in / "elsewhere" / "one") == {"ConfigMap/thing": thing}
