"""Runs one program at a time to its end: git and gpg (through GitPython's runner), helm, kustomize, sops.

A child has a deadline, a bound on what it may say, no terminal, and a process group of its own, so that it ends with
everything it started when the deadline passes or the caller is cancelled. What a program needs to know and others must
not (values, credentials) is given on its stdin or in its environment, never in its arguments, which every user of the
machine can read. What a failure means, and how much of the program's words may be told, is left to the caller.
"""

import asyncio
import contextlib
import os
import resource
import select
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from reconciler.model.errors import ToolFailed

_GRACE = 0.5
"""Seconds between asking a child to end, so that it removes its lock files, and ending it."""
_CHUNK = 1 << 16
_TALK = 1 << 20
"""Bytes of a child's last words that are kept."""

Popen = subprocess.Popen[bytes]


class Call(msgspec.Struct, frozen=True):
    """One run of a program."""

    program: Path
    arguments: Sequence[str]
    environment: Mapping[str, str]
    """All that the child sees of the environment; nothing is inherited."""
    at: Path | None = None
    stdin: bytes = b""
    deadline: float = 60.0
    """Seconds."""
    limit: int = 64 << 20
    """Bytes that it may write to its stdout."""
    memory: int = 0
    """Bytes of memory that it may have, where the system can bound it (Linux); 0 for no bound."""


class Ended(msgspec.Struct, frozen=True):
    """How a child ended."""

    status: int
    """Exit status; negative for the signal that ended it."""
    stdout: bytes
    stderr: str


class TooMuch(Exception):
    """A child wrote more to its stdout than it may."""


async def run(call: Call) -> Ended:
    """Run to the end, whatever the exit status.

    ToolFailed: `no-program`, `program-deadline` or `program-output`.
    """
    name = call.program.name

    def start() -> Popen:
        try:
            process = subprocess.Popen(
                [str(call.program), *call.arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=call.at,
                env=dict(call.environment),
                start_new_session=True,
            )
        except OSError as error:
            why = f"{name} cannot be run: {error.strerror}"
            raise ToolFailed("no-program", why, f"install {name}") from error
        if call.memory and hasattr(resource, "prlimit"):
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(process.pid, resource.RLIMIT_DATA, (call.memory, call.memory))
        return process

    try:
        return await Child(start, call.stdin, call.deadline, call.limit).ended()
    except TimeoutError as error:
        raise ToolFailed("program-deadline", f"{name} did not end within {call.deadline:g} s") from error
    except TooMuch as error:
        raise ToolFailed("program-output", f"{name} wrote more than {call.limit >> 20} MiB") from error


def attended(program: str, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program that shows itself to whoever started us, on our own terminal, for as long as it likes.

    The exit status; ToolFailed when there is no such program.
    """
    sys.stdout.flush()
    try:
        return subprocess.run([program, *arguments], env=dict(environment), check=False).returncode
    except OSError as error:
        raise ToolFailed("no-program", f"{program} cannot be run: {error.strerror}", f"install {program}") from error


class Child:
    """One child. `finish` blocks in a thread; `signal` may come from another one at any time."""

    def __init__(
        self, start: Callable[[], Popen], stdin: bytes | None, deadline: float, limit: int = sys.maxsize
    ) -> None:
        self._start = start
        self._stdin = stdin or b""
        self._deadline = deadline
        self._limit = limit
        self._lock = threading.Lock()
        self._process: Popen | None = None
        self._unwanted = False

    async def ended(self) -> Ended:
        """Run to the end. TimeoutError after the deadline, TooMuch beyond the limit; no child is left in any case."""
        ended = asyncio.get_running_loop().run_in_executor(None, self.finish)
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            self.signal(signal.SIGTERM)
            done, _ = await asyncio.wait([ended], timeout=_GRACE)
            if not done:
                self.signal(signal.SIGKILL)
            ended.add_done_callback(lambda future: future.cancelled() or future.exception())
            raise

    def finish(self) -> Ended:
        """Start, feed, read and reap."""
        with self._lock:
            if self._unwanted:
                return Ended(-signal.SIGTERM, b"", "")
            process = self._process = self._start()
        until = time.monotonic() + self._deadline
        try:
            stdout, stderr = _talk(process, self._stdin, until, self._limit)
            _reap(process, until)
        except (TimeoutError, TooMuch):
            self.signal(signal.SIGKILL)
            process.wait()
            raise
        finally:
            _close(process)
            with self._lock:
                self._process = None
                if self._unwanted:  # what the child started may have outlived it; the group keeps its id meanwhile
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
        return Ended(process.returncode, stdout, stderr.decode(errors="replace"))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child and all that it started; nothing happens when it is over or not yet begun."""
        with self._lock:
            self._unwanted = True
            if self._process is not None:
                signal_group(self._process, number)


def signal_group(process: Popen, number: signal.Signals) -> None:
    """Send a signal to a child's process group, unless the child was reaped already."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def _talk(process: Popen, stdin: bytes, until: float, limit: int) -> tuple[bytes, bytes]:
    """Feed a child and read what it says until it closes both streams; of its stderr the end."""
    said = {pipe.fileno(): bytearray() for pipe in (process.stdout, process.stderr) if pipe is not None}
    left = memoryview(stdin)
    with selectors.DefaultSelector() as ready:
        for reading in said:
            ready.register(reading, selectors.EVENT_READ)
        if process.stdin is not None:
            ready.register(process.stdin.fileno(), selectors.EVENT_WRITE)
        while ready.get_map():
            remaining = until - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            for key, _ in ready.select(remaining):
                if key.fd not in said:
                    left = _feed(ready, process, left)
                    continue
                chunk = os.read(key.fd, _CHUNK)
                said[key.fd] += chunk
                if not chunk:
                    ready.unregister(key.fd)
                _bound(said, limit)
    stdout, stderr = said.values()
    return bytes(stdout), bytes(stderr[-_TALK:])


def _feed(ready: selectors.BaseSelector, process: Popen, left: memoryview) -> memoryview:
    """Write what a pipe takes without blocking; close it when nothing is left, or nobody reads any more."""
    if process.stdin is None:
        raise AssertionError("only a pipe is ready to be written to")
    try:
        written = os.write(process.stdin.fileno(), left[: select.PIPE_BUF]) if left else 0
    except BrokenPipeError:
        left, written = left[:0], 0
    left = left[written:]
    if not left:
        ready.unregister(process.stdin.fileno())
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    return left


def _bound(said: dict[int, bytearray], limit: int) -> None:
    stdout, stderr = said.values()
    if len(stdout) > limit:
        raise TooMuch
    if len(stderr) > 2 * _TALK:
        del stderr[:-_TALK]


def _reap(process: Popen, until: float) -> None:
    try:
        process.wait(timeout=max(0.1, until - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise TimeoutError from error


def _close(process: Popen) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
