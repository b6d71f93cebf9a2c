"""Waiting for something outside this process, with a deadline and a sentence for the case that it never comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from localfleet.failures import FleetError


def wait_until(ready: Callable[[], bool], seconds: float, otherwise: str, *, interval: float = 0.1) -> None:
    """Return as soon as `ready()`; after `seconds` raise `FleetError(otherwise)`."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not ready():
        if time.monotonic() > deadline:
            raise FleetError(otherwise)
        pause.wait(interval)
