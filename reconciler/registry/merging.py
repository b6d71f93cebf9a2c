"""What is missing from a live object, as a merge patch: registration adds to objects and never takes from them."""

from collections.abc import Mapping
from typing import Any

from reconciler.model.objects import Object


def missing(wanted: Object, live: Object) -> dict[str, Any]:
    """The merge patch (RFC 7386) that brings `wanted` into `live`; empty when it is there. Lists are values."""
    patch: dict[str, Any] = {}
    for key, value in wanted.items():
        there = live.get(key)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            if inner := missing(value, there):
                patch[key] = inner
        elif value != there:
            patch[key] = value
    return patch
