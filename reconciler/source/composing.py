"""One chunk of YAML to values, with kubectl's rules for keys, merges and aliases, and every fault with its position.

Works on the events of PyYAML's C parser with a stack of its own, so that neither deep nesting nor aliases can exhaust
the machine. A broken document still gives what was read of it, so that its identity is known.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from yaml import YAMLError
from yaml import events as ev
from yaml._yaml import CParser

from reconciler.model import scalars
from reconciler.source import salvage, syntax
from reconciler.source.syntax import Fault

DEPTH_LIMIT: Final = 200
"""Kubernetes objects nest about 60 levels at most (CRD schemas); JSON encoders give up near 1000."""
EXPANSION_LIMIT: Final = 100_000
"""Nodes that aliases may add to one document; an API server takes objects of 1.5 MiB."""

_MERGE_TAG: Final = "tag:yaml.org,2002:merge"
_INFINITE: Final = (float("inf"), float("-inf"))


class Composed(msgspec.Struct):
    """One document of a chunk. When broken, `value` is what was read before or beside the fault."""

    value: Any
    line: int
    faults: list[Fault]
    broken: bool = False


class _Frame:
    """An open mapping or sequence. `key` is None while a mapping waits for a key."""

    __slots__ = ("as_key", "height", "key", "lines", "merging", "opened", "start", "value")

    def __init__(self, value: Any, opened: Any, start: int, *, as_key: bool) -> None:
        self.value = value
        self.opened = opened
        self.start = start
        self.as_key = as_key
        self.height = 1
        self.key: str | None = None
        self.merging = False
        self.lines: dict[str, int] = {}


class _GivenUp(Exception):
    """A document is too deep or too large to go on."""


class _Composer:
    def __init__(self, first_line: int) -> None:
        self.first_line = first_line
        self.documents: list[Composed] = []
        self.open = False
        self.on: dict[type, Callable[[Any], None]] = {
            ev.ScalarEvent: self.scalar,
            ev.MappingStartEvent: self.mapping,
            ev.SequenceStartEvent: self.sequence,
            ev.MappingEndEvent: self.end,
            ev.SequenceEndEvent: self.end,
            ev.AliasEvent: self.alias,
            ev.DocumentStartEvent: self.begin,
            ev.DocumentEndEvent: self.finish,
            ev.StreamStartEvent: lambda _: None,
        }

    def begin(self, event: Any) -> None:
        self.documents.append(Composed(None, self.first_line + event.start_mark.line, []))
        self.open = True
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int, int] | None] = {}
        self.count = 0
        self.expanded = 0

    def finish(self, _: Any) -> None:
        self.open = False

    def fault(self, rule: str, message: str, event: Any, hint: str = "", *, fatal: bool = True) -> None:
        mark = event.start_mark
        document = self.documents[-1]
        document.broken = document.broken or fatal
        line = self.first_line + mark.line
        document.faults.append(Fault(rule, message, line, mark.column + 1, self.path(), hint))

    def path(self) -> tuple[str | int, ...]:
        steps: list[str | int] = []
        for depth, frame in enumerate(self.stack, 1):
            if isinstance(frame.value, list):
                steps.append(len(frame.value) - (depth < len(self.stack)))
            elif frame.key is not None and not frame.merging:
                steps.append(frame.key)
        return tuple(steps)

    def scalar(self, event: Any) -> None:
        self.count += 1
        text, tag = event.value, event.tag
        value: Any = text
        if tag is None:
            if event.implicit[0]:
                value = scalars.plain(text)
        elif tag != _MERGE_TAG:
            try:
                value = scalars.tagged(tag, text)
            except scalars.NotThisTag as reason:
                self.fault("yaml-tag", str(reason), event)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1, 0)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.key is None and type(frame.value) is dict:
            self.key(frame, value, event)
            self.contested(value, event)
        else:
            if type(value) is float and (value != value or value in _INFINITE):
                self.fault("yaml-number", f"{text} is no number in JSON", event)
            self.contested(value, event)
            self.put(frame, value, event)

    def contested(self, value: Any, event: Any) -> None:
        """A truth value that other tools read as text."""
        if (value is True or value is False) and event.tag is None and event.value in scalars.CONTESTED:
            self.fault("yaml-boolean", _contested(event.value), event, _contested_hint(event.value), fatal=False)

    def key(self, frame: _Frame, value: Any, event: Any) -> None:
        text = event.value
        if text == "<<" and (event.implicit[0] or event.tag == _MERGE_TAG):
            frame.key, frame.merging = text, True
            return
        name = scalars.key(value, text)
        line = self.first_line + event.start_mark.line
        frame.key = "null" if name is None else name
        if name is None:
            self.fault("yaml-key", "a key is null", event)
        elif name in frame.lines:
            message = f"key '{name}' is already set in line {frame.lines[name]}"
            self.fault("yaml-duplicate-key", message, event)
        else:
            frame.lines[name] = line

    def put(self, frame: _Frame | None, value: Any, event: Any) -> None:
        """A complete value: of the document, of a sequence, of the key that is open, or to merge."""
        if frame is None:
            self.documents[-1].value = value
        elif type(frame.value) is list:
            frame.value.append(value)
        elif frame.merging:
            self.merge(frame, value, event)
        else:
            frame.value[frame.key] = value
            frame.key = None

    def merge(self, frame: _Frame, value: Any, event: Any) -> None:
        """goyaml v2 merges where `<<` stands: keys before it are overwritten, keys after it overwrite."""
        mappings = value if isinstance(value, list) else [value]
        if all(isinstance(mapping, dict) for mapping in mappings):
            for mapping in reversed(mappings):
                frame.value.update(mapping)
        else:
            self.fault("yaml-merge", "`<<` takes a mapping or a list of mappings", event)
        frame.key, frame.merging = None, False

    def mapping(self, event: Any) -> None:
        self.start({}, event)

    def sequence(self, event: Any) -> None:
        self.start([], event)

    def start(self, value: Any, event: Any) -> None:
        self.count += 1
        frame = self.stack[-1] if self.stack else None
        as_key = frame is not None and frame.key is None and type(frame.value) is dict
        if frame is None:
            self.documents[-1].value = value
        elif type(frame.value) is list:
            frame.value.append(value)
        elif not as_key and not frame.merging:
            frame.value[frame.key] = value
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if len(self.stack) >= DEPTH_LIMIT:
            self.give_up(f"nested deeper than {DEPTH_LIMIT} levels", event)
        self.stack.append(_Frame(value, event, self.count, as_key=as_key))

    def end(self, _: Any) -> None:
        frame = self.stack.pop()
        if frame.opened.anchor is not None:
            self.anchors[frame.opened.anchor] = (frame.value, self.count - frame.start + 1, frame.height)
        if not self.stack:
            return
        parent = self.stack[-1]
        if parent.height <= frame.height:
            parent.height = frame.height + 1
        if frame.as_key:
            hint = "A template ({{ … }}) is not rendered here; ignore the file." if type(frame.value) is dict else ""
            self.fault("yaml-key", "a key is a list or a mapping", frame.opened, hint)
            parent.key = "?"
        elif parent.merging:
            self.merge(parent, frame.value, frame.opened)
        elif type(parent.value) is dict:
            parent.key = None

    def alias(self, event: Any) -> None:
        entry = self.anchors.get(event.anchor, ())
        if not entry:
            what = "lies inside its own anchor" if entry is None else "has no anchor before it"
            self.fault("yaml-alias", f"alias *{event.anchor} {what}", event)
            entry = ({} if self.stack and self.stack[-1].merging else None, 1, 0)
        value, size, height = entry
        self.count += size
        self.expanded += size
        if self.expanded > EXPANSION_LIMIT:
            self.give_up(f"aliases expand to more than {EXPANSION_LIMIT} values", event)
        if len(self.stack) + height > DEPTH_LIMIT:
            self.give_up(f"aliases nest deeper than {DEPTH_LIMIT} levels", event)
        frame = self.stack[-1] if self.stack else None
        if frame is not None:
            frame.height = max(frame.height, height + 1)
            if frame.key is None and type(frame.value) is dict:
                self.alias_key(frame, value, event)
                return
        self.put(frame, value, event)

    def alias_key(self, frame: _Frame, value: Any, event: Any) -> None:
        if value is None or isinstance(value, dict | list):
            self.fault("yaml-key", f"a key is the alias *{event.anchor}, which is not text", event)
        frame.key = str(value)

    def give_up(self, message: str, event: Any) -> None:
        self.fault("yaml-expansion", message, event)
        raise _GivenUp

    def broken(self, error: YAMLError, content: bytes) -> None:
        """Ends the open document, or adds one, with the parser's words."""
        if not self.open:
            self.documents.append(Composed(None, self.first_line, []))
            self.stack = []
        document = self.documents[-1]
        document.broken = True
        if syntax.is_template(content):
            document.faults.clear()  # they are about the template's braces
        document.faults.append(syntax.fault_of(error, content, self.first_line))
        document.value = salvage.identity(content, document.value)


def _contested(text: str) -> str:
    return f"unquoted {text} is {'true' if scalars.plain(text) else 'false'} for kubectl, and text for other tools"


def _contested_hint(text: str) -> str:
    return f"Write {'true' if scalars.plain(text) else 'false'}, or '{text}' in quotes."


def compose(content: bytes, first_line: int) -> list[Composed]:
    """The documents of a chunk; `first_line` is the line of the file (from 1) where the chunk begins."""
    composer = _Composer(first_line)
    on = composer.on
    try:
        # the constructor reads the first bytes already
        parser = CParser(content)
        event = parser.get_event()
        while event is not None and type(event) is not ev.StreamEndEvent:
            on[type(event)](event)
            event = parser.get_event()
    except YAMLError as error:
        composer.broken(error, content)
    except _GivenUp:
        pass
    return composer.documents
