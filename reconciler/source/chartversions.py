"""Whether the version of a chart can be meant: the grammar of Helm's version ranges, and ranges that hold nothing.

Which version fits a range is helm's to say. Here it is only told early what can never fit.
"""

import re
from collections.abc import Iterator

_NUMBER = r"(?:\d+|[xX*])"
_VERSION = rf"v?{_NUMBER}(?:\.{_NUMBER}){{0,2}}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
_TERM = rf"(?:=|!=|>=|=>|<=|=<|>|<|~>|~|\^)?\s*{_VERSION}"
_GROUP = re.compile(rf"\s*{_TERM}(?:\s*,\s*{_TERM}|\s+{_TERM})*\s*")
_HYPHEN = re.compile(rf"\s*({_VERSION})\s+-\s+({_VERSION})\s*")
_PART = re.compile(rf"(?P<sign>=|!=|>=|=>|<=|=<|>|<|~>|~|\^)?\s*(?P<version>{_VERSION})")
_LONGEST = 512
_HIGHEST = (1 << 63, 0, 0)

Number = tuple[int, int, int]
Bound = tuple[Number, bool]
"""A version, and whether it belongs to the range itself."""


def fault(wanted: str) -> str:
    """Why a version or range can never be meant; nothing when it can."""
    if not wanted.strip():
        return ""
    shown = wanted if len(wanted) <= 40 else f"{wanted[:40]}…"
    groups = [_spelled_out(group) for group in wanted.split("||")]
    if len(wanted) > _LONGEST or not all(_GROUP.fullmatch(group) for group in groups):
        return f"'{shown}' is no version and no range of versions"
    if not any(_can_fit(group) for group in groups):
        return f"no version can fit '{shown}'"
    return ""


def _spelled_out(group: str) -> str:
    """`1 - 2` as `>=1, <=2`."""
    return _HYPHEN.sub(r" >=\1, <=\2 ", group)


def _can_fit(group: str) -> bool:
    lowest: Bound = ((0, 0, 0), True)
    highest: Bound = (_HIGHEST, False)
    for low, high in _bounds(group):
        # of two equal versions the bound that leaves the version itself out is the narrower one
        lowest = max(lowest, low, key=lambda bound: (bound[0], not bound[1]))
        highest = min(highest, high)
    return lowest[0] < highest[0] or (lowest[0] == highest[0] and lowest[1] and highest[1])


def _bounds(group: str) -> Iterator[tuple[Bound, Bound]]:
    """The least and the greatest version of every part of a group."""
    for match in _PART.finditer(group):
        sign = match["sign"] or "="
        given = _numbers(match["version"])
        least = _filled(given)
        above = _next(given)
        if "-" in match["version"] or sign == "!=":
            continue  # stages of one version have an order of their own; one version left out empties no range
        if sign in (">=", "=>"):
            yield (least, True), (_HIGHEST, False)
        elif sign == ">":
            yield ((least, False) if len(given) == 3 else (above, True)), (_HIGHEST, False)
        elif sign in ("<=", "=<"):
            yield ((0, 0, 0), True), ((least, True) if len(given) == 3 else (above, False))
        elif sign == "<":
            yield ((0, 0, 0), True), (least, False)
        elif sign in ("~", "~>") and given == (0, 0, 0):
            yield (least, True), (_HIGHEST, False)  # helm takes it for any version
        elif sign == "=" and len(given) == 3:
            yield (least, True), (least, True)
        else:
            yield (least, True), (_reach(sign, given), False)


def _reach(sign: str, given: tuple[int, ...]) -> Number:
    """The first version that `~`, `^` or a part of a version no longer holds."""
    if sign == "^":
        leading = next((at for at, number in enumerate(given) if number), len(given) - 1)
        return _next(given[: leading + 1]) if given else _HIGHEST
    return _next(given[:2])


def _next(given: tuple[int, ...]) -> Number:
    """The first version behind all that begin with these numbers."""
    if not given:
        return _HIGHEST
    return _filled((*given[:-1], given[-1] + 1))


def _filled(given: tuple[int, ...]) -> Number:
    major, minor, patch = (*given, 0, 0, 0)[:3]
    return major, minor, patch


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers before the first `x`."""
    numbers: list[int] = []
    for part in re.split(r"[-+]", version.removeprefix("v"), maxsplit=1)[0].split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)
