"""Checks of what authors say about order: waves of objects, and dependencies between Subscriptions."""

from collections.abc import Iterator, Mapping

from reconciler.model.applying import ARGO_WAVE, DEPENDS_ON, WAVE, whole
from reconciler.model.dependencies import depends_on, without_cycles
from reconciler.source import hints, kinds
from reconciler.source.gather import Finding, Gathered

_ANNOTATIONS = ("metadata", "annotations")


def check(gathered: Gathered) -> Iterator[Finding]:
    """All findings about order."""
    yield from _dependencies(gathered)
    yield from _waves(gathered)


def _dependencies(gathered: Gathered) -> Iterator[Finding]:
    known = gathered.subscriptions
    named = (body.get("metadata") for body in gathered.broken)
    broken = {str(metadata.get("name")) for metadata in named if isinstance(metadata, Mapping)}
    after = {}
    for name, sourced in known.items():
        metadata = sourced.value.metadata
        after[name] = depends_on(metadata.annotations or {}, name.partition("/")[0])
        for other in after[name]:
            if other not in known and other.rpartition("/")[2] not in broken:
                message = f"the Subscription {name} depends on {other}, which is not in the repo"
                hint = hints.did_you_mean(other, known)
                place = sourced.place
                found = gathered.problem("depends-on-unknown", place, (*_ANNOTATIONS, DEPENDS_ON), message, hint)
                yield Finding(found, kinds.subscription(name))
    for cycle in without_cycles(after)[1]:
        chain = " → ".join((*cycle, cycle[0]))
        message = f"Subscriptions depend on each other: {chain}" if len(cycle) > 1 else f"{cycle[0]} depends on itself"
        found = gathered.problem("depends-on-cycle", known[cycle[0]].place, (*_ANNOTATIONS, DEPENDS_ON), message)
        yield Finding(found, kinds.subscription(cycle[0]))


def _waves(gathered: Gathered) -> Iterator[Finding]:
    for resource in gathered.resources.values():
        annotations = (resource.body.get("metadata") or {}).get("annotations") or {}
        for name in (WAVE, ARGO_WAVE):
            text = annotations.get(name)
            if text is None or whole(text) is not None or (resource.template and "{{" in str(text)):
                continue
            message = f"the wave of {resource.key} is no whole number"
            yield Finding(
                gathered.problem("wave-invalid", resource.place, (*_ANNOTATIONS, name), message), resource.body
            )
