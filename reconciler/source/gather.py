"""Objects sorted by what they are: control objects read strictly, everything else a resource. The first half of `read`.

Every problem is kept together with the object it is about, so that the second half can say which Subscriptions it
concerns.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.authored import Globalization, HelmChart, Localization, ServiceExport, Subscription
from reconciler.model.clusters import ClusterFacts, facts_of
from reconciler.model.inflation import Build
from reconciler.model.objects import Object, ObjectKey, digest_of, key_of
from reconciler.model.settings import Settings
from reconciler.model.snapshot import NamedFeed, Place, Problem, Resource, Sourced
from reconciler.source import fields, kinds
from reconciler.source.opening import Opened
from reconciler.source.rules import problem
from reconciler.source.valuetexts import ValueText

Fault = tuple[str, tuple[str | int, ...], str, str]
"""Rule, field, message and hint."""


class Finding(msgspec.Struct, frozen=True):
    """A problem and the object that it is about, whole or only its identity."""

    problem: Problem
    about: Object = {}
    whole: bool = True


class Gathered(msgspec.Struct):
    """All that the files say, before objects are compared with each other."""

    settings: Settings
    subscriptions: dict[str, Sourced[Subscription]] = {}
    localizations: list[Sourced[Localization]] = []
    globalizations: list[Sourced[Globalization]] = []
    charts: dict[str, Sourced[HelmChart]] = {}
    clusters: list[Sourced[ClusterFacts]] = []
    exports: list[Sourced[ServiceExport]] = []
    resources: dict[ObjectKey, Resource] = {}
    broken: list[Object] = []
    """Objects that cannot be used: as far as they could be read."""
    findings: list[Finding] = []
    named: dict[str, tuple[NamedFeed, ...]] = {}
    """All feeds of every Subscription, once they are opened."""
    searches: dict[str, tuple[Fault, ...]] = {}
    """Of every Subscription that finds feeds by path or label: what is wrong with how it asks."""
    values: dict[str, ValueText] = {}
    """What the texts of overrides mean, by text."""
    places: dict[ObjectKey, tuple[Place, int]] = {}
    """Of every object: where it stands, and the line where its document begins."""
    scopes: Mapping[tuple[str, str], bool] = {}
    """Kind to “is namespaced” of the repo's own definitions."""
    kustomized: dict[tuple[Any, Any], str] = {}
    """Directory of the kustomization by kind and name, for what stands in its files."""
    built: dict[str, Mapping[ObjectKey, Resource]] = {}
    """Objects of kustomizations, by directory."""
    wanted: list[Build] = []
    """Kustomizations that are not built yet."""

    def found(self, about: Object, problems: Iterable[Problem], *, whole: bool = True) -> None:
        """Remember problems of one object."""
        self.findings.extend(Finding(found, about, whole) for found in problems)

    def problem(self, rule: str, place: Place, field: fields.Path, message: str, hint: str = "") -> Problem:
        """A problem of an object; `field` is relative to the object."""
        return problem(rule, place, place.within(*field), message, hint)


def gather(settings: Settings, objects: Iterable[Opened]) -> Gathered:
    """Sort objects, which come in order of their places."""
    gathered = Gathered(settings)
    usable = []
    for opened in objects:
        gathered.found(opened.body, opened.problems, whole=opened.whole)
        if opened.whole:
            usable.append(opened)
        else:
            gathered.broken.append(opened.body)
    definitions = {key_of(opened.body): opened.body for opened in usable if kinds.is_definition(opened.body)}
    gathered.scopes = kinds.declared_scopes(definitions)
    for opened in usable:
        body, problems = placed(opened, gathered.scopes)
        gathered.found(body, problems)
        _sort(gathered, opened, body)
    return gathered


def placed(opened: Opened, scopes: Mapping[tuple[str, str], bool]) -> tuple[Object, list[Problem]]:
    """The object where kubectl would put it: `default` when it is namespaced and names no namespace."""
    body = opened.body
    group, kind = kinds.type_of(body)
    namespaced = kinds.namespaced(group, kind, scopes)
    namespace = body["metadata"].get("namespace")
    if namespaced and not namespace:
        return kinds.in_namespace(body, "default"), []
    if namespaced is False and namespace:
        rule = "globalization-namespace" if (group, kind) == (kinds.APPS, "Globalization") else "scope"
        message = f"{kind} '{body['metadata']['name']}' is cluster-scoped, but names the namespace '{namespace}'"
        found = problem(rule, opened.place, opened.place.within("metadata", "namespace"), message)
        return kinds.without_namespace(body), [found]
    return body, []


def _sort(gathered: Gathered, opened: Opened, body: Object) -> None:
    key = key_of(body)
    first = gathered.places.setdefault(key, (opened.place, opened.line))
    if first[0] != opened.place:
        message = f"{key} is also in {first[0].path}:{first[1]}"
        gathered.found(body, [gathered.problem("duplicate-object", opened.place, ("metadata", "name"), message)])
        return
    model = kinds.MODELS.get((key.group, key.kind))
    if model is None:
        digest = opened.digest or digest_of(body)
        gathered.resources[key] = Resource(
            opened.place, key, body["apiVersion"], body, digest, opened.template, opened.seal
        )
        return
    value, problems = fields.convert(body, model, opened.place, opened.place.within())
    gathered.found(body, problems)
    if value is None:
        gathered.broken.append(body)
    else:
        _author(gathered, opened.place, key, value, body)


def _author(gathered: Gathered, place: Place, key: ObjectKey, value: Any, body: Object) -> None:
    name = f"{key.namespace}/{key.name}"
    match value:
        case Subscription():
            gathered.subscriptions[name] = Sourced(place, value)
        case Localization():
            gathered.localizations.append(Sourced(place, value))
        case Globalization():
            gathered.globalizations.append(Sourced(place, value))
        case HelmChart():
            gathered.charts[name] = Sourced(place, value)
        case ServiceExport():
            gathered.exports.append(Sourced(place, value))
            gathered.resources[key] = Resource(place, key, body["apiVersion"], body, digest_of(body))
        case _:
            gathered.clusters.append(Sourced(place, facts_of(body)))


def feeds_of(body: Object) -> Iterator[Mapping[str, Any]]:
    """The feeds of a Subscription that may be broken, as far as they are mappings."""
    spec = body.get("spec")
    feeds = spec.get("feeds") if isinstance(spec, Mapping) else None
    for feed in feeds if isinstance(feeds, list) else ():
        if isinstance(feed, Mapping):
            yield feed
