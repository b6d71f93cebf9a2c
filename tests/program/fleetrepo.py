"""A fleet repo with its bare remote, the `reconciler` command run on it, and what tests ask of both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

RECONCILER = Path(sys.executable).with_name("reconciler")
_IDENTITY = {
    "GIT_AUTHOR_NAME": "author",
    "GIT_AUTHOR_EMAIL": "author@example.org",
    "GIT_COMMITTER_NAME": "author",
    "GIT_COMMITTER_EMAIL": "author@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
T = TypeVar("T")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def report(self) -> Any:
        """The JSON of `-o json`."""
        return json.loads(self.stdout)


@dataclass
class FleetRepo:
    """A work tree, its remote, and the working directory and cache of the runs that are started on it."""

    top: Path
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for directory in (self.work, self.run_in):
            directory.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("remote", "add", "origin", str(self.remote))

    @property
    def work(self) -> Path:
        return self.top / "work"

    @property
    def remote(self) -> Path:
        return self.top / "remote.git"

    @property
    def address(self) -> str:
        """What runs are given as REPO."""
        return str(self.remote)

    @property
    def run_in(self) -> Path:
        return self.top / "run"

    @property
    def cache(self) -> Path:
        return self.top / "cache"

    def commit(self, files: Mapping[str, object | None], message: str = "Change") -> str:
        """Write files (text, or a value as JSON; None removes one), commit and push; the id of the commit."""
        for path, content in files.items():
            target = self.work / path
            if content is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content if isinstance(content, str) else stream(content))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "main")
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        """The stdout of git in the work tree."""
        env = {**os.environ, **_IDENTITY}
        return subprocess.run(
            ["git", *arguments], cwd=self.work, env=env, check=True, capture_output=True, text=True
        ).stdout

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`reconciler COMMAND … REMOTE` in the background; its output is for `finish`."""
        env = {**os.environ, **_IDENTITY, "RECONCILER_CACHE": str(self.cache), **self.env}
        return subprocess.Popen(
            [str(RECONCILER), arguments[0], self.address, *arguments[1:]],
            cwd=self.run_in,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> Done:
        """`reconciler COMMAND … REMOTE` to its end."""
        return finish(self.start(*arguments))

    def sync(self, *options: str, expect: int = 0) -> Done:
        """`reconciler sync --once REMOTE -o json`, which must end with the code that is expected."""
        done = self.run("sync", "--once", "-o", "json", *options)
        assert done.code == expect, f"exit code {done.code}, not {expect}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done


def acknowledging(report: Any) -> list[str]:
    """The options that let go what a run has held."""
    digests = {unit["guard"]["acknowledge"] for unit in report["units"] if unit.get("guard")}
    return [word for digest in sorted(digests) for word in ("--acknowledge", digest)]


def finish(child: subprocess.Popen[str], timeout: float = 120) -> Done:
    """Wait for a command's end."""
    try:
        stdout, stderr = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise
    return Done(child.returncode, stdout, stderr)


def stream(value: object) -> str:
    """One value, or a list of them, as a stream of JSON documents, which is YAML."""
    values = value if isinstance(value, list) else [value]
    return "".join(f"---\n{json.dumps(one, indent=1)}\n" for one in values)


def eventually(look: Callable[[], T | None], what: str, within: float = 30) -> T:
    """What `look` finds, as soon as it finds something; fails when it does not in time (seconds)."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.05)
