"""Checks of control objects by themselves: names, labels, selectors, tolerations, and what is not supported yet."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from reconciler.model.authored import (
    Globalization,
    LabelSelector,
    Localization,
    Subscription,
    SubscriptionSpec,
    Toleration,
)
from reconciler.model.objects import Object
from reconciler.model.snapshot import Place
from reconciler.source import kinds
from reconciler.source.gather import Finding, Gathered

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?\Z")
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_LABEL_PREFIX: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
_LABEL: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")

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
    for fault in _unsupported(spec):
        yield "not-supported", fault
    for fault in _void(spec):
        yield "ignored-field", fault
    if not spec.subscribers:
        yield "subscribers-empty", (("subscribers",), "this Subscription has no subscribers, so it goes nowhere", "")
    for index, subscriber in enumerate(spec.subscribers):
        for fault in selector_faults(subscriber.cluster_affinity, ("subscribers", index, "clusterAffinity")):
            yield "invalid-selector", fault
    for index, toleration in enumerate(spec.cluster_tolerations or ()):
        message = _toleration_fault(toleration)
        if message:
            yield "invalid-toleration", (("clusterTolerations", index), message, "")


def _unsupported(spec: SubscriptionSpec) -> Iterator[Fault]:
    """What Clusternet has and this reconciler has not yet; fields that Clusternet ignores are told as well."""
    if spec.scheduler_name != "default":
        yield ("schedulerName",), f"the scheduler '{spec.scheduler_name}' is not supported yet", "Remove schedulerName."
    if spec.scheduling_by_sub_group:
        yield ("schedulingBySubGroup",), "scheduling by subgroup is not supported yet", ""
    dividing = spec.dividing_scheduling
    if dividing is not None and dividing.type == "Dynamic":
        hint = "Use type Static with weights, or wait for a version that supports it."
        yield ("dividingScheduling", "type"), "dividing by capacity (Dynamic) is not supported yet", hint
    if spec.priority is not None:
        yield ("priority",), "the priority of a Subscription is not supported yet", "Remove priority."
    if spec.preemption_policy not in (None, "PreemptLowerPriority"):
        message = f"preemptionPolicy {spec.preemption_policy} is not supported yet"
        yield ("preemptionPolicy",), message, "Remove preemptionPolicy."


def _void(spec: SubscriptionSpec) -> Iterator[Fault]:
    dividing = spec.dividing_scheduling
    if dividing is not None and spec.scheduling_strategy != "Dividing":
        message = "dividingScheduling has no effect: schedulingStrategy is Replication"
        yield ("dividingScheduling",), message, "Write `schedulingStrategy: Dividing`, or remove it."
    if dividing is not None and dividing.type == "Static" and dividing.dynamic_dividing is not None:
        message = "dynamicDividing has no effect: the type is Static"
        yield ("dividingScheduling", "dynamicDividing"), message, "Remove dynamicDividing."
    for index, subscriber in enumerate(spec.subscribers):
        if subscriber.sub_group_strategy is not None and not spec.scheduling_by_sub_group:
            message = "subGroupStrategy has no effect: schedulingBySubGroup is not true"
            yield ("subscribers", index, "subGroupStrategy"), message, "Remove subGroupStrategy."


def selector_faults(selector: LabelSelector, field: tuple[str | int, ...]) -> Iterator[Fault]:
    """Why an API server would refuse a label selector."""
    yield from label_faults(selector.match_labels or {}, (*field, "matchLabels"))
    for index, term in enumerate(selector.match_expressions or ()):
        here = (*field, "matchExpressions", index)
        if term.operator in ("In", "NotIn") and not term.values:
            yield here, f"{term.operator} needs values", f"Add `values`, or use {_without_values(term.operator)}."
        elif term.operator in ("Exists", "DoesNotExist") and term.values:
            yield (*here, "values"), f"{term.operator} takes no values", "Remove values, or use In or NotIn."
        yield from _key_faults(term.key, (*here, "key"))
        for value in term.values or ():
            yield from _value_faults(value, (*here, "values"))


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
