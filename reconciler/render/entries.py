"""One entry of an override applied to one document: the object, the values of a chart, or the chart itself.

An entry is applied whole or not at all, and is never ignored in silence: what it could not do is a finding.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.model.snapshot import Problem, Severity
from reconciler.render import fieldpatch, merge, patch
from reconciler.render.overrides import Entry
from reconciler.render.patch import Fault, Patched

_HINTS = {
    "override-value": "Correct the text in `value`.",
    "override-type": "Use JSONPatch or MergePatch, without `overrideChart`.",
    "override-patch": "Correct the operation, or the object that it shall change.",
    "override-field": "Name a field that holds text: `/data/server.conf`; a '/' inside a key is written ~1.",
    "override-without-effect": "Correct the path; where the parent of a new key is absent, add the parent.",
    "override-lenient": "Write what RFC 6902 allows: `add` for a new key, indexes from 0.",
    "override-overruled": "Remove it, or change the weights of the subscribers.",
    "override-identity": "Leave apiVersion, kind, namespace and name; another object needs a file of its own.",
    "override-chart-identity": "Remove the change; another chart or namespace needs a HelmChart of its own.",
    "override-encrypted": "Write another encrypted file for those clusters, and remove the override.",
    "override-chart": "Correct the value: it must leave a HelmChart that could stand in a file.",
}


class Changed(msgspec.Struct, frozen=True):
    """The document after an entry, or as it was when an error is among the findings."""

    value: Any
    findings: tuple[Problem, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether an error ends the way."""
        return any(found.severity is Severity.ERROR for found in self.findings)


def changed(document: Any, entry: Entry, values: Mapping[str, Any]) -> Changed:
    """The document after an entry of any type but Helm, which only means something to a chart."""
    override = entry.override
    if not override.value.strip():
        return Changed(document)
    if override.value not in values:
        return broken(document, entry, "override-value", "the value is not YAML")
    value = values[override.value]
    match override.type:
        case "JSONPatch" | "MergePatch":
            return _outcome(document, _patched(document, override.type, value), entry)
        case "FieldJSONPatch" | "FieldMergePatch":
            return _field_patched(document, value, entry)
        case _:
            return broken(document, entry, "override-type", "the type Helm changes the values of a HelmChart only")


class _Attempt(msgspec.Struct, frozen=True):
    """A patch as Clusternet applies it, and what RFC 6902 says against that."""

    patched: Patched
    refusal: str = ""


def _patched(document: Any, sort: str, value: Any) -> _Attempt:
    if sort.endswith("MergePatch"):
        return _Attempt(merge.apply(document, value))
    patched = patch.apply(document, value)
    strict = patch.apply(document, value, strict=True).fault if patched.fault is None else None
    return _Attempt(patched, strict.message if strict else "")


def _field_patched(document: Any, value: Any, entry: Entry) -> Changed:
    override = entry.override
    path = override.field_path or ""
    found = fieldpatch.text_at(document, path)
    if isinstance(found, Fault):
        return broken(document, entry, "override-field", found.message, "fieldPath")
    attempts: list[_Attempt] = []

    def change(inner: Any) -> Patched:
        attempts.append(_patched(inner, override.type, value))
        return attempts[-1].patched

    edited = fieldpatch.edited(found, override.field_format, change)
    after = document if edited.value == found else fieldpatch.with_text(document, path, edited.value)
    refusal = attempts[-1].refusal if attempts else ""
    return _outcome(document, _Attempt(Patched(after, edited.fault), refusal), entry)


def _outcome(document: Any, attempt: _Attempt, entry: Entry) -> Changed:
    fault = attempt.patched.fault
    if fault is not None and not fault.missing:
        return broken(document, entry, "override-patch", fault.message)
    if fault is not None:
        message = f"the patch changes nothing: {fault.message}"
        return Changed(document, (finding(entry, "override-without-effect", message, Severity.WARNING),))
    if not attempt.refusal:
        return Changed(attempt.patched.value)
    message = f"Clusternet accepts this patch, RFC 6902 does not: {attempt.refusal}"
    return Changed(attempt.patched.value, (finding(entry, "override-lenient", message, Severity.WARNING),))


def broken(document: Any, entry: Entry, rule: str, message: str, member: str = "value") -> Changed:
    """The document as it was, and an error."""
    return Changed(document, (finding(entry, rule, message, member=member),))


def finding(
    entry: Entry, rule: str, message: str, severity: Severity = Severity.ERROR, member: str = "value"
) -> Problem:
    """A problem of one entry of an override; whom it concerns is added by who knows."""
    where = entry.place.within("spec", "overrides", entry.position, member)
    return Problem(entry.place, where, rule, message, _HINTS.get(rule, ""), severity)
