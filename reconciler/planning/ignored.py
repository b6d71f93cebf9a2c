"""Fields that others own: written when the object is made, and left alone afterwards.

What another manager owns is taken out of what we send, so that it stays theirs. What only we own is sent as it is on
the cluster: leaving it out would delete it. Items of lists are matched by the keys that the server merges them by,
which its own books (`fieldsV1`) tell.
"""

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from reconciler.model.applysettings import IgnoreFields
from reconciler.model.feed import RenderedObject
from reconciler.model.objects import Object

_GONE = object()
Sets = Sequence[Mapping[str, Any]]
"""What others own below one place: `fieldsV1` of each manager that owns something there."""


def pointers_for(obj: RenderedObject, subscription: str, rules: Sequence[IgnoreFields]) -> tuple[str, ...]:
    """The JSON pointers of all rules that concern an object of a Subscription."""
    return tuple(pointer for rule in rules if _concerns(rule, obj, subscription) for pointer in rule.fields)


def _concerns(rule: IgnoreFields, obj: RenderedObject, subscription: str) -> bool:
    key = obj.key
    return (
        rule.api_version in (None, obj.api_version)
        and rule.kind in (None, key.kind)
        and rule.namespace in (None, key.namespace)
        and (rule.name is None or fnmatchcase(key.name, rule.name))
        and (not rule.subscriptions or subscription in rule.subscriptions)
    )


def adjusted(sent: Object, live: Object, manager: str, pointers: Sequence[str]) -> Object:
    """What is sent, with the fields at these pointers as others have them. `live` is the object on the cluster."""
    entries = live["metadata"].get("managedFields") or ()
    others = [entry.get("fieldsV1") or {} for entry in entries if not _is_ours(entry, manager)]
    ours = [entry.get("fieldsV1") or {} for entry in entries if _is_ours(entry, manager)]
    for pointer in pointers:
        steps = tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
        changed = _at(sent, live, steps, _Books(others, [*others, *ours]))
        sent = changed if changed is not _GONE else sent
    return sent


class _Books:
    """What others own, and what anybody owns, below one place."""

    def __init__(self, others: Sets, all_: Sets) -> None:
        self.others = others
        self.all = all_

    def below(self, name: str) -> "_Books":
        """The books of a member or an item."""
        return _Books(_below(self.others, name), _below(self.all, name))

    @property
    def owned(self) -> bool:
        """Whether somebody else owns this very field, or something in it."""
        return bool(self.others)


def _is_ours(entry: Mapping[str, Any], manager: str) -> bool:
    return entry.get("manager") == manager and entry.get("operation") == "Apply"


def _below(sets: Sets, name: str) -> Sets:
    """A set without anything in it owns the whole, atomically."""
    return [fields.get(name, fields) for fields in sets if name in fields or not fields]


def _at(sent: Any, live: Any, steps: tuple[str, ...], books: _Books) -> Any:
    """The value to send in place of `sent`; _GONE for none."""
    if not steps:
        return _left_alone(sent, live, books)
    step, rest = steps[0], steps[1:]
    if isinstance(sent, Mapping):
        names = [name for name in sent if step in ("*", name)]
        return _members(sent, live, names, rest, books)
    if isinstance(sent, list):
        indexes = [i for i in range(len(sent)) if step in ("*", str(i))]
        return _items(sent, live, indexes, rest, books)
    return sent


def _left_alone(sent: Any, live: Any, books: _Books) -> Any:
    if isinstance(sent, Mapping) and isinstance(live, Mapping) and sent:
        return _members(sent, live, list(sent), (), books)
    if isinstance(sent, list) and isinstance(live, list) and _keys(books.all):
        return _items(sent, live, range(len(sent)), (), books)
    return _GONE if live is _GONE or books.owned else live


def _members(sent: Mapping[str, Any], live: Any, names: Sequence[str], rest: tuple[str, ...], books: _Books) -> Any:
    result = dict(sent)
    for name in names:
        there = live.get(name, _GONE) if isinstance(live, Mapping) else _GONE
        value = _at(sent[name], there, rest, books.below(f"f:{name}"))
        if value is _GONE:
            del result[name]
        else:
            result[name] = value
    return _GONE if sent and not result else result


def _items(sent: list[Any], live: Any, indexes: Sequence[int], rest: tuple[str, ...], books: _Books) -> Any:
    """Items that are not on the cluster yet are made, and nothing of them is left alone."""
    result = list(sent)
    for index in indexes:
        there, name = _match(sent[index], index, live, books)
        if there is _GONE:
            continue
        value = _at(sent[index], there, rest, books.below(name))
        if value is not _GONE:
            result[index] = value
    return result


def _match(item: Any, index: int, live: Any, books: _Books) -> tuple[Any, str]:
    """The item on the cluster that this one is merged with, and its name in the books."""
    if not isinstance(live, list):
        return _GONE, ""
    for name in _keys(books.all):
        keys = json.loads(name[2:])
        if isinstance(item, Mapping) and all(item.get(key, value) == value for key, value in keys.items()):
            found = (one for one in live if isinstance(one, Mapping) and all(one.get(k) == v for k, v in keys.items()))
            return next(found, _GONE), name
    atomic = not _keys(books.all) and index < len(live)
    return (live[index], f"i:{index}") if atomic else (_GONE, "")


def _keys(sets: Sets) -> list[str]:
    return sorted({name for fields in sets for name in fields if name.startswith("k:")})
