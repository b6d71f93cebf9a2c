"""Objects for three children: ConfigMaps, Services and Deployments without replicas in turn, in one namespace.

`version` is in a field of every object, so that two versions differ in all of them.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

Body = dict[str, Any]
_SPACE = uuid.UUID("6f8c3f0e-2f5a-4a53-9f8e-2b1f7a1c9d00")


def objects(namespace: str, versions: Sequence[int]) -> list[Body]:
    """As many objects as there are versions, one for each."""
    return [_object(n, namespace, version) for n, version in enumerate(versions)]


def same(version: int, count: int) -> list[int]:
    """All objects at one version."""
    return [version] * count


def one(version: int, count: int) -> list[int]:
    """Only the first object, a ConfigMap, at this version."""
    return [version, *same(0, count - 1)]


def namespace_of(name: str) -> Body:
    """The namespace that the objects live in."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def manifest(bodies: Sequence[Body]) -> str:
    """Bodies as one stream of documents, as kubectl and the reconciler both read it."""
    return "".join(f"---\n{json.dumps(body)}\n" for body in bodies)


def fleet_repo(fleet: str, namespace: str, children: Sequence[str], count: int) -> Mapping[str, str]:
    """The files of a fleet repo that sends so many objects to each child by server-side apply."""
    bodies = [namespace_of(namespace), *objects(namespace, same(0, count))]
    return {
        "fleet.yaml": json.dumps(
            {
                "fleet": fleet,
                "delivery": {"to": "clusters"},
                "clusters": {"access": {child: {"context": child} for child in children}},
            }
        ),
        "clusters.yaml": manifest([_cluster(child) for child in children]),
        "subscription.yaml": manifest([subscription(bodies)]),
        "objects.yaml": manifest(bodies),
    }


def _object(n: int, namespace: str, version: int) -> Body:
    metadata = {"name": f"thing-{n:03}", "namespace": namespace, "labels": {"app": f"thing-{n:03}"}}
    match n % 3:
        case 0:
            data = {"version": str(version), **{f"key-{k}": f"value {k} of {n}" for k in range(8)}}
            return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        case 1:
            ports = [{"name": "http", "port": 80, "targetPort": 8000 + version % 1000}]
            spec: Body = {"selector": metadata["labels"], "ports": ports}
            return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
        case _:
            env = [{"name": "VERSION", "value": str(version)}]
            container = {"name": "main", "image": "nginx:1.28.0", "env": env, "ports": [{"containerPort": 8000}]}
            template = {"metadata": {"labels": metadata["labels"]}, "spec": {"containers": [container]}}
            spec = {"replicas": 0, "selector": {"matchLabels": metadata["labels"]}, "template": template}
            return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def _cluster(name: str) -> Body:
    return {
        "apiVersion": "clusters.clusternet.io/v1beta1",
        "kind": "ManagedCluster",
        "metadata": {"name": name, "namespace": f"clusternet-{name}"},
        "spec": {"clusterId": str(uuid.uuid5(_SPACE, name)), "syncMode": "Push"},
    }


def subscription(bodies: Sequence[Body]) -> Body:
    """The Subscription that sends these objects to every child."""
    feeds = []
    for body in bodies:
        metadata = body["metadata"]
        place = {"namespace": metadata["namespace"]} if "namespace" in metadata else {}
        feeds.append({"apiVersion": body["apiVersion"], "kind": body["kind"], **place, "name": metadata["name"]})
    return {
        "apiVersion": "apps.clusternet.io/v1alpha1",
        "kind": "Subscription",
        "metadata": {"name": "workload", "namespace": "default"},
        "spec": {"subscribers": [{"clusterAffinity": {}}], "feeds": feeds},
    }
