"""`reconciler cluster …` as people run it: a fleet repo, a hub, and a child that gets no more than its feeds need."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from reconciler.model.errors import Exit
from reconciler.registry import names
from tests.plugins.fleet import Fleet

RECONCILER = Path(sys.executable).with_name("reconciler")


class Desk:
    """A working directory with a fleet repo in it."""

    def __init__(self, fleet: Fleet, directory: Path, namespace: str) -> None:
        self.fleet, self.directory, self.namespace = fleet, directory, namespace
        self.child = fleet.children[-1]
        self.name = self.id = f"c{uuid.uuid4().hex[:8]}"
        parent = {"from": "parent", "parent": {"context": fleet.parent.context}}
        self.write("fleet.yaml", {"fleet": self.id, "delivery": {"to": "clusters"}, "clusters": parent})
        self.write(
            "app.yaml", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": self._named("a"), "data": {"k": "v"}}
        )
        feed = {"apiVersion": "v1", "kind": "ConfigMap", **self._named("a")}
        affinity = {"clusterAffinity": {"matchLabels": {"desk": self.name}}}
        spec = {"subscribers": [affinity], "feeds": [feed]}
        head = {"apiVersion": "apps.clusternet.io/v1alpha1", "kind": "Subscription"}
        self.write("subscription.yaml", {**head, "metadata": self._named("app"), "spec": spec})

    def _named(self, name: str) -> dict[str, str]:
        return {"name": name, "namespace": self.namespace}

    def write(self, path: str, value: object) -> None:
        (self.directory / path).write_text(json.dumps(value))

    def run(self, *arguments: str, code: int = 0) -> str:
        """stdout, and stderr where the command shall fail."""
        env = {
            **os.environ,
            "KUBECONFIG": str(self.fleet.kubeconfig),
            "RECONCILER_CACHE": str(self.directory / ".cache"),
        }
        done = subprocess.run(
            [str(RECONCILER), "cluster", *arguments],
            cwd=self.directory,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    def add(self, *more: str) -> dict[str, object]:
        text = self.run("add", self.name, "--context", self.child.context, "-o", "json", *more)
        return json.loads(text)  # type: ignore[no-any-return]


@pytest.fixture
def desk(fleet: Fleet, tmp_path: Path, namespace: str) -> Iterator[Desk]:
    """A fleet repo; what it registers is taken out at the end. A cluster is registered once: one test at a time."""
    made = Desk(fleet, tmp_path, namespace)
    with FileLock(fleet.kubeconfig.with_name("registering.lock")):
        yield made
        fleet.parent.kubectl("delete", "namespace", names.dedicated_namespace(made.name), "--ignore-not-found")
        made.child.kubectl("delete", "clusterrole", f"{names.account(made.id)}:upkeep", "--ignore-not-found")


def role_in(desk: Desk) -> str:
    return desk.child.kubectl("get", "roles", "-n", desk.namespace, "-l", f"{names.FLEET}={desk.id}", "-o", "json")


def test_a_cluster_lives_from_add_to_remove(desk: Desk) -> None:
    text = desk.run("add", desk.name, "--context", desk.child.context, "--label", f"desk={desk.name}")
    assert text.startswith(f"cluster {desk.name} is registered in clusternet-{desk.name} (objects: ")
    (role,) = json.loads(role_in(desk))["items"]
    assert [rule["resources"] for rule in role["rules"]] == [["configmaps"]]
    again = desk.add()
    assert {step["done"] for step in again["steps"]} == {"unchanged"}  # type: ignore[attr-defined]

    header, *rows = desk.run("list").splitlines()
    assert header.split() == ["NAME", "MODE", "KUBERNETES", "READY", "CLUSTER", "ID"]
    (row,) = [row for row in rows if row.startswith(desk.name)]
    assert row.split()[1] == "Push"
    assert row.split()[3] == "True"
    assert all(len(line) <= 80 for line in (header, *rows))
    assert f"managedcluster.clusters.clusternet.io/{desk.name}" in desk.run("list", "-o", "name").split()
    (fact,) = [one for one in json.loads(desk.run("list", "-o", "json")) if one["name"] == desk.name]
    assert fact["namespace"] == f"clusternet-{desk.name}"

    desk.run("label", desk.name, "zone=a", "desk-")
    (wide,) = [row for row in desk.run("list", "-o", "wide").splitlines() if row.startswith(desk.name)]
    assert "zone=a" in wide
    assert "desk=" not in wide

    assert desk.run("remove", desk.name) == f"cluster {desk.name} removed\n"
    assert desk.name not in desk.run("list", "-o", "name")


def test_a_cluster_that_nothing_selects_may_deliver_nothing_and_that_is_said(desk: Desk) -> None:
    done = desk.add()
    assert "no Subscription selects this cluster yet" in str(done["notes"])
    assert json.loads(role_in(desk))["items"] == []


def test_rights_may_come_from_a_file(desk: Desk) -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    desk.write("role.json", {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": rules})
    desk.add("--role", "role.json")
    role = json.loads(desk.child.kubectl("get", "clusterrole", names.account(desk.id), "-o", "json"))
    assert role["rules"] == rules


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "East", "--context", "CHILD"], Exit.USAGE, "cannot be the name of a cluster"),
        (["add", "east", "--context", "nowhere"], Exit.USAGE, "no context 'nowhere'"),
        (["add", "east", "--context", "CHILD", "--label", "a b"], Exit.USAGE, "'a b' is no label"),
        (["add", "east", "--context", "CHILD", "--role", "nobody"], Exit.USAGE, "has no ClusterRole nobody"),
        (["add", "east", "--context", "CHILD", "--role", "fleet.yaml"], Exit.USAGE, "no file with the rules"),
        (["label", "nobody", "a=b"], Exit.USAGE, "no cluster nobody is registered"),
        (["remove", "nobody"], Exit.USAGE, "no cluster nobody is registered"),
        (["list", "--parent-context", "nowhere"], Exit.USAGE, "no context 'nowhere'"),
    ],
    ids=["name", "context", "label", "role", "role-file", "label-unknown", "remove-unknown", "parent"],
)
def test_mistakes_are_told_before_anything_is_written(desk: Desk, arguments: list[str], code: int, said: str) -> None:
    given = [desk.child.context if word == "CHILD" else word for word in arguments]
    assert said in desk.run(*given, code=code)
    assert not desk.child.kubectl("get", "sa", "-A", "-l", f"{names.FLEET}={desk.id}", "-o", "name")


def test_without_a_fleet_repo_the_fleet_must_be_named(desk: Desk) -> None:
    (desk.directory / "fleet.yaml").unlink()
    parent = ("--parent-context", desk.fleet.parent.context)
    assert "nobody says which cluster is the hub" in desk.run("list", code=Exit.USAGE)
    assert "has no fleet.yaml" in desk.run(
        "add", desk.name, "--context", desk.child.context, *parent, "--role", "view", code=Exit.USAGE
    )
    desk.add(*parent, "--fleet", desk.id, "--role", "view")
    binding = json.loads(desk.child.kubectl("get", "clusterrolebinding", names.account(desk.id), "-o", "json"))
    assert binding["roleRef"]["name"] == "view"
