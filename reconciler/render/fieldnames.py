"""Fields as people name them: JSON pointers, or dotted paths as kubectl and jq write them."""

import re
from collections.abc import Sequence

from reconciler.render.pointer import tokens

_STEP = re.compile(r"""\.?(?P<name>[^.\[\]"']+)|\[(?P<index>\d+)\]|\[(?P<quote>["'])(?P<key>.+?)(?P=quote)\]""")
_PLAIN = re.compile(r"[A-Za-z_][\w-]*")


def parse_field(text: str) -> tuple[str, ...] | None:
    """The path of a field: `/spec/replicas`, `spec.replicas`, `.metadata.labels["app.kubernetes.io/name"]`.

    None when it is none of these; the empty text is the whole object.
    """
    if not text or text == ".":
        return ()
    if text.startswith("/"):
        return tokens(text)
    path, position = [], 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            return None
        path.append(next(part for part in match.group("name", "index", "key") if part is not None))
        position = match.end()
    return tuple(path)


def dotted(path: Sequence[str]) -> str:
    """A path as people write it."""
    parts = []
    for step in path:
        if step.isdecimal():
            parts.append(f"[{step}]")
        else:
            parts.append(f".{step}" if _PLAIN.fullmatch(step) else f'["{step}"]')
    return "".join(parts).lstrip(".") or "."
