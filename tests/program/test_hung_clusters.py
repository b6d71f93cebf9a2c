"""Clusters that accept connections and never answer, beside living ones: one deadline for all, nothing for the others.

The program is the real one, told to give up sooner than it does. RECONCILER_HUNG sets how many are hung.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.plugins.faults import Fault, FaultProxy
from tests.plugins.fleet import Cluster, Fleet
from tests.program import live, manifests
from tests.program.fleetrepo import Done, FleetRepo, eventually, finish

pytestmark = pytest.mark.xdist_group("program")
ANSWER_SECONDS = 8.0
DEADS = int(os.environ.get("RECONCILER_HUNG", "70"))
PROGRAM = f"""
import atexit, resource, sys
from reconciler.adapters.kube import transport
from reconciler.apply import allowance
from reconciler.cli.main import main
transport.ANSWER_SECONDS = transport.CONNECT_SECONDS = {ANSWER_SECONDS}
allowance.PATIENCE_SECONDS = 1.0
atexit.register(lambda: print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr))
main()
"""
GENEROUS = 60.0
"""What a busy machine may need beside one deadline."""


def start(repo: FleetRepo) -> subprocess.Popen[str]:
    """`reconciler sync --once` with shorter deadlines."""
    command = [sys.executable, "-c", PROGRAM, "sync", repo.address, "--once", "-o", "json"]
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "RECONCILER_CACHE": str(repo.cache), **repo.env}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=repo.run_in, env=env, stdout=pipe, stderr=pipe, text=True)


@contextmanager
def running(repo: FleetRepo) -> Iterator[subprocess.Popen[str]]:
    child = start(repo)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a listener whose connections nobody ever answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        yield listener.getsockname()[1]


def kubeconfig(path: Path, names: list[str], port: int, authority: bytes) -> Path:
    """Contexts that all lead to one port."""
    data = base64.b64encode(authority).decode()
    where = {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": data}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": where} for name in names],
        "users": [{"name": "nobody", "user": {"token": "none"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "nobody"}} for name in names],
    }
    path.write_text(json.dumps(config))
    return path


def content(namespace: str, values: dict[str, str]) -> dict[str, object]:
    bodies = [manifests.config_map(namespace, name, value) for name, value in values.items()]
    return {"objects.yaml": bodies, "subscription.yaml": manifests.subscription("things", bodies)}


def values(child: Cluster, namespace: str) -> dict[str, str]:
    items = live.get(child, "configmaps", "--namespace", namespace)["items"]
    return {o["metadata"]["name"]: o["data"]["value"] for o in items if o["metadata"]["name"] != "kube-root-ca.crt"}


def states(done: Done) -> dict[str, str]:
    return {row["cluster"]: row["state"] for row in done.report["clusters"]}


def test_hung_child_holds_back_neither_writes_nor_deletes_of_others(
    fleet: Fleet, repo: FleetRepo, fleet_id: str, namespace: str
) -> None:
    hung, *living = fleet.children
    names = [child.context for child in fleet.children]
    access = {child.context: {"context": child.context} for child in living}
    with FaultProxy(hung) as proxy:
        repo.env.update(KUBECONFIG=str(fleet.kubeconfig), HUNG_KUBECONFIG=str(proxy.kubeconfig))
        repo.commit(
            {
                "fleet.yaml": manifests.settings(
                    fleet_id, access | {hung.context: {"kubeconfigEnv": "HUNG_KUBECONFIG"}}
                ),
                "clusters.yaml": manifests.clusters(fleet_id, names),
                **content(namespace, {"stays": "one", "goes": "one"}),
            }
        )
        repo.sync()
        repo.commit(content(namespace, {"stays": "two"}))
        proxy.inject(Fault(delay=600))
        with running(repo) as run:
            for child in living:
                eventually(lambda child=child: values(child, namespace) == {"stays": "two"}, f"{child.name} is done")
            assert run.poll() is None, "the run still waits for the hung child"
            done = finish(run)
    assert done.code == 4, done.stderr
    assert states(done) == {hung.context: "Unreachable"} | {child.context: "Ready" for child in living}
    assert f"{hung.context} does not answer in time" in done.stdout
    assert values(hung, namespace) == {"stays": "one", "goes": "one"}
    repo.env.update(HUNG_KUBECONFIG=str(hung.kubeconfig))
    repo.sync()
    assert values(hung, namespace) == {"stays": "two"}


def test_seventy_hung_clusters_cost_one_deadline_and_the_living_ones_nothing(
    fleet: Fleet, repo: FleetRepo, fleet_id: str, namespace: str, deaf: int, tmp_path: Path
) -> None:
    living = fleet.children[1:]
    dead = [f"dead-{number:04}" for number in range(DEADS)]
    more = kubeconfig(tmp_path / "dead.json", dead, deaf, living[0].ca_file.read_bytes())
    names = [child.context for child in living] + dead
    repo.env["KUBECONFIG"] = f"{fleet.kubeconfig}{os.pathsep}{more}"
    repo.commit(
        {
            "fleet.yaml": manifests.settings(fleet_id, {name: {"context": name} for name in names}),
            "clusters.yaml": manifests.clusters(fleet_id, names),
            **content(namespace, {"a": "one"}),
        }
    )
    began = time.monotonic()
    with running(repo) as run:
        for child in living:
            eventually(lambda child=child: values(child, namespace) == {"a": "one"}, f"{child.name} is done")
        prompt = time.monotonic() - began
        assert run.poll() is None, "the run still waits for the dead ones"
        done = finish(run)
    took = time.monotonic() - began
    peak = int(done.stderr.rpartition("peak ")[2])
    print(f"{DEADS} dead clusters: the living after {prompt:.1f} s, the run after {took:.1f} s, {peak} KiB at most")
    assert done.code == 4, done.stderr
    assert states(done) == dict.fromkeys(dead, "Unreachable") | {child.context: "Ready" for child in living}
    assert took < ANSWER_SECONDS + GENEROUS
    assert all(f"{name} does not answer in time" in done.stdout for name in dead)
