"""Clusternet's objects in the dedicated namespace of a cluster: Base, Localizations, Descriptions, HelmReleases.

Contract `clusternet-apps.md` §3.3 to §3.7. Beside what Clusternet writes, Descriptions carry `config.name` and
`subs.name`, so that tools which select by them find their objects.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model import replicapaths
from reconciler.model.feed import Unit
from reconciler.model.objects import Object
from reconciler.model.placement import Placement
from reconciler.render import graphnames as names
from reconciler.render.fingerprints import concealed
from reconciler.render.graphhub import base_uid, subscription_uid
from reconciler.render.graphparts import Commit, Part, encoded, fed
from reconciler.render.values import chart_of

_DEFAULT_INIT = "apps.clusternet.io/is-default-cluster-init"
_DIVIDED = "dividing scheduling replicas"
_DIVIDED_PRIORITY = 1000
_NO_VALUES = base64.b64encode(b" ").decode()


def dedicated(commit: Commit, name: str, placement: Placement) -> Iterator[Object]:
    """All objects of one Subscription on one cluster. Descriptions are absent where it could not be rendered."""
    base = _base(commit, name, placement)
    yield base
    yield from _localizations(commit, name, placement, base)
    unit = Unit(name, placement.cluster)
    raw = commit.raw(unit)
    if raw is None:
        return
    parts = commit.parts(name)
    generic = [raw[part.key] for part in parts if part.chart is None and part.key in raw]
    if generic:
        spec: Object = {"deployer": "Generic", "raw": generic}
        yield _description(commit, name, placement, base, spec)
    charts = [(part, *_overridden(commit, part, unit)) for part in parts if part.chart is not None]
    if charts:
        spec = {
            "deployer": "Helm",
            "charts": [{"namespace": part.key.namespace, "name": part.key.name} for part, _, _ in charts],
            "raw": [encoded(values) if values else _NO_VALUES for _, values, _ in charts],
            "chartRaw": [encoded(chart) for _, _, chart in charts],
        }
        description = _description(commit, name, placement, base, spec)
        yield description
        for part, values, chart in charts:
            yield _release(commit, part, description, values, chart)


def _subscribed(commit: Commit, name: str, placement: Placement) -> dict[str, str]:
    """Labels of everything that a Subscription makes for a cluster."""
    namespace, _, short = name.partition("/")
    return {
        names.CREATED_BY: names.CONTROLLER,
        **names.subscription(namespace, short, subscription_uid(commit, name)),
        **names.cluster(commit.facts[placement.cluster]),
    }


def _base(commit: Commit, name: str, placement: Placement) -> Object:
    namespace, _, short = name.partition("/")
    uid = base_uid(commit, name, placement)
    config = names.config("Subscription", namespace, names.short(short), subscription_uid(commit, name))
    annotations = commit.snapshot.subscriptions[name].value.metadata.annotations or {}
    init = {_DEFAULT_INIT: annotations[_DEFAULT_INIT]} if _DEFAULT_INIT in annotations else None
    return {
        "apiVersion": names.API_VERSION,
        "kind": "Base",
        "metadata": {
            "name": f"{short}-{names.suffix(uid)}",
            "namespace": commit.facts[placement.cluster].namespace,
            "uid": uid,
            "labels": names.labels({**_subscribed(commit, name, placement), **config, uid: "Base"}),
            **({"annotations": init} if init else {}),
            "finalizers": [names.FINALIZER],
        },
        "spec": {"feeds": fed(commit.parts(name))},
    }


def _localizations(commit: Commit, name: str, placement: Placement, base: Object) -> Iterator[Object]:
    owner = base["metadata"]
    for part, feed in zip(commit.parts(name), fed(commit.parts(name)), strict=True):
        count = placement.replicas.get(part.feed.key)
        path = replicapaths.pointer(part.feed.api_version, part.feed.kind, commit.snapshot.settings)
        if count is None or path is None:
            continue
        uid = commit.uid("Localization", name, placement.cluster, part.feed.key)
        patch = json.dumps([{"path": path, "value": count, "op": "replace"}], separators=(",", ":"))
        related = {subscription_uid(commit, name): "Subscription", commit.uid_of(part): part.feed.kind}
        yield {
            "apiVersion": names.API_VERSION,
            "kind": "Localization",
            "metadata": {
                "name": f"{owner['name']}-{names.suffix(uid)}",
                "namespace": owner["namespace"],
                "uid": uid,
                "labels": names.labels({names.CREATED_BY: names.CONTROLLER, **related}),
                "finalizers": [names.FINALIZER],
                "ownerReferences": names.owner(base),
            },
            "spec": {
                "overridePolicy": "ApplyNow",
                "priority": _DIVIDED_PRIORITY,
                "feed": feed,
                "overrides": [{"name": _DIVIDED, "type": "JSONPatch", "value": patch}],
            },
        }


def _description(commit: Commit, name: str, placement: Placement, base: Object, spec: Object) -> Object:
    owner = base["metadata"]
    title = f"{owner['name']}-{spec['deployer'].lower()}"
    config = names.config("Base", owner["namespace"], owner["name"], owner["uid"])
    return {
        "apiVersion": names.API_VERSION,
        "kind": "Description",
        "metadata": {
            "name": title,
            "namespace": owner["namespace"],
            "uid": commit.uid("Description", name, placement.cluster, spec["deployer"]),
            "labels": names.labels({**_subscribed(commit, name, placement), **config}),
            "finalizers": [names.FINALIZER],
            "ownerReferences": names.owner(base),
        },
        "spec": spec,
    }


def _overridden(commit: Commit, part: Part, unit: Unit) -> tuple[Object, Object]:
    """Values and HelmChart of a feed after the overrides of one cluster."""
    if part.chart is None:
        return {}, {}
    layers = commit.overrides.of(part.key, part.feed.api_version).on(unit.cluster)
    last = chart_of(part.chart, layers, commit.snapshot.values).stages[-1]
    return concealed(last.values, commit.secrets(unit), commit.salt), last.chart


def _release(commit: Commit, part: Part, description: Object, values: Object, chart: Object) -> Object:
    owner, metadata = description["metadata"], chart["metadata"]
    inherited = {key: value for key, value in owner["labels"].items() if not key.startswith(names.CONFIG)}
    config = names.config("Description", owner["namespace"], owner["name"], owner["uid"])
    spec: dict[str, Any] = {"createNamespace": True, "timeoutSeconds": 300, **chart["spec"]}
    spec["releaseName"] = metadata["name"]
    if values:
        spec["overrides"] = encoded(values)
    return {
        "apiVersion": names.API_VERSION,
        "kind": "HelmRelease",
        "metadata": {
            "name": f"{owner['name']}-{part.key.namespace}-{part.key.name}",
            "namespace": owner["namespace"],
            "uid": commit.uid("HelmRelease", owner["uid"], str(part.key)),
            "labels": names.labels({**_texts(metadata.get("labels")), **inherited, **config}),
            **({"annotations": metadata["annotations"]} if metadata.get("annotations") else {}),
            "finalizers": [names.FINALIZER],
            "ownerReferences": names.owner(description),
        },
        "spec": msgspec.to_builtins(spec),
    }


def _texts(members: Any) -> Mapping[str, str]:
    return members if isinstance(members, Mapping) else {}
