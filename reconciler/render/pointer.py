"""JSON pointers (RFC 6901), and the pointers at which two documents differ."""

import re
from collections.abc import Iterator
from typing import Any

_UNDEFINED_ESCAPE = re.compile(r"~(?![01])")


def tokens(pointer: str) -> tuple[str, ...] | None:
    """The reference tokens of a pointer, none for the whole document. None: the text is not a pointer."""
    if not pointer:
        return ()
    if pointer[0] != "/" or _UNDEFINED_ESCAPE.search(pointer):
        return None
    return tuple(map(unescaped, pointer[1:].split("/")))


def unescaped(token: str) -> str:
    """A reference token without escapes. An undefined escape stays as it is."""
    return token.replace("~1", "/").replace("~0", "~") if "~" in token else token


def pointer(parts: tuple[str, ...]) -> str:
    """The pointer of these reference tokens."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def differing(before: Any, after: Any, at: tuple[str, ...] = ()) -> Iterator[str]:
    """Pointers to the outermost values that were set, changed or removed, in sorted order of keys.

    Lists of one length are compared item by item, others as a whole. Shared structure costs nothing.
    """
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            if key in before and key in after:
                yield from differing(before[key], after[key], (*at, key))
            else:
                yield pointer((*at, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for position, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differing(old, new, (*at, str(position)))
    elif not same(before, after):
        yield pointer(at)


def same(one: Any, other: Any) -> bool:
    """Equality of JSON values: 1 equals 1.0 and differs from true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)
