"""`reconciler status`: what it shows, for whom, and how it keeps showing."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from queue import Empty, Queue

import pytest
import yaml

from tests.program.template import LOG_SHIPPER, METADATA, UNDEPLOY, WEB, TemplateRepo


def test_status_is_told_for_the_fleet_a_cluster_and_a_subscription(fleet_repo: TemplateRepo) -> None:
    empty = fleet_repo.run("status")
    assert (empty.code, empty.stdout) == (0, "demo: nothing was delivered yet\n")
    commit = fleet_repo.sync().report["commit"]

    fleet = fleet_repo.run("status")
    assert fleet.code == 0
    assert [line.split() for line in fleet.stdout.splitlines()[:4]] == [
        ["CLUSTER", "READY", "STATE", "OBJECTS", "COMMIT"],
        ["dev", "1/1", "Delivered", "3", commit[:8]],
        ["prod", "2/2", "Delivered", "7", commit[:8]],
        ["staging", "2/2", "Delivered", "7", commit[:8]],
    ]
    assert f"demo: 5 of 5 deliveries good, last change by {commit[:12]}" in fleet.stdout

    one = fleet_repo.run("status", "--cluster", "prod").stdout.splitlines()
    assert [line.split()[:2] for line in one[1:3]] == [["prod", "default/log-shipper"], ["prod", "default/web"]]
    assert "web=4" in one[2]
    web = fleet_repo.run("status", "--subscription", "web").stdout.splitlines()
    assert [line.split()[0] for line in web[1:3]] == ["prod", "staging"]

    told = json.loads(fleet_repo.run("status", "-o", "json").stdout)
    assert yaml.safe_load(fleet_repo.run("status", "-o", "yaml").stdout) == told
    assert (told["fleet"], told["commit"], len(told["units"])) == ("demo", commit, 5)
    members = {"cluster", "clusterId", "subscription", "state", "message", "commit", "feed", "objects", "replicas"}
    assert all(members | {"failures"} == unit.keys() for unit in told["units"])

    neither = fleet_repo.run("status", "--cluster", "dev", "--subscription", "web")
    assert (neither.code, neither.stdout) == (0, "demo: nothing of this was delivered\n")
    unknown = fleet_repo.run("status", "--cluster", "prd")
    assert (unknown.code, unknown.stdout) == (2, "")
    assert "did you mean prod?" in unknown.stderr


def test_status_exits_by_what_was_asked_for(fleet_repo: TemplateRepo) -> None:
    fleet_repo.sync()
    fleet_repo.change(LOG_SHIPPER, METADATA, UNDEPLOY)
    fleet_repo.change(LOG_SHIPPER, "clusterAffinity: {}", "clusterAffinity: {matchLabels: {environment: nowhere}}")
    fleet_repo.sync(expect=6)
    held = fleet_repo.run("status")
    assert held.code == 6
    assert "--acknowledge" in held.stdout
    assert fleet_repo.run("status", "--subscription", "default/web").code == 0
    fleet_repo.commit({"fleet.yaml": "fleet: [\n"})
    broken = fleet_repo.run("status")
    assert (broken.code, "2 of 5 deliveries good" in broken.stdout) == (6, True), "a broken commit hides no status"


@pytest.fixture
def watching(fleet_repo: TemplateRepo) -> Iterator[tuple[subprocess.Popen[str], Queue[str]]]:
    """`status --watch` with the lines that it prints."""
    fleet_repo.sync()
    child = fleet_repo.start("status", "--watch", "--interval", "300ms")
    lines: Queue[str] = Queue()
    assert child.stdout is not None

    def read(stream: Iterator[str]) -> None:
        for line in stream:
            lines.put(line.rstrip("\n"))

    reader = threading.Thread(target=read, args=(child.stdout,), daemon=True)
    reader.start()
    yield child, lines
    if child.poll() is None:
        child.kill()
    child.wait()
    reader.join()
    child.stdout.close()
    assert child.stderr is not None
    child.stderr.close()


def until(lines: Queue[str], text: str) -> list[str]:
    seen: list[str] = []
    try:
        while not any(text in line for line in seen):
            seen.append(lines.get(timeout=30))
    except Empty:
        raise AssertionError(f"{text!r} is not in {seen}") from None
    return seen


def test_watch_shows_a_change_and_ends_on_interrupt(
    fleet_repo: TemplateRepo, watching: tuple[subprocess.Popen[str], Queue[str]]
) -> None:
    child, lines = watching
    until(lines, "5 of 5 deliveries good")
    fleet_repo.change(WEB, "weight: 2", "weight: 5")
    commit = fleet_repo.sync().report["commit"]
    changed = until(lines, "deliveries good")
    assert commit[:12] in changed[-1]
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=5) == 130
    assert lines.empty()


def test_watch_survives_a_remote_that_goes_away(
    fleet_repo: TemplateRepo, watching: tuple[subprocess.Popen[str], Queue[str]]
) -> None:
    child, lines = watching
    until(lines, "5 of 5 deliveries good")
    away = fleet_repo.remote.rename(fleet_repo.top / "away.git")
    assert child.stderr is not None
    assert "error[" in child.stderr.readline()
    assert child.poll() is None
    away.rename(fleet_repo.remote)
    fleet_repo.change(WEB, "weight: 2", "weight: 5")
    fleet_repo.sync()
    until(lines, "deliveries good")
    child.terminate()
    assert child.wait(timeout=5) == 143


def test_status_reads_what_was_written_into_another_repo_and_branch(fleet_repo: TemplateRepo) -> None:
    other = fleet_repo.top / "other.git"
    fleet_repo.git("init", "--quiet", "--bare", str(other))
    settings = fleet_repo.text("fleet.yaml").replace(
        "  branch: reconciler-status", f"  branch: elsewhere\n  repo: {other}"
    )
    fleet_repo.commit({"fleet.yaml": settings})
    fleet_repo.sync()
    assert "refs/heads/elsewhere" in fleet_repo.git("ls-remote", str(other))
    assert "5 of 5 deliveries good" in fleet_repo.run("status").stdout
