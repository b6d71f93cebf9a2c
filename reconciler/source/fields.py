"""Strict reading of what we define: every field that is wrong becomes a problem with its path and a way out.

msgspec stops at the first error, so that the faulty member is taken out and the rest tried again; what an author sees
is all that is wrong with a document, not one thing per commit.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from reconciler.model.snapshot import Place, Problem
from reconciler.source import hints
from reconciler.source.rules import problem

T = TypeVar("T")
Path = tuple[str | int, ...]

_AT: Final = re.compile(r"(?P<what>.*?)(?: - at `(?P<key>key in `)?\$(?P<path>.*?)`)?\Z", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_LIMIT: Final = 25
"""Problems per document; a file of another tool would give hundreds."""

_SORTS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


def convert(value: Any, wanted: type[T], place: Place, prefix: Path = ()) -> tuple[T | None, tuple[Problem, ...]]:
    """The value as `wanted`, or None and all problems found. `prefix` is the path to `value` in its document."""
    problems: list[Problem] = []
    removed: set[Path] = set()
    rest = value
    written: dict[Path, str | int] = {}
    while len(problems) < _LIMIT:
        try:
            made = msgspec.convert(rest, wanted)
        except msgspec.ValidationError as error:
            path, found = _problem(str(error), rest, wanted, place, prefix)
            found = msgspec.structs.replace(found, field=prefix + _as_written(path, written))
            problems.extend(() if path in removed else (found,))
            if not path or found.rule == "missing-field":
                break
            removed.add(path)
            meant = _meant(found)
            rest = _without(rest, path, meant)
            if meant is not None:
                written[(*path[:-1], meant)] = path[-1]
        else:
            return (None if problems else made), tuple(problems)
    return None, tuple(problems)


def _as_written(path: Path, written: Mapping[Path, str | int]) -> Path:
    """The path in the document, where fields that were misspelt have their misspelt names."""
    return tuple(written.get(path[: depth + 1], step) for depth, step in enumerate(path))


def _meant(found: Problem) -> str | None:
    """The field that a typo stood for: reading goes on as if it were spelt right."""
    match = re.match(r"Did you mean '([^']+)'", found.hint) if found.rule == "unknown-field" else None
    return match[1] if match else None


def _problem(text: str, value: Any, wanted: type, place: Place, prefix: Path) -> tuple[Path, Problem]:
    match = _AT.match(text)
    what = match["what"] if match else text
    path = _path(match["path"] or "" if match else "", value, wanted)
    expected = _type_at(path, wanted)
    named = re.match(r"Object (contains unknown|missing required) field `(.*)`\Z", what, re.DOTALL)
    if named and named[1] == "contains unknown":
        names = _fields(_solid(expected))
        hint = hints.did_you_mean(named[2], names) or f"Known fields: {', '.join(names)}."
        path = (*path, named[2])
        return path, problem("unknown-field", place, prefix + path, f"unknown field '{named[2]}'", hint)
    if named:
        path = (*path, named[2])
        where = f" in {dotted(prefix + path[:-1])}" if prefix + path[:-1] else ""
        return path, problem("missing-field", place, prefix + path, f"field '{named[2]}' is missing{where}")
    message, hint = _wrong(what, path, expected, _at(value, path))
    return path, problem("wrong-value", place, prefix + path, message, hint)


def dotted(path: Path) -> str:
    """A path as authors write it: `spec.subscribers[0].weight`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _wrong(what: str, path: Path, expected: inspect.Type | None, found: Any) -> tuple[str, str]:
    name = dotted(path) or "the document"
    mismatch = re.match(r"Expected `(.*?)`, got `(.*?)`\Z", what)
    if mismatch:
        wanted = " or ".join(_SORTS.get(word, word) for word in mismatch[1].split(" | ") if word != "null")
        return f"{name} must be {wanted}, not {_SORTS.get(mismatch[2], mismatch[2])}", _hint(
            path, mismatch[2], mismatch[1]
        )
    allowed = _literals(_solid(expected))
    if allowed and isinstance(found, str):
        return f"{name} is '{found[:40]}', not {hints.one_of(allowed)}", hints.did_you_mean(found, allowed)
    return f"{name} {_bounds(what)}", _description(expected) or _range(_solid(expected))


