"""The texts in `value` of overrides: documents inside a document, read with the file that they stand in.

So they are remembered with it across runs, and a repo with thousands of overrides is read as fast as any other.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

TEMPLATE = "reconciler.clusternet.io/template"
"""Annotation of a Localization or Globalization whose values are templates: they are no YAML until they are filled."""
_KINDS = ("Localization", "Globalization")


class ValueText(msgspec.Struct, frozen=True, array_like=True):
    """What one text means."""

    text: str
    value: Any = None
    message: str = ""
    """Why it is not one good YAML document; nothing when it is."""
    hint: str = ""


def texts(value: Any) -> Iterator[str]:
    """The texts of all overrides of a document, in order; nothing where it is anything else."""
    if not isinstance(value, dict):
        return
    if value.get("kind") == "List" and isinstance(value.get("items"), list):
        for item in value["items"]:
            yield from _own(item)
    else:
        yield from _own(value)


def _own(value: Any) -> Iterator[str]:
    if not isinstance(value, dict) or value.get("kind") not in _KINDS or TEMPLATE in _annotations(value):
        return
    spec = value.get("spec")
    overrides = spec.get("overrides") if isinstance(spec, dict) else None
    for override in overrides if isinstance(overrides, list) else ():
        text = override.get("value") if isinstance(override, dict) else None
        if isinstance(text, str) and text.strip():
            yield text


def _annotations(value: Any) -> Any:
    metadata = value.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return annotations if isinstance(annotations, dict) else ()
