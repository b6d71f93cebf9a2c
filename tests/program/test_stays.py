"""`reconciler sync` without `--once` follows the repo, and leaks neither memory, handles nor processes.

COMMITS sets how many commits it sees (hack/soak: 500).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import manifests
from tests.program.fleetrepo import FleetRepo, eventually, finish

COMMITS = int(os.environ.get("COMMITS", "24"))
WARM = max(6, COMMITS // 5)
MEMORY_MIB = 16
"""Allowed growth after the warm-up: allocators keep what they once had."""
LASTING_CHILDREN = 1
"""`git cat-file --batch`, which answers for as long as the mirror is open."""

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts handles in /proc, which is not here")


def handles(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def children(pid: int) -> list[int]:
    return [int(n) for task in Path(f"/proc/{pid}/task").iterdir() for n in (task / "children").read_text().split()]


@pytest.fixture
def staying(repo: FleetRepo, fleet_id: str) -> Iterator[int]:
    """The process id of a sync that stays, with a directory delivery of one object."""
    repo.commit(
        {
            "fleet.yaml": manifests.settings(fleet_id),
            "clusters.yaml": manifests.clusters(fleet_id, ["one", "two"]),
            "subscription.yaml": manifests.subscription("app", [manifests.config_map("default", "thing", "")]),
            "thing.yaml": manifests.config_map("default", "thing", "version 0"),
        }
    )
    running = repo.start("sync", "--interval", "200ms", "--quiet")
    yield running.pid
    running.send_signal(signal.SIGTERM)
    assert finish(running, timeout=5).code == 128 + signal.SIGTERM


def delivered(repo: FleetRepo, text: str) -> bool:
    files = list((repo.run_in / "rendered").glob("*/default/app/default/*.yaml"))
    return len(files) == 2 and all(text in file.read_text() for file in files)


@needs_proc
def test_staying_sync_leaks_nothing_over_many_commits(repo: FleetRepo, staying: int) -> None:
    eventually(lambda: delivered(repo, "version 0"), "first delivery")
    before = (0, 0.0)
    for version in range(1, COMMITS + 1):
        repo.commit({"thing.yaml": manifests.config_map("default", "thing", f"version {version}")})
        eventually(lambda version=version: delivered(repo, f"version {version}\n"), f"version {version} delivered")
        if version == WARM:
            before = handles(staying), memory(staying)
    eventually(lambda: len(children(staying)) <= LASTING_CHILDREN, "only lasting child processes are left")
    eventually(lambda: handles(staying) <= before[0], "no more handles than before")
    now = handles(staying), memory(staying)
    print(f"{COMMITS} commits; after {WARM}: {before[0]} handles, {before[1]:.1f} MiB; in the end: ", end="")
    print(f"{now[0]} handles, {now[1]:.1f} MiB, {len(children(staying))} children")
    assert now[1] <= before[1] + MEMORY_MIB
