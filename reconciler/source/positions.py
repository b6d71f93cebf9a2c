"""Where the fields of one document stand: a tree of positions beside the tree of values."""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from yaml import YAMLError
from yaml import events as ev
from yaml._yaml import CParser

from reconciler.model import scalars
from reconciler.source import documents

_SURROGATES: Final = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class Node(msgspec.Struct):
    """A value and where it begins (for a member: its key), with its members or items."""

    line: int
    column: int
    members: dict[str | int, "Node"]
    merged: list["Node"]
    """Nodes behind `<<`, which lend their members."""


class _Open(msgspec.Struct):
    node: Node
    mapping: bool
    anchor: str | None
    key: tuple[str, int, int] | None = None
    as_key: bool = False


def of_document(content: bytes, document: int) -> Node | None:
    """Positions of a document of a file, as far as it can be parsed; None when there is no such document."""
    index = 0
    for chunk in documents.chunks(content):
        count = documents.count(chunk)
        if document < index + count:
            text = chunk.content
            if chunk.value is not None:
                text = _SURROGATES.sub(b"\\\\u2022", text)
            return _Builder(chunk.line, chunk.column).build(text, document - index)
        index += count
    return None


def find(node: Node, field: tuple[str | int, ...]) -> Node:
    """The node of a field, or the innermost one on the way to it that exists."""
    for step in field:
        inner = _member(node, step, set())
        if inner is None:
            return node
        node = inner
    return node


def _member(node: Node, step: str | int, seen: set[int]) -> Node | None:
    if step in node.members:
        return node.members[step]
    for lender in reversed(node.merged):
        if id(lender.members) not in seen:
            seen.add(id(lender.members))
            found = _member(lender, step, seen)
            if found is not None:
                return found
    return None


def _events(content: bytes) -> Iterator[Any]:
    try:
        parser = CParser(content)
        while (event := parser.get_event()) is not None:
            yield event
    except YAMLError:
        return


class _Builder:
    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column
        self.root: Node | None = None
        self.stack: list[_Open] = []
        self.anchors: dict[str, Node] = {}

    def build(self, content: bytes, document: int) -> Node | None:
        index = -1
        for event in _events(content):
            if isinstance(event, ev.DocumentStartEvent):
                index += 1
            elif index == document:
                self.take(event)
            if index > document:
                break
        return self.root

    def take(self, event: Any) -> None:
        match event:
            case ev.ScalarEvent():
                if self.expects_key():
                    self.stack[-1].key = (_name(event), *self.place(event))
                else:
                    self.close_key(self.attach(event))
            case ev.AliasEvent():
                known = self.anchors.get(str(event.anchor))
                if self.expects_key():
                    self.stack[-1].key = (f"*{event.anchor}", *self.place(event))
                else:
                    self.close_key(self.attach(event, known))
            case ev.MappingStartEvent() | ev.SequenceStartEvent():
                as_key = self.expects_key()
                node = Node(*self.place(event), {}, []) if as_key else self.attach(event)
                mapping = isinstance(event, ev.MappingStartEvent)
                self.stack.append(_Open(node, mapping, event.anchor, as_key=as_key))
            case ev.MappingEndEvent() | ev.SequenceEndEvent():
                self.end()
            case _:
                pass

    def place(self, event: Any) -> tuple[int, int]:
        mark = event.start_mark
        return self.line + mark.line, mark.column + (self.column if mark.line == 0 else 1)

    def expects_key(self) -> bool:
        return bool(self.stack) and self.stack[-1].mapping and self.stack[-1].key is None

    def attach(self, event: Any, known: Node | None = None) -> Node:
        """A node for the event, hung below what is open; an alias shares the members of the node it stands for."""
        opened = self.stack[-1] if self.stack else None
        place = opened.key[1:] if opened is not None and opened.key is not None else self.place(event)
        node = Node(*place, known.members if known else {}, known.merged if known else [])
        if event.anchor is not None and known is None:
            self.anchors[event.anchor] = node
        if opened is None:
            self.root = node
        elif opened.key is None:
            opened.node.members[len(opened.node.members)] = node
        elif opened.key[0] == "<<":
            opened.node.merged.append(node)
        else:
            opened.node.members[opened.key[0]] = node
        return node

    def close_key(self, _: Node) -> None:
        if self.stack and self.stack[-1].mapping:
            self.stack[-1].key = None

    def end(self) -> None:
        ended = self.stack.pop()
        if not self.stack:
            return
        parent = self.stack[-1]
        if ended.as_key:
            parent.key = ("?", ended.node.line, ended.node.column)
            return
        if parent.mapping:
            if parent.key is not None and parent.key[0] == "<<" and not ended.mapping:
                parent.node.merged.extend(ended.node.members.values())
            parent.key = None


def _name(event: Any) -> str:
    if event.tag is not None or not event.implicit[0]:
        return str(event.value)
    return scalars.key(scalars.plain(event.value), event.value) or str(event.value)
