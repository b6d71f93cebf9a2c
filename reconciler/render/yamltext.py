"""YAML documents that stand as text in a field: changed, with every character left that says nothing of the change.

Comments, order of keys, quotes and indentation stay, because only the lines of changed values are written. The result
is read again, and an edit that would change anything else (through an anchor, say) is refused.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from reconciler.render import jsontext, yamlwrite
from reconciler.render.patch import Fault, Patched
from reconciler.render.pointer import same
from reconciler.render.yamlnodes import Node, NotReadable, read
from reconciler.render.yamlwrite import Manner

_COMMENT = re.compile(r"#[^\n]*")
_Edit = tuple[int, int, str]
"""From, to (both in characters), and what stands there then."""


def edited(text: str, change: Callable[[Any], Patched]) -> Patched:
    """The text after a change of the document in it, or the text as it was and a fault."""
    try:
        root = read(text)
    except NotReadable as reason:
        return Patched(text, Fault(str(reason)))
    before = root.value if root is not None else None
    changed = change(before)
    if changed.fault is not None or same(before, changed.value):
        return Patched(text, changed.fault)
    if root is not None and root.flow:
        as_json = jsontext.edited(text, change)
        if as_json.fault is None:
            return as_json
    written = _Editor(text, root).written(root, changed.value)
    if _reads_as(written, changed.value):
        return Patched(written)
    return Patched(text, Fault("the document in the field cannot be changed there without changing more of it"))


def _reads_as(text: str, value: Any) -> bool:
    try:
        root = read(text)
    except NotReadable:
        return False
    return same(root.value if root is not None else None, value)


class _Editor:
    def __init__(self, text: str, root: Node | None) -> None:
        self.text = text
        self.manner = _manner(text, root)

    def written(self, root: Node | None, value: Any) -> str:
        if root is None:
            newline = self.manner.newline
            return f"{self.text.rstrip()}{newline}{yamlwrite.document(value, self.manner)}{newline}"
        if _alike(root, value):
            edits = list(self.update(root, value))
        else:
            edits = [(root.start, self.end(root), yamlwrite.document(value, self.manner))]
        # of edits at one place the inner one was found first, and stands first
        parts, position = [], 0
        for _, (start, stop, new) in sorted(enumerate(edits), key=lambda one: (one[1][0], one[0])):
            parts += [self.text[position:start], new]
            position = max(position, stop)
        return "".join([*parts, self.text[position:]])

    def update(self, node: Node, value: Any) -> Iterator[_Edit]:
        """Edits that make a collection another one of its sort."""
        changes = self.mapping(node, value) if isinstance(value, dict) else self.sequence(node, value)
        if changes is None:
            yield node.start, node.end, yamlwrite.flow(value)
        else:
            yield from changes

    def mapping(self, node: Node, value: dict[str, Any]) -> Iterator[_Edit] | None:
        own = {key.value for key, _ in node.entries if key is not None}
        gone = [
            at for at, (key, _) in enumerate(node.entries) if key and key.value is not None and key.value not in value
        ]
        if node.flow and gone:
            return None
        fresh = {
            name: member
            for name, member in value.items()
            if name not in own and not (name in node.value and same(node.value[name], member))
        }
        return self._mapping(node, value, gone, fresh)

    def _mapping(self, node: Node, value: Any, gone: list[int], fresh: dict[str, Any]) -> Iterator[_Edit]:
        last = 0
        yield from self.removals(node, gone)
        for at, (key, child) in enumerate(node.entries):
            if at in gone:
                continue
            last = at
            if key is not None and key.value is not None and not same(child.value, value[key.value]):
                yield from self.child(node, at, value[key.value])
        if not fresh:
            return
        if node.flow:
            new = "".join(f", {yamlwrite.key(name)} {yamlwrite.flow(member)}" for name, member in fresh.items())
            yield node.entries[-1][1].end, node.entries[-1][1].end, new
        else:
            column = self.head(node, 0)[0] - self.line(self.head(node, 0)[0])
            entries = [
                yamlwrite.entry(yamlwrite.key(name), member, column, self.manner) for name, member in fresh.items()
            ]
            yield self.insertion(node.entries[last][1], column, entries)

    def sequence(self, node: Node, value: list[Any]) -> Iterator[_Edit] | None:
        old = [child.value for _, child in node.entries]
        start = _common(old, value)
        stop = _common(old[start:][::-1], value[start:][::-1])
        changed, new = list(range(start, len(old) - stop)), value[start : len(value) - stop]
        if node.flow and len(changed) > len(new):
            return None
        return self._sequence(node, start, changed, new)

    def _sequence(self, node: Node, start: int, changed: list[int], new: list[Any]) -> Iterator[_Edit]:
        for at, member in zip(changed, new, strict=False):
            if not same(node.entries[at][1].value, member):
                yield from self.child(node, at, member)
        yield from self.removals(node, changed[len(new) :])
        fresh = new[len(changed) :]
        if not fresh:
            return
        before = start + len(changed) - 1
        if node.flow:
            new_text = ", ".join(map(yamlwrite.flow, fresh))
            place = node.entries[before][1].end if before >= 0 else node.entries[0][1].start
            yield place, place, f", {new_text}" if before >= 0 else f"{new_text}, "
            return
        place = self.head(node, 0)[0]
        column = place - self.line(place)
        entries = [yamlwrite.entry("-", member, column, self.manner) for member in fresh]
        if before >= 0:
            yield self.insertion(node.entries[before][1], column, entries)
        else:
            between = self.manner.newline + " " * column
            yield place, place, "".join(made + between for made in entries)

    def child(self, node: Node, at: int, value: Any) -> Iterator[_Edit]:
        """Edits that give a key or an item another value."""
        child = node.entries[at][1]
        end = self.end(child)
        simple = not isinstance(value, dict | list) or not value
        if _alike(child, value):
            yield from self.update(child, value)
        elif node.flow:
            yield child.start, child.end, " " * (child.start == child.end) + yamlwrite.flow(value)
        elif simple and not child.entries and child.style not in ("|", ">") and not _several_lines(value):
            text = yamlwrite.scalar(value, child.style)
            yield child.start, end, " " * (child.start == end) + text
        else:
            yield self.replacement(node, at, value)

    def replacement(self, node: Node, at: int, value: Any) -> _Edit:
        """A key or an item written anew; a comment behind its head stays."""
        start, stop = self.head(node, at)
        child = node.entries[at][1]
        end = self.end(child)
        rest = self.text[end : self.line_end(end)].strip()
        head = self.text[start:stop]
        new = (
            f"{head} {yamlwrite.scalar(value)}"
            if rest and isinstance(value, str)
            else yamlwrite.entry(head, value, start - self.line(start), self.manner)
        )
        beside = self.text[stop : max(child.start, stop)].partition("\n")[0].strip()
        if beside.startswith("#"):
            first, newline, others = new.partition(self.manner.newline)
            new = f"{first}  {beside}{newline}{others}"
        return start, max(end, stop), new

    def removals(self, node: Node, gone: list[int]) -> Iterator[_Edit]:
        """Entries of a block taken out, with the lines that they stand in."""
        done = 0
        for at in gone:
            start, stop = self.head(node, at)
            line, end = self.line(start), max(self.end(node.entries[at][1]), stop)
            if start < done:
                continue
            if self.text[line:start].strip(" "):
                # the first of an item: the next that stays moves up, behind the '-'
                kept = next((other for other in range(at, len(node.entries)) if other not in gone), None)
                done = end if kept is None else self.head(node, kept)[0]
                yield start, done, ""
            elif self.text[end - 1] == "\n":
                yield line, end, ""
            else:
                yield line, self.text.find("\n", end) + 1 or len(self.text), ""

    def insertion(self, behind: Node, column: int, entries: list[str]) -> _Edit:
        """New entries of a block, behind the line where one of its values ends."""
        newline, end = self.manner.newline, self.end(behind)
        lines = [" " * column + made for made in entries]
        if self.text[end - 1] != "\n":
            end = self.text.find("\n", end) + 1
        if not end:
            return len(self.text), len(self.text), "".join(newline + line for line in lines)
        return end, end, "".join(line + newline for line in lines)

    def head(self, node: Node, at: int) -> tuple[int, int]:
        """Where the key and its ':' stand, or the '-' of an item."""
        key, child = node.entries[at]
        if key is not None:
            return key.start, self.text.index(":", key.end) + 1
        before = self.end(node.entries[at - 1][1]) if at else node.start
        gap = _COMMENT.sub(lambda found: " " * len(found[0]), self.text[before : child.start])
        dash = before + max(gap.rfind("-"), 0)
        return dash, dash + 1

    def end(self, node: Node) -> int:
        """Where the text of a value ends, without line ends that mean nothing."""
        if node.entries and not node.flow:
            return self.end(node.entries[-1][1])
        if node.style in ("|", ">"):
            header = self.text[node.start : self.line_end(node.start)].partition("#")[0]
            if "+" in header:
                return node.end
            return node.start + len(self.text[node.start : node.end].rstrip())
        return node.end

    def line(self, place: int) -> int:
        """Where the line of a place begins."""
        return self.text.rfind("\n", 0, place) + 1

    def line_end(self, place: int) -> int:
        """Where the line of a place ends, without what ends it."""
        found = self.text.find("\n", place)
        if found < 0:
            return len(self.text)
        return found - (found > place and self.text[found - 1] == "\r")


def _alike(node: Node, value: Any) -> bool:
    """Whether a collection can be changed entry by entry into the value."""
    if node.alias or not node.entries or not value:
        return False
    if isinstance(node.value, dict) and isinstance(value, dict):
        return any(key is not None and (key.value is None or key.value in value) for key, _ in node.entries)
    return isinstance(node.value, list) and isinstance(value, list)


def _several_lines(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value


def _common(one: list[Any], other: list[Any]) -> int:
    """How many values two lists begin with alike."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if not same(left, right):
            return at
    return min(len(one), len(other))


def _manner(text: str, root: Node | None) -> Manner:
    """The manner of a document, by the first mapping in a mapping, and the first list in one."""
    steps: list[int] = []
    hangs: list[int] = []
    level = [root] if root is not None else []
    while level and not (steps and hangs):
        below = [(node, key, child) for node in level for key, child in node.entries if not node.flow]
        for _, key, child in below:
            if key is None or child.flow or not child.entries or child.alias:
                continue
            first = child.entries[0][0]
            column = first.column if first is not None else child.column
            (hangs if first is None else steps).append(column - key.column)
        level = [child for _, _, child in below]
    step = steps[0] if steps and steps[0] > 0 else 2
    hang = hangs[0] if hangs and hangs[0] >= 0 else 0
    return Manner("\r\n" if "\r\n" in text else "\n", step, hang)
