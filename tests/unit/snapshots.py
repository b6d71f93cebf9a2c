"""Snapshots for tests of the pure rooms, made of plain objects without reading any file."""

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from reconciler.model.authored import Globalization, HelmChart, Localization, Subscription
from reconciler.model.clusters import ClusterFacts, facts_of
from reconciler.model.objects import Object, digest_of, key_of
from reconciler.model.settings import Settings
from reconciler.model.snapshot import NamedFeed, Place, Problem, Resource, Snapshot, Sourced
from reconciler.model.status import FleetStatus

SETTINGS = Settings(fleet="test")
NOTHING_BEFORE = FleetStatus(fleet="test")
APPS, CLUSTERS = "apps.clusternet.io/v1alpha1", "clusters.clusternet.io/v1beta1"


def snapshot(*objects: dict[str, Any], problems: tuple[Problem, ...] = ()) -> Snapshot:
    """A snapshot of these objects; each stands in a file of its own, named after its kind and name."""
    authored: dict[str, list[Any]] = {"Subscription": [], "Localization": [], "Globalization": [], "HelmChart": []}
    clusters, resources = [], []
    types = {"Subscription": Subscription, "Localization": Localization, "Globalization": Globalization}
    for obj in objects:
        kind, place = obj["kind"], place_of(obj)
        if kind in authored and obj["apiVersion"] == APPS:
            authored[kind].append(Sourced(place, msgspec.convert(obj, types.get(kind, HelmChart))))
        elif kind == "ManagedCluster":
            clusters.append(Sourced(place, facts_of(obj)))
        else:
            resources.append(Resource(place, key_of(obj), obj["apiVersion"], obj, digest_of(obj)))
    return Snapshot(
        settings=SETTINGS,
        subscriptions={_name(s.value): s for s in sorted(authored["Subscription"], key=lambda s: _name(s.value))},
        localizations=tuple(authored["Localization"]),
        globalizations=tuple(authored["Globalization"]),
        charts={_name(c.value): c for c in authored["HelmChart"]},
        clusters={c.value.id: c for c in sorted(clusters, key=lambda c: c.value.id)},
        resources={r.key: r for r in sorted(resources, key=lambda r: r.key)},
        problems=problems,
        feeds={
            _name(s.value): tuple(NamedFeed(f, ("spec", "feeds", i)) for i, f in enumerate(s.value.spec.feeds))
            for s in authored["Subscription"]
        },
        values={text: value for text in _texts(objects) if (value := _parsed(text)) is not _BROKEN},
    )


def facts(snap: Snapshot) -> dict[str, ClusterFacts]:
    """The declared clusters as facts, by cluster id."""
    return {name: sourced.value for name, sourced in snap.clusters.items()}


def place_of(obj: Object) -> Place:
    """Where `snapshot` says that an object stands."""
    namespace = obj["metadata"].get("namespace") or ""
    return Place("/".join(part for part in (obj["kind"], namespace, obj["metadata"]["name"] + ".yaml") if part))


def cluster(
    name: str, number: int, labels: dict[str, str] | None = None, taints: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """A ManagedCluster `fleet-NAME/NAME` whose id ends in `number`."""
    return {
        "apiVersion": CLUSTERS,
        "kind": "ManagedCluster",
        "metadata": {"name": name, "namespace": f"fleet-{name}", "labels": labels or {}},
        "spec": {"clusterId": cluster_id(number), "syncMode": "Push", "taints": taints or []},
    }


def cluster_id(number: int) -> str:
    """The id of the cluster with this number."""
    return f"00000000-0000-4000-8000-{number:012d}"


def subscription(name: str, subscribers: list[dict[str, Any]], *feeds: Object, **spec: Any) -> dict[str, Any]:
    """A Subscription `default/NAME` of these objects."""
    return {
        "apiVersion": APPS,
        "kind": "Subscription",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"subscribers": subscribers, "feeds": [feed(obj) for obj in feeds], **spec},
    }


def everywhere(weight: int = 0) -> dict[str, Any]:
    """A subscriber that every cluster matches."""
    return {"clusterAffinity": {}, "weight": weight}


def labelled(weight: int = 0, **labels: str) -> dict[str, Any]:
    """A subscriber by labels."""
    return {"clusterAffinity": {"matchLabels": labels}, "weight": weight}


def feed(obj: Object) -> dict[str, str]:
    """The feed that names this object."""
    reference = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "name": obj["metadata"]["name"]}
    namespace = obj["metadata"].get("namespace")
    return {**reference, "namespace": namespace} if namespace else reference


def deployment(name: str = "web", replicas: int | None = 3, namespace: str = "default") -> dict[str, Any]:
    """A Deployment with one container."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": "web:1"}]}}
    spec: dict[str, Any] = {"selector": {"matchLabels": {"app": name}}, "template": template}
    if replicas is not None:
        spec["replicas"] = replicas
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def config_map(name: str, namespace: str = "default", **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def service(name: str = "web", namespace: str = "default") -> dict[str, Any]:
    """A Service."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}


def service_export(name: str = "web", namespace: str = "default") -> dict[str, Any]:
    """A ServiceExport."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ServiceExport", "metadata": metadata}


def override(text: str, kind: str = "MergePatch", **more: Any) -> dict[str, Any]:
    """One entry of a Localization or Globalization."""
    return {"name": "change", "type": kind, "value": text, **more}


def localization(
    name: str, namespace: str, obj: Object, *overrides: dict[str, Any], priority: int = 500
) -> dict[str, Any]:
    """A Localization of an object for the cluster of a namespace."""
    spec = {"feed": feed(obj), "priority": priority, "overrides": list(overrides)}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": APPS, "kind": "Localization", "metadata": metadata, "spec": spec}


def globalization(
    name: str,
    obj: Object,
    *overrides: dict[str, Any],
    priority: int = 500,
    affinity: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A Globalization of an object; without affinity for every cluster."""
    spec: dict[str, Any] = {"feed": feed(obj), "priority": priority, "overrides": list(overrides)}
    if affinity is not None:
        spec["clusterAffinity"] = affinity
    return {"apiVersion": APPS, "kind": "Globalization", "metadata": {"name": name}, "spec": spec}


def _name(value: Any) -> str:
    return f"{value.metadata.namespace or 'default'}/{value.metadata.name}"


_BROKEN = object()


def _texts(objects: tuple[dict[str, Any], ...]) -> Iterator[str]:
    for obj in objects:
        yield from (entry["value"] for entry in (obj.get("spec") or {}).get("overrides") or ())


def _parsed(text: str) -> Any:
    try:
        return next(iter(yaml.safe_load_all(text)), None)
    except yaml.YAMLError:
        return _BROKEN
