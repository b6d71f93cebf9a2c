"""A YAML text as nodes that know where they stand, with the values that kubectl reads from them.

Only for texts inside fields: one document, keys given once, no deeper and no larger than an object may be.
"""

from collections.abc import Iterator
from typing import Any

import yaml
from yaml import events as ev

from reconciler.model import scalars

_DEPTH = 200
_LARGEST = 100_000
"""Nodes, those that aliases stand for counted each time."""
_MERGE = "tag:yaml.org,2002:merge"


class NotReadable(Exception):
    """The text is no YAML document that a field patch can be applied to; the words say why, without its contents."""


class Node:
    """A value and where its text stands: `start` and `end` count characters, `column` from 0."""

    __slots__ = ("alias", "column", "end", "entries", "flow", "size", "start", "style", "value")

    def __init__(self, event: Any, value: Any) -> None:
        self.start: int = event.start_mark.index
        self.end: int = event.end_mark.index
        self.column: int = event.start_mark.column
        self.value = value
        self.style: str = getattr(event, "style", None) or ""
        self.flow: bool = bool(getattr(event, "flow_style", False))
        self.alias = isinstance(event, ev.AliasEvent)
        self.entries: list[tuple[Node | None, Node]] = []
        """Keys with their values, in order; the items of a list have no key."""
        self.size = 1


def read(text: str) -> Node | None:
    """The document of a text; None when it says nothing. NotReadable when it is not one good document."""
    try:
        events = _events(text)
    except (yaml.YAMLError, UnicodeEncodeError):
        raise NotReadable("the field does not hold one good YAML document") from None
    starts = [event for event in events if isinstance(event, ev.DocumentStartEvent)]
    if len(starts) > 1:
        raise NotReadable("the field holds several YAML documents, and a patch changes one")
    inner = iter(events[2:])
    return _Reader().node(next(inner), inner) if starts else None


def _events(text: str) -> list[Any]:
    """All events, unless they nest too deep: what follows may then recurse."""
    found = []
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        found.append(event)
        depth += isinstance(event, ev.CollectionStartEvent) - isinstance(event, ev.CollectionEndEvent)
        if depth > _DEPTH:
            raise NotReadable(f"the document in the field nests deeper than {_DEPTH} levels")
        if len(found) > 2 * _LARGEST:
            raise NotReadable("the document in the field is too large")
    return found


class _Reader:
    def __init__(self) -> None:
        self.anchors: dict[str, Node] = {}

    def node(self, event: Any, events: Iterator[Any]) -> Node:
        if isinstance(event, ev.AliasEvent):
            return self.alias(event)
        if isinstance(event, ev.ScalarEvent):
            node = Node(event, _scalar(event))
        elif isinstance(event, ev.MappingStartEvent):
            node = self.mapping(event, events)
        else:
            node = self.sequence(event, events)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def alias(self, event: Any) -> Node:
        meant = self.anchors.get(event.anchor)
        if meant is None:
            raise NotReadable("an alias has no anchor before it")
        node = Node(event, meant.value)
        node.size = meant.size
        return node

    def sequence(self, event: Any, events: Iterator[Any]) -> Node:
        node = Node(event, [])
        for inner in events:
            if isinstance(inner, ev.SequenceEndEvent):
                return _closed(node, inner)
            self.added(node, None, self.node(inner, events))
            node.value.append(node.entries[-1][1].value)
        raise AssertionError("a list ends in the events of the parser")

    def mapping(self, event: Any, events: Iterator[Any]) -> Node:
        node = Node(event, {})
        own: set[str] = set()
        for inner in events:
            if isinstance(inner, ev.MappingEndEvent):
                return _closed(node, inner)
            key = self.node(inner, events)
            merging = isinstance(inner, ev.ScalarEvent) and inner.value == "<<" and _is_merge(inner)
            value = self.node(next(events), events)
            if merging:
                key.value = None
                for mapping in reversed(value.value if isinstance(value.value, list) else [value.value]):
                    node.value.update(_mapping(mapping))
            else:
                key.value = name = _key(inner, key)
                if name in own:
                    raise NotReadable("a key is set twice in the document in the field")
                own.add(name)
                node.value[name] = value.value
            self.added(node, key, value)
        raise AssertionError("a mapping ends in the events of the parser")

    def added(self, node: Node, key: Node | None, value: Node) -> None:
        node.entries.append((key, value))
        node.size += value.size
        if node.size > _LARGEST:
            raise NotReadable("the document in the field is too large, or its aliases make it so")


def _closed(node: Node, event: Any) -> Node:
    if node.flow:
        node.end = event.end_mark.index
    elif node.entries:
        node.end = node.entries[-1][1].end
    return node


def _is_merge(event: Any) -> bool:
    return bool(event.implicit[0]) or event.tag == _MERGE


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotReadable("`<<` takes a mapping or a list of mappings")
    return value


def _scalar(event: Any) -> scalars.Scalar:
    text: str = event.value
    if event.tag is None or event.tag == _MERGE:
        return scalars.plain(text) if event.tag is None and event.implicit[0] else text
    try:
        return scalars.tagged(event.tag, text)
    except scalars.NotThisTag:
        raise NotReadable("a value does not fit its tag") from None


def _key(event: Any, key: Node) -> str:
    if not isinstance(event, ev.ScalarEvent):
        if key.alias and isinstance(key.value, str):
            return key.value
        raise NotReadable("a key is no plain text")
    name = scalars.key(key.value, event.value)
    if name is None:
        raise NotReadable("a key is null")
    return name
