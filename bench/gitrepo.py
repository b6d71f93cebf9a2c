"""A fleet repo to measure with: a work tree and the bare remote that it is pushed to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_IDENTITY = {
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@localhost",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@localhost",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


@dataclass(frozen=True)
class Repo:
    """`remote` is what the reconciler is given."""

    work: Path
    remote: Path

    def commit(self, files: Mapping[str, str | bytes], message: str = "Change") -> str:
        """Write files, commit all and push; the id of the commit."""
        for path, content in files.items():
            target = self.work / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        _git(self.work, "add", "--all")
        _git(self.work, "commit", "--quiet", "--message", message)
        commit = _git(self.work, "rev-parse", "HEAD").strip()
        _git(self.work, "push", "--quiet", "origin", "main")  # at last, because time is taken from its end
        return commit


def create(directory: Path, files: Mapping[str, str | bytes]) -> Repo:
    """A repo with one commit of these files, below `directory`."""
    repo = Repo(directory / "work", directory / "remote.git")
    repo.work.mkdir(parents=True)
    _git(directory, "init", "--quiet", "--bare", "--initial-branch=main", str(repo.remote))
    _git(repo.work, "init", "--quiet", "--initial-branch=main")
    _git(repo.work, "remote", "add", "origin", str(repo.remote))
    repo.commit(files, "First")
    return repo


def _git(directory: Path, *arguments: str) -> str:
    command = ["git", "-c", "gc.auto=0", *arguments]
    return subprocess.run(
        command, cwd=directory, env={**os.environ, **_IDENTITY}, check=True, capture_output=True, text=True
    ).stdout
