"""JSON Patch (RFC 6902) in two dialects: the RFC's, and Clusternet's with its leniencies (contract §4.5).

Results share structure with their inputs and nothing is changed in place. Failures are values, and name places and
operations, never contents. `merge` is the other kind of patch.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from reconciler.render.bounds import Bounds
from reconciler.render.pointer import same, tokens, unescaped

_MOST_OPERATIONS = 10_000
"""Clusternet's limit, against patches that are made to exhaust it."""
_LONGEST = 200
"""Tokens of a path: as deep as a file may be."""
_INDEX = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_GO_INDEX = re.compile(r"[+-]?[0-9]+", re.ASCII)


class Fault(msgspec.Struct, frozen=True):
    """Why a patch was not applied."""

    message: str
    missing: bool = False
    """What it wants to touch is not there. Clusternet then skips the whole patch without a word."""


class Patched(msgspec.Struct, frozen=True):
    """The document after the patch, or as it was when there is a fault: a patch is applied whole or not at all."""

    value: Any
    fault: Fault | None = None


class _Refused(Exception):
    def __init__(self, message: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


def apply(document: Any, operations: Any, *, strict: bool = False) -> Patched:
    """Apply the operations in order. `strict` is RFC 6902; otherwise as Clusternet does."""
    if not isinstance(operations, list) or not all(isinstance(operation, Mapping) for operation in operations):
        return Patched(document, Fault("a JSON patch is a list of operations"))
    if len(operations) > _MOST_OPERATIONS:
        return Patched(document, Fault(f"more than {_MOST_OPERATIONS} operations"))
    dialect = _Strict() if strict else _Clusternet()
    value, bounds = document, Bounds()
    for number, operation in enumerate(operations):
        try:
            value = _bounded(dialect.applied(value, operation), operation, bounds)
        except _Refused as refusal:
            return Patched(document, Fault(f"operation {number}{_aim(operation)}: {refusal}", refusal.missing))
    return Patched(value)


def _aim(operation: Mapping[str, Any]) -> str:
    done, path = operation.get("op"), operation.get("path")
    return f" ({done} {path})" if isinstance(done, str) and isinstance(path, str) else ""


class _Strict:
    """RFC 6902, with every condition that it calls an error."""

    def applied(self, document: Any, operation: Mapping[str, Any]) -> Any:
        match operation.get("op"):
            case "add":
                return self.add(document, self.path(operation), self.value(operation))
            case "remove":
                return self.remove(document, self.path(operation))
            case "replace":
                return self.replace(document, self.path(operation), self.value(operation))
            case "move":
                source = self.path(operation, "from")
                value, rest = self.get(document, source), self.remove(document, source)
                return self.add(rest, self.path(operation), value)
            case "copy":
                value = self.get(document, self.path(operation, "from"))
                return self.add(document, self.path(operation), value)
            case "test":
                self.test(document, self.path(operation), self.value(operation))
                return document
            case _:
                raise _Refused("op is none of add, remove, replace, move, copy, test")

    def path(self, operation: Mapping[str, Any], member: str = "path") -> tuple[str, ...]:
        text = operation.get(member)
        if not isinstance(text, str):
            raise _Refused(f"{member} is missing", missing=True)
        parts = tokens(text)
        if parts is None:
            raise _Refused(f"{member} is not a JSON pointer")
        return _short(parts)

    def value(self, operation: Mapping[str, Any]) -> Any:
        if "value" not in operation:
            raise _Refused("value is missing")
        return operation["value"]

    def get(self, document: Any, path: tuple[str, ...]) -> Any:
        for part in path:
            document = self.child(document, part)
        return document

    def test(self, document: Any, path: tuple[str, ...], value: Any) -> None:
        if not same(self.get(document, path) if path else document, value):
            raise _Refused("another value is there")

    def add(self, document: Any, path: tuple[str, ...], value: Any) -> Any:
        return self._within(document, path, lambda parent, key: self.added(parent, key, value)) if path else value

    def replace(self, document: Any, path: tuple[str, ...], value: Any) -> Any:
        return self._within(document, path, lambda parent, key: self.replaced(parent, key, value)) if path else value

    def remove(self, document: Any, path: tuple[str, ...]) -> Any:
        if not path:
            raise _Refused("the whole document cannot be removed")
        return self._within(document, path, self.removed)

    def _within(self, node: Any, path: tuple[str, ...], change: Callable[[Any, str], Any]) -> Any:
        """The document with the container of the last token changed; containers on the way are copied, not touched."""
        if len(path) == 1:
            return change(node, path[0])
        inner = self._within(self.child(node, path[0]), path[1:], change)
        return _with(node, path[0] if isinstance(node, dict) else self.position(node, path[0]), inner)

    def child(self, node: Any, key: str) -> Any:
        if isinstance(node, dict) and key in node:
            return node[key]
        if isinstance(node, list):
            return node[self.position(node, key)]
        raise _Refused(f"there is no '{key}'", missing=True)

    def position(self, node: list[Any], key: str) -> int:
        if not _INDEX.fullmatch(key) or int(key) >= len(node):
            raise _Refused(f"there is no index {key}")
        return int(key)

    def insertion(self, node: list[Any], key: str) -> int:
        if not _INDEX.fullmatch(key) or int(key) > len(node):
            raise _Refused(f"there is no index {key}")
        return int(key)

    def added(self, parent: Any, key: str, value: Any) -> Any:
        if isinstance(parent, dict):
            return {**parent, key: value}
        if isinstance(parent, list):
            at = len(parent) if key == "-" else self.insertion(parent, key)
            return [*parent[:at], value, *parent[at:]]
        raise _Refused("its parent is neither an object nor a list", missing=True)

    def replaced(self, parent: Any, key: str, value: Any) -> Any:
        self.child(parent, key)
        return _with(parent, key if isinstance(parent, dict) else self.position(parent, key), value)

    def removed(self, parent: Any, key: str) -> Any:
        self.child(parent, key)
        if isinstance(parent, dict):
            return {name: value for name, value in parent.items() if name != key}
        at = self.position(parent, key)
        return [*parent[:at], *parent[at + 1 :]]


class _Clusternet(_Strict):
    """json-patch 5.7 as Clusternet calls it: what is missing skips the patch, absent keys read as null."""

    def path(self, operation: Mapping[str, Any], member: str = "path") -> tuple[str, ...]:
        text = operation.get(member)
        if not isinstance(text, str):
            raise _Refused(f"{member} is missing", missing=True)
        if text and "/" not in text:
            raise _Refused("path leads nowhere", missing=True)
        # whatever stands before the first slash is not looked at
        return _short(tuple(map(unescaped, text.split("/")[1:])))

    def value(self, operation: Mapping[str, Any]) -> Any:
        return operation.get("value")

    def get(self, document: Any, path: tuple[str, ...]) -> Any:
        parent = self._parent(document, path)
        return parent.get(path[-1]) if isinstance(parent, dict) else parent[self.position(parent, path[-1])]

    def add(self, document: Any, path: tuple[str, ...], value: Any) -> Any:
        self._parent(document, path)
        return super().add(document, path, value)

    def replace(self, document: Any, path: tuple[str, ...], value: Any) -> Any:
        if path:
            self._parent(document, path)
        elif not isinstance(value, dict | list):
            raise _Refused("a document can only be replaced by an object or a list")
        return super().replace(document, path, value)

    def remove(self, document: Any, path: tuple[str, ...]) -> Any:
        self._parent(document, path)
        return super().remove(document, path)

    def _parent(self, document: Any, path: tuple[str, ...]) -> Any:
        """The container of the last token; anything that is wrong on the way to it counts as missing."""
        try:
            for part in path[:-1]:
                document = self.child(document, part)
        except _Refused as refusal:
            raise _Refused(str(refusal), missing=True) from None
        if not path or not isinstance(document, dict | list):
            raise _Refused("there is no such place", missing=True)
        return document

    def position(self, node: list[Any], key: str) -> int:
        at = int(key) if _GO_INDEX.fullmatch(key) else len(node)
        if not -len(node) <= at < len(node):
            raise _Refused(f"there is no index {key}")
        return at % len(node)

    def insertion(self, node: list[Any], key: str) -> int:
        at = int(key) if _GO_INDEX.fullmatch(key) else len(node) + 1
        if not -len(node) - 1 <= at <= len(node):
            raise _Refused(f"there is no index {key}")
        return at % (len(node) + 1)

    def replaced(self, parent: Any, key: str, value: Any) -> Any:
        if isinstance(parent, dict):
            return {**parent, key: value}
        try:
            return _with(parent, self.position(parent, key), value)
        except _Refused as refusal:
            raise _Refused(str(refusal), missing=True) from None


def _bounded(document: Any, operation: Mapping[str, Any], bounds: Bounds) -> Any:
    if operation.get("op") in ("copy", "move") and not bounds.allow(document):
        raise _Refused("the document would become too large or too deep")
    return document


def _short(path: tuple[str, ...]) -> tuple[str, ...]:
    if len(path) > _LONGEST:
        raise _Refused(f"a path has more than {_LONGEST} parts")
    return path


def _with(node: Any, key: Any, value: Any) -> Any:
    if isinstance(node, dict):
        return {**node, key: value}
    return [*node[:key], value, *node[key + 1 :]]
