"""Detached processes are found again, ended by identity, and never mistaken."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from localfleet import locks, ports, processes
from localfleet.failures import FleetError
from localfleet.waiting import wait_until

SLEEPER = ["sleep", "60"]


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "run" / "sleeper.pid"
    yield path
    processes.kill(path)


def _start(record: Path) -> int:
    processes.start(SLEEPER, record, record.with_suffix(".log"))
    found = processes.running(record)
    assert found is not None
    return found.pid


def test_started_process_is_found_by_its_record(record: Path) -> None:
    pid = _start(record)
    wait_until(lambda: Path(f"/proc/{pid}/comm").read_text().strip() == "sleep", 5, "sh did not become sleep")
    assert processes.runs_as(SLEEPER, record)
    assert not processes.runs_as(["sleep", "61"], record)


def test_killed_process_is_gone_and_forgotten(record: Path) -> None:
    pid = _start(record)
    assert processes.kill(record)
    assert processes.identity_of(pid) is None
    assert not record.exists()
    assert not processes.kill(record)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEPER) as process:
        yield process
        process.kill()


def test_stranger_with_a_recycled_pid_is_never_killed(record: Path, stranger: subprocess.Popen[bytes]) -> None:
    stat = Path(f"/proc/{stranger.pid}/stat").read_text().split()
    earlier = [*stat[:21], str(int(stat[21]) - 100), *stat[22:]]
    record.parent.mkdir()
    record.write_text(" ".join(earlier) + "\n" + Path("/proc/sys/kernel/random/boot_id").read_text())
    assert processes.recorded(record) is not None
    assert processes.running(record) is None
    assert not processes.kill(record)
    assert stranger.poll() is None


def test_record_of_an_earlier_boot_names_nobody(record: Path) -> None:
    pid = _start(record)
    whole = record.read_text()
    record.write_text(whole.rstrip()[:-1] + ("0" if whole.rstrip()[-1] != "0" else "1") + "\n")
    assert not processes.kill(record)
    assert processes.identity_of(pid) is not None
    record.write_text(whole)


def test_torn_record_names_nobody(record: Path) -> None:
    record.parent.mkdir(parents=True)
    record.write_text(f"{os.getpid()} (python")
    assert processes.running(record) is None


def test_zombie_does_not_run() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        wait_until(lambda: processes.identity_of(child.pid) is None, 10, "a zombie was taken for a process")


def test_lock_is_exclusive_and_leaves_no_file(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "lock", [0], [0]

    def work() -> None:
        for _ in range(20):
            with locks.locked(path):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert not path.exists()


def test_ports_of_stopped_fleets_stay_reserved(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "fleet.json").write_text('{"clusters": [{"ports": {"apiserver": 21001, "etcd": 21002}}]}')
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "fleet.json").write_text("{")
    assert ports.reserved(tmp_path) == {21001, 21002}


def test_chosen_ports_are_free_and_differ() -> None:
    taken = set(ports.PORT_RANGE) - {21005, 21006, 21007}
    assert sorted(ports.choose(3, taken)) == [21005, 21006, 21007]
    with pytest.raises(FleetError, match="free ports"):
        ports.choose(4, taken)
