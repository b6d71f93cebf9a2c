"""Sets or removes `paused` of one rollout in the text of fleet.yaml, and leaves every other character as it is."""

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from reconciler.model.errors import UsageError


def edited(text: str, name: str, *, paused: bool) -> str:
    """The text with the rollout of that name paused or not; the same text when it is so already.

    UsageError when there is no such rollout, or the layout does not allow the edit.
    """
    hint = f"set `paused: {str(paused).lower()}` of rollout {name} yourself"
    try:
        rollout = _rollout(text, name)
        new = _edit(text, rollout, paused=paused)
        fits = _said(new) == _wanted(text, name, paused=paused)
    except YAMLError as error:
        raise UsageError("not-editable", "fleet.yaml cannot be read", hint) from error
    if not fits:
        raise UsageError("not-editable", "the layout of fleet.yaml does not allow this edit", hint)
    return new


def _rollout(text: str, name: str) -> MappingNode:
    root = YAML(typ="rt", pure=True).compose(io.StringIO(text, newline=""))
    rollouts = _member(root, "rollouts")
    items = rollouts[1].value if rollouts and isinstance(rollouts[1], SequenceNode) else []
    named = {found[1].value: item for item in items if (found := _member(item, "name"))}
    if name not in named:
        known = ", ".join(named)
        raise UsageError("not-found", f"no rollout {name} in fleet.yaml", f"there are: {known}" if known else "")
    node: MappingNode = named[name]
    return node


def _member(node: Node | None, key: str) -> tuple[Node, Node] | None:
    pairs = node.value if isinstance(node, MappingNode) else []
    return next((pair for pair in pairs if pair[0].value == key), None)


def _edit(text: str, rollout: MappingNode, *, paused: bool) -> str:
    """The text after the edit, which `edited` judges."""
    present = _member(rollout, "paused")
    if present is not None:
        start, end = int(present[1].start_mark.index), int(present[1].end_mark.index)
        return text if _truth(present[1]) is paused else text[:start] + str(paused).lower() + text[end:]
    if not paused:
        return text
    name = _member(rollout, "name")
    if name is None:
        return text
    at, column = int(name[1].end_mark.index), int(name[0].start_mark.column)
    newline = "\r\n" if "\r\n" in text else "\n"
    if rollout.flow_style:
        return text[:at] + ", paused: true" + text[at:]
    line_end = text.find("\n", at)
    if line_end < 0:
        return text + newline + " " * column + "paused: true"
    return text[: line_end + 1] + " " * column + "paused: true" + newline + text[line_end + 1 :]


def _truth(node: Node) -> bool:
    return str(node.value).lower() in ("true", "yes", "on")


def _said(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(io.StringIO(text, newline=""))


def _wanted(text: str, name: str, *, paused: bool) -> Any:
    settings = _said(text)
    for rollout in settings["rollouts"]:
        if rollout["name"] == name and (paused or "paused" in rollout):
            rollout["paused"] = paused
    return settings
