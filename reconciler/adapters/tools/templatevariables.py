"""The variables that a template sees, which remember what was looked at.

Two clusters that differ only in what a template never reads get the same text, so that it is filled once. Imported by
the worker, which runs in an interpreter of its own with nothing but the standard library and jinja2.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, Undefined
from jinja2.utils import missing

from reconciler.adapters.tools.templatepaths import Path, written


class Seen(Mapping[str, Any]):
    """A mapping of variables. Lists in it are handed out whole."""

    def __init__(self, values: Mapping[str, Any], path: Path, reads: set[Path]) -> None:
        self._values = values
        self._path = path
        self._reads = reads

    def __getitem__(self, key: str) -> Any:
        if not isinstance(key, str):
            raise KeyError(key)
        value = self._values.get(key, missing)
        if isinstance(value, dict):
            return Seen(value, (*self._path, key), self._reads)
        self._reads.add((*self._path, key))
        if value is missing:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[str]:
        self._reads.add(self._path)
        return iter(self._values)

    def __len__(self) -> int:
        self._reads.add(self._path)
        return len(self._values)

    def __str__(self) -> str:
        return json.dumps(plain(self), ensure_ascii=False, separators=(",", ":"))

    __repr__ = __str__

    def whole(self) -> Mapping[str, Any]:
        """All of it, as a plain value."""
        self._reads.add(self._path)
        return self._values

    def name(self, key: str) -> str:
        """How a template writes one of these variables."""
        return written((*self._path, key))

    def near(self, key: str) -> str:
        """The variable that was probably meant, or nothing."""
        self._reads.add(self._path)
        found = difflib.get_close_matches(key, sorted(self._values), n=1, cutoff=0.6)
        return self.name(found[0]) if found else ""


def plain(value: Any) -> Any:
    """A value without its memory; all of it counts as read."""
    if isinstance(value, Seen):
        return value.whole()
    if isinstance(value, Mapping):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    return value


class Unknown(StrictUndefined):
    """A variable that does not exist. Only names that stand in the template are told: others may be values."""

    __slots__ = ()
    known: Mapping[str, Any] = {}
    """The outermost variables."""
    text = ""
    """The template."""

    @property
    def _undefined_message(self) -> str:
        """What is wrong and, behind a line break, what was probably meant."""
        name, owner = self._undefined_name, self._undefined_obj
        if self._undefined_hint:
            return "it uses what templates may not\n"
        if not isinstance(name, str) or name not in self.text:
            return "it looks for a member that is not there\n"
        if owner is missing:
            near = difflib.get_close_matches(name, sorted(self.known), n=1, cutoff=0.6)
            hint = f"Did you mean '{near[0]}'?" if near else f"There are {', '.join(sorted(self.known))}."
            return f"'{name}' is not defined\n{hint}"
        if isinstance(owner, Seen):
            near_name = owner.near(name)
            return f"'{owner.name(name)}' is not defined\n" + (f"Did you mean '{near_name}'?" if near_name else "")
        return f"there is no '{name}' in what it is looked for in\n"


def is_unknown(value: Any) -> bool:
    """Whether a value is a variable that does not exist."""
    return isinstance(value, Undefined)
