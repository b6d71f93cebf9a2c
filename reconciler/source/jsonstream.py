"""A file that is one JSON object or several in a row, as kubectl reads files that begin with a brace.

Whatever is not clean JSON (or has a key twice, or nests too deep) is left to the YAML reader, which says where and why.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from reconciler.model import scalars
from reconciler.source.composing import DEPTH_LIMIT


class JsonObject(msgspec.Struct, frozen=True):
    """One object of a stream and where it begins, from 1."""

    content: bytes
    line: int
    column: int
    value: Mapping[str, Any]


class _NotClean(ValueError):
    """JSON that the YAML reader must judge."""


_SPACE: Final = re.compile(r"[ \t\r\n]*")
_ESCAPE: Final = re.compile(
    r"\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


def objects(content: bytes) -> list[JsonObject] | None:
    """The objects of a JSON stream; None when the content is anything else."""
    try:
        # half of a surrogate pair is no text; Go reads it as U+FFFD
        text = _ESCAPE.sub(lambda match: "\ufffd" if match[2] else match[0], content.decode())
        found = []
        position = _after_space(text, 0)
        while position < len(text):
            value, end = _decoder.raw_decode(text, position)
            if not isinstance(value, dict) or _too_deep(value):
                return None
            line = text.count("\n", 0, position) + 1
            column = position - text.rfind("\n", 0, position)
            found.append(JsonObject(text[position:end].encode(), line, column, value))
            position = _after_space(text, end)
    except (ValueError, RecursionError):
        return None
    return found


def _after_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NotClean
    return members


def _integer(text: str) -> int | float:
    if len(text) > 25:
        return _float(text)  # Python refuses to convert thousands of decimal digits
    value = int(text)
    return value if -(1 << 63) <= value < 1 << 63 else _float(text)


def _float(text: str) -> int | float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _NotClean
    return scalars.number(value)


def _constant(_: str) -> Any:
    raise _NotClean


def _too_deep(value: Any) -> bool:
    level, depth = [value], 0
    while level and depth <= DEPTH_LIMIT:
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(member for member in item.values() if isinstance(member, dict | list))
            else:
                inner.extend(member for member in item if isinstance(member, dict | list))
        level, depth = inner, depth + 1
    return bool(level)


_decoder = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
