"""What an override sets, told from its text alone: the places in the object, the values or the chart that it writes.

Only what is sure: an entry whose effect depends on what is there (moves, tests, items of lists) is not steady.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconciler.render.overrides import Entry, Layer
from reconciler.render.pointer import pointer, tokens

Path = tuple[str, ...]
_INSIDE = "\0"
"""Between the path of a field and the path in the document that stands in it: no key of YAML or JSON is this."""
_CHART = "\0chart"


class Effects(msgspec.Struct, frozen=True):
    """The places that one entry sets, with the values; None where it removes."""

    sets: Mapping[Path, Any]
    steady: bool = True
    """It sets all of them whatever is there, and nothing else."""
    shifts: bool = False
    """It puts items into a list or takes some out, so that later ones have other indexes."""
    looks: bool = False
    """It takes values from the object, or asks for them, so that what was set before it matters."""


class Met(msgspec.Struct, frozen=True):
    """An override and the clusters where it meets its object: it is for them, and the object goes there."""

    layer: Layer
    clusters: frozenset[str]


class Done(msgspec.Struct, frozen=True):
    """One entry of an override, where it applies, and what it does there."""

    met: Met
    entry: Entry
    effects: Effects


NOTHING = Effects({}, steady=False)


def effects(entry: Entry, values: Mapping[str, Any]) -> Effects:
    """What an entry sets. `values` are the parsed texts of overrides."""
    override = entry.override
    value = values.get(override.value)
    if override.type.endswith("JSONPatch"):
        found = _operations(value) if isinstance(value, list) else NOTHING
    else:
        found = Effects(dict(_leaves(value, ()))) if isinstance(value, dict) else NOTHING
    prefix: Path = (_CHART,) if override.override_chart else ()
    if override.type.startswith("Field"):
        field = tokens(override.field_path or "")
        if field is None:
            return NOTHING
        prefix = (*prefix, *field, _INSIDE)
    if not prefix:
        return found
    moved = {(*prefix, *path): value for path, value in found.sets.items()}
    return msgspec.structs.replace(found, sets=moved)


def _leaves(value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    """What a merge sets; an empty mapping says nothing that could be told without the object."""
    if not isinstance(value, dict):
        yield at, value
        return
    for key, member in value.items():
        yield from _leaves(member, (*at, key))


def _operations(operations: list[Any]) -> Effects:
    sets: dict[Path, Any] = {}
    shifts = looks = False
    for operation in operations:
        path = tokens(operation.get("path") or "") if isinstance(operation, dict) else None
        done = operation.get("op") if path else None
        if not path or done not in ("add", "replace", "remove"):
            looks = True
        elif done != "replace" and (path[-1] == "-" or path[-1].lstrip("-").isdigit()):
            # most likely an item of a list: others that do the same set something else
            shifts = True
        else:
            sets[path] = operation.get("value") if done != "remove" else None
    return Effects(sets, not (shifts or looks), shifts, looks)


def shown(path: Path) -> str:
    """A place as messages name it."""
    if path[:1] == (_CHART,):
        return f"{shown(path[1:])} of the chart"
    if _INSIDE in path:
        at = path.index(_INSIDE)
        return f"{pointer(path[at + 1 :])} in the field {pointer(path[:at])}"
    return pointer(path)
