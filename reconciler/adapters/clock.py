"""The door to time: rooms and programs take it as an argument."""

import datetime
import time


def now() -> datetime.datetime:
    """The time of day, in UTC, with its zone."""
    return datetime.datetime.now(datetime.UTC)  # noqa: TID251 - this is the one place that may ask


def monotonic() -> float:
    """Seconds that only go forward; for deadlines and durations."""
    return time.monotonic()
