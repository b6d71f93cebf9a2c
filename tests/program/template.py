"""The template as a fleet repo with its remote: made once, copied for each test that starts processes on it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.program.fleetrepo import RECONCILER, Done, FleetRepo

TEMPLATE = Path(__file__).parents[2] / "fleet-repo-template"
LOG_SHIPPER = "addons/log-shipper/subscription.yaml"
METADATA = "  name: log-shipper\n  namespace: default\n"
UNDEPLOY = METADATA + "  annotations: {reconciler.clusternet.io/when-no-cluster-fits: undeploy}\n"
"""Of the log shipper, when no cluster fits: go nowhere instead of staying."""
WEB = "apps/web/subscription.yaml"
PROD_IMAGE = "overrides/prod.yaml"


@dataclass
class TemplateRepo(FleetRepo):
    """A repo that was copied; its work tree pushes to the remote beside it."""

    def __post_init__(self) -> None:
        self.run_in.mkdir()

    def text(self, path: str) -> str:
        """A file of the work tree."""
        return (self.work / path).read_text()

    def change(self, path: str, old: str, new: str) -> str:
        """Commit one replacement; the id of the commit."""
        text = self.text(path)
        assert old in text
        return self.commit({path: text.replace(old, new)})

    def rendered(self) -> dict[str, str]:
        """The delivered files by path, without the bookkeeping."""
        top = self.run_in / "rendered"
        files = (path for path in top.rglob("*") if path.is_file() and ".reconciler" not in path.parts)
        return {str(path.relative_to(top)): path.read_text() for path in files}

    def everything(self) -> dict[str, tuple[int, bytes]]:
        """Every file of remote, cache and working directory, with its time: equal when nothing was written."""
        files = (path for part in (self.remote, self.cache, self.run_in) for path in part.rglob("*") if path.is_file())
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def run(*arguments: str, at: Path, env: Mapping[str, str] | None = None, program: tuple[str, ...] = ()) -> Done:
    """`reconciler` with these arguments, without a terminal."""
    own = {"RECONCILER_CACHE": str(at.parent / "cache"), **(env or {})}
    ended = subprocess.run(
        [*(program or (str(RECONCILER),)), *arguments],
        cwd=at,
        env={**os.environ, **own},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Done(ended.returncode, ended.stdout, ended.stderr)


def seed(top: Path) -> None:
    """Make the repo that the others are copies of."""
    repo = FleetRepo(top)
    repo.run_in.rmdir()
    shutil.copytree(TEMPLATE, repo.work, dirs_exist_ok=True)
    repo.git("remote", "set-url", "origin", "../remote.git")
    repo.commit({}, "A fleet")


def copy(seed_top: Path, top: Path) -> TemplateRepo:
    """A repo of a test's own, after the first commit."""
    shutil.copytree(seed_top, top, symlinks=True)
    return TemplateRepo(top)
