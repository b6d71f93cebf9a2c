"""Detached processes that can be found again, and never confused with a stranger that got their pid.

A process writes its own record (pid, start time, boot) before it becomes the program, so no moment exists in which it
runs unrecorded. A record whose start time differs from the running process names somebody else.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localfleet.waiting import wait_until

_LINUX = sys.platform.startswith("linux")
_BOOT = "/proc/sys/kernel/random/boot_id"
_RECORD = f"cat /proc/$$/stat {_BOOT}" if _LINUX else "ps -o pid=,lstart= -p $$"
_LAUNCH = f'{_RECORD} >"$0" && exec "$@"'


@dataclass(frozen=True)
class Identity:
    """A process beyond its pid: `started` is opaque and differs for every later process with the same pid."""

    pid: int
    started: str


def identity_of(pid: int) -> Identity | None:
    """Who has `pid` now; None if nobody, or only a zombie."""
    if not _LINUX:
        shown = subprocess.run(
            ["ps", "-o", "pid=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return _from_ps(shown.stdout)
    try:
        stat, boot = Path(f"/proc/{pid}/stat").read_text(), Path(_BOOT).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if _state(stat) in "ZX" else _from_proc(f"{stat.rstrip()}\n{boot}")


def _state(stat: str) -> str:
    return stat.rpartition(")")[2].split()[0]


def _from_proc(text: str) -> Identity | None:
    stat, _, boot = text.strip().rpartition("\n")
    after_name = stat.rpartition(")")[2].split()
    return Identity(int(stat.split(" ", 1)[0]), f"{after_name[19]}@{boot}") if len(after_name) > 19 else None


def _from_ps(text: str) -> Identity | None:
    pid, _, started = text.strip().partition(" ")
    return Identity(int(pid), started.strip()) if pid else None


def recorded(record: Path) -> Identity | None:
    """The process that `record` names, running or not; None if there is no whole record."""
    try:
        text = record.read_text()
    except FileNotFoundError:
        return None
    return _from_proc(text) if _LINUX else _from_ps(text)


def running(record: Path) -> Identity | None:
    """The recorded process, if it and not a successor with its pid still runs."""
    known = recorded(record)
    return known if known is not None and identity_of(known.pid) == known else None


def start(argv: Sequence[str], record: Path, log: Path, env: Mapping[str, str] | None = None) -> None:
    """Start a program in a session of its own, its output appended to `log`; returns once the record is written."""
    record.parent.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    record.unlink(missing_ok=True)
    record.with_suffix(".argv").write_text(json.dumps(list(argv)))
    with log.open("ab") as output:
        subprocess.Popen(
            ["/bin/sh", "-c", _LAUNCH, str(record), *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, **(env or {})},
        )
    wait_until(lambda: recorded(record) is not None, 10, f"{argv[0]} was not started; see {log}", interval=0.005)


def runs_as(argv: Sequence[str], record: Path) -> bool:
    """Whether the recorded process runs and was started with exactly `argv`."""
    if running(record) is None:
        return False
    try:
        return bool(json.loads(record.with_suffix(".argv").read_text()) == list(argv))
    except (FileNotFoundError, ValueError):
        return False


def kill(record: Path) -> bool:
    """End the recorded process at once and forget it; False if it did not run any more."""
    known = recorded(record)
    killed = known is not None and (_kill_by_descriptor(known) if _LINUX else _kill_by_pid(known))
    record.unlink(missing_ok=True)
    record.with_suffix(".argv").unlink(missing_ok=True)
    return killed


def _kill_by_descriptor(known: Identity) -> bool:
    try:
        descriptor = os.pidfd_open(known.pid)
    except ProcessLookupError:
        return False
    try:
        if identity_of(known.pid) != known:
            return False
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [], 10)
        return True
    finally:
        os.close(descriptor)


def _kill_by_pid(known: Identity) -> bool:
    if identity_of(known.pid) != known:
        return False
    os.kill(known.pid, signal.SIGKILL)
    wait_until(lambda: identity_of(known.pid) != known, 10, f"process {known.pid} survived SIGKILL", interval=0.02)
    return True
