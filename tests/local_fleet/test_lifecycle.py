"""A fleet comes up, survives what happens to it, and goes without a trace. Each test has small fleets of its own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from localfleet import processes
from localfleet.clusters import PROGRAM_NAMES
from localfleet.paths import FleetDir, fleets_root
from localfleet.waiting import wait_until

from tests.plugins.fleet import HACK, Fleet, claim, fleet_from, localfleet

pytestmark = pytest.mark.needs_fleet
NewFleet = Callable[..., Fleet]


def _up(name: str, kubeconfig: Path, *flags: str) -> Fleet:
    done = localfleet("up", "--name", name, "--kubeconfig", str(kubeconfig), "-o", "json", *flags)
    assert done.returncode == 0
    return fleet_from(json.loads(done.stdout))


@pytest.fixture
def name(pytestconfig: pytest.Config) -> Iterator[str]:
    """The name of a fleet that does not exist yet; it and those that begin with it are deleted at the end."""
    chosen = f"test-life-{secrets.token_hex(3)}"
    claim(pytestconfig, chosen)
    yield chosen
    for directory in fleets_root().glob(f"{chosen}*"):
        assert localfleet("delete", "--name", directory.name).returncode == 0


@pytest.fixture
def new_fleet(tmp_path: Path, fleet: Fleet) -> NewFleet:
    """Brings a fleet up; that of the session, asked for before, proves that this machine can."""

    def make(name: str, *flags: str) -> Fleet:
        return _up(name, tmp_path / "config", *(flags or ("--children", "0")))

    return make


@pytest.fixture(scope="module")
def lone(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, fleet: Fleet
) -> Iterator[Callable[[], Fleet]]:
    """A fleet of one cluster for several tests: each call brings it up, from whatever the test before did to it."""
    name, kubeconfig = f"test-lone-{secrets.token_hex(3)}", tmp_path_factory.mktemp("lone") / "config"
    claim(pytestconfig, name)
    yield lambda: _up(name, kubeconfig, "--children", "0")
    assert localfleet("delete", "--name", name).returncode == 0


def _pids(name: str, cluster: str = "parent") -> dict[str, int]:
    files = FleetDir.of(name).cluster(cluster)
    found = {program: processes.running(files.record(program)) for program in PROGRAM_NAMES}
    return {program: identity.pid for program, identity in found.items() if identity}


def _status(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(localfleet("status", "--name", name, "-o", "json").stdout)
    return content


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: processes.identity_of(pid) is None, 10, "survived SIGKILL")


def _kept(fleet: Fleet) -> bool:
    """Whether the namespace that every test of the lone fleet makes is still there."""
    return fleet.parent.api.has("/api/v1/namespaces/kept")


def _make_kept(fleet: Fleet) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kept"}}
    fleet.parent.api.apply("/api/v1/namespaces/kept", body)


def test_up_again_leaves_running_processes_alone(lone: Callable[[], Fleet]) -> None:
    first = lone()
    before = _pids(first.name)
    assert lone() == first
    assert _pids(first.name) == before
    assert set(before) == {"etcd", "kube-apiserver", "kube-controller-manager"}


@pytest.mark.parametrize("program", ["etcd", "kube-apiserver", "kube-controller-manager"])
def test_up_replaces_a_killed_process_and_keeps_data(lone: Callable[[], Fleet], program: str) -> None:
    fleet = lone()
    _make_kept(fleet)
    before = _pids(fleet.name)
    _kill(before[program])
    assert _status(fleet.name)["clusters"][0]["state"] == f"degraded: no {program}"
    assert lone() == fleet
    after = _pids(fleet.name)
    assert {p for p in before if before[p] != after[p]} == {program}
    assert _kept(fleet)


def test_fleet_comes_back_after_everything_died_at_once(lone: Callable[[], Fleet]) -> None:
    fleet = lone()
    _make_kept(fleet)
    for pid in _pids(fleet.name).values():
        _kill(pid)
    assert _kept(lone())


def test_down_and_up_keep_data_ports_and_certificates(lone: Callable[[], Fleet]) -> None:
    fleet = lone()
    _make_kept(fleet)
    certificate, pids = fleet.parent.admin_cert.read_bytes(), _pids(fleet.name)
    assert localfleet("down", "--name", fleet.name).returncode == 0
    assert all(processes.identity_of(pid) is None for pid in pids.values())
    assert localfleet("status", "--name", fleet.name).returncode == 4
    assert (lone(), fleet.parent.admin_cert.read_bytes()) == (fleet, certificate)
    assert _kept(fleet)


def test_unreadable_etcd_data_is_replaced_by_an_empty_cluster(lone: Callable[[], Fleet]) -> None:
    fleet = lone()
    _make_kept(fleet)
    assert localfleet("down", "--name", fleet.name).returncode == 0
    for part in FleetDir.of(fleet.name).cluster("parent").etcd_data.rglob("*"):
        if part.is_file():
            part.write_bytes(b"torn by a power cut")
    assert not _kept(lone())


@contextmanager
def _starting(name: str, kubeconfig: Path, program: str) -> Iterator[subprocess.Popen[bytes]]:
    """`hack/fleet up` at the moment at which it has started `program`."""
    command = [sys.executable, "-m", "localfleet", "up", "--name", name, "--children", "0"]
    command += ["--kubeconfig", str(kubeconfig)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(HACK)}, stderr=subprocess.DEVNULL) as starting:
        wait_until(lambda: program in _pids(name), 30, f"{program} was not started", interval=0.02)
        yield starting


def test_interrupted_or_killed_up_is_finished_by_the_next(new_fleet: NewFleet, name: str, tmp_path: Path) -> None:
    with _starting(name, tmp_path / "config", "etcd") as starting:
        starting.send_signal(signal.SIGINT)
        assert starting.wait(5) == 130
    half = _pids(name)
    if "kube-apiserver" in half:
        _kill(half["kube-apiserver"])
    with _starting(name, tmp_path / "config", "kube-apiserver") as starting:
        starting.kill()
    new_fleet(name)
    assert half["etcd"] == _pids(name)["etcd"]


def test_delete_leaves_nothing(new_fleet: NewFleet, name: str, tmp_path: Path) -> None:
    new_fleet(name)
    pids = _pids(name)
    assert (tmp_path / "config").exists()
    assert localfleet("delete", "--name", name).returncode == 0
    assert all(processes.identity_of(pid) is None for pid in pids.values())
    assert list(fleets_root().glob(f"*{name}*")) == []
    assert list(tmp_path.iterdir()) == []


def test_two_fleets_run_side_by_side(new_fleet: NewFleet, name: str, tmp_path: Path) -> None:
    one, two = new_fleet(f"{name}-a"), new_fleet(f"{name}-b")
    one.parent.kubectl("create", "namespace", "only-here")
    assert "only-here" not in two.parent.kubectl("get", "namespaces", "-o", "name")
    contexts = yaml.safe_load((tmp_path / "config").read_text())["contexts"]
    assert [context["name"] for context in contexts] == [f"{name}-a-parent", f"{name}-b-parent"]
    localfleet("delete", "--name", one.name)
    assert two.parent.api.is_ready()


def test_fleet_grows_and_shrinks(new_fleet: NewFleet, name: str, tmp_path: Path) -> None:
    new_fleet(name)
    parent = _pids(name)
    grown = new_fleet(name, "--children", "1", "--nodes", "1")
    assert _pids(name) == parent
    child = grown.children[0]
    child.kubectl("wait", "node/child1-node1", "--for=condition=Ready", "--timeout=10s")
    new_fleet(name, "--nodes", "3")
    assert child.kubectl("get", "nodes", "-o", "name").count("node/") == 3
    pids = _pids(name, "child1")
    assert new_fleet(name, "--children", "0").children == ()
    assert all(processes.identity_of(pid) is None for pid in pids.values())
    contexts = yaml.safe_load((tmp_path / "config").read_text())["contexts"]
    assert [context["name"] for context in contexts] == [f"{name}-parent"]


def test_program_that_refuses_its_flags_is_quoted(name: str, tmp_path: Path, fleet: Fleet) -> None:
    config = tmp_path / "fleet.yaml"
    config.write_text("clusters: [{name: parent, apiserverFlags: [--no-such-flag]}]")
    command = [sys.executable, "-m", "localfleet", "up", "--name", name, "--config", str(config)]
    command += ["--kubeconfig", str(tmp_path / "config")]
    env = {**os.environ, "PYTHONPATH": str(HACK)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "parent: kube-apiserver ended by itself" in done.stderr
    assert "unknown flag: --no-such-flag" in done.stderr
