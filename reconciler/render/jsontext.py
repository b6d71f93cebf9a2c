"""JSON documents that stand as text in a field: changed, and written again as they were written.

Order of keys, indentation, numbers of any size and the end of the text stay; nothing is escaped that need not be.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from reconciler.render.patch import Fault, Patched
from reconciler.render.pointer import same

_INDENT = re.compile(r"[\[{]\r?\n([ \t]+)")
_DEPTH = 200
"""Far deeper than configurations nest, and far from what exhausts the stack."""


class _Number(float):
    """A number with the text that it was written as."""

    text: str

    def __new__(cls, text: str) -> "_Number":
        number = super().__new__(cls, text)
        number.text = text
        return number


class _Style:
    """How a document is written: what begins a line at some depth, and what follows ',' and ':'."""

    def __init__(self, indent: str | None, comma: str = ",", colon: str = ": ") -> None:
        self.indent = indent
        self.comma = comma
        self.colon = colon

    def line(self, depth: int) -> str:
        return "" if self.indent is None else "\n" + self.indent * depth


_ONE_LINE = (_Style(None, ", ", ": "), _Style(None, ",", ":"), _Style(None, ",", ": "))


def edited(text: str, change: Callable[[Any], Patched]) -> Patched:
    """The text after a change of the document in it, or the text as it was and a fault."""
    try:
        before = json.loads(
            text, parse_float=_Number, parse_int=_integer, parse_constant=_refuse, object_pairs_hook=_once
        )
    except (ValueError, RecursionError):
        return Patched(text, Fault("the field does not hold one good JSON document"))
    if _too_deep(before):
        return Patched(text, Fault(f"the document in the field nests deeper than {_DEPTH} levels"))
    changed = change(before)
    if changed.fault is not None or same(before, changed.value):
        return Patched(text, changed.fault)
    if _too_deep(changed.value):
        return Patched(text, Fault(f"the document in the field would nest deeper than {_DEPTH} levels"))
    written = "".join(_written(changed.value, _style(text, before), 0))
    head, tail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return Patched(head + (written.replace("\n", "\r\n") if "\r\n" in text else written) + tail)


def _integer(text: str) -> int | _Number:
    # Python refuses to convert thousands of digits, and an integer has no negative zero
    return int(text) if len(text) < 300 and text != "-0" else _Number(text)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEPTH):
        inner: list[Any] = []
        for node in level:
            inner.extend(node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
        if not inner:
            return False
        level = inner
    return True


def _style(text: str, before: Any) -> _Style:
    """The style that gives this very text; where none does, the one that is nearest."""
    match = _INDENT.search(text)
    if match is not None:
        return _Style(match[1])
    bare = text.strip()
    return next((style for style in _ONE_LINE if "".join(_written(before, style, 0)) == bare), _ONE_LINE[0])


def _written(value: Any, style: _Style, depth: int) -> Iterator[str]:
    if isinstance(value, _Number):
        yield value.text
    elif isinstance(value, dict | list) and value:
        opened, closed = "{}" if isinstance(value, dict) else "[]"
        members = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        for position, (key, member) in enumerate(members):
            yield (style.comma if position else opened) + style.line(depth + 1)
            if key is not None:
                yield _scalar(key) + style.colon
            yield from _written(member, style, depth + 1)
        yield style.line(depth) + closed
    else:
        yield _scalar(value)


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
