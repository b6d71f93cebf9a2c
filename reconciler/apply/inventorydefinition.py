"""The definition of our own kind Inventory, and how it comes to a cluster that lacks it.

`hack/crds` writes it to deploy/crds for those who install it themselves. Members that a later version adds are kept by
an older definition, so it is never upgraded by a run.
"""

import asyncio
import contextlib
from typing import Any

from reconciler.adapters.kube.answers import NO_MATCH
from reconciler.adapters.kube.client import Client
from reconciler.adapters.kube.resources import Resource
from reconciler.apply.inventoryform import API_VERSION
from reconciler.model.errors import ApiError, ReconcilerError
from reconciler.model.objects import Object

_DEFINITIONS = Resource("apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False)
_SECONDS = 30.0
"""How long a new definition may take to be served."""
_AGAIN_SECONDS = 0.1
GROUP, _, VERSION = API_VERSION.partition("/")
NAME = f"inventories.{GROUP}"


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "type": "string"}


_ROW = {
    "description": "One object that we own.",
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": True,
    "properties": {
        "apiVersion": _text("In which version it was written."),
        "kind": _text("Its kind."),
        "namespace": _text("Its namespace; absent where there is none."),
        "name": _text("Its name."),
        "digest": _text("What was last written and confirmed; absent while a write or delete is under way."),
        "uid": _text("UID that the server answered."),
        "rv": _text("resourceVersion after the last write."),
        "keep": _text("Why it is not deleted when it leaves the feed."),
        "fields": _text("Fingerprint of the fields that the server says are ours."),
        "wave": {"description": "Wave of its last write.", "type": "integer"},
        "propagation": _text("How its dependents are deleted with it, where it says so itself."),
    },
    "required": ["apiVersion", "kind", "name"],
}
_SPEC = {
    "description": "What one fleet owns here for one Subscription; written by the reconciler only.",
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": True,
    "properties": {
        "subscription": _text("namespace/name of the Subscription."),
        "cluster": _text("Id of the cluster."),
        "objects": {"description": "How many objects this part holds.", "type": "integer"},
        "ready": _text("True when the feed is wholly there, False while it is on its way or something failed."),
        "feed": _text("Digest of the feed that is wholly there."),
        "commit": _text("Source commit of the last change."),
        "charts": {
            "description": "Digest of what was completed, by namespace/name of the HelmChart.",
            "type": "object",
            "additionalProperties": {"type": "string"},
        },
        "orphan": {"description": "The objects stay when the Subscription goes.", "type": "boolean"},
        "entries": {
            "description": "The objects.",
            "type": "array",
            "x-kubernetes-list-type": "atomic",
            "items": _ROW,
        },
    },
    "required": ["entries"],
}
_COLUMNS = (
    ("SUBSCRIPTION", "string", ".spec.subscription"),
    ("CLUSTER", "string", ".spec.cluster"),
    ("OBJECTS", "integer", ".spec.objects"),
    ("COMMIT", "string", ".spec.commit"),
    ("READY", "string", ".spec.ready"),
    ("AGE", "date", ".metadata.creationTimestamp"),
)
DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": NAME},
    "spec": {
        "group": GROUP,
        "names": {"kind": "Inventory", "listKind": "InventoryList", "plural": "inventories", "singular": "inventory"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": VERSION,
                "served": True,
                "storage": True,
                "additionalPrinterColumns": [
                    {"name": name, "type": type_, "jsonPath": path} for name, type_, path in _COLUMNS
                ],
                "schema": {
                    "openAPIV3Schema": {
                        "description": "The objects that a fleet owns on this cluster for one Subscription.",
                        "type": "object",
                        "properties": {
                            "apiVersion": _text("reconciler.clusternet.io/v1alpha1"),
                            "kind": _text("Inventory"),
                            "metadata": {"type": "object"},
                            "spec": _SPEC,
                        },
                    }
                },
            }
        ],
    },
}


async def install(cluster: Client, manager: str) -> None:
    """Create the definition where it is missing, and wait until it is served.

    ReconcilerError, with what to do instead, when our account may not.
    """
    try:
        await cluster.create(_DEFINITIONS.path(), DEFINITION, manager)
    except ApiError as error:
        if error.status == 403:
            raise _forbidden(cluster, error) from error
        if error.status != 409:
            raise
    clock = asyncio.get_running_loop().time
    deadline = clock() + _SECONDS
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            await _established(cluster)
    # Established is said a moment before every API server of a cluster serves it.
    while True:
        if await _served(cluster) or clock() >= deadline:
            return
        await asyncio.sleep(_AGAIN_SECONDS)


async def _established(cluster: Client) -> None:
    live = await cluster.get(_DEFINITIONS.path(name=NAME))
    if _is_established(live):
        return
    since = live["metadata"]["resourceVersion"]
    watched = cluster.watch(_DEFINITIONS.path(), since, f"metadata.name={NAME}")
    async with contextlib.aclosing(watched) as events:
        async for _, obj in events:
            if _is_established(obj):
                return


def _is_established(definition: Object) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any((one.get("type"), one.get("status")) == ("Established", "True") for one in conditions)


async def _served(cluster: Client) -> bool:
    try:
        await cluster.get(f"/apis/{API_VERSION}")
    except ApiError as error:
        if error.status != 404 and error.reason != NO_MATCH:
            raise
        return False
    return True


def _forbidden(cluster: Client, error: ApiError) -> ReconcilerError:
    what = f"{cluster.connection} does not know the kind Inventory, and our account may not define it"
    hint = f"apply the definition {NAME} yourself, or say `inventory.kind: ConfigMap` in fleet.yaml"
    return ReconcilerError("no-inventory-kind", f"{what}: {error.message}; {hint}", hint)
