"""New values as YAML text, in the manner of the document that they are added to."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from reconciler.model import scalars

_PLAIN = re.compile(r"[A-Za-z0-9_/](?:[\w./@+=()$-]|:(?=[^\s:])|\ (?=[\w/(]))*\Z", re.ASCII)
_ELSEWHERE = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-9_.]+)+\Z|[0-9]{4}-[0-9]{1,2}-|[-+.]?[0-9][-+.0-9eExXobB_]*\Z")
"""Text to kubectl, a number or a date to other readers."""


class Manner(msgspec.Struct, frozen=True):
    """How a document is written."""

    newline: str = "\n"
    step: int = 2
    """Spaces by which a mapping in a mapping is indented."""
    hang: int = 0
    """Spaces by which a list in a mapping is indented."""


def document(value: Any, manner: Manner) -> str:
    """A whole document, without the end of its last line."""
    if not isinstance(value, dict | list) or not value:
        return scalar(value)
    return manner.newline.join(_members(value, 0, manner))


def entry(head: str, value: Any, indent: int, manner: Manner) -> str:
    """A key with its ':', or the '-' of an item, and its value. `indent` is the column of the head; it is not written.

    Lines after the first begin with their indentation.
    """
    return manner.newline.join(_lines(head, value, indent, manner))


def _lines(head: str, value: Any, indent: int, manner: Manner) -> Iterator[str]:
    if isinstance(value, str) and "\n" in value and _fits_a_block(value):
        yield from _literal(head, value, indent + manner.step)
    elif not isinstance(value, dict | list) or not value:
        yield f"{head} {scalar(value)}"
    elif head == "-":
        rest = _members(value, indent + 2, manner)
        yield f"- {next(rest).lstrip(' ')}"
        yield from rest
    else:
        yield head
        yield from _members(value, indent + (manner.step if isinstance(value, dict) else manner.hang), manner)


def _members(value: Any, indent: int, manner: Manner) -> Iterator[str]:
    pairs = ((key(name), member) for name, member in value.items()) if isinstance(value, dict) else None
    for head, member in pairs if pairs is not None else (("-", member) for member in value):
        first, *rest = _lines(head, member, indent, manner)
        yield " " * indent + first
        yield from rest


def _fits_a_block(value: str) -> bool:
    """A block begins with no space, and has no way to write what cannot be seen."""
    return not value[0].isspace() and all(character.isprintable() or character in "\n\t" for character in value)


def _literal(head: str, value: str, indent: int) -> Iterator[str]:
    body = value.rstrip("\n")
    ends = len(value) - len(body)
    yield f"{head} |{'-' if ends == 0 else '' if ends == 1 else '+'}"
    for line in [*body.split("\n"), *[""] * (ends - 1)]:
        yield " " * indent + line if line else ""


def key(name: str) -> str:
    """A key with its ':'."""
    return f"{scalar(name)}:"


def scalar(value: Any, quote: str = "") -> str:
    """A scalar or an empty collection on one line; `quote` is how text was quoted that it replaces."""
    if not isinstance(value, str):
        return json.dumps(value)
    if quote == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if quote != '"' and _PLAIN.match(value) and scalars.plain(value) == value and not _ELSEWHERE.match(value):
        return value
    return "".join(map(_visible, json.dumps(value, ensure_ascii=False)))


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if character <= "\uffff" else f"\\U{ord(character):08x}"


def flow(value: Any) -> str:
    """Any value on one line, for places inside brackets."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key(name)} {flow(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    # commas and brackets end a plain scalar here, and _PLAIN has neither
    return scalar(value)
