"""`reconciler cluster remove --delete`: what goes is shown and agreed to, and the registration goes after it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from filelock import FileLock

from reconciler.model.errors import Exit
from reconciler.model.settings import InventoryAt
from reconciler.registry import names
from tests.plugins.fleet import Fleet
from tests.wire.apply.place import CLEAN, Place, config, space
from tests.wire.register.test_command import RECONCILER, Desk

INVENTORY = InventoryAt().namespace
KEPT = {"annotations": {"reconciler.clusternet.io/prune": "disabled"}}


class Full(Desk):
    """A desk whose cluster is registered, and has objects of two Subscriptions in its child."""

    def __init__(self, fleet: Fleet, directory: Path, namespace: str) -> None:
        super().__init__(fleet, directory, namespace)
        self.home = f"{namespace}-home"
        self.add()
        place = Place(self.child, INVENTORY, self.id, self.child.kubeconfig)
        orphaning = msgspec.structs.replace(CLEAN, orphan=True)
        bodies = [space(self.home), config("a", self.home), config("kept", namespace, **KEPT)]
        works = [place.work(bodies), place.work([config("let", namespace)], orphaning, "default/other")]
        place.deliver_all(works)
        self.add()  # its account may do what these objects need

    def there(self) -> dict[str, str]:
        """Names and UIDs of what was delivered."""
        items = []
        for namespace in (self.namespace, self.home):
            items += self.child.api.get(f"/api/v1/namespaces/{namespace}/configmaps")["items"]
        return {
            i["metadata"]["name"]: i["metadata"]["uid"] for i in items if i["metadata"]["name"] in ("a", "kept", "let")
        }

    def is_registered(self) -> bool:
        return self.name in self.run("list", "-o", "name")

    def left(self) -> str:
        """What is left of the account in the child."""
        kinds = "serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings"
        return self.child.kubectl("get", kinds, "-A", "-l", f"{names.FLEET}={self.id}", "-o", "name")

    def on_a_terminal(self, answer: str, *arguments: str) -> tuple[int, str]:
        """Exit code and what was shown to somebody who answers."""
        screen, tty = pty.openpty()
        env = {
            **os.environ,
            "KUBECONFIG": str(self.fleet.kubeconfig),
            "RECONCILER_CACHE": str(self.directory / ".cache"),
        }
        command = [str(RECONCILER), "cluster", *arguments]
        child = subprocess.Popen(command, cwd=self.directory, env=env, stdin=tty, stdout=tty, stderr=tty)
        os.close(tty)
        os.write(screen, f"{answer}\n".encode())
        shown = b""
        while True:
            try:
                part = os.read(screen, 1 << 16)
            except OSError:  # the last writer has gone
                break
            shown += part
        os.close(screen)
        return child.wait(), shown.decode()


@pytest.fixture
def full(fleet: Fleet, tmp_path: Path, namespace: str) -> Iterator[Full]:
    with FileLock(fleet.kubeconfig.with_name("registering.lock")):
        made = Full(fleet, tmp_path, namespace)
        yield made
        fleet.parent.kubectl("delete", "namespace", names.dedicated_namespace(made.name), "--ignore-not-found")
        made.child.kubectl("delete", "clusterrole", f"{names.account(made.id)}:upkeep", "--ignore-not-found")
        made.child.kubectl("delete", "namespace", made.home, "--ignore-not-found", "--wait=false")
        marked = ("-l", f"{names.FLEET}={made.id}")
        made.child.kubectl("delete", "configmap", "-n", INVENTORY, *marked, "--ignore-not-found")


def test_a_cluster_that_has_objects_is_left_alone_without_a_yes(full: Full) -> None:
    before = full.there()
    assert sorted(before) == ["a", "kept", "let"]
    assert "--delete to delete them, --orphan to leave them" in full.run("remove", full.name, code=Exit.REFUSED)
    both = full.run("remove", full.name, "--delete", "--orphan", "--yes", code=Exit.USAGE)
    assert "exclude each other" in both
    refused = full.run("remove", full.name, "--delete", code=Exit.REFUSED)
    assert f"2 objects in {full.name} would be deleted for good" in refused
    assert "say so with --yes" in refused
    code, shown = full.on_a_terminal("n", "remove", full.name, "--delete")
    assert (code, "nothing was deleted" in " ".join(shown.split())) == (Exit.REFUSED, True)
    assert full.there() == before
    assert full.is_registered()


def test_what_a_cluster_has_goes_as_it_was_shown_and_then_its_registration(full: Full) -> None:
    before = full.there()
    code, shown = full.on_a_terminal("y", "remove", full.name, "--delete")
    assert code == 0, shown
    rows = [" ".join(line.split()) for line in shown.splitlines()]
    assert f"delete default/web ConfigMap {full.home}/a" in rows
    assert f"delete default/web Namespace {full.home}" in rows
    assert f"keep default/web ConfigMap {full.namespace}/kept reconciler.clusternet.io/prune: disabled" in rows
    assert f"keep default/other ConfigMap {full.namespace}/let reconciler.clusternet.io/on-removal: orphan" in rows
    assert full.there() == {name: uid for name, uid in before.items() if name != "a"}
    assert not full.child.kubectl("get", "namespace", full.home, "-o", "name", "--ignore-not-found")
    assert not full.is_registered()
    kinds = "serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings"
    full.child.kubectl("wait", "--for=delete", kinds, "-A", "-l", f"{names.FLEET}={full.id}", "--timeout=60s")
    assert full.left() == ""
    hub = full.fleet.parent
    hub.kubectl("wait", "--for=delete", f"namespace/{names.dedicated_namespace(full.name)}", "--timeout=60s")
    inventories = full.child.kubectl(
        "get", "configmaps", "-n", INVENTORY, "-l", f"{names.FLEET}={full.id}", "-o", "name"
    )
    assert inventories == ""


def test_a_cluster_keeps_its_registration_while_something_is_left_in_it(full: Full) -> None:
    full.child.kubectl("create", "-f", "-", input=json.dumps(config("theirs", full.home)))
    said = full.run("remove", full.name, "--delete", "--yes", code=Exit.REFUSED)
    assert f"default/web: Namespace {full.home} holds what is not ours: ConfigMap {full.home}/theirs" in said
    assert full.is_registered()
    assert sorted(full.there()) == ["kept", "let"]
    full.child.kubectl("delete", "configmap", "theirs", "-n", full.home)
    assert full.run("remove", full.name, "--delete", "--yes").endswith(f"cluster {full.name} removed\n")
