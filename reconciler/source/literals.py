"""The literal part of a template: its documents with every expression taken out and marked.

Only the beginning of a document that identifies it is read as YAML; the rest may be anything until it is filled.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.source import documents as yaml

if TYPE_CHECKING:
    from jinja2 import Environment

_EXPRESSION: Final = "\ue000"
"""Stands for an expression."""
_STATEMENT: Final = "\ue001"
_MARKS: Final = _EXPRESSION + _STATEMENT
_MARKED: Final = {"variable_begin": _EXPRESSION, "block_begin": _STATEMENT}
_ASIDE: Final = {"macro": "endmacro", "call": "endcall", "set": "endset"}
"""Statements whose body is not written where it stands."""
_SEPARATOR: Final = re.compile(r"^---(?=[ \t]|$)", re.MULTILINE)
_HEAD: Final = re.compile(r"^(apiVersion|kind|metadata)[ \t]*:")
_NAME: Final = re.compile(r"^([ \t]+)(name|namespace|generateName)[ \t]*:")


class Literal(msgspec.Struct, frozen=True):
    """One document of a template, as far as it is literal."""

    line: int
    value: Mapping[str, Any]
    """`apiVersion`, `kind` and `metadata`, as far as they are `marked` with expressions."""
    fault: str = ""
    """Why they could not be read, behind “this document”."""


def marked(text: str) -> bool:
    """Whether a part of a text is not literal."""
    return not set(_MARKS).isdisjoint(text)


def documents(environment: "Environment", text: str) -> Iterator[Literal]:
    """The documents of a template that jinja2 can read. One that only holds statements is none."""
    bare = _bare(environment, text)
    starts = sorted({0, *(match.start() for match in _SEPARATOR.finditer(bare))})
    for start, stop in zip(starts, [*starts[1:], len(bare)], strict=True):
        chunk = bare[start:stop]
        lines = [*_lines(chunk.removeprefix("---"))]
        if lines or _EXPRESSION in chunk:
            skipped = len(chunk) - len(chunk.removeprefix("---").lstrip(" \t\n" + _STATEMENT))
            yield _literal(bare.count("\n", 0, start + min(skipped, len(chunk))) + 1, lines)


def _bare(environment: "Environment", text: str) -> str:
    """The text with as many lines, its expressions and statements marked, comments and bodies of macros left out."""
    parts: list[str] = []
    aside: list[str] = []
    statement: list[str] | None = None
    for _, sort, value in environment.lex(text):
        if sort == "block_begin":
            statement = []
        elif sort == "block_end" and statement is not None:
            _enter(aside, statement)
            statement = None
        elif statement is not None and sort in ("name", "operator"):
            statement.append(value)
        if sort == "data" and not aside:
            parts.append(value)
            continue
        parts.append(_MARKED.get(sort, "") if not aside else "")
        parts.append("\n" * value.count("\n"))
    return "".join(parts)


def _enter(aside: list[str], statement: list[str]) -> None:
    word = statement[0] if statement else ""
    if aside and word == aside[-1]:
        aside.pop()
    elif word in _ASIDE and not (word == "set" and "=" in statement):
        aside.append(_ASIDE[word])


def _lines(chunk: str) -> Iterator[str]:
    """Lines that say something: neither empty, nor comments, nor only statements and expressions of their own."""
    for line in chunk.split("\n"):
        bare = line.strip(" \t" + _MARKS)
        if bare and not bare.startswith("#"):
            yield line


def _literal(line: int, lines: list[str]) -> Literal:
    if lines and lines[0].lstrip().startswith("{"):
        return _read(line, [text.replace(_STATEMENT, "") for text in lines])
    head, inside = [], ""
    for text in lines:
        match = _HEAD.match(text)
        if match or text[:1] not in (" ", "\t"):
            inside = match[1] if match else ""
        if inside:
            head.append(text)
    found = _read(line, head)
    return found if not found.fault else _read(line, [*_narrow(head)])


def _narrow(head: Iterable[str]) -> Iterator[str]:
    """Without labels and annotations, which may hold what is no YAML until it is filled."""
    depth = None
    for text in head:
        match = _NAME.match(text)
        if match and (depth is None or len(match[1]) <= depth):
            depth = len(match[1])
        if _HEAD.match(text) or (match and len(match[1]) == depth):
            yield text


def _read(line: int, lines: list[str]) -> Literal:
    parsed = yaml.everything("\n".join(lines).encode())
    broken = any(document.broken for document in parsed.documents)
    if any(found.fault.rule == "yaml-duplicate-key" for found in parsed.faults):
        return Literal(line, {}, "says twice what must be the same everywhere")
    if broken or len(parsed.documents) != 1 or not isinstance(parsed.documents[0].value, Mapping):
        return Literal(line, {}, "does not say what it is in plain text")
    return Literal(line, parsed.documents[0].value)
