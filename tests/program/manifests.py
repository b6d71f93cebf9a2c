"""Fleet repos as values: settings, clusters, and Clusternet's multi-cluster services demo with its divided nginx."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

Body = dict[str, Any]
_SPACE = uuid.UUID("0d9f3f5e-6f0c-4a36-8f5b-51a7c1b1e900")


def settings(fleet: str, access: Mapping[str, Mapping[str, Any]] | None = None, **more: Any) -> Body:
    """`fleet.yaml`: to clusters with this access, or to whatever `more` says."""
    if access is None:
        return {"fleet": fleet, **more}
    return {"fleet": fleet, "delivery": {"to": "clusters"}, "clusters": {"access": dict(access)}, **more}


def clusters(fleet: str, names: Iterable[str]) -> list[Body]:
    """A ManagedCluster for each name, with its name as a label."""
    return [
        {
            "apiVersion": "clusters.clusternet.io/v1beta1",
            "kind": "ManagedCluster",
            "metadata": {"name": name, "namespace": f"clusternet-{name}", "labels": {"cluster": name}},
            "spec": {"clusterId": str(uuid.uuid5(_SPACE, f"{fleet}/{name}")), "syncMode": "Push"},
        }
        for name in names
    ]


def feed(body: Body) -> Body:
    """The reference to an object."""
    metadata = body["metadata"]
    place = {"namespace": metadata["namespace"]} if "namespace" in metadata else {}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], **place, "name": metadata["name"]}


def subscription(name: str, feeds: Iterable[Body], weights: Mapping[str, int] | None = None) -> Body:
    """Sends feeds to all clusters, or divides them by weight over the named ones."""
    spec: Body = {"subscribers": [{"clusterAffinity": {}}]}
    if weights is not None:
        spec = {
            "schedulingStrategy": "Dividing",
            "dividingScheduling": {"type": "Static"},
            "subscribers": [
                {"clusterAffinity": {"matchLabels": {"cluster": cluster}}, "weight": weight}
                for cluster, weight in weights.items()
            ],
        }
    return {
        "apiVersion": "apps.clusternet.io/v1alpha1",
        "kind": "Subscription",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {**spec, "feeds": [feed(body) for body in feeds]},
    }


def namespace(name: str) -> Body:
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def config_map(namespace: str, name: str, value: str) -> Body:
    """A ConfigMap with one key."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}


def demo(namespace_name: str) -> list[Body]:
    """Namespace, Service, Deployment `nginx-app` of 6 replicas, and the export of the Service."""
    labels = {"app": "nginx"}
    inside = {"namespace": namespace_name}
    container = {
        "name": "nginx",
        "image": "nginx:1.14.2",
        "ports": [{"containerPort": 80}],
        "resources": {"requests": {"cpu": "50m", "memory": "32Mi"}},
    }
    return [
        namespace(namespace_name),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "nginx-svc", **inside},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 80}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "nginx-app", **inside, "labels": labels},
            "spec": {
                "replicas": 6,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
        {
            "apiVersion": "multicluster.x-k8s.io/v1alpha1",
            "kind": "ServiceExport",
            "metadata": {"name": "nginx-svc", **inside},
        },
    ]


def image_for(cluster: str, deployment: Body, image: str) -> Body:
    """A Localization that gives a Deployment another image in one cluster."""
    operation = f"[{{op: replace, path: /spec/template/spec/containers/0/image, value: '{image}'}}]"
    return {
        "apiVersion": "apps.clusternet.io/v1alpha1",
        "kind": "Localization",
        "metadata": {"name": "image", "namespace": f"clusternet-{cluster}"},
        "spec": {
            "feed": feed(deployment),
            "overrides": [{"name": "image", "type": "JSONPatch", "value": operation}],
        },
    }
