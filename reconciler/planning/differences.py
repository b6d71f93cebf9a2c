"""Where two answers of a server differ: the paths of fields, never their values."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model.objects import Object

_BOOKKEEPING = frozenset({"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"})


def paths(live: Object, answer: Object) -> tuple[str, ...]:
    """Paths (`spec.replicas`, `data["a.b"]`) at which an apply would change an object; its status does not count.

    A list that changed its length is one path; otherwise the items that differ are.
    """
    return tuple(_compared(_own(live), _own(answer), ""))


def _own(obj: Object) -> Object:
    metadata = {name: value for name, value in (obj.get("metadata") or {}).items() if name not in _BOOKKEEPING}
    return {name: value for name, value in obj.items() if name != "status"} | {"metadata": metadata}


def _compared(one: Any, other: Any, path: str) -> Iterator[str]:
    if one == other:
        return
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in sorted(one.keys() | other.keys()):
            if one.get(name) != other.get(name) or (name in one) != (name in other):
                yield from _compared(one.get(name), other.get(name), _below(path, str(name)))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _compared(mine, theirs, f"{path}[{index}]")
    else:
        yield path


def _below(path: str, name: str) -> str:
    if name.replace("-", "").replace("_", "").isalnum():
        return f"{path}.{name}" if path else name
    return f'{path}["{name}"]'
