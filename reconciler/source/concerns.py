"""Which Subscriptions a problem concerns: those that cannot be delivered as their authors meant, until it is solved.

A Subscription with a mistake concerns itself; an object whoever delivers it, or would find it; an override whoever
delivers what it changes; a cluster whoever divides replicas, because a missing cluster changes everybody's share. What
cannot be read is assumed to match, so that a broken override never takes an earlier one back.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.objects import Object, ObjectKey, group_of
from reconciler.model.selectors import selects
from reconciler.source import feedsfrom, hints, kinds
from reconciler.source.gather import Finding, Gathered, feeds_of
from reconciler.source.kustomizations import is_kustomization


class Deliveries(msgspec.Struct, frozen=True):
    """Who delivers what, broken Subscriptions included as far as they can be read."""

    by_key: Mapping[ObjectKey, tuple[str, ...]]
    """Names of Subscriptions by object."""
    keys: Mapping[tuple[str, str], tuple[ObjectKey, ...]]
    """The same objects by kind and name."""
    dividing: tuple[str, ...]
    """Subscriptions that divide replicas."""
    complete: bool
    """False when the feeds of some Subscription could not be read."""
    searches: tuple[tuple[str, feedsfrom.Search], ...] = ()
    """Subscriptions that find feeds by path or label."""


def deliveries(gathered: Gathered) -> Deliveries:
    """Index all Subscriptions."""
    by_key: dict[ObjectKey, list[str]] = {}
    dividing = []
    complete = True
    for name, sourced in sorted(gathered.subscriptions.items()):
        for named in gathered.named[name]:
            complete = complete and not is_kustomization(named.feed)  # what it builds is not known
            by_key.setdefault(named.feed.object, []).append(name)
        if sourced.value.spec.scheduling_strategy == "Dividing":
            dividing.append(name)
    for body in gathered.broken:
        if _type(body) == (kinds.APPS, "Subscription"):
            read = [_key(feed) for feed in feeds_of(body)]
            complete = complete and bool(read) and not feedsfrom.asked(body)
            for key in read:
                by_key.setdefault(key, []).append(_name(body))
    unique = {key: tuple(sorted(set(names))) for key, names in by_key.items()}
    keys: dict[tuple[str, str], list[ObjectKey]] = {}
    for key in unique:
        keys.setdefault((key.kind, key.name), []).append(key)
    by_name = {named: tuple(found) for named, found in keys.items()}
    return Deliveries(unique, by_name, tuple(dividing), complete, tuple(_searches(gathered)))


def _searches(gathered: Gathered) -> Iterator[tuple[str, feedsfrom.Search]]:
    for name in sorted(gathered.searches):
        search = feedsfrom.search(gathered.subscriptions[name].value.metadata)
        if search is not None:
            yield name, search


def concerned(found: Finding, deliveries: Deliveries) -> tuple[str, ...]:
    """Names of the Subscriptions that a problem concerns: by what it is about, and by where that stands."""
    names = {*_delivering_it(found.about, deliveries, whole=found.whole), *_searching(found, deliveries)}
    return tuple(sorted(names))


def _searching(found: Finding, deliveries: Deliveries) -> Iterator[str]:
    """Subscriptions that would find the object if it were whole, so that a typo never takes it away."""
    about = found.about
    if (found.whole and not about) or _type(about) in kinds.FLEET_KINDS:
        return
    labels = (_member(about, "metadata") or {}).get("labels")
    read = isinstance(labels, Mapping) and all(isinstance(value, str) for value in labels.values())
    for name, search in deliveries.searches:
        below = any(feedsfrom.below(found.problem.place.path, path) for path in search.paths or ())
        # labels that cannot be read are assumed to match
        if below or (search.terms is not None and (selects(search.terms, labels or {}) if read else not found.whole)):
            yield name


def _delivering_it(about: Object, deliveries: Deliveries, *, whole: bool) -> tuple[str, ...]:
    match _type(about):
        case (_, ""):
            return ()
        case (kinds.APPS, "Subscription"):
            return (_name(about),) if _part(about, "metadata", "name") else ()
        case (kinds.CLUSTERS, "ManagedCluster"):
            return deliveries.dividing
        case (kinds.APPS, "Localization" | "Globalization"):
            feed = _member(_member(about, "spec"), "feed")
            return () if feed is None and whole else _delivering(feed or {}, deliveries)
        case (kinds.MCS, "ServiceExport") if _part(about, "metadata", "name"):
            service = {**_reference(about), "apiVersion": "v1", "kind": "Service"}
            both = {*_delivering(_reference(about), deliveries), *_delivering(service, deliveries)}
            return tuple(sorted(both))
        case _:
            pass
    if not _part(about, "metadata", "name"):
        return ()  # whoever has it as a feed is told that it is not found
    return _delivering(_reference(about), deliveries)


def _delivering(reference: Mapping[str, Any], deliveries: Deliveries) -> tuple[str, ...]:
    """Subscriptions with a feed that fits, where a part that is absent fits anything."""
    version = reference.get("apiVersion")
    group = group_of(version) if isinstance(version, str) else None
    wanted = (group, *(reference.get(part) for part in ("kind", "namespace", "name")))
    _, kind, _, name = wanted
    names: set[str] = set()
    for key in deliveries.keys.get((kind, name), ()) if kind and name else deliveries.by_key:
        have = (key.group, key.kind, key.namespace, key.name)
        if all(not want or want == has for want, has in zip(wanted, have, strict=True)):
            names.update(deliveries.by_key[key])
    return tuple(sorted(names))


def _reference(about: Object) -> Mapping[str, Any]:
    metadata = _member(about, "metadata") or {}
    version, kind = about.get("apiVersion"), about.get("kind")
    return {"apiVersion": version, "kind": kind, "namespace": metadata.get("namespace"), "name": metadata.get("name")}


def _type(about: Object) -> tuple[str, str]:
    """Group and kind, a misspelt control kind as the one that was meant."""
    version, kind = about.get("apiVersion"), about.get("kind")
    group = group_of(version) if isinstance(version, str) else ""
    if not isinstance(kind, str):
        return group, ""
    own = {name: group for group, name in kinds.MODELS}
    if kind in own and group not in (kinds.APPS, kinds.CLUSTERS, kinds.MCS):
        return (own[kind], kind) if not version or hints.nearest(group, [own[kind]]) else (group, kind)
    if group in (kinds.APPS, kinds.CLUSTERS, kinds.MCS) and kind not in own:
        near = hints.nearest(kind, own)
        return (own[near], near) if near else (group, kind)
    return group, kind


def _name(about: Object) -> str:
    return f"{_part(about, 'metadata', 'namespace') or 'default'}/{_part(about, 'metadata', 'name')}"


def _key(feed: Mapping[str, Any]) -> ObjectKey:
    texts = {
        part: feed[part] for part in ("apiVersion", "kind", "namespace", "name") if isinstance(feed.get(part), str)
    }
    group = group_of(texts.get("apiVersion", ""))
    return ObjectKey(group, texts.get("kind", ""), texts.get("namespace", ""), texts.get("name", ""))


def _member(value: Any, name: str) -> Mapping[str, Any] | None:
    member = value.get(name) if isinstance(value, Mapping) else None
    return member if isinstance(member, Mapping) else None


def _part(about: Object, outer: str, name: str) -> str:
    value = (_member(about, outer) or {}).get(name)
    return value if isinstance(value, str) else ""
