"""How git is run, through GitPython's command runner, and gpg for its keyring.

A call has no terminal and no hooks, and ends by its deadline with everything it started (ssh, remote helpers);
`adapters.processes` sees to that. Variables that a surrounding git hook sets for its own repo are taken away.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import msgspec

from reconciler.adapters.git import words
from reconciler.adapters.processes import Child, Ended, Popen
from reconciler.model.errors import ToolFailed, Unreachable

if TYPE_CHECKING:
    import git

QUICK = 60.0
"""Seconds for a call that moves little."""
LONG = 600.0
"""Seconds for a call that may move a whole repo."""

_OF_HOOKS = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX",
    "GIT_QUARANTINE_PATH", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
)  # fmt: skip
_CONFIG = (
    "core.hooksPath=/dev/null",
    "gc.autoDetach=false",
    "maintenance.auto=false",  # `Copy.tidy` sees to it, without a child that looks whether there is work
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


class Git:
    """The way to run git; one per process, shared by all mirrors and work trees."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """`environ` is the environment of the process, read once by the command line."""
        self.environ = environ
        self._hooked = tuple(name for name in _OF_HOOKS if name in environ)

    async def run(self, call: Call) -> Ended:
        """Run to the end, whatever the exit status. Raises Unreachable after the deadline, ToolFailed without git."""
        kept: list[git.Git.AutoInterrupt] = []  # whose child ends when it is forgotten

        def start() -> Popen:
            kept.append(self.start(call, stdin=call.stdin is not None))
            process: Popen | None = kept[0].proc
            if process is None:
                raise AssertionError("a process that was just started is there")
            return process

        try:
            return await Child(start, call.stdin, call.deadline).ended()
        except TimeoutError as error:
            what = call.program or f"git {call.arguments[0]}"
            raise Unreachable("git-deadline", f"{what}: no end after {call.deadline:g} s") from error

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
