"""When a window is open, and when the next one opens: time zones, summer time and windows over midnight.

A pure look-up in the IANA time zone database; the time is an argument.
"""

import datetime
from collections.abc import Iterator, Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo

from reconciler.model.rollout import Window

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_AHEAD = 16
"""Days that are looked at: two weeks, for summer time may skip a window, and one day for what reaches over midnight."""


def opening(windows: Sequence[Window], now: datetime.datetime) -> datetime.datetime | None:
    """None while one of the windows is open, or where there are none; otherwise when the next one opens (UTC)."""
    if not windows:
        return None
    spans = [span for window in windows for span in _spans(window, now)]
    if any(start <= now < end for start, end in spans):
        return None
    return min(start for start, end in spans if start > now)


def _spans(window: Window, now: datetime.datetime) -> Iterator[tuple[datetime.datetime, datetime.datetime]]:
    zone = _zone(window.time_zone)
    today = now.astimezone(zone).date()
    for offset in range(-1, _AHEAD):
        day = today + datetime.timedelta(days=offset)
        if window.days and DAYS[day.weekday()] not in window.days:
            continue
        over = window.end != "24:00" and window.end <= window.start
        start, end = _at(day, window.start, zone), _at(day + datetime.timedelta(days=over), window.end, zone)
        if start < end:
            yield start, end


def _at(day: datetime.date, clock: str, zone: ZoneInfo) -> datetime.datetime:
    """A time of day in UTC. One that summer time skips is as far after the gap as it would have been."""
    if clock == "24:00":
        day, clock = day + datetime.timedelta(days=1), "00:00"
    local = datetime.datetime.combine(day, datetime.time.fromisoformat(clock), zone)
    return local.astimezone(datetime.UTC)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
