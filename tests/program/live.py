"""What is live on a cluster: objects, and the part of one that our field manager set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.plugins.fleet import Cluster

Body = dict[str, Any]
MARKS = {"apps.clusternet.io/owned-by-description", "clusternet.io/last-applied-configuration"}
"""Annotations that an apply adds, and that no file has."""
KINDS = "services,deployments,serviceexports.v1alpha1.multicluster.x-k8s.io,configmaps"


def get(cluster: Cluster, *arguments: str) -> Any:
    """`kubectl get … -o json`; None when there is no such object."""
    text = cluster.kubectl("get", *arguments, "-o", "json", "--show-managed-fields", "--ignore-not-found")
    return json.loads(text) if text.strip() else None


def objects(cluster: Cluster, namespace: str, kinds: str = KINDS) -> dict[str, Body]:
    """The namespace and the objects in it that a delivery may have made, by `Kind/name`."""
    found = get(cluster, "namespace", namespace)
    items = get(cluster, kinds, "--namespace", namespace)["items"] if found else []
    kept = [found, *items] if found else []
    return {f"{o['kind']}/{o['metadata']['name']}": o for o in kept if o["metadata"]["name"] != "kube-root-ca.crt"}


def versions(cluster: Cluster, namespace: str) -> dict[str, str]:
    """resourceVersions; of what has a controller the generation, because its status moves by itself."""
    return {
        name: str(o["metadata"].get("generation") or o["metadata"]["resourceVersion"])
        for name, o in objects(cluster, namespace).items()
    }


def ours(live: Body, manager_prefix: str = "reconciler") -> Body:
    """A live object without what servers and controllers set: the fields that our manager owns, and the identity."""
    owned: Mapping[str, Any] = {}
    for entry in live["metadata"].get("managedFields") or ():
        if entry["manager"].startswith(manager_prefix) and entry["operation"] == "Apply":
            owned = entry["fieldsV1"]
    kept = _projected(live, owned)
    metadata = {**kept.get("metadata", {}), "name": live["metadata"]["name"]}
    annotations = {k: v for k, v in metadata.pop("annotations", {}).items() if k not in MARKS}
    if annotations:
        metadata["annotations"] = annotations
    if "namespace" in live["metadata"]:
        metadata["namespace"] = live["metadata"]["namespace"]
    return {**kept, "apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}


def _projected(value: Any, owned: Mapping[str, Any]) -> Any:
    """The part of a value that a `fieldsV1` tree names (Kubernetes, structured-merge-diff)."""
    below = {name: fields for name, fields in owned.items() if name != "."}
    if not below:
        return value
    if isinstance(value, list):
        return [_projected(item, fields) for item, fields in _items(value, below)]
    return {
        name[2:]: _projected(value[name[2:]], fields)
        for name, fields in below.items()
        if name.startswith("f:") and name[2:] in value
    }


def _items(values: list[Any], owned: Mapping[str, Any]) -> Iterable[tuple[Any, Mapping[str, Any]]]:
    for item in values:
        for name, fields in owned.items():
            sort, _, text = name.partition(":")
            wanted = json.loads(text)
            if sort == "v" and item == wanted:
                yield item, {}
            elif sort == "k" and isinstance(item, dict) and all(item.get(k, _ABSENT) == v for k, v in wanted.items()):
                yield item, fields


_ABSENT = object()
