"""Checks of Localizations and Globalizations: they hit an object that is delivered, and their values make sense."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model.authored import Feed, Globalization, Localization, Override
from reconciler.model.objects import Object, group_of
from reconciler.model.snapshot import Sourced
from reconciler.source import documents, hints, kinds
from reconciler.source.concerns import Deliveries
from reconciler.source.gather import Finding, Gathered
from reconciler.source.references import References
from reconciler.source.subscriptions import selector_faults
from reconciler.source.valuetexts import TEMPLATE, ValueText

Fault = tuple[str, tuple[str | int, ...], str, str]
"""Rule, field, message and hint."""

_OPERATIONS = ("add", "remove", "replace", "move", "copy", "test")


def check(gathered: Gathered, delivered: Deliveries, references: References) -> Iterator[Finding]:
    """All findings about overrides; errors concern the Subscriptions that deliver what is overridden."""
    namespaces = _namespaces(gathered)
    authored: list[Sourced[Globalization] | Sourced[Localization]] = [*gathered.globalizations, *gathered.localizations]
    for sourced in authored:
        about = _about(sourced)
        for rule, field, message, hint in _faults(sourced, gathered, delivered, references):
            yield Finding(gathered.problem(rule, sourced.place, ("spec", *field), message, hint), about)
        if _templated(sourced) not in (None, "jinja2"):
            message = f"the annotation {TEMPLATE} names no way of filling templates that is known here"
            where = ("metadata", "annotations", TEMPLATE)
            yield Finding(gathered.problem("override-template", sourced.place, where, message), about)
        namespace = sourced.value.metadata.namespace
        if isinstance(sourced.value, Localization) and namespaces is not None and namespace not in namespaces:
            message = f"no declared cluster has the namespace '{namespace}', so this Localization has no effect"
            hint = hints.did_you_mean(str(namespace), namespaces)
            found = gathered.problem("localization-namespace", sourced.place, ("metadata", "namespace"), message, hint)
            yield Finding(found, about)


def _namespaces(gathered: Gathered) -> frozenset[str] | None:
    """Namespaces of clusters; None when not all clusters are known here."""
    if gathered.settings.clusters.source != "repo":
        return None
    if any(body.get("kind") in ("ManagedCluster", None) for body in gathered.broken):
        return None
    return frozenset(cluster.value.namespace for cluster in gathered.clusters)


def _about(sourced: Sourced[Globalization] | Sourced[Localization]) -> Object:
    value, feed = sourced.value, sourced.value.spec.feed
    about = kinds.identity(value.api_version, value.kind, value.metadata.namespace, value.metadata.name)
    if feed is None:
        return about
    reference = {"apiVersion": feed.api_version, "kind": feed.kind, "namespace": feed.namespace, "name": feed.name}
    return {**about, "spec": {"feed": reference}}


def _faults(
    sourced: Sourced[Globalization] | Sourced[Localization],
    gathered: Gathered,
    delivered: Deliveries,
    references: References,
) -> Iterator[Fault]:
    spec = sourced.value.spec
    if spec.feed is None:
        yield "override-without-feed", (), "this override names no feed, so it changes nothing", ""
    else:
        yield from _feed(spec.feed, delivered, references)
    if isinstance(sourced.value, Globalization) and sourced.value.spec.cluster_affinity is not None:
        for field, message, hint in selector_faults(sourced.value.spec.cluster_affinity, ("clusterAffinity",)):
            yield "invalid-selector", field, message, hint
    chart = spec.feed is None or (group_of(spec.feed.api_version), spec.feed.kind) == (kinds.APPS, "HelmChart")
    templated = _templated(sourced)
    for index, override in enumerate(spec.overrides or ()):
        for rule, field, message, hint in _entry(override, gathered, chart=chart, templated=templated is not None):
            yield rule, ("overrides", index, *field), message, hint


def _feed(feed: Feed, delivered: Deliveries, references: References) -> Iterator[Fault]:
    key = feed.object
    version = references.other_version(feed)
    if version:
        hint = f"Write `apiVersion: {version}`."
        yield "feed-version", ("feed", "apiVersion"), f"{key} is {version} in the repo, not {feed.api_version}", hint
    elif key not in references.versions:
        if not references.is_broken(key):
            hint = references.missing_hint(feed)
            yield "override-feed-not-found", ("feed", "name"), f"{key} is not in the repo", hint
    elif key not in delivered.by_key and delivered.complete:
        yield "override-not-delivered", ("feed",), f"no Subscription delivers {key}, so this changes nothing", ""


def _templated(sourced: Sourced[Globalization] | Sourced[Localization]) -> str | None:
    """What fills the values of an override; None where they are not templates."""
    return (sourced.value.metadata.annotations or {}).get(TEMPLATE)


def _entry(override: Override, gathered: Gathered, *, chart: bool, templated: bool) -> Iterator[Fault]:
    if override.type == "Helm" and not chart:
        yield "override-type", ("type",), "the type Helm changes the values of a HelmChart, not an object", _NO_HELM
    elif override.override_chart and not chart:
        yield "override-type", ("overrideChart",), "overrideChart changes a HelmChart, not another object", _NO_CHART
    yield from _field(override)
    if templated:
        return
    message, hint = _value_fault(_shape(override), override.value, gathered)
    if message:
        yield "override-value", ("value",), message, hint


_NO_HELM = "Use JSONPatch or MergePatch."
_NO_CHART = "Remove `overrideChart`."


def _field(override: Override) -> Iterator[Fault]:
    """The two members of field patches: both there, or none."""
    if not override.type.startswith("Field"):
        for name, value in (("fieldPath", override.field_path), ("fieldFormat", override.field_format)):
            if value is not None:
                message = f"{name} means nothing to the type {override.type}"
                yield "override-field-unused", (name,), message, "Remove it, or use FieldJSONPatch or FieldMergePatch."
        return
    path = override.field_path
    if not path or not path.startswith("/"):
        message = "fieldPath is missing" if not path else f"fieldPath '{path[:80]}' does not begin with '/'"
        yield "override-field", ("fieldPath",) if path is not None else (), message, _PATH
    if override.field_format is None:
        message = "fieldFormat is missing: without it Clusternet refuses the patch"
        yield (
            "override-field",
            (),
            message,
            "Write `fieldFormat: YAML` or `fieldFormat: JSON`, as the field is written.",
        )


_PATH = "Name the field that holds the document: `fieldPath: /data/server.yaml`; a '/' inside a key is written ~1."


def _shape(override: Override) -> str:
    """What the value must be: operations, or the mapping that the type speaks of."""
    if override.type.endswith("JSONPatch"):
        return "JSONPatch"
    return "Helm" if override.type == "Helm" or override.override_chart else "MergePatch"


def _value_fault(sort: str, text: str, gathered: Gathered) -> tuple[str, str]:
    """What is wrong with the text of an override, and what to do; two empty texts when nothing is."""
    if not text.strip():
        return "", ""
    parsed = _parsed(text, gathered)
    if parsed.message:
        return parsed.message, parsed.hint
    patch = parsed.value
    if sort == "JSONPatch":
        return _operations_fault(patch)
    if sort == "Helm" and not isinstance(patch, Mapping):
        return "the value must be a mapping", "Write the values to change, as they stand in the chart."
    if not isinstance(patch, Mapping | list):
        return "a MergePatch must be a mapping", "Write the fields to change, as they stand in the object."
    return "", ""


def _parsed(text: str, gathered: Gathered) -> ValueText:
    known = gathered.values.get(text)
    if known is None:
        known = gathered.values[text] = documents.value_text(text)
    return known


def values(gathered: Gathered) -> dict[str, Any]:
    """What the texts of all overrides mean, by text; a text that is not one good document is absent."""
    authored: list[Sourced[Globalization] | Sourced[Localization]] = [*gathered.localizations, *gathered.globalizations]
    specs = [found.value.spec for found in authored if _templated(found) is None]
    texts = {override.value for spec in specs for override in spec.overrides or ()}
    parsed = {text: _parsed(text, gathered) for text in sorted(texts) if text.strip()}
    return {text: found.value for text, found in parsed.items() if not found.message}


def _operations_fault(patch: Any) -> tuple[str, str]:
    if not isinstance(patch, list):
        return "a JSONPatch must be a list of operations", "Begin each operation with `- op:`."
    for number, operation in enumerate(patch):
        where = f"operation {number} of the JSONPatch"
        if not isinstance(operation, Mapping):
            return f"{where} is no mapping", "Write op, path and value."
        op, path = operation.get("op"), operation.get("path")
        if op not in _OPERATIONS:
            hint = hints.did_you_mean(str(op), _OPERATIONS) or f"Write one of {hints.one_of(_OPERATIONS)}."
            return f"{where} has no valid op", hint
        if not isinstance(path, str) or (path and not path.startswith("/")):
            return f"{where} has no valid path", "A path begins with '/': `/spec/replicas`."
        if op in ("move", "copy") and not isinstance(operation.get("from"), str):
            return f"{where} has no from", "Say where to take the value from: `from: /spec/…`."
    return "", ""
