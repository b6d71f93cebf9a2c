"""Checks of templates and values files against everything else: whom a broken values file concerns, what is divided."""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from reconciler.model import replicapaths
from reconciler.model.authored import Globalization, Localization
from reconciler.model.snapshot import NamedFeed, Problem, Resource, Severity, Sourced, Template
from reconciler.source import kinds, valuetexts
from reconciler.source.gather import Finding, Gathered

_NEXT = re.compile(r"^---(?=[ \t\r]|$)", re.MULTILINE)


def findings(gathered: Gathered, templates: Mapping[str, Template], values: Iterable[Problem]) -> Iterator[Finding]:
    """All findings; `values` are the problems of values files."""
    concerned = tuple(sorted(_using(gathered))) if templates or gathered.globalizations else ()
    for found in values:
        error = found.severity is Severity.ERROR
        yield Finding(msgspec.structs.replace(found, concerns=concerned if error else ()))
    for name, sourced in gathered.subscriptions.items():
        if sourced.value.spec.scheduling_strategy != "Dividing":
            continue
        for named, resource in _made(gathered, gathered.named[name]):
            word = _replicas(gathered, resource, templates)
            if word:
                message = f"{resource.key} is made by a template that says {word}, which cannot be divided"
                found = gathered.problem("template-divided", sourced.place, named.field, message)
                yield Finding(found, kinds.subscription(name))


def _made(gathered: Gathered, feeds: Iterable[NamedFeed]) -> Iterator[tuple[NamedFeed, Resource]]:
    for named in feeds:
        resource = gathered.resources.get(named.feed.object) if not named.via else None
        if resource is not None and resource.template:
            yield named, resource


def _using(gathered: Gathered) -> Iterator[str]:
    """Subscriptions with an object that a template makes, or that a templated override changes."""
    authored: list[Sourced[Localization] | Sourced[Globalization]] = [
        *gathered.localizations,
        *gathered.globalizations,
    ]
    changed = {
        found.value.spec.feed.object
        for found in authored
        if found.value.spec.feed is not None and valuetexts.TEMPLATE in (found.value.metadata.annotations or {})
    }
    for name, feeds in gathered.named.items():
        if any(True for _ in _made(gathered, feeds)) or any(named.feed.object in changed for named in feeds):
            yield name


def _replicas(gathered: Gathered, resource: Resource, templates: Mapping[str, Template]) -> str:
    """The field of the replicas, when the document of a template says it; nothing otherwise."""
    where = replicapaths.found(resource.api_version, resource.key.kind, gathered.settings)
    template = templates.get(resource.template)
    if where is None or template is None:
        return ""
    word = where.path.rpartition("/")[2]
    _, line = gathered.places[resource.key]
    own = "\n".join(template.text.split("\n")[line - 1 :])
    end = _NEXT.search(own, 3)
    said = re.search(rf"^[ \t]*[\"']?{re.escape(word)}[\"']?[ \t]*:", own[: end.start()] if end else own, re.MULTILINE)
    return word if said else ""
