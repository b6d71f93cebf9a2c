"""Checks of control objects by themselves: names, labels, selectors and tolerations; dividing stands beside."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from reconciler.model.authored import (
    Globalization,
    LabelSelector,
    LabelSelectorRequirement,
    Localization,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    Subscription,
    SubscriptionSpec,
    Toleration,
)
from reconciler.model.objects import Object
from reconciler.model.snapshot import Place
from reconciler.source import dividing, kinds
from reconciler.source.gather import Finding, Gathered

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?\Z")
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_LABEL_PREFIX: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
_LABEL: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")

Fault = tuple[tuple[str | int, ...], str, str]
"""Field, message and hint."""


def check(gathered: Gathered) -> Iterator[Finding]:
    """All findings about single control objects."""
    yield from _names(gathered)
    for cluster in gathered.clusters:
        for field, message, hint in label_faults(cluster.value.labels, ("metadata", "labels")):
            yield Finding(gathered.problem("invalid-label", cluster.place, field, message, hint), kinds.DECLARED)
    for name, sourced in gathered.subscriptions.items():
        about = kinds.subscription(name)
        for field, message, hint in dividing.annotation_faults(sourced.value.metadata.annotations or {}):
            yield Finding(gathered.problem("wrong-value", sourced.place, field, message, hint), about)
        for rule, (field, message, hint) in _faults(sourced.value.spec):
            yield Finding(gathered.problem(rule, sourced.place, ("spec", *field), message, hint), about)


def _names(gathered: Gathered) -> Iterator[Finding]:
    authored: list[tuple[Place, Subscription | Localization | Globalization]] = [
        *((sourced.place, sourced.value) for sourced in gathered.subscriptions.values()),
        *((sourced.place, sourced.value) for sourced in gathered.localizations),
        *((sourced.place, sourced.value) for sourced in gathered.globalizations),
    ]
    named: list[tuple[Place, str, str | None, Object]] = []
    for place, value in authored:
        name, namespace = value.metadata.name, value.metadata.namespace
        named.append((place, name, namespace, kinds.identity(value.api_version, value.kind, namespace, name)))
    named += [(found.place, found.value.name, found.value.namespace, kinds.DECLARED) for found in gathered.clusters]
    for place, name, namespace, about in named:
        for word, field, allowed in ((name, "name", _NAME), (namespace, "namespace", _NAMESPACE)):
            if word and not allowed.match(word):
                message = f"'{word}' cannot be the {field} of a {about['kind']}"
                yield Finding(gathered.problem("invalid-name", place, ("metadata", field), message), about)


def _faults(spec: SubscriptionSpec) -> Iterator[tuple[str, Fault]]:
    yield from dividing.faults(spec)
    if not spec.subscribers:
        yield "subscribers-empty", (("subscribers",), "this Subscription has no subscribers, so it goes nowhere", "")
    for fault in _selectors(spec):
        yield "invalid-selector", fault
    for index, toleration in enumerate(spec.cluster_tolerations or ()):
        message = _toleration_fault(toleration)
        if message:
            yield "invalid-toleration", (("clusterTolerations", index), message, "")


def _selectors(spec: SubscriptionSpec) -> Iterator[Fault]:
    for index, subscriber in enumerate(spec.subscribers):
        yield from selector_faults(subscriber.cluster_affinity, ("subscribers", index, "clusterAffinity"))
    rules = spec.dividing_scheduling.dynamic_dividing if spec.dividing_scheduling else None
    if rules is None:
        return
    here = ("dividingScheduling", "dynamicDividing")
    for index, one in enumerate(rules.topology_spread_constraints or ()):
        at = (*here, "topologySpreadConstraints", index)
        yield from _key_faults(one.topology_key, (*at, "topologyKey"))
        if one.label_selector is not None:
            yield from selector_faults(one.label_selector, (*at, "labelSelector"))
    for index, term in enumerate(rules.preferred_clusters or ()):
        yield from _preference(term.preference, (*here, "preferredClusters", index, "preference"))


def _preference(preference: NodeSelectorTerm, here: tuple[str | int, ...]) -> Iterator[Fault]:
    if not preference.match_expressions and not preference.match_fields:
        yield here, "an empty preference meets no cluster", "Add `matchExpressions`, or remove it."
    for index, term in enumerate(preference.match_expressions or ()):
        at = (*here, "matchExpressions", index)
        yield from _term_faults(term, at)
        if term.operator in ("Gt", "Lt"):
            if len(term.values or ()) != 1 or not _WHOLE.fullmatch((term.values or [""])[0]):
                yield at, f"{term.operator} needs one whole number in `values`", 'Write it as text: `values: ["3"]`.'
        else:
            for value in term.values or ():
                yield from _value_faults(value, (*at, "values"))
    for index, term in enumerate(preference.match_fields or ()):
        at = (*here, "matchFields", index)
        if term.key != "metadata.name" or term.operator not in ("In", "NotIn"):
            yield at, "matchFields knows the key metadata.name with In or NotIn", "Use matchExpressions for labels."
        elif not term.values:
            yield at, f"{term.operator} needs values", "Add `values`, names of ManagedClusters."


def selector_faults(selector: LabelSelector, field: tuple[str | int, ...]) -> Iterator[Fault]:
    """Why an API server would refuse a label selector."""
    yield from label_faults(selector.match_labels or {}, (*field, "matchLabels"))
    for index, term in enumerate(selector.match_expressions or ()):
        here = (*field, "matchExpressions", index)
        yield from _term_faults(term, here)
        for value in term.values or ():
            yield from _value_faults(value, (*here, "values"))


def _term_faults(
    term: LabelSelectorRequirement | NodeSelectorRequirement, here: tuple[str | int, ...]
) -> Iterator[Fault]:
    if term.operator in ("In", "NotIn") and not term.values:
        yield here, f"{term.operator} needs values", f"Add `values`, or use {_without_values(term.operator)}."
    elif term.operator in ("Exists", "DoesNotExist") and term.values:
        yield (*here, "values"), f"{term.operator} takes no values", "Remove values, or use In or NotIn."
    yield from _key_faults(term.key, (*here, "key"))


def _without_values(operator: str) -> str:
    return "Exists" if operator == "In" else "DoesNotExist"


def label_faults(labels: Mapping[str, str], field: tuple[str | int, ...]) -> Iterator[Fault]:
    """Labels that break Kubernetes' syntax."""
    for key, value in labels.items():
        if not _is_key(key) or not _is_value(value):
            yield from _key_faults(key, (*field, key))
            yield from _value_faults(value, (*field, key))


def _key_faults(key: str, field: tuple[str | int, ...]) -> Iterator[Fault]:
    if not _is_key(key):
        hint = "Use at most 63 letters, digits, '-', '_' and '.', after an optional DNS name and '/'."
        yield field, f"'{key}' is no label key", hint


def _value_faults(value: str, field: tuple[str | int, ...]) -> Iterator[Fault]:
    if not _is_value(value):
        hint = "Use at most 63 letters, digits, '-', '_' and '.'; begin and end with a letter or digit."
        yield field, f"'{value}' is no label value", hint


@lru_cache(maxsize=1 << 14)
def _is_key(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    return bool(_LABEL.match(name)) and (not slash or bool(_LABEL_PREFIX.match(prefix)))


@lru_cache(maxsize=1 << 14)
def _is_value(value: str) -> bool:
    return not value or bool(_LABEL.match(value))


def _toleration_fault(toleration: Toleration) -> str:
    if toleration.operator == "Exists" and toleration.value:
        return "a toleration with operator Exists takes no value"
    if not toleration.key and toleration.operator != "Exists":
        return "a toleration without a key needs operator Exists"
    return ""
