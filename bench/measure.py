"""One measurement: wall time, CPU and peak memory, of child processes or of a call in this process.

CPU of a child is its own and that of the children it waited for (`wait4`), so git and other programs count. The kernel
never reports less peak memory for a child than its parent has, so what measures keeps small.
"""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Unexpected(Exception):
    """A contender did not do what the scenario expects; the figures would mean nothing."""


@dataclass(frozen=True)
class Sample:
    """Figures of one run by metric: seconds, MiB or counts, as the metric's name says."""

    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Command:
    """A program to measure. `codes` are the exit codes that count as done."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    codes: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Ended:
    """How a program ended, with what it printed."""

    code: int
    cpu: float
    rss: float
    stdout: str
    stderr: str


def run(*commands: Command) -> tuple[Sample, tuple[Ended, ...]]:
    """Run programs side by side; wall is that of the slowest, CPU the sum, memory the sum of the peaks."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        began = time.perf_counter()
        started = [_start(command, Path(scratch) / str(n)) for n, command in enumerate(commands)]
        ended = [_wait(child, Path(scratch) / str(n)) for n, child in enumerate(started)]
        wall = time.perf_counter() - began
    for command, end in zip(commands, ended, strict=True):
        if end.code not in command.codes:
            raise Unexpected(f"{' '.join(command.argv)}: exit code {end.code}\n{end.stderr[-2000:]}")
    return Sample({"wall_s": wall, "cpu_s": sum(e.cpu for e in ended), "rss_mib": sum(e.rss for e in ended)}), tuple(
        ended
    )


def _start(command: Command, out: Path) -> subprocess.Popen[bytes]:
    with out.with_suffix(".out").open("wb") as stdout, out.with_suffix(".err").open("wb") as stderr:
        return subprocess.Popen(
            list(command.argv),
            env={**os.environ, **command.env},
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )


def _wait(child: subprocess.Popen[bytes], out: Path) -> Ended:
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Ended(
        child.returncode,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * _RSS_UNIT / 2**20,
        out.with_suffix(".out").read_text(errors="replace"),
        out.with_suffix(".err").read_text(errors="replace"),
    )


def call(work: Callable[[], object]) -> Sample:
    """Measure a call in this process. Peak memory is the process', so run it in one of its own (`bench.alone`)."""
    gc.collect()
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Sample({"wall_s": wall, "cpu_s": cpu, "rss_mib": after.ru_maxrss * _RSS_UNIT / 2**20})
