"""Durations as kubectl and Go spell them: `90s`, `1h30m`, `500ms`."""

import re

_PARTS = re.compile(r"([0-9]+)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """The seconds of a duration. Precondition: the text has the pattern that settings demand."""
    return sum(int(number) * _SECONDS[unit] for number, unit in _PARTS.findall(text))


def text(seconds: float) -> str:
    """Whole seconds in the same spelling, of the two greatest units: `4m50s`, `1h5m`, `0s`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "m"), (rest, "s")]
    first = next((index for index, (count, _) in enumerate(parts) if count), 2)
    return "".join(f"{count}{unit}" for count, unit in parts[first : first + 2] if count) or "0s"
