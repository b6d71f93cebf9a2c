"""Sets or removes one annotation in the text of a YAML or JSON file, and leaves every other character as it is.

ruamel.yaml says where the nodes stand; only their lines are edited, so comments, quotes, indentation, long lines and
line ends stay the author's. The result is read again, and an edit that would change anything else (through an anchor,
say) is refused.
"""

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from reconciler.model.errors import UsageError

_BOM = "\ufeff"
Pair = tuple[Node, Node]


class _NotEditable(Exception):
    pass


def edited(text: str, document: int, item: int, key: str, value: str | None) -> str:
    """The text with the annotation `key` of one object set to `value`, or removed for None.

    `document` counts from 0; `item` is the index in a `List`, or -1. The answer equals `text` when there is nothing to
    do. UsageError when the layout does not allow it.
    """
    bom = _BOM if text.startswith(_BOM) else ""
    body = text.removeprefix(_BOM)
    try:
        new = _edited(body, (document, item), key, value)
    except (_NotEditable, YAMLError) as error:
        hint = f"set metadata.annotations yourself: {key}: " + (f'"{value}"' if value else "absent")
        raise UsageError("not-editable", "the layout of that file does not allow this edit", hint) from error
    return bom + new


def _edited(text: str, where: tuple[int, int], key: str, value: str | None) -> str:
    metadata = _metadata(text, *where)
    new = _removed(text, metadata, key) if value is None else _set(text, metadata, key, value)
    if new != text and not _differs_only(text, new, where, key, value):
        raise _NotEditable
    return new


def _metadata(text: str, document: int, item: int) -> Pair:
    """The key and value of `metadata`."""
    node = list(YAML(typ="rt", pure=True).compose_all(io.StringIO(text, newline="")))[document]
    if item >= 0:
        items = _value(node, "items")
        if not isinstance(items, SequenceNode):
            raise _NotEditable
        node = items.value[item]
    found = _pair(node, "metadata")
    if found is None or not _inside(found, node) or not isinstance(found[1], MappingNode):
        raise _NotEditable
    return found


def _pairs(node: Node) -> list[Pair]:
    return list(node.value) if isinstance(node, MappingNode) else []


def _pair(node: Node, name: str) -> Pair | None:
    return next((pair for pair in _pairs(node) if pair[0].value == name), None)


def _value(node: Node, name: str) -> Node | None:
    found = _pair(node, name)
    return found[1] if found else None


def _inside(pair: Pair, parent: Node) -> bool:
    """Whether a pair stands where its parent does; what stands behind an alias stands elsewhere."""
    key, value = pair
    return bool(parent.start_mark.index <= key.start_mark.index <= parent.end_mark.index) and bool(
        key.end_mark.index <= value.start_mark.index
    )


def _flows(node: Node) -> bool:
    return isinstance(node, MappingNode) and bool(node.flow_style)


def _set(text: str, metadata: Pair, key: str, value: str) -> str:
    annotations = _pair(metadata[1], "annotations")
    if annotations is None:
        return _added(text, metadata, ["annotations", key], value)
    if not _inside(annotations, metadata[1]):
        raise _NotEditable
    present = _pair(annotations[1], key)
    if present is not None:
        return text if present[1].value == value else _replaced(text, present, f'"{value}"')
    if not isinstance(annotations[1], MappingNode):
        return _replaced(text, annotations, f'{{"{key}": "{value}"}}')
    return _added(text, annotations, [key], value)


def _replaced(text: str, pair: Pair, new: str) -> str:
    key, value = pair
    start, end = value.start_mark.index, value.end_mark.index
    if start == end:  # no value at all: the mark is that of whatever comes next
        start = end = text.index(":", key.end_mark.index) + 1
        new = f" {new}"
    return text[:start] + new + text[end:]


def _added(text: str, parent: Pair, names: list[str], value: str) -> str:
    """Add one value, below these names, to the mapping of a pair."""
    key, node = parent
    if _flows(node):
        return _added_in_flow(text, node, names, value)
    line_end = text.find("\n", key.end_mark.index) + 1
    if not line_end or not node.value or node.value[0][0].start_mark.line == key.start_mark.line:
        raise _NotEditable
    column = node.start_mark.column
    step = max(2, column - key.start_mark.column)
    lines = [" " * (column + step * depth) + f"{name}:" for depth, name in enumerate(names)]
    return text[:line_end] + _newline(text).join(lines) + f' "{value}"' + _newline(text) + text[line_end:]


def _added_in_flow(text: str, node: Node, names: list[str], value: str) -> str:
    last = node.value[-1] if node.value else None
    mark = '"' if last is None or text[last[0].start_mark.index] == '"' else ""
    new = f'"{value}"'
    for depth, name in enumerate(reversed(names)):
        new = f"{mark}{name}{mark}: " + (f"{{{new}}}" if depth else new)
    if last is None:
        return text[: node.start_mark.index + 1] + new + text[node.end_mark.index - 1 :]
    at = last[1].end_mark.index
    own_line = last[0].start_mark.line != node.start_mark.line
    gap = _newline(text) + " " * last[0].start_mark.column if own_line else " "
    return text[:at] + "," + gap + new + text[at:]


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _removed(text: str, metadata: Pair, key: str) -> str:
    annotations = _pair(metadata[1], "annotations")
    present = _pair(annotations[1], key) if annotations else None
    if annotations is None or present is None:
        return text
    if not _inside(annotations, metadata[1]) or not _inside(present, annotations[1]):
        raise _NotEditable
    if len(annotations[1].value) > 1:
        return _without(text, annotations[1], [present])
    if _flows(annotations[1]):
        return _without(text, metadata[1], [annotations])
    return _without(text, metadata[1], [(annotations[0], annotations[0]), present])


def _without(text: str, parent: Node, gone: list[Pair]) -> str:
    """The text without these pairs of a mapping, the last first."""
    for first, last in reversed(gone):
        start, end = first.start_mark.index, last.end_mark.index
        if _flows(parent):
            start, end = _with_comma(parent, start, end)
        else:
            start = text.rfind("\n", 0, start) + 1
            end = text.find("\n", end) + 1 or len(text)
        text = text[:start] + text[end:]
    return text


def _with_comma(parent: Node, start: int, end: int) -> tuple[int, int]:
    starts = [key.start_mark.index for key, _ in parent.value]
    place = starts.index(start)
    if place:
        return parent.value[place - 1][1].end_mark.index, end
    return (start, starts[1]) if len(starts) > 1 else (start, end)


def _differs_only(before: str, after: str, where: tuple[int, int], key: str, value: str | None) -> bool:
    """Whether two texts say the same but for one annotation."""
    old, new = _plain_values(before), _plain_values(after)
    document, item = where
    changed = old[document] if item < 0 else old[document]["items"][item]
    annotations = dict(changed["metadata"].get("annotations") or {})
    annotations.pop(key, None)
    if value is not None:
        annotations[key] = value
    metadata = {name: part for name, part in changed["metadata"].items() if name != "annotations"}
    if annotations:
        metadata["annotations"] = annotations
    fresh = {**changed, "metadata": metadata}
    if item < 0:
        old[document] = fresh
    else:
        items = [fresh if number == item else one for number, one in enumerate(old[document]["items"])]
        old[document] = {**old[document], "items": items}
    return old == new


def _plain_values(text: str) -> list[Any]:
    """What a text says; aliases count as what they stand for."""
    return list(YAML(typ="safe", pure=True).load_all(io.StringIO(text, newline="")))
