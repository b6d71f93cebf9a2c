"""A run that is stopped, or not alone: it ends at once, leaves a consistent state, and the next one goes on."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from bench.fleets import synthetic
from tests.program.fleetrepo import FleetRepo, eventually, finish
from tests.program.template import TemplateRepo

CLUSTERS, FEEDS = 60, 50
AT_ONCE = 1.0
"""Seconds from the signal to the end of the process."""


def files(top: Path) -> dict[str, bytes]:
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def objects(top: Path) -> int:
    return sum(1 for _ in top.glob("edge-*/*/*/*/*"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> FleetRepo:
    """A fleet that takes seconds to deliver: thousands of objects."""
    repo = FleetRepo(tmp_path_factory.mktemp("large") / "fleet")
    repo.commit({path: content.decode() for path, content in synthetic(CLUSTERS, FEEDS, 10, 10).items()})
    return repo


@pytest.fixture(scope="module")
def whole(large: FleetRepo) -> dict[str, bytes]:
    """What an uninterrupted run delivers."""
    large.sync("--directory", "whole")
    delivered = files(large.run_in / "whole")
    shutil.rmtree(large.run_in / "whole")
    large.git("push", "--quiet", "origin", "--delete", "reconciler-status")
    return delivered


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_a_run_at_once_and_the_next_run_goes_on(
    large: FleetRepo, whole: dict[str, bytes], number: signal.Signals
) -> None:
    top = large.run_in / f"rendered-{number.name}"
    running = large.start("sync", "--once", "--directory", top.name)
    eventually(lambda: objects(top) > 20, "the delivery has begun")
    running.send_signal(number)
    began = time.monotonic()
    stopped = finish(running, timeout=10)
    took = time.monotonic() - began
    assert stopped.code == 128 + number
    assert "Traceback" not in stopped.stderr
    assert 0 < objects(top) < CLUSTERS * FEEDS
    assert not list(top.rglob("*.reconciler-tmp"))
    known = {path for record in (top / ".reconciler" / "units").rglob("*.json") for path in _paths(record)}
    assert objects(top) <= len(known), "every file is in an inventory"
    large.sync("--directory", top.name)
    assert files(top) == whole
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    assert took < AT_ONCE * max(1.0, load), f"{took:.2f} s"


def _paths(record: Path) -> list[str]:
    return [f"{record}:{entry['key']}" for entry in json.loads(record.read_text())["entries"]]


def test_a_run_is_refused_while_another_one_holds_the_directory(fleet_repo: TemplateRepo) -> None:
    top = fleet_repo.run_in / "rendered"
    top.mkdir()
    held = os.open(top, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = fleet_repo.run("sync", "--once")
    finally:
        os.close(held)
    assert (refused.code, refused.stdout) == (6, "")
    assert "error[directory-in-use]" in refused.stderr
    assert not list(top.iterdir())
    fleet_repo.sync()


def test_runs_side_by_side_deliver_once_and_lose_no_status(fleet_repo: TemplateRepo) -> None:
    running = [fleet_repo.start("sync", "--once", "--cluster", name) for name in ("dev", "staging", "prod", "prod")]
    ended = [finish(child) for child in running]
    assert {done.code for done in ended} <= {0, 6}, [done.stderr for done in ended]
    assert 0 in {done.code for done in ended}
    for done in ended:
        assert done.code == 0 or "another run" in done.stderr
    fleet_repo.sync()
    assert len(fleet_repo.rendered()) == 17
    units = json.loads(fleet_repo.run("status", "-o", "json").stdout)["units"]
    assert [unit["state"] for unit in units] == ["Delivered"] * 5
