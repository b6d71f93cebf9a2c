"""`plan`, `apply` and `diff` on real clusters: told before anything is written, done exactly so or not at all."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.fleet import Cluster, Fleet
from tests.program import live, manifests
from tests.program.fleetrepo import RECONCILER, Done, FleetRepo

pytestmark = pytest.mark.xdist_group("program")
Body = dict[str, Any]
CANARY = "canary-plan-7730"


def secret(namespace: str, value: str) -> Body:
    metadata = {"name": "s", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": value}}


class Shop:
    """One Subscription on one cluster, and the commands on it."""

    def __init__(self, fleet: Fleet, repo: FleetRepo, fleet_id: str, namespace: str) -> None:
        self.child: Cluster = fleet.children[0]
        self.repo, self.namespace, self.fleet_id = repo, namespace, fleet_id
        self.file = repo.run_in / "plan.json"
        repo.env["KUBECONFIG"] = str(fleet.kubeconfig)
        self.repo.commit(
            {
                "fleet.yaml": {
                    **manifests.settings(fleet_id, {self.child.context: {"context": self.child.context}}),
                    "inventory": {"namespace": namespace},
                },
                "clusters.yaml": manifests.clusters(fleet_id, [self.child.context]),
            }
        )

    def config(self, name: str, value: str = "1") -> Body:
        return manifests.config_map(self.namespace, name, value)

    def commit(self, *objects: Body) -> None:
        self.repo.commit({"app.yaml": [*objects, manifests.subscription("shop", objects)]})

    def run(self, command: str, *arguments: str, expect: int) -> Done:
        done = self.repo.run(command, *arguments)
        assert done.code == expect, f"{done.code}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    def plan(self, *arguments: str, expect: int = 1) -> Body:
        """The plan, which is kept as a file as well."""
        self.run("plan", "-o", str(self.file), *arguments, expect=expect)
        return self.read()

    def read(self) -> Body:
        found: Body = json.loads(self.file.read_text())
        return found

    def apply(self, *arguments: str, expect: int = 0) -> Done:
        env = {**os.environ, "RECONCILER_CACHE": str(self.repo.cache), **self.repo.env}
        command = [str(RECONCILER), "apply", str(self.file), self.repo.address, *arguments]
        ended = subprocess.run(
            command, env=env, cwd=self.repo.run_in, capture_output=True, text=True, timeout=120, check=False
        )
        assert ended.returncode == expect, f"{ended.returncode}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
        return Done(ended.returncode, ended.stdout, ended.stderr)

    def diff(self, *arguments: str, expect: int = 1, env: dict[str, str] | None = None) -> Done:
        whole = {**os.environ, "RECONCILER_CACHE": str(self.repo.cache), **self.repo.env, **(env or {})}
        command = [str(RECONCILER), "diff", self.child.context, self.repo.address, *arguments]
        ended = subprocess.run(
            command, env=whole, cwd=self.repo.run_in, capture_output=True, text=True, timeout=120, check=False
        )
        assert ended.returncode == expect, f"{ended.returncode}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
        return Done(ended.returncode, ended.stdout, ended.stderr)

    def values(self) -> dict[str, str]:
        found = live.objects(self.child, self.namespace, "configmaps")
        return {o["metadata"]["name"]: o["data"]["value"] for o in found.values() if "value" in (o.get("data") or {})}

    def edit(self, name: str, value: str) -> None:
        patch = json.dumps({"data": {"value": value}})
        self.child.kubectl("patch", "configmap", name, "-n", self.namespace, "--type", "merge", "-p", patch)


@pytest.fixture
def shop(fleet: Fleet, repo: FleetRepo, fleet_id: str, namespace: str) -> Shop:
    return Shop(fleet, repo, fleet_id, namespace)


def actions(plan: Body) -> dict[str, str]:
    return {
        one["name"]: one["action"]
        for unit in plan["units"]
        for wave in (*unit.get("waves", ()), *unit.get("prunes", ()))
        for one in wave
    }


def test_plan_writes_nothing_and_apply_does_exactly_that_once(shop: Shop) -> None:
    shop.commit(shop.config("a"), shop.config("b"), secret(shop.namespace, CANARY))
    made = shop.plan()
    assert actions(made) == {"a": "create", "b": "create", "s": "create"}
    assert live.objects(shop.child, shop.namespace, "configmaps,secrets").keys() == {f"Namespace/{shop.namespace}"}
    assert CANARY not in shop.file.read_text()

    done = shop.apply("-o", "json")
    assert done.report["clusters"][0]["created"] == 3
    assert shop.values() == {"a": "1", "b": "1"}
    assert shop.run("plan", expect=0).stdout.endswith("nothing to do\n")

    again = shop.apply(expect=6)
    assert f"moved: default/shop on {shop.child.context}: nothing is to be done any more" in again.stderr


def test_apply_refuses_what_moved_and_names_all_of_it(shop: Shop) -> None:
    shop.commit(shop.config("a"), shop.config("b"), shop.config("c"))
    shop.repo.sync()
    shop.commit(shop.config("a", "2"), shop.config("b", "2"))
    assert actions(shop.plan()) == {"a": "change", "b": "change", "c": "prune"}
    shop.edit("a", "by hand")
    shop.child.kubectl("delete", "configmap", "b", "-n", shop.namespace)

    told = shop.apply(expect=6).stderr
    assert "ConfigMap " + shop.namespace + "/a: somebody changed it since" in told
    assert "ConfigMap " + shop.namespace + "/b: somebody deleted it since" in told
    assert shop.values() == {"a": "by hand", "c": "1"}

    shop.plan()
    shop.apply()
    assert shop.values() == {"a": "2", "b": "2"}


def test_apply_delivers_the_commit_of_the_plan_and_not_a_newer_one(shop: Shop) -> None:
    shop.commit(shop.config("a"))
    shop.plan()
    shop.commit(shop.config("a", "2"))
    shop.apply()
    assert shop.values() == {"a": "1"}


def test_apply_refuses_when_another_run_wrote_the_inventory(shop: Shop) -> None:
    shop.commit(shop.config("a"))
    shop.repo.sync()
    shop.commit(shop.config("a", "2"))
    shop.plan()
    shop.commit(shop.config("a", "3"))
    shop.repo.sync()
    assert shop.apply(expect=6).stderr
    assert shop.values() == {"a": "3"}


def test_plan_tells_what_the_server_would_refuse(shop: Shop) -> None:
    bad = {**shop.config("b"), "immutable": "yes"}
    lost = manifests.config_map(f"no-{secrets.token_hex(4)}", "lost", "1")
    shop.commit(shop.config("a"), bad, lost)
    done = shop.run("plan", expect=4)
    rows = {
        line.split()[2].rpartition("/")[2]: line.split()[0] for line in done.stdout.splitlines() if "ConfigMap" in line
    }
    assert rows["a"] == "create"
    assert rows["b"] == rows["lost"] == "refuse"
    assert shop.values() == {}


def test_plan_says_that_objects_of_a_new_namespace_cannot_be_tried(shop: Shop, delivered: str) -> None:
    shop.commit(manifests.namespace(delivered), manifests.config_map(delivered, "inside", "1"))
    made = shop.plan()
    (inside,) = [one for wave in made["units"][0]["waves"] for one in wave if one["name"] == "inside"]
    assert inside["server"] == {"verdict": "untried", "message": f"Namespace {delivered} comes with this plan"}
    shop.apply()
    assert "ConfigMap/inside" in live.objects(shop.child, delivered, "configmaps")


def test_deletes_that_a_plan_acknowledges_need_no_further_word(shop: Shop) -> None:
    shop.commit(shop.config("a"), shop.config("b"))
    shop.repo.sync()
    shop.repo.commit({"app.yaml": None, "broken.yaml": "a: [\n"})
    held = shop.run("plan", "-o", "json", expect=6)
    guard = held.report["units"][0]["held"]
    assert guard["rule"] == "empty-repo"
    assert len(guard["objects"]) == 2
    shop.plan("--acknowledge", guard["acknowledge"], expect=3)
    shop.apply(expect=3)
    assert shop.values() == {}


def test_plan_of_a_directory_is_applied_to_the_directory(repo: FleetRepo, fleet_id: str) -> None:
    config = manifests.config_map("web", "a", "1")
    repo.commit(
        {
            "fleet.yaml": {"fleet": fleet_id, "delivery": {"to": "directory", "directory": {"path": "out"}}},
            "clusters.yaml": manifests.clusters(fleet_id, ["one"]),
            "app.yaml": [config, manifests.subscription("shop", [config])],
        }
    )
    planned = repo.run("plan", "-o", "plan.json")
    assert planned.code == 1, planned.stderr
    assert not (repo.run_in / "out").exists()
    env = {**os.environ, "RECONCILER_CACHE": str(repo.cache)}
    command = [str(RECONCILER), "apply", "plan.json", repo.address]
    subprocess.run(command, env=env, cwd=repo.run_in, check=True, capture_output=True, timeout=120)
    assert list((repo.run_in / "out" / "one").rglob("*.yaml"))
    assert repo.run("plan").code == 0


@pytest.mark.parametrize("content", ["", "{}", '{"format": "other"}'], ids=["empty", "bare", "format"])
def test_what_is_no_plan_is_refused(repo: FleetRepo, content: str) -> None:
    (repo.run_in / "plan.json").write_text(content)
    ended = subprocess.run(
        [str(RECONCILER), "apply", "plan.json", repo.address],
        cwd=repo.run_in,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "bad-plan" in ended.stderr


def test_diff_tells_drift_from_change_and_shows_whole_new_and_deleted_objects(shop: Shop) -> None:
    shop.commit(shop.config("a"), shop.config("b"), shop.config("gone"), secret(shop.namespace, CANARY))
    shop.repo.sync()
    assert shop.diff(expect=0).stdout == ""
    shop.commit(shop.config("a", "2"), shop.config("b"), shop.config("new"), secret(shop.namespace, CANARY + "2"))
    shop.edit("b", "by hand")
    before = live.versions(shop.child, shop.namespace)

    done = shop.diff()
    parts = {
        part.split()[2].rpartition(".")[2]: part
        for part in done.stdout.split("diff -u -N ")[1:]
        for part in [f"x x {part}"]
    }
    why = {name: part.splitlines()[1].split(":")[0] for name, part in parts.items()}
    assert why == {
        "a": "# change",
        "b": "# drift (by kubectl-patch)",
        "gone": "# delete",
        "new": "# new",
        "s": "# change",
    }
    assert '-  value: "1"\n+  value: "2"' in parts["a"]
    assert "-  value: by hand" in parts["b"]
    assert "@@ -0,0" in parts["new"]
    assert "+0,0 @@" in parts["gone"]
    assert "<sha256:" in parts["s"]
    assert CANARY not in done.stdout + done.stderr
    assert live.versions(shop.child, shop.namespace) == before
    assert {one["why"] for one in shop.diff("-o", "json").report["differences"]} == {"change", "drift", "delete", "new"}


def test_external_diff_program_gets_two_directories_without_secrets(shop: Shop, tmp_path: Path) -> None:
    shop.commit(shop.config("a"), secret(shop.namespace, CANARY))
    program = tmp_path / "show.py"
    program.write_text(
        "import pathlib, sys\n"
        "for one in sys.argv[2:]:\n"
        "    for path in sorted(pathlib.Path(one).iterdir()):\n"
        "        print(sys.argv[1], pathlib.Path(one).name.partition('-')[0], path.name, path.read_text())\n"
        "sys.exit(1)\n"
    )
    done = shop.diff(env={"KUBECTL_EXTERNAL_DIFF": f"{sys.executable} {program} -flag"})
    assert f"-flag MERGED v1.ConfigMap.{shop.namespace}.a" in done.stdout
    assert f"-flag MERGED v1.Secret.{shop.namespace}.s" in done.stdout
    assert "LIVE v1" not in done.stdout
    assert CANARY not in done.stdout
    program.write_text("import sys; sys.exit(9)")
    shop.diff(env={"KUBECTL_EXTERNAL_DIFF": f"{sys.executable} {program}"}, expect=4)


def test_diff_shows_only_the_object_that_differs(shop: Shop) -> None:
    shop.commit(*(shop.config(f"c{number}") for number in range(12)))
    shop.repo.sync()
    shop.edit("c3", "by hand")
    assert shop.diff().stdout.count("diff -u -N") == 1
