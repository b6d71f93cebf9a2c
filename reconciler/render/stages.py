"""One object on its way through its overrides: every step with the object as it is after it.

Rendering takes the last stage and tracing compares neighbours, so that both tell the same story. The order is that of
Clusternet (contract §4.2, §4.9): overrides, the divided replicas, then the removal of what only servers write.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.objects import Object, ObjectKey, key_of
from reconciler.model.snapshot import Place, Problem, Resource, Severity
from reconciler.render.bare import without_server_writes
from reconciler.render.entries import Changed, broken, changed, finding
from reconciler.render.overrides import Entry, Layer
from reconciler.render.pointer import tokens


class Share(msgspec.Struct, frozen=True):
    """The replicas that dividing gives one cluster."""

    replicas: int
    place: Place
    """Of the Subscription."""
    pointer: str = "/spec/replicas"
    """Where objects of this kind keep their replicas."""


class Stage(msgspec.Struct, frozen=True):
    """The object after one step. An error among the findings ends the way: the object cannot be rendered."""

    place: Place
    title: str
    body: Object
    findings: tuple[Problem, ...] = ()


def stages(
    resource: Resource, layers: Iterable[Layer], share: Share | None, values: Mapping[str, Any]
) -> Iterator[Stage]:
    """The way of one object. `values` are the parsed texts of overrides, as a snapshot has them."""
    body = resource.body
    yield Stage(resource.place, f"{resource.key.kind} {_named(resource.key)}", body)
    for layer in layers:
        for entry in layer.entries:
            after = _overridden(resource, body, entry, values, share)
            yield Stage(entry.place, entry.title, after.value, after.findings)
            if after.broken:
                return
            body = after.value
    if share is not None and resource.seal is not None:
        what = f"{resource.key} is encrypted, so that its replicas cannot be divided"
        hint = "Leave `spec` in clear in another object, or use `schedulingStrategy: Replication`."
        found = Problem(share.place, (), "override-encrypted", what, hint)
        yield Stage(share.place, "replicas divided by the Subscription", body, (found,))
        return
    if share is not None:
        body = _divided(body, tokens(share.pointer) or (), share.replicas)
        yield Stage(share.place, "replicas divided by the Subscription", body)
    bare = without_server_writes(body)
    if bare is not body:
        yield Stage(resource.place, "members that only servers write", bare)


def _overridden(
    resource: Resource, before: Object, entry: Entry, values: Mapping[str, Any], share: Share | None
) -> Changed:
    if entry.override.override_chart:
        # a safety net below the checks of reading: an override is never ignored
        return broken(before, entry, "override-type", "overrideChart changes a HelmChart only", "overrideChart")
    after = changed(before, entry, values)
    if after.value is before or after.broken:
        return after
    if resource.seal is not None:
        return broken(before, entry, "override-encrypted", f"{resource.key} is encrypted, and stays as it is")
    if not _still(resource, after.value):
        return broken(before, entry, "override-identity", "an override must not change what object it is")
    if share is not None and _replicas(before, share) != _replicas(after.value, share):
        message = "the replicas are divided by the Subscription, which overrules this value"
        overruled = finding(entry, "override-overruled", message, Severity.WARNING)
        return Changed(after.value, (*after.findings, overruled))
    return after


def _still(resource: Resource, body: Any) -> bool:
    try:
        return bool(key_of(body) == resource.key and body["apiVersion"] == resource.api_version)
    except (TypeError, KeyError, AttributeError):
        return False


def _replicas(body: Object, share: Share) -> Any:
    node: Any = body
    for part in tokens(share.pointer) or ():
        node = node.get(part) if isinstance(node, dict) else None
    return node


def _divided(body: Any, path: tuple[str, ...], replicas: int) -> Any:
    """The object with its replicas at a path, whose parents are made where they are absent."""
    if not path:
        return replicas
    parent = body if isinstance(body, dict) else {}
    return {**parent, path[0]: _divided(parent.get(path[0]), path[1:], replicas)}


def _named(key: ObjectKey) -> str:
    return f"{key.namespace}/{key.name}" if key.namespace else key.name
