"""Checks of the annotations by which authors say how objects are applied: a typo there must not go unread."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model.applying import (
    ADOPT,
    APPLY,
    DRIFT,
    ON_REMOVAL,
    PROPAGATION,
    PRUNE,
    RECREATE,
    Adopt,
    Drift,
    Policy,
    Propagation,
    Removal,
)
from reconciler.source import hints, kinds
from reconciler.source.gather import Finding, Gathered

_SWITCH = ("enabled", "disabled")
_OF_OBJECTS: Mapping[str, tuple[str, ...]] = {
    APPLY: tuple(Policy),
    ADOPT: tuple(Adopt),
    RECREATE: _SWITCH,
    PRUNE: _SWITCH,
    PROPAGATION: tuple(Propagation),
}
_OF_SUBSCRIPTIONS: Mapping[str, tuple[str, ...]] = {
    ADOPT: tuple(Adopt),
    DRIFT: tuple(Drift),
    ON_REMOVAL: tuple(Removal),
}


def check(gathered: Gathered) -> Iterator[Finding]:
    """All values of these annotations that nobody knows, on objects and on Subscriptions."""
    for resource in gathered.resources.values():
        annotations = (resource.body.get("metadata") or {}).get("annotations") or {}
        for name, message, hint in _wrong(annotations, _OF_OBJECTS, template=bool(resource.template)):
            place = ("metadata", "annotations", name)
            yield Finding(gathered.problem("apply-annotation", resource.place, place, message, hint), resource.body)
    for subscription, sourced in gathered.subscriptions.items():
        for name, message, hint in _wrong(sourced.value.metadata.annotations or {}, _OF_SUBSCRIPTIONS):
            place = ("metadata", "annotations", name)
            found = gathered.problem("apply-annotation", sourced.place, place, message, hint)
            yield Finding(found, kinds.subscription(subscription))


def _wrong(
    annotations: Mapping[str, Any], allowed: Mapping[str, tuple[str, ...]], *, template: bool = False
) -> Iterator[tuple[str, str, str]]:
    for name in sorted(annotations.keys() & allowed.keys()):
        word, words = str(annotations[name]), [str(one) for one in allowed[name]]
        if word in words or (template and "{{" in word):
            continue
        yield name, f"{name} is {hints.one_of(words)}, not '{word}'", hints.did_you_mean(word, words)
