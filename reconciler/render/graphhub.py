"""Clusternet's objects of the hub: Manifest, HelmChart, Subscription with its status, FeedInventory.

Contract `clusternet-apps.md` §3.1 to §3.6.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from reconciler.model import replicapaths
from reconciler.model.objects import Object
from reconciler.model.placement import Placement
from reconciler.render import graphnames as names
from reconciler.render.bare import without_server_writes
from reconciler.render.graphparts import Commit, Part, fed
from reconciler.render.pointer import tokens
from reconciler.render.requirements import replica_requirements
from reconciler.render.spechash import defaulted, spec_hash


def stored(commit: Commit, subscriptions: Iterable[str]) -> list[Object]:
    """Manifests and HelmCharts of everything that these Subscriptions deliver, each once, by name.

    An object that is made on each cluster (a template) has no Manifest: it is another one everywhere.
    """
    relations: dict[str, dict[str, str]] = {}
    found: dict[str, Part] = {}
    for name in subscriptions:
        related = {subscription_uid(commit, name): "Subscription"}
        related |= {base_uid(commit, name, placement): "Base" for placement in commit.placements(name)}
        for part in commit.parts(name):
            uid = commit.uid_of(part)
            found[uid] = part
            relations.setdefault(uid, {}).update(related)
    made = [_manifest(commit, part, relations[uid]) for uid, part in found.items() if part.resource is not None]
    made += [_chart(commit, part, relations[uid]) for uid, part in found.items() if part.chart is not None]
    known = [obj for obj in made if obj is not None]
    return sorted(
        known, key=lambda obj: (obj["kind"] != "Manifest", obj["metadata"]["namespace"], obj["metadata"]["name"])
    )


def _manifest(commit: Commit, part: Part, relations: Mapping[str, str]) -> Object | None:
    resource = part.resource
    if resource is None or resource.template:
        return None
    key = resource.key
    version = resource.api_version.rpartition("/")[2]
    told = {"group": key.group, "version": version, "kind": key.kind, "namespace": key.namespace, "name": key.name}
    config = {names.CONFIG + word: value for word, value in told.items()}
    template = names.marked(without_server_writes(commit.shown(resource)))
    return {
        "apiVersion": names.API_VERSION,
        "kind": "Manifest",
        "metadata": {
            "name": names.stored_name(names.plural(key, commit.plurals), key),
            "namespace": names.RESERVED,
            "uid": commit.uid_of(part),
            "labels": names.labels({**template["metadata"]["labels"], **config, **relations}),
            "finalizers": [names.FINALIZER, names.PROTECTION],
        },
        "template": template,
    }


def _chart(commit: Commit, part: Part, relations: Mapping[str, str]) -> Object | None:
    if part.chart is None:
        return None
    chart = msgspec.to_builtins(part.chart.value)
    chart.pop("status", None)
    metadata = chart["metadata"]
    version = names.API_VERSION.rpartition("/")[2]
    told = {"group": names.GROUP, "version": version, "kind": "HelmChart"}
    told |= {"namespace": part.key.namespace, "name": part.key.name}
    config = {names.CONFIG + word: value for word, value in told.items()}
    return {
        **chart,
        "metadata": {
            "name": metadata["name"],
            "namespace": part.key.namespace,
            "uid": commit.uid_of(part),
            "labels": names.labels({**(metadata.get("labels") or {}), **config, **relations}),
            **({"annotations": metadata["annotations"]} if metadata.get("annotations") else {}),
            "finalizers": [names.FINALIZER, names.PROTECTION],
        },
    }


def subscription_uid(commit: Commit, name: str) -> str:
    """The UID of a Subscription."""
    return commit.uid("Subscription", name)


def base_uid(commit: Commit, name: str, placement: Placement) -> str:
    """The UID of the Base of a Subscription for one cluster."""
    return commit.uid("Base", name, placement.cluster)


def subscription(commit: Commit, name: str) -> Object:
    """The Subscription as Clusternet's scheduler leaves it; feeds that it finds by path or label are spelt out."""
    value = commit.snapshot.subscriptions[name].value
    parts = commit.parts(name)
    spec = msgspec.structs.replace(value.spec, feeds=[part.feed for part in parts])
    metadata = msgspec.to_builtins(value.metadata)
    uid = subscription_uid(commit, name)
    return {
        "apiVersion": names.API_VERSION,
        "kind": "Subscription",
        "metadata": {
            "name": value.metadata.name,
            "namespace": name.partition("/")[0],
            "uid": uid,
            "labels": names.labels({**(metadata.get("labels") or {}), uid: "Subscription"}),
            **({"annotations": metadata["annotations"]} if metadata.get("annotations") else {}),
            "finalizers": [names.FINALIZER],
        },
        "spec": defaulted(spec),
        "status": _status(commit, name, parts, spec_hash(spec)),
    }


def _status(commit: Commit, name: str, parts: tuple[Part, ...], hashed: int) -> Object:
    placements = commit.placements(name)
    status: dict[str, Any] = {
        "bindingClusters": [placement.binding for placement in placements],
        "desiredReleases": len(placements),
        "specHash": hashed,
    }
    if _divides(commit, name):
        status["replicas"] = {
            part.feed.key: [p.replicas[part.feed.key] for p in placements if part.feed.key in p.replicas]
            for part in sorted(parts, key=lambda part: part.feed.key)
        }
    return status


def _divides(commit: Commit, name: str) -> bool:
    return commit.snapshot.subscriptions[name].value.spec.scheduling_strategy == "Dividing"


def feed_inventory(commit: Commit, name: str) -> Object | None:
    """What the feeds of a dividing Subscription need."""
    if not _divides(commit, name):
        return None
    namespace, _, short = name.partition("/")
    uid = subscription_uid(commit, name)
    owner = names.owner(
        {"apiVersion": names.API_VERSION, "kind": "Subscription", "metadata": {"name": short, "uid": uid}}
    )
    return {
        "apiVersion": names.API_VERSION,
        "kind": "FeedInventory",
        "metadata": {
            "name": short,
            "namespace": namespace,
            "uid": commit.uid("FeedInventory", name),
            "labels": names.labels({names.CREATED_BY: names.CONTROLLER, **names.subscription(namespace, short, uid)}),
            "ownerReferences": owner,
        },
        "spec": {"feeds": [_order(commit, part, plain) for part, plain in _with_plain(commit.parts(name))]},
    }


def _with_plain(parts: tuple[Part, ...]) -> Iterable[tuple[Part, dict[str, str]]]:
    return zip(parts, fed(parts), strict=True)


def _order(commit: Commit, part: Part, plain: Mapping[str, str]) -> Object:
    path = replicapaths.found(part.feed.api_version, part.feed.kind, commit.snapshot.settings)
    replicas = _at(part.resource.body, path.path) if part.resource is not None and path is not None else None
    if part.resource is None or path is None or not isinstance(replicas, int):
        return plain
    template = _at(part.resource.body, path.template) if path.template is not None else None
    needs = replica_requirements(template)
    told = {"desiredReplicas": replicas, "replicaJsonPath": path.path}
    return {**plain, **told, **({"replicaRequirements": needs} if needs else {})}


def _at(body: Any, pointer: str) -> Any:
    for step in tokens(pointer) or ():
        body = body.get(step) if isinstance(body, Mapping) else None
    return body
