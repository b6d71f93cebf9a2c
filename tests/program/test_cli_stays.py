"""`reconciler sync` without `--once`: it follows commits, by watching or by asking, through bursts and outages.

That it leaks nothing is the subject of test_stays.
"""

from __future__ import annotations

import base64
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.program.fleetrepo import eventually, finish
from tests.program.template import PROD_IMAGE, TemplateRepo
from tests.wire.git.servers import PASSWORD, USER, Https, https

IMAGE = "rendered/prod/default/web/web/deployment.apps_web.yaml"
LONG = "1h"


@dataclass
class Staying:
    """A sync that stays, and its log."""

    repo: TemplateRepo
    child: subprocess.Popen[str]

    def shows(self, image: str) -> None:
        path = self.repo.run_in / IMAGE
        eventually(lambda: path.is_file() and f":{image}" in path.read_text(), f"image {image} delivered")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> list[dict[str, Any]]:
        """End it; the events of its log."""
        self.child.send_signal(number)
        ended = finish(self.child, timeout=10)
        assert ended.code == 128 + number
        assert ended.stdout == ""
        return [json.loads(line) for line in ended.stderr.splitlines()]


Start = Callable[..., Staying]


@pytest.fixture
def stay() -> Iterator[Start]:
    """Starts a sync that stays; what a test leaves running is ended."""
    started: list[Staying] = []

    def start(repo: TemplateRepo, interval: str, *options: str) -> Staying:
        words = ("sync", "--interval", interval, "--log-format", "json", *options)
        started.append(Staying(repo, repo.start(*words)))
        return started[-1]

    yield start
    for staying in started:
        if staying.child.poll() is None:
            staying.child.kill()
            print(*staying.child.communicate())


def image(repo: TemplateRepo, old: str, new: str) -> None:
    repo.change(PROD_IMAGE, old, new)


def burst(repo: TemplateRepo, images: list[str]) -> str:
    """One commit for each pair of images, all pushed, then made the head one after the other; the last id."""
    commits = []
    for old, new in pairwise(images):
        path = repo.work / PROD_IMAGE
        path.write_text(path.read_text().replace(old, new))
        repo.git("commit", "--quiet", "--all", "--message", new)
        commits.append(repo.git("rev-parse", "HEAD").strip())
    repo.git("push", "--quiet", "origin", "HEAD:refs/heads/stock")
    for commit in commits:
        repo.git("--git-dir", str(repo.remote), "update-ref", "refs/heads/main", commit)
    return commits[-1]


def test_commits_of_a_local_repo_are_noticed_without_asking_and_a_burst_is_few_runs(
    fleet_repo: TemplateRepo, stay: Start
) -> None:
    staying = stay(fleet_repo, LONG)
    staying.shows("1.27.5")
    before = time.monotonic()
    image(fleet_repo, "1.27.5", "2.0")
    staying.shows("2.0")
    assert time.monotonic() - before < 15
    last = burst(fleet_repo, [f"2.{number}" for number in range(9)])
    staying.shows("2.8")
    message = ("--git-dir", str(fleet_repo.remote), "log", "-1", "--format=%B", "reconciler-status")
    eventually(lambda: f"Source-Commit: {last}" in fleet_repo.git(*message), "status of the last commit")
    runs = [event for event in staying.stop() if event["step"] == "run"]
    assert len(runs) <= 2 + 4
    assert all(event["level"] == "info" for event in runs)


class FarRepo(TemplateRepo):
    """A repo that is spoken to over the network, so that it cannot be watched."""

    server: Https | None = None

    @property
    def address(self) -> str:
        return self.server.url("remote.git") if self.server else super().address


@pytest.fixture
def far(template_seed: Path, tmp_path: Path) -> Iterator[FarRepo]:
    """The template's repo behind TLS and a password."""
    shutil.copytree(template_seed, tmp_path / "far", symlinks=True)
    repo = FarRepo(tmp_path / "far")
    subprocess.run(["git", "-C", str(repo.remote), "config", "http.receivepack", "true"], check=True)
    with https(repo.top, tmp_path) as server:
        repo.server = server
        secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        repo.env |= {
            "GIT_SSL_CAINFO": str(server.ca),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {secret}",
        }
        yield repo


def test_a_remote_is_asked_every_interval_and_an_outage_is_survived(far: TemplateRepo, stay: Start) -> None:
    staying = stay(far, "300ms")
    staying.shows("1.27.5")
    image(far, "1.27.5", "2.0")
    staying.shows("2.0")
    away = far.remote.rename(far.top / "away.git")
    time.sleep(1.5)
    away.rename(far.remote)
    image(far, "2.0", "2.1")
    staying.shows("2.1")
    events = staying.stop(signal.SIGINT)
    errors = [event["event"] for event in events if event["level"] == "error"]
    assert errors
    assert len(errors) == len(set(errors)), "the same trouble is told once"


def test_a_broken_commit_is_told_and_the_next_good_one_is_delivered(fleet_repo: TemplateRepo, stay: Start) -> None:
    staying = stay(fleet_repo, LONG)
    staying.shows("1.27.5")
    fleet_repo.commit({"fleet.yaml": "fleet: [\n"})
    time.sleep(1)
    fleet_repo.git("revert", "--no-edit", "HEAD")
    fleet_repo.git("push", "--quiet", "origin", "main")
    image(fleet_repo, "1.27.5", "2.0")
    staying.shows("2.0")
    staying.stop()
