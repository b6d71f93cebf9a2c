"""Runs one program at a time to its end: git, through GitPython's command runner, and gpg for its keyring.

A call has a deadline, no terminal, no hooks, and a process group of its own, so that it ends with everything it started
(ssh, remote helpers) when the deadline passes or the caller is cancelled. Variables that a surrounding git hook sets
for its own repo are taken away.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import msgspec

from reconciler.adapters.git import words
from reconciler.model.errors import ToolFailed, Unreachable

if TYPE_CHECKING:
    import git

QUICK = 60.0
"""Seconds for a call that moves little."""
LONG = 600.0
"""Seconds for a call that may move a whole repo."""
_GRACE = 0.5
"""Seconds between asking a child to end, so that it removes its lock files, and ending it."""

_OF_HOOKS = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX",
    "GIT_QUARANTINE_PATH", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
)  # fmt: skip
_CONFIG = (
    "core.hooksPath=/dev/null",
    "gc.autoDetach=false",
    "maintenance.autoDetach=false",
    "advice.detachedHead=false",
    "core.fsmonitor=false",
    "core.quotePath=false",
)
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1", "GCM_INTERACTIVE": "never"}


class Call(msgspec.Struct, frozen=True):
    """One run of git: its arguments, where, and with what."""

    arguments: Sequence[str]
    at: Path
    config: Sequence[str] = ()
    environment: Mapping[str, str] = {}
    stdin: bytes | None = None
    deadline: float = QUICK
    program: str = ""
    """Another program than git."""
    in_hook: bool = False
    """The repo is the user's own, so what a surrounding hook says about it holds."""


class Ended(msgspec.Struct, frozen=True):
    """How a call ended."""

    status: int
    stdout: bytes
    stderr: str


class Git:
    """The way to run git; one per process, shared by all mirrors and work trees."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """`environ` is the environment of the process, read once by the command line."""
        self.environ = environ
        self._hooked = tuple(name for name in _OF_HOOKS if name in environ)

    async def run(self, call: Call) -> Ended:
        """Run to the end, whatever the exit status. Raises Unreachable after the deadline, ToolFailed without git."""
        child = Child(self, call)
        ended = asyncio.get_running_loop().run_in_executor(None, child.finish)
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            child.signal(signal.SIGTERM)
            done, _ = await asyncio.wait([ended], timeout=_GRACE)
            if not done:
                child.signal(signal.SIGKILL)
            ended.add_done_callback(lambda future: future.cancelled() or future.exception())
            raise

    async def check(self, call: Call) -> bytes:
        """The output of a call that must succeed; Untrusted, Unreachable or ToolFailed with git's last words."""
        ended = await self.run(call)
        if ended.status != 0:
            raise words.failure(call.arguments[0], ended.stderr)
        return ended.stdout

    def command(self, call: Call) -> list[str]:
        """The command line of a call."""
        unset = [] if call.in_hook or not self._hooked else ["env", *(f"--unset={name}" for name in self._hooked)]
        if call.program:
            return [*unset, call.program, *call.arguments]
        options = [option for setting in (*_CONFIG, *call.config) for option in ("-c", setting)]
        return [*unset, _gitpython().Git.GIT_PYTHON_GIT_EXECUTABLE or "git", *options, *call.arguments]

    def start(self, call: Call, *, stdin: bool) -> "git.Git.AutoInterrupt":
        """Start a child with pipes (blocking); the caller ends it."""
        library = _gitpython()
        try:
            process: git.Git.AutoInterrupt = library.Git(call.at).execute(
                self.command(call),
                istream=subprocess.PIPE if stdin else None,
                as_process=True,
                env={**_ENVIRONMENT, **call.environment},
                start_new_session=True,
            )
        except library.GitCommandNotFound as error:
            raise ToolFailed("no-program", f"{call.program or 'git'} is not installed", "install it") from error
        return process


def _gitpython() -> ModuleType:
    try:
        import git  # put off: it costs a tenth of a second
    except ImportError as error:
        raise ToolFailed("no-program", "git is not installed, or cannot be run", "install git") from error
    return git


class Child:
    """One running call. `finish` blocks in a thread; `signal` may come from another one at any time."""

    def __init__(self, door: Git, call: Call) -> None:
        self._door = door
        self._call = call
        self._lock = threading.Lock()
        self._process: git.Git.AutoInterrupt | None = None
        self._unwanted = False

    def finish(self) -> Ended:
        """Start, feed, read and reap."""
        with self._lock:
            if self._unwanted:
                return Ended(-signal.SIGTERM, b"", "")
            wrapped = self._process = self._door.start(self._call, stdin=self._call.stdin is not None)
        process = wrapped.proc
        if process is None:
            raise AssertionError("a process that was just started is there")
        try:
            stdout, stderr = process.communicate(self._call.stdin, timeout=self._call.deadline)
        except subprocess.TimeoutExpired as error:
            self.signal(signal.SIGKILL)
            process.communicate()
            what = self._call.program or f"git {self._call.arguments[0]}"
            raise Unreachable("git-deadline", f"{what}: no end after {self._call.deadline:g} s") from error
        finally:
            with self._lock:
                self._process = None
                if self._unwanted:  # what the child started may have outlived it; the group keeps its id meanwhile
                    _kill_group(process.pid)
        return Ended(process.returncode, stdout, stderr.decode(errors="replace"))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child and all that it started; nothing happens when it is over or not yet begun."""
        with self._lock:
            self._unwanted = True
            if self._process is not None:
                signal_group(self._process, number)


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def signal_group(process: "git.Git.AutoInterrupt", number: signal.Signals) -> None:
    """Send a signal to a child's process group, unless the child was reaped already."""
    if process.proc is not None and process.proc.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.proc.pid, number)
