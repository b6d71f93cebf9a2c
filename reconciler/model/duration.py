"""Durations as kubectl and Go spell them: `90s`, `1h30m`, `500ms`."""

import re

_PARTS = re.compile(r"([0-9]+)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """The seconds of a duration. Precondition: the text has the pattern that settings demand."""
    return sum(int(number) * _SECONDS[unit] for number, unit in _PARTS.findall(text))
