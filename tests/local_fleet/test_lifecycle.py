"""A fleet comes up, survives what happens to it, and goes without a trace. Each test has small fleets of its own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from localfleet import processes
from localfleet.clusters import PROGRAM_NAMES
from localfleet.paths import FleetDir, fleets_root
from localfleet.waiting import wait_until

from tests.plugins.fleet import HACK, Fleet, fleet_from, localfleet

pytestmark = pytest.mark.needs_fleet
NewFleet = Callable[..., Fleet]


@pytest.fixture
def new_fleet(tmp_path: Path, fleet: Fleet) -> Iterator[NewFleet]:
    """Brings fleets of one cluster up, and deletes them at the end; the session's fleet proves that it can be done."""
    names: list[str] = []

    def make(name: str, *flags: str) -> Fleet:
        names.append(name)
        common = ["--name", name, "--kubeconfig", str(tmp_path / "config"), "-o", "json"]
        done = localfleet("up", *common, *(flags or ("--children", "0")))
        assert done.returncode == 0
        return fleet_from(json.loads(done.stdout))

    yield make
    for name in names:
        assert localfleet("delete", "--name", name).returncode == 0


@pytest.fixture
def name() -> str:
    return f"test-life-{secrets.token_hex(3)}"


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


def test_up_again_leaves_running_processes_alone(new_fleet: NewFleet, name: str) -> None:
    first = new_fleet(name)
    before = _pids(name)
    assert new_fleet(name) == first
    assert _pids(name) == before
    assert set(before) == {"etcd", "kube-apiserver", "kube-controller-manager"}


@pytest.mark.parametrize("program", ["etcd", "kube-apiserver", "kube-controller-manager"])
def test_up_replaces_a_killed_process_and_keeps_data(new_fleet: NewFleet, name: str, program: str) -> None:
    fleet = new_fleet(name)
    fleet.parent.kubectl("create", "namespace", "kept")
    before = _pids(name)
    _kill(before[program])
    assert _status(name)["clusters"][0]["state"] == f"degraded: no {program}"
    again = new_fleet(name)
    after = _pids(name)
    assert {p for p in before if before[p] != after[p]} == {program}
    assert again.parent.server == fleet.parent.server
    assert again.parent.kubectl("get", "namespace", "kept", "-o", "name") == "namespace/kept\n"


def test_fleet_comes_back_after_everything_died_at_once(new_fleet: NewFleet, name: str) -> None:
    fleet = new_fleet(name)
    fleet.parent.kubectl("create", "namespace", "kept")
    for pid in _pids(name).values():
        _kill(pid)
    assert new_fleet(name).parent.kubectl("get", "namespace", "kept", "-o", "name") == "namespace/kept\n"


def test_unreadable_etcd_data_is_replaced_by_an_empty_cluster(new_fleet: NewFleet, name: str) -> None:
    new_fleet(name)
    assert localfleet("down", "--name", name).returncode == 0
    for part in FleetDir.of(name).cluster("parent").etcd_data.rglob("*"):
        if part.is_file():
            part.write_bytes(b"torn by a power cut")
    assert new_fleet(name).parent.api.is_ready()


def test_interrupted_up_is_finished_by_the_next(new_fleet: NewFleet, name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "localfleet", "up", "--name", name, "--children", "0"]
    command += ["--kubeconfig", str(tmp_path / "config")]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(HACK)}, stderr=subprocess.DEVNULL) as starting:
        wait_until(lambda: "etcd" in _pids(name), 30, "etcd was not started")
        starting.kill()
    half = _pids(name)
    new_fleet(name)
    assert half["etcd"] == _pids(name)["etcd"]


def test_interrupt_ends_up_at_once(new_fleet: NewFleet, name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "localfleet", "up", "--name", name, "--children", "0"]
    command += ["--kubeconfig", str(tmp_path / "config")]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(HACK)}, stderr=subprocess.DEVNULL) as starting:
        wait_until(lambda: "etcd" in _pids(name), 30, "etcd was not started")
        starting.send_signal(signal.SIGINT)
        assert starting.wait(5) == 130
    new_fleet(name)


def test_down_and_up_keep_data_ports_and_certificates(new_fleet: NewFleet, name: str) -> None:
    fleet = new_fleet(name)
    fleet.parent.kubectl("create", "namespace", "kept")
    certificate = fleet.parent.admin_cert.read_bytes()
    pids = _pids(name)
    assert localfleet("down", "--name", name).returncode == 0
    assert all(processes.identity_of(pid) is None for pid in pids.values())
    assert localfleet("status", "--name", name).returncode == 4
    again = new_fleet(name)
    assert (again, again.parent.admin_cert.read_bytes()) == (fleet, certificate)
    again.parent.kubectl("get", "namespace", "kept")


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
    localfleet("delete", "--name", name)
    assert done.returncode == 4
    assert "parent: kube-apiserver ended by itself" in done.stderr
    assert "unknown flag: --no-such-flag" in done.stderr
