"""`sync` without `--once`: follow the repo, one run at a time, for as long as the program lives.

A look at the remote happens every interval (with jitter, so that many fleets do not knock at once) and, for a local
repo, as soon as its refs move. Several commits in one burst are one run. A commit that arrives while a run waits for
readiness ends that wait. What failed is tried again at the next look.
"""

import asyncio
import contextlib
import datetime
import random
from collections.abc import AsyncIterator

from reconciler.adapters import clock
from reconciler.adapters.watch import QUIET_REFS, git_paths, watching
from reconciler.model.errors import ReconcilerError
from reconciler.sync.events import Tell
from reconciler.sync.options import Options
from reconciler.sync.repo import Repo, opened
from reconciler.sync.report import Report
from reconciler.sync.run import run
from reconciler.sync.telling import Telling

JITTER = 0.2
"""Part of the interval by which a look may come early or late."""
LONGEST_BACKOFF = 600.0
"""Seconds between two looks at a remote that does not answer, at the most."""


async def stay(options: Options, tell: Tell) -> None:
    """Follow the repo until cancelled. Whatever stops one run is told, and tried again with growing pauses."""
    async with opened(options) as repo, _noticing(repo) as moved:
        failures, telling = 0, Telling(tell)
        while True:
            moved.clear()
            report = await _one(repo, options, tell, telling, moved)
            failures = 0 if report else failures + 1
            pause = _jittered(_pause(options.interval, failures))
            await _next(moved, min(pause, _until(report.wake)) if report and report.wake else pause)


def _pause(interval: float, failures: int) -> float:
    """Seconds until the next look after so many failed ones in a row."""
    doublings = min(failures, 20)  # far beyond the longest pause, and no overflow after a week
    return max(interval, min(interval * 2**doublings, LONGEST_BACKOFF)) if failures else interval


def _until(moment: datetime.datetime) -> float:
    """Seconds until a moment, and one more; at least a little, as clocks may differ."""
    return max(1.0, (moment - clock.now()).total_seconds() + 1.0)


async def _one(repo: Repo, options: Options, tell: Tell, telling: Telling, moved: asyncio.Event) -> Report | None:
    """One run; None when the remote or the commit could not be used."""
    began = clock.monotonic()
    async with asyncio.TaskGroup() as group:
        look = group.create_task(_look(repo, options, moved), name="look for newer commits")
        try:
            report = await run(repo, options, tell, moved)
        except ReconcilerError as error:
            hint = f" ({error.hint})" if error.hint else ""
            telling.failed(f"{error.message}{hint}")
            return None
        finally:
            look.cancel()
    telling.run(report, clock.monotonic() - began)
    return report


async def _look(repo: Repo, options: Options, moved: asyncio.Event) -> None:
    """While a run goes on: notice a newer commit, so that its wait for readiness ends."""
    while True:
        await asyncio.sleep(_jittered(options.interval))
        asked, now = repo.asked, await _head(repo)
        if None not in (asked, now) and now != asked:
            moved.set()
            return


async def _head(repo: Repo) -> str | None:
    last = repo.last()
    with contextlib.suppress(ReconcilerError):
        return (await repo.heads(last.settings if last else None)).commit
    return None


async def _next(moved: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(moved.wait(), seconds)


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, guards nothing


@contextlib.asynccontextmanager
async def _noticing(repo: Repo) -> AsyncIterator[asyncio.Event]:
    """An event that is set when the refs of a local repo move; never for a remote one."""
    moved = asyncio.Event()
    if repo.remote.path is None:
        yield moved
        return
    async with watching(git_paths(repo.remote.path), quiet=QUIET_REFS) as notices, asyncio.TaskGroup() as group:

        async def forward() -> None:
            while True:
                await notices.burst()
                moved.set()

        task = group.create_task(forward(), name="notice commits")
        yield moved
        task.cancel()
