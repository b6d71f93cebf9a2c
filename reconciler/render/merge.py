"""Merge patches (RFC 7386) as Clusternet applies them (contract §4.6).

Two deviations from the RFC: where a patch replaces what is no object, nulls are also removed from objects inside its
lists; and at the root a list replaces the document while a scalar is a fault. Results share structure.
"""

from typing import Any

from reconciler.render.patch import Fault, Patched


def apply(document: Any, patch: Any) -> Patched:
    """The merged document, or the document as it was and a fault."""
    if isinstance(patch, list):
        return Patched(_pruned(patch))
    if not isinstance(patch, dict):
        return Patched(document, Fault("a merge patch is an object"))
    return Patched(_merged(document, patch))


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(target, dict):
        return _pruned(patch)
    if not isinstance(patch, dict):
        return patch
    result = dict(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(target.get(key), value)
    return result


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(member) for key, member in value.items() if member is not None}
    return [_pruned(item) for item in value] if isinstance(value, list) else value
