"""One object on its way through its overrides: every step with the object as it is after it.

Rendering takes the last stage and tracing compares neighbours, so that both tell the same story. The order is that of
Clusternet (contract §4.2, §4.9): overrides, the divided replicas, then the removal of what only servers write.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.objects import Object, ObjectKey, key_of
from reconciler.model.snapshot import Place, Problem, Resource, Severity
from reconciler.render import merge, patch
from reconciler.render.overrides import Entry, Layer

_SERVER_WRITES = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""Members of `metadata` that mean nothing on another cluster; owner references there make it collect the object."""


_HINTS = {
    "override-patch": "Correct the operation, or the object that it shall change.",
    "override-without-effect": "Correct the path; where the parent of a new key is absent, add the parent.",
    "override-lenient": "Write what RFC 6902 allows: `add` for a new key, indexes from 0.",
    "override-overruled": "Remove it, or change the weights of the subscribers.",
    "override-identity": "Leave apiVersion, kind, namespace and name; another object needs a file of its own.",
}


class Share(msgspec.Struct, frozen=True):
    """The replicas that dividing gives one cluster."""

    replicas: int
    place: Place
    """Of the Subscription."""


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
            after, findings = _overridden(body, entry, values)
            findings = (*findings, *_surprises(resource, body, after, entry, share))
            yield Stage(entry.place, entry.title, after, findings)
            if any(finding.severity is Severity.ERROR for finding in findings):
                return
            body = after
    if share is not None:
        body = _divided(body, share.replicas)
        yield Stage(share.place, "replicas divided by the Subscription", body)
    bare = without_server_writes(body)
    if bare is not body:
        yield Stage(resource.place, "members that only servers write", bare)


def without_server_writes(body: Object) -> Object:
    """The object without `status` and without the members of its metadata that a server writes."""
    metadata = body["metadata"]
    if not _SERVER_WRITES.isdisjoint(metadata):
        metadata = {key: value for key, value in metadata.items() if key not in _SERVER_WRITES}
    elif "status" not in body:
        return body
    return {key: metadata if key == "metadata" else value for key, value in body.items() if key != "status"}


def _overridden(body: Object, entry: Entry, values: Mapping[str, Any]) -> tuple[Any, tuple[Problem, ...]]:
    override = entry.override
    if not override.value.strip():
        return body, ()
    if override.value not in values:
        return body, (finding(entry, "override-value", "the value is not YAML"),)
    value = values[override.value]
    match override.type:
        case "JSONPatch" if not override.override_chart:
            return _json_patched(body, value, entry)
        case "MergePatch" if not override.override_chart:
            merged = merge.apply(body, value)
            faults = (finding(entry, "override-patch", merged.fault.message),) if merged.fault else ()
            return merged.value, faults
        case _:
            # a safety net below the checks of reading: an override is never ignored
            message = "overrides of charts and field patches are not supported yet"
            return body, (finding(entry, "not-supported", message),)


def _json_patched(body: Object, operations: Any, entry: Entry) -> tuple[Any, tuple[Problem, ...]]:
    patched = patch.apply(body, operations)
    if patched.fault is not None and not patched.fault.missing:
        return body, (finding(entry, "override-patch", patched.fault.message),)
    if patched.fault is not None:
        message = f"the patch changes nothing: {patched.fault.message}"
        return body, (finding(entry, "override-without-effect", message, Severity.WARNING),)
    refusal = patch.apply(body, operations, strict=True).fault
    if refusal is None:
        return patched.value, ()
    message = f"Clusternet accepts this patch, RFC 6902 does not: {refusal.message}"
    return patched.value, (finding(entry, "override-lenient", message, Severity.WARNING),)


def _surprises(resource: Resource, before: Object, after: Any, entry: Entry, share: Share | None) -> Iterator[Problem]:
    if before is after:
        return
    if not _still(resource, after):
        yield finding(entry, "override-identity", "an override must not change what object it is")
    elif share is not None and _replicas(before) != _replicas(after):
        message = "the replicas are divided by the Subscription, which overrules this value"
        yield finding(entry, "override-overruled", message, Severity.WARNING)


def _still(resource: Resource, body: Any) -> bool:
    try:
        return bool(key_of(body) == resource.key and body["apiVersion"] == resource.api_version)
    except (TypeError, KeyError, AttributeError):
        return False


def _replicas(body: Object) -> Any:
    spec = body.get("spec")
    return spec.get("replicas") if isinstance(spec, dict) else None


def _divided(body: Object, replicas: int) -> Object:
    operation = {"op": "replace", "path": "/spec/replicas", "value": replicas}
    divided: Object = patch.apply(body, [operation]).value
    return divided


def _named(key: ObjectKey) -> str:
    return f"{key.namespace}/{key.name}" if key.namespace else key.name


def finding(entry: Entry, rule: str, message: str, severity: Severity = Severity.ERROR) -> Problem:
    """A problem of one entry of an override; whom it concerns is added by who knows."""
    where = entry.place.within("spec", "overrides", entry.position, "value")
    return Problem(entry.place, where, rule, message, _HINTS.get(rule, ""), severity)
