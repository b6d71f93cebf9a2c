"""One run at a time in a place of the cache: a lock file, which the kernel frees when its holder dies."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path

from reconciler.model.errors import Refused

_FIRST, _LONGEST = 0.002, 0.1
"""Seconds between two tries: most holders are done within milliseconds."""


@contextlib.asynccontextmanager
async def locked(path: Path, patience: float) -> AsyncIterator[None]:
    """Hold the lock file `path`; Refused when somebody else has held it for `patience` seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        await _acquire(handle, path, patience)
        yield
    finally:
        os.close(handle)


async def _acquire(handle: int, path: Path, patience: float) -> None:
    pause = _FIRST
    try:
        async with asyncio.timeout(patience):
            while not _tried(handle):  # flock tells nobody when it is freed, and a blocked thread cannot be cancelled
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST)
    except TimeoutError as error:
        hint = f"remove {path} if nobody else is running"
        raise Refused("cache-in-use", "another run has held the cache for too long", hint) from error


def _tried(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
