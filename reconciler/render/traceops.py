"""Which part of an override's value changed a field: operations of a JSONPatch, the member of a merge patch."""

from collections.abc import Mapping
from typing import Any

from reconciler.render import patch
from reconciler.render.overrides import Entry
from reconciler.render.trace import GONE, at

Inner = tuple[str | int, ...]
"""A path inside the value of an override."""


def operations(entry: Entry, before: Any, values: Mapping[str, Any], path: tuple[str, ...]) -> tuple[int, ...]:
    """The operations of a JSONPatch, from 0, after each of which the field at `path` has another value.

    Empty for other types.
    """
    listed = values.get(entry.override.value)
    if entry.override.type != "JSONPatch" or not isinstance(listed, list):
        return ()
    found, known = [], at(before, path)
    for count in range(1, len(listed) + 1):
        now = at(patch.apply(before, listed[:count]).value, path)
        if now is not known and now != known:
            found.append(count - 1)
        known = now
    return tuple(found)


def inside(entry: Entry, changed: tuple[int, ...], values: Mapping[str, Any], path: tuple[str, ...]) -> Inner:
    """Where in the value of an override the change of a field stands."""
    if changed:
        return (changed[-1],)
    if entry.override.type in ("MergePatch", "Helm"):
        steps: list[str | int] = []
        node = values.get(entry.override.value)
        for step in path:
            node = at(node, (step,))
            if node is GONE:
                break
            steps.append(step)
        return tuple(steps)
    return ()
