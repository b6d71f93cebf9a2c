"""Bring an object into a cluster without taking anything from what is there: create it, or merge what is missing.

For objects that several programs share (namespaces, ManagedClusters, roles). Where nothing is missing, nothing is
written.
"""

import enum
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.kube.client import Client
from reconciler.model.errors import ApiError
from reconciler.model.objects import Object
from reconciler.registry.merging import missing


class Done(enum.StrEnum):
    """What it took."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


async def found(cluster: Client, api_version: str, kind: str, namespace: str, name: str) -> Object | None:
    """The object, or None when the server has none of that name, or does not serve the kind."""
    try:
        resource = await cluster.resource(api_version, kind)
        return await cluster.get(resource.path(namespace, name))
    except ApiError as error:
        if error.status == 404:
            return None
        raise


async def ensure(cluster: Client, wanted: Object, manager: str) -> tuple[Done, Object]:
    """What it took, and the object as the server has it now. `status` is no part of it."""
    metadata = wanted["metadata"]
    resource = await cluster.resource(wanted["apiVersion"], wanted["kind"])
    namespace, name = metadata.get("namespace", ""), metadata["name"]
    live = await found(cluster, wanted["apiVersion"], wanted["kind"], namespace, name)
    if live is not None and live.get("roleRef") != wanted.get("roleRef"):
        # A binding cannot be pointed to another role.
        await cluster.delete(resource.path(namespace, name), uid=live["metadata"]["uid"])
        live = None
    if live is None:
        return Done.CREATED, await cluster.create(resource.path(namespace), wanted, manager)
    patch = missing(wanted, live)
    if not patch:
        return Done.UNCHANGED, live
    return Done.CHANGED, await cluster.merge_patch(resource.path(namespace, name), patch, manager)


async def ensure_status(cluster: Client, live: Object, status: Mapping[str, Any], manager: str) -> Object:
    """Write the status of an object that is there; whole, so that fields can go."""
    metadata = live["metadata"]
    resource = await cluster.resource(live["apiVersion"], live["kind"])
    path = resource.path(metadata.get("namespace", ""), metadata["name"]) + "/status"
    return await cluster.replace(path, {**live, "status": status}, manager)