def _hint(path: Path, got: str, wanted: str) -> str:
    if got == "null":
        return "Give it a value, or remove the field."
    if wanted.startswith("str") and got in ("int", "float", "bool"):
        return "Put the value in quotes."
    if wanted.startswith("str") and path and path[-1] == "value":
        return "The value is text: write `value: |` and indent the YAML below it."
    return _FORMS.get(wanted.split(" ")[0], "")


_FORMS: Final = {
    "array": "Write a list: one `- ` per item.",
    "object": "Write a mapping: `key: value` on lines of its own.",
    "bool": "Write true or false.",
    "int": "Write a whole number.",
}


def _bounds(what: str) -> str:
    match = re.match(r"Expected `\w+` (?:of length )?(>=|<=|>|<) (-?\d+)", what)
    if match and "of length" in what:
        return "must not be empty" if match[1] == ">=" else f"must not be longer than {match[2]} characters"
    if match:
        return f"must be {match[2]} or {'more' if match[1] == '>=' else 'less'}"
    return "does not have the right form"


def _range(expected: inspect.Type | None) -> str:
    if isinstance(expected, inspect.IntType):
        return (
            f"Allowed: {expected.ge} to {expected.le}."
            if expected.le is not None
            else f"Allowed: {expected.ge} or more."
        )
    if isinstance(expected, inspect.StrType) and expected.max_length is not None:
        return f"Allowed: {expected.min_length or 0} to {expected.max_length} characters."
    return ""


def _path(text: str, value: Any, wanted: type) -> Path:
    """Steps of msgspec's path; `[...]` stands for some key of a mapping, which is found by trying."""
    steps: list[str | int] = []
    for name, index in _STEP.findall(text):
        if index == "...":
            here = _at(value, tuple(steps))
            steps.append(_failing_key(here, _type_at(tuple(steps), wanted)))
        else:
            steps.append(name or int(index))
    return tuple(steps)


def _failing_key(value: Any, mapping: inspect.Type | None) -> str:
    solid = _solid(mapping)
    inner = solid.value_type if isinstance(solid, inspect.DictType) else None
    sort: Any = inner.cls if isinstance(inner, inspect.StructType) else str
    for key, member in value.items():
        try:
            msgspec.convert(member, sort)
        except msgspec.ValidationError:
            return str(key)
    return ""


def _at(value: Any, path: Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _without(value: Any, path: Path, renamed: str | None = None) -> Any:
    """The value without one member, or with that member under another name; everything else is shared."""
    step, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        kept = {name: member for name, member in value.items() if name != step}
        if rest:
            kept[str(step)] = _without(value[step], rest, renamed)
        elif renamed is not None and renamed not in value:
            kept[renamed] = value[step]
        return kept
    items = list(value)
    if isinstance(step, int):
        items[step : step + 1] = [_without(items[step], rest, renamed)] if rest else []
    return items


def _type_at(path: Path, wanted: type) -> inspect.Type | None:
    here: inspect.Type | None = inspect.type_info(wanted)
    for step in path:
        here = _member(_solid(here), step)
    return here


def _description(here: inspect.Type | None) -> str | None:
    extra = here.extra_json_schema if isinstance(here, inspect.Metadata) else None
    return str(extra["description"]) if extra and "description" in extra else None


def _solid(here: inspect.Type | None) -> inspect.Type | None:
    """The one type beside null of an optional field, without its metadata."""
    if isinstance(here, inspect.Metadata):
        return _solid(here.type)
    if isinstance(here, inspect.UnionType):
        return next((_solid(kind) for kind in here.types if not isinstance(kind, inspect.NoneType)), None)
    return here


def _member(here: inspect.Type | None, step: str | int) -> inspect.Type | None:
    if isinstance(here, inspect.StructType):
        return next((field.type for field in here.fields if field.encode_name == step), None)
    if isinstance(here, inspect.ListType | inspect.VarTupleType):
        return here.item_type
    return here.value_type if isinstance(here, inspect.DictType) else None


def _fields(here: inspect.Type | None) -> list[str]:
    return [field.encode_name for field in here.fields] if isinstance(here, inspect.StructType) else []


def _literals(here: inspect.Type | None) -> list[str]:
    return [str(value) for value in here.values] if isinstance(here, inspect.LiteralType) else []
