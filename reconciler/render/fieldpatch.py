"""Field patches: changes of a document that stands as text in a field of an object (contract §4.8).

The field keeps its form: see `jsontext` and `yamltext`. Unlike Clusternet, a path reaches keys that hold '/'.
"""

from collections.abc import Callable
from typing import Any

from reconciler.render import jsontext, patch, yamltext
from reconciler.render.patch import Fault, Patched
from reconciler.render.pointer import tokens

_LONGEST = 4 << 20
"""Characters; an API server takes objects of 1.5 MiB."""


def text_at(document: Any, path: str) -> str | Fault:
    """The text at a JSON pointer, or why there is none."""
    parts = tokens(path)
    if not parts:
        return Fault("fieldPath is not a JSON pointer to a field")
    node = document
    for part in parts:
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isascii() and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            return Fault(f"there is no field {path}")
    if not isinstance(node, str):
        return Fault(f"the field {path} is no text")
    return node


def with_text(document: Any, path: str, text: str) -> Any:
    """The document with another text at a path that `text_at` found."""
    return patch.apply(document, [{"op": "replace", "path": path, "value": text}]).value


def edited(text: str, form: str | None, change: Callable[[Any], Patched]) -> Patched:
    """The text of a field after a change of the document in it, or the text as it was and a fault.

    `form` is JSON or YAML. Blank text holds nothing that could be changed.
    """
    if not text.strip():
        return Patched(text, Fault("the field is empty", missing=True))
    if len(text) > _LONGEST:
        return Patched(text, Fault("the field is too long to be patched"))
    if form == "JSON":
        return jsontext.edited(text, change)
    if form == "YAML":
        return yamltext.edited(text, change)
    return Patched(text, Fault("fieldFormat is neither JSON nor YAML"))
