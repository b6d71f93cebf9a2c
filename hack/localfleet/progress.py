"""Talk on stderr while something takes long: lines for a log, a running clock on a terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()


def say(line: str) -> None:
    """One whole line, also when several threads talk."""
    with _lock:
        print(line, file=sys.stderr, flush=True)


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Announce `what`, show on a terminal that it goes on, and say how long it took."""
    began = time.monotonic()
    say(f"{what} …")
    with _spinner(what):
        yield
    say(f"{what}: done in {time.monotonic() - began:.0f} s")


@contextmanager
def _spinner(what: str) -> Iterator[None]:
    if not sys.stderr.isatty():
        yield
        return
    try:
        from rich.console import Console
    except ImportError:
        yield
        return
    with Console(stderr=True).status(what):
        yield
