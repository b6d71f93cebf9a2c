"""Encrypted files through whole runs: plaintext reaches clusters, ciphertext reaches files, and words hold neither."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.fleet import Cluster, Fleet, tool
from tests.program import live, manifests
from tests.program.fleetrepo import Done, FleetRepo
from tests.wire.sops.keys import CANARY, Age, Pgp, encrypted, secret

pytestmark = [
    pytest.mark.needs_tool("sops"),
    pytest.mark.needs_tool("age-keygen"),
    pytest.mark.xdist_group("program"),
]
Body = dict[str, Any]
ENCODED = base64.b64encode(CANARY.encode()).decode()


def subscription(name: str, namespace: str, *objects: str) -> Body:
    """Delivers Secrets, or ConfigMaps whose names begin with `map`."""
    kinds = {name: "ConfigMap" if name.startswith("map") else "Secret" for name in objects}
    bodies = [
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}}
        for name, kind in kinds.items()
    ]
    return manifests.subscription(name, bodies)


def config_map(name: str, namespace: str) -> str:
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata:\n  key: {CANARY}\n"
    )


def holds_canary(directory: Path) -> list[str]:
    """Files that hold the plaintext, as it is or as Base64."""
    texts = (CANARY.encode(), ENCODED.encode())
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(text in path.read_bytes() for text in texts)]


def quiet(repo: FleetRepo, *done: Done) -> None:
    """Neither words, nor cache, nor the status branch hold the plaintext."""
    for one in done:
        assert CANARY not in one.stdout + one.stderr
        assert ENCODED not in one.stdout + one.stderr
    assert holds_canary(repo.cache) == []
    branches = repo.git("ls-remote", "--heads", "origin")
    if "reconciler-status" in branches:
        repo.git("fetch", "--quiet", "origin", "reconciler-status")
        assert CANARY not in repo.git("grep", "--text", "-h", "", "FETCH_HEAD")


@pytest.fixture
def child(fleet: Fleet) -> Cluster:
    return fleet.children[0]


@pytest.fixture
def on_cluster(child: Cluster, repo: FleetRepo, fleet_id: str, age: Age) -> FleetRepo:
    """A fleet repo with one reachable cluster, and the age key at hand."""
    path = os.pathsep.join((str(tool("sops").parent), os.environ["PATH"]))
    repo.env.update({"KUBECONFIG": str(child.kubeconfig), "PATH": path, **age.environment})
    settings = manifests.settings(fleet_id, {child.context: {"context": child.context}})
    repo.commit({"fleet.yaml": settings, "clusters.yaml": manifests.clusters(fleet_id, [child.context])})
    return repo


def data(child: Cluster, namespace: str, name: str) -> dict[str, str]:
    found = live.get(child, "secret", name, "--namespace", namespace)
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()} if found else {}


def inventories(child: Cluster) -> str:
    return child.kubectl("get", "configmaps", "--namespace", "reconciler-system", "-o", "json")


def test_secret_arrives_in_plaintext_and_nothing_is_decrypted_again(
    child: Cluster, on_cluster: FleetRepo, namespace: str, age: Age, pgp: Pgp
) -> None:
    on_cluster.env |= pgp.environment
    together = encrypted(f"{secret('two', namespace)}---\n{secret('three', namespace, 'other')}", pgp)
    on_cluster.commit(
        {
            "one.yaml": encrypted(secret("one", namespace), age),
            "together.yaml": together,
            "app.yaml": subscription("app", namespace, "one", "two", "three"),
        }
    )
    first = on_cluster.sync()
    assert data(child, namespace, "one") == {"password": CANARY, "port": "0012"}
    assert data(child, namespace, "two")["password"] == CANARY
    assert data(child, namespace, "three")["password"] == "other"
    quiet(on_cluster, first)
    assert CANARY not in inventories(child)
    assert ENCODED not in inventories(child)

    on_cluster.env |= {"RECONCILER_SOPS": "/nonexistent/sops", "SOPS_AGE_KEY_FILE": ""}
    versions = live.get(child, "secrets", "--namespace", namespace)["items"]
    on_cluster.sync("--check-drift")
    assert live.get(child, "secrets", "--namespace", namespace)["items"] == versions
    assert data(child, namespace, "one")["password"] == CANARY


def test_drift_of_a_secret_is_written_over_with_the_plaintext(
    child: Cluster, on_cluster: FleetRepo, namespace: str, age: Age
) -> None:
    content = encrypted(secret("one", namespace), age)
    on_cluster.commit({"one.yaml": content, "app.yaml": subscription("app", namespace, "one")})
    on_cluster.sync()
    patch = json.dumps({"data": {"password": base64.b64encode(b"stranger").decode()}})
    child.kubectl("patch", "secret", "one", "--namespace", namespace, "--type=merge", f"--patch={patch}")
    assert data(child, namespace, "one")["password"] == "stranger"
    on_cluster.sync("--check-drift")
    assert data(child, namespace, "one")["password"] == CANARY


def test_encrypted_object_of_another_kind_leaves_no_copy_of_itself(
    child: Cluster, on_cluster: FleetRepo, namespace: str, age: Age
) -> None:
    content = encrypted(config_map("map", namespace), age)
    on_cluster.commit({"map.yaml": content, "app.yaml": subscription("app", namespace, "map")})
    quiet(on_cluster, on_cluster.sync())
    found = live.get(child, "configmap", "map", "--namespace", namespace)
    assert found["data"] == {"key": CANARY}
    assert CANARY not in json.dumps(found["metadata"])


def test_refusal_of_an_encrypted_object_quotes_nothing_of_it(
    child: Cluster, on_cluster: FleetRepo, namespace: str, age: Age
) -> None:
    text = (
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: {namespace}}}\n"
        f"spec:\n  type: {CANARY}\n  ports: [{{port: 80}}]\n"
    )
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": namespace}}
    content = encrypted(text, age, regex="^type$")
    on_cluster.commit({"service.yaml": content, "app.yaml": manifests.subscription("app", [service])})
    done = on_cluster.sync(expect=4)
    assert "the server's words are withheld" in done.stdout
    quiet(on_cluster, done)


def test_missing_key_fails_the_units_that_need_it_and_no_others(
    child: Cluster, on_cluster: FleetRepo, namespace: str, age: Age, tmp_path: Path
) -> None:
    content = encrypted(secret("one", namespace), age)
    plain = manifests.config_map(namespace, "plain", "1")
    files = {"one.yaml": content, "plain.yaml": plain}
    on_cluster.commit(
        {
            **files,
            "app.yaml": subscription("app", namespace, "one"),
            "other.yaml": manifests.subscription("other", [plain]),
        }
    )
    on_cluster.sync()
    stranger = Age.made(tmp_path / "stranger.txt")
    on_cluster.env |= stranger.environment
    plain["data"]["value"] = "2"
    changed = encrypted(secret("one", namespace, f"{CANARY}-new"), age)
    on_cluster.commit({"one.yaml": changed, "plain.yaml": plain, "app.yaml": subscription("app", namespace, "one")})
    done = on_cluster.sync(expect=4)
    assert data(child, namespace, "one")["password"] == CANARY
    assert live.get(child, "configmap", "plain", "--namespace", namespace)["data"] == {"value": "2"}
    told = on_cluster.run("status")
    assert f"one.yaml cannot be decrypted: none of its keys is here (age {age.recipient})" in done.stdout
    quiet(on_cluster, done, told)

    on_cluster.env |= age.environment
    on_cluster.sync()
    assert data(child, namespace, "one")["password"] == f"{CANARY}-new"


def test_file_that_was_changed_by_hand_is_refused(
    child: Cluster, on_cluster: FleetRepo, namespace: str, age: Age
) -> None:
    content = encrypted(secret("one", namespace), age).replace("kind: Secret", "kind: Secret\ntype: Opaque")
    on_cluster.commit({"one.yaml": content, "app.yaml": subscription("app", namespace, "one")})
    done = on_cluster.sync(expect=4)
    assert "one.yaml cannot be decrypted: it was changed after it was encrypted" in done.stdout
    assert data(child, namespace, "one") == {}
    quiet(on_cluster, done)


@pytest.mark.parametrize("way", ["directory", "branches"])
def test_files_are_handed_on_as_they_stand(repo: FleetRepo, fleet_id: str, age: Age, way: str, tmp_path: Path) -> None:
    content = encrypted(secret("db", "web"), age)
    repo.commit(
        {
            "fleet.yaml": manifests.settings(fleet_id, delivery={"to": way}),
            "clusters.yaml": manifests.clusters(fleet_id, ["one"]),
            "db.yaml": content,
            "app.yaml": subscription("app", "web", "db"),
        }
    )
    repo.env |= {"RECONCILER_SOPS": "/nonexistent/sops"}
    done = repo.sync()
    checkout = repo.run_in / "rendered" / "one"
    if way == "branches":
        checkout = tmp_path / "checkout"
        repo.git("clone", "--quiet", "--branch", "clusters/one", str(repo.remote), str(checkout))
    [file] = checkout.rglob("*.yaml")
    assert file.read_text() == content
    env = {**os.environ, **age.environment}
    plain = subprocess.run([tool("sops"), "decrypt", file], env=env, check=True, capture_output=True, text=True)
    assert CANARY in plain.stdout
    quiet(repo, done)
    assert repo.sync("--check-drift").code == 0
    assert holds_canary(repo.top) == []


def test_new_keys_of_a_file_are_handed_on(repo: FleetRepo, fleet_id: str, age: Age, tmp_path: Path) -> None:
    content = encrypted(secret("db", "web"), age)
    repo.commit(
        {
            "fleet.yaml": manifests.settings(fleet_id),
            "clusters.yaml": manifests.clusters(fleet_id, ["one"]),
            "db.yaml": content,
            "app.yaml": subscription("app", "web", "db"),
        }
    )
    repo.sync()
    other = Age.made(tmp_path / "other.txt")
    rotated = repo.work / "db.yaml"
    command = [tool("sops"), "rotate", "--in-place", "--add-age", other.recipient, rotated]
    subprocess.run(command, env={**os.environ, **age.environment}, check=True, capture_output=True)
    repo.commit({"note.md": "new key"})
    repo.sync()
    [file] = (repo.run_in / "rendered" / "one").rglob("*.yaml")
    assert other.recipient in file.read_text()


@pytest.mark.parametrize("command", [["check"], ["schedule"], ["render"], ["render", "-o", "json"]])
def test_commands_that_only_look_never_decrypt(repo: FleetRepo, fleet_id: str, age: Age, command: list[str]) -> None:
    repo.commit(
        {
            "fleet.yaml": manifests.settings(fleet_id),
            "clusters.yaml": manifests.clusters(fleet_id, ["one"]),
            "db.yaml": encrypted(secret("db", "web"), age),
            "app.yaml": subscription("app", "web", "db"),
        }
    )
    repo.env |= {"RECONCILER_SOPS": "/nonexistent/sops", **age.environment}
    done = repo.run(*command)
    assert done.code == 0, done.stderr
    quiet(repo, done)
    assert "ENC[" not in done.stdout
