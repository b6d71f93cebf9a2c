"""What must stay secret stays where it belongs: nothing that runs say or keep holds it.

Three canaries: the plaintext of a SOPS file, a Helm value, and a value that a template uses. They may be in the fleet
repo (the last two are) and in the objects that clusters get; in outputs, logs, caches, status and inventories they are
not, whether all goes well or an author's mistake makes every program quote what it was given.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.fleet import Fleet, tool
from tests.program import live, manifests
from tests.program.fleetrepo import RECONCILER, Done, FleetRepo

pytestmark = [pytest.mark.xdist_group("program"), pytest.mark.needs_tool("helm"), pytest.mark.needs_tool("sops")]

SEALED, VALUE, FILLED = "canary-sealed-41f0", "canary-value-97c2", "canary-filled-d35e"
TOUCHED = "canary-touched-2ab8"
CANARIES = (SEALED, VALUE, FILLED, TOUCHED)
QUIET = (
    ("check", "-o", "text"),
    ("check", "-o", "json"),
    ("check", "-o", "sarif"),
    ("schedule", "-o", "yaml"),
    ("render", "-o", "yaml"),
    ("render", "-o", "json"),
    ("render", "-o", "name"),
)


def encrypted(text: str, keys: Path) -> str:
    """The text as a SOPS file; its age key is in `keys`."""
    subprocess.run([tool("age-keygen"), "-o", keys], check=True, capture_output=True)
    recipient = next(line.rpartition(" ")[2] for line in keys.read_text().splitlines() if "public key" in line)
    command = [tool("sops"), "encrypt", "--input-type", "yaml", "--output-type", "yaml", "--age", recipient]
    command += ["--encrypted-regex", "^(data|stringData)$", "/dev/stdin"]
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout


def secret(name: str, namespace: str, value: str) -> str:
    return (
        f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: {namespace}\n"
        f"stringData:\n  password: {value}\n"
    )


def files(fleet_id: str, namespace: str, keys: Path, names: list[str]) -> dict[str, object]:
    chart = {"apiVersion": "apps.clusternet.io/v1alpha1", "kind": "HelmChart"}
    chart |= {"metadata": {"name": "vault", "namespace": "default"}}
    chart |= {"spec": {"repo": "./charts", "chart": "vault", "targetNamespace": namespace, "createNamespace": False}}
    override = {"name": "password", "type": "Helm", "value": f"password: {VALUE}\n"}
    localization = {"apiVersion": "apps.clusternet.io/v1alpha1", "kind": "Localization"}
    localization |= {"metadata": {"name": "vault", "namespace": f"clusternet-{names[0]}"}}
    localization |= {"spec": {"feed": manifests.feed(chart), "overrides": [override]}}
    secrets = [{"apiVersion": "v1", "kind": "Secret", "namespace": namespace, "name": n} for n in ("sealed", "filled")]
    subscription = manifests.subscription("all", [chart])
    subscription["spec"]["feeds"] += secrets
    settings = manifests.settings(fleet_id, {name: {"context": name} for name in names})
    return {
        "fleet.yaml": {**settings, "templates": {"values": ["values/{name}.yaml"]}},
        "clusters.yaml": manifests.clusters(fleet_id, names),
        "app.yaml": [chart, localization, subscription],
        "sealed.yaml": encrypted(secret("sealed", namespace, SEALED), keys),
        "filled.yaml.j2": secret("filled", namespace, "{{ values.password }}"),
        f"values/{names[0]}.yaml": f"password: {FILLED}\n",
        "charts/vault/Chart.yaml": "apiVersion: v2\nname: vault\nversion: 1.0.0\n",
        "charts/vault/values.yaml": "password: unset\n",
        "charts/vault/templates/secret.yaml": secret("helmed", "PLACE", "{{ .Values.password | quote }}").replace(
            "  namespace: PLACE\n", ""
        ),
    }


def kept(repo: FleetRepo) -> Iterator[tuple[str, bytes]]:
    """All that runs keep: caches, and every file of the status branch."""
    for path in repo.cache.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()
    for line in repo.git("ls-remote", "origin").splitlines():
        commit, _, ref = line.partition("\t")
        if not ref.endswith("/main") and ref != "HEAD":
            repo.git("fetch", "--quiet", "origin", ref)
            for name in repo.git("ls-tree", "-r", "--name-only", commit).splitlines():
                yield f"{ref}:{name}", repo.git("show", f"{commit}:{name}").encode()


def leaks(text: str | bytes) -> list[str]:
    content = text.encode() if isinstance(text, str) else text
    shapes = {one: (one.encode(), base64.b64encode(one.encode()).rstrip(b"=")) for one in CANARIES}
    return [one for one, forms in shapes.items() if any(form in content for form in forms)]


def assert_silent(done: Done, what: object) -> None:
    assert leaks(done.stdout) == [], what
    assert leaks(done.stderr) == [], what


def looks(repo: FleetRepo, tmp_path: Path, *, differs: bool) -> None:
    """Every way of looking at what would be done, before it is done: plan, plan file, diff, another diff program."""
    plan = repo.run("plan", "-v", "--check-drift", "-o", "wide", "--out", str(tmp_path / "plan.json"))
    assert plan.code == int(differs), plan.stdout + plan.stderr
    assert_silent(plan, "plan")
    assert leaks((tmp_path / "plan.json").read_bytes()) == [], "plan file"
    for form in ("text", "json"):
        done = repo.run("diff", "-v", "-o", form)
        assert done.code == int(differs), done.stderr
        assert_silent(done, f"diff -o {form}")
    shown = tmp_path / "external"
    program = tmp_path / "external.sh"
    program.write_text('#!/bin/sh\ncat "$1"/* "$2"/* > "$OUT" 2>/dev/null; exit 1\n')
    program.chmod(0o755)
    repo.env |= {"KUBECTL_EXTERNAL_DIFF": str(program), "OUT": str(shown)}
    assert repo.run("diff").code == int(differs)
    del repo.env["KUBECTL_EXTERNAL_DIFF"]
    assert shown.exists() or not differs
    assert not shown.exists() or leaks(shown.read_bytes()) == [], "input of another diff program"


def asked(repo: FleetRepo, *arguments: str) -> Done:
    """A command whose first argument is a cluster, so that the repo is an option."""
    env = {**os.environ, "RECONCILER_CACHE": str(repo.cache), **repo.env}
    command = [str(RECONCILER), *arguments, "--repo", str(repo.remote)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def test_canaries_reach_the_cluster_and_nothing_else(
    fleet: Fleet, repo: FleetRepo, fleet_id: str, namespace: str, tmp_path: Path
) -> None:
    child = fleet.children[0]
    keys = tmp_path / "age.txt"
    repo.env |= {"KUBECONFIG": str(fleet.kubeconfig), "RECONCILER_DEBUG": "1"}
    repo.commit(files(fleet_id, namespace, keys, [child.context]))

    for command in QUIET:
        done = repo.run(*command)
        assert done.code == 0, done.stderr
        assert_silent(done, command)

    refused = repo.sync(expect=4)
    assert "sealed.yaml" in refused.stdout + refused.stderr, "the file whose key is missing is named"
    assert_silent(refused, "sync without the key")

    assert_silent(repo.run("plan", "-v", "-o", "json"), "plan without the key")
    repo.env["SOPS_AGE_KEY_FILE"] = str(keys)
    looks(repo, tmp_path, differs=True)
    rights = asked(repo, "rbac", child.context, "--namespaces", "--account", "kube-system/fleet")
    assert "secrets" in rights.stdout
    assert_silent(rights, "rbac")
    assert_silent(repo.run("sync", "--once", "-vv"), "sync")
    found = live.objects(child, namespace, "secrets")
    passwords = {n: base64.b64decode(o["data"]["password"]).decode() for n, o in found.items() if o["kind"] == "Secret"}
    assert passwords == {"Secret/sealed": SEALED, "Secret/helmed": VALUE, "Secret/filled": FILLED}
    for name in ("sealed", "helmed", "filled"):
        for form in ("text", "json"):
            assert_silent(asked(repo, "explain", child.context, f"secret/{name}", "-n", namespace, "-o", form), name)
    foreseen = repo.run("whatif", "--label", child.context, "a=b", "-o", "json")
    assert foreseen.code == 0, foreseen.stderr
    assert_silent(foreseen, "whatif")
    for command in (("sync", "--once", "--check-drift", "-o", "json"), ("status", "-o", "json"), ("status",)):
        done = repo.run(*command)
        assert done.code == 0, done.stderr
        assert_silent(done, command)

    for name in ("sealed", "helmed", "filled"):
        patch = json.dumps({"stringData": {"password": f"{TOUCHED}-{name}"}})
        child.kubectl("patch", "secret", name, "-n", namespace, "--type", "merge", "-p", patch)
    looks(repo, tmp_path, differs=True)
    assert_silent(repo.run("sync", "--once", "--check-drift", "-vv", "-o", "json"), "sync of drift")
    looks(repo, tmp_path, differs=False)
    assert leaks(child.kubectl("get", "leases.coordination.k8s.io", "--all-namespaces", "-o", "json")) == []

    assert [(where, leaks(content)) for where, content in kept(repo) if leaks(content)] == []
    inventories = child.kubectl("get", "configmaps", "--all-namespaces", "-o", "json")
    assert leaks(inventories) == []
    assert leaks(child.kubectl("get", "events", "--all-namespaces", "-o", "json")) == []


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("charts/vault/templates/broken.yaml", '{{ fail (printf "no %s" .Values.password) }}\n'),
        ("charts/vault/templates/broken.yaml", "{{ .Values.password.deeper.still }}\n"),
        ("charts/vault/templates/broken.yaml", "a: {{ .Values.password }}: b: [\n"),
        ("charts/vault/values.schema.json", json.dumps({"properties": {"password": {"type": "integer"}}})),
        ("filled.yaml.j2", secret("filled", "x", "{{ values.password.deeper.still }}")),
        ("filled.yaml.j2", secret("filled", "x", "{{ values.password }}: [ {")),
        ("filled.yaml.j2", secret("filled", "x", "{{ values.password | int / 0 }}")),
        ("filled.yaml.j2", secret("filled", "x", "{{ values[values.password] }}")),
    ],
    ids=["fail", "helm-type", "helm-yaml", "schema", "undefined", "yaml", "zero", "missing-key"],
)
def test_mistake_beside_a_canary_is_told_without_it(repo: FleetRepo, tmp_path: Path, path: str, content: str) -> None:
    made = files("canary", "x", tmp_path / "age.txt", ["one"])
    made["fleet.yaml"] = {"fleet": "canary", "templates": {"values": ["values/{name}.yaml"]}}
    repo.commit({**made, path: content})
    for command in (("check", "-o", "json"), ("render",)):
        done = repo.run(*command)
        assert done.code == 3, (command, done.stdout, done.stderr)
        assert_silent(done, command)
    assert_silent(repo.sync(expect=3), "sync")
    assert [(where, leaks(kept_)) for where, kept_ in kept(repo) if leaks(kept_)] == []
    written = [p for p in repo.run_in.rglob("*") if p.is_file() and leaks(p.read_bytes())]
    assert not [p for p in written if "sealed" in os.fspath(p)]
