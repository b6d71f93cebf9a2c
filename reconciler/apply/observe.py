"""Look at what we own on a cluster: metadata only, one LIST per kind and namespace, from the server's cache.

Drift is what the server's own books say: the fields of our field manager are others than after our last write, so
somebody took, changed or removed one. A status that changes is no drift, and neither is a field that was never ours.
"""

from collections.abc import Iterable, Mapping

import msgspec

from reconciler.adapters.kube.answers import NO_MATCH
from reconciler.adapters.kube.client import Client
from reconciler.apply.gather import all_of
from reconciler.apply.ownership import field_manager, mark_of
from reconciler.model.errors import ApiError
from reconciler.model.inventory import Entry, Inventory, Keep
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import Seen
from reconciler.planning.plan import keep_of

_Collection = tuple[str, str, str]
"""API version, kind, namespace."""


class Observed(msgspec.Struct, frozen=True):
    """Live metadata of whole collections."""

    objects: Mapping[ObjectKey, Object]
    errors: Mapping[_Collection, ApiError]
    """Collections that could not be listed."""


async def observe(cluster: Client, inventories: Iterable[Inventory]) -> Observed:
    """List every collection in which the inventories hold something."""
    collections = sorted({_collection(entry) for inventory in inventories for entry in inventory.entries.values()})
    answers = await all_of(_list(cluster, collection) for collection in collections)
    objects: dict[ObjectKey, Object] = {}
    errors: dict[_Collection, ApiError] = {}
    for collection, answer in zip(collections, answers, strict=True):
        if isinstance(answer, ApiError):
            errors[collection] = answer
        else:
            objects |= answer
    return Observed(objects, errors)


def seen(observed: Observed, inventory: Inventory) -> Mapping[ObjectKey, Seen]:
    """What was seen of the objects of one unit; raises the ApiError of a collection that could not be listed."""
    for entry in inventory.entries.values():
        if error := observed.errors.get(_collection(entry)):
            raise error
    return {key: _seen(observed.objects.get(key), entry, inventory.fleet) for key, entry in inventory.entries.items()}


def with_keeps(observed: Observed, inventory: Inventory) -> Inventory:
    """The inventory with what objects on the cluster now say about being pruned."""
    entries = {key: _with_keep(observed.objects.get(key), entry) for key, entry in inventory.entries.items()}
    return msgspec.structs.replace(inventory, entries=entries)


def _collection(entry: Entry) -> _Collection:
    return entry.api_version, entry.key.kind, entry.key.namespace


async def _list(cluster: Client, collection: _Collection) -> dict[ObjectKey, Object] | ApiError:
    api_version, kind, namespace = collection
    try:
        try:
            resource = await cluster.resource(api_version, kind)
        except ApiError as error:
            if error.reason != NO_MATCH:
                raise
            other = await cluster.any_version(api_version, kind)
            if other is None:
                return {}
            resource = other
        listing = await cluster.list(resource.path(namespace), metadata_only=True, cached=True)
    except ApiError as error:
        return error
    group = api_version.rpartition("/")[0]
    return {ObjectKey(group, kind, namespace, item["metadata"]["name"]): item for item in listing.items}


def _seen(live: Object | None, entry: Entry, fleet: str) -> Seen:
    if live is None:
        return Seen(exists=False)
    metadata = live["metadata"]
    uid, version = metadata["uid"], metadata["resourceVersion"]
    untouched = version == entry.resource_version or mark_of(metadata, field_manager(fleet)).fields == entry.fields
    return Seen(exists=True, drifted=uid != entry.uid or not untouched, uid=uid, resource_version=version)


def _with_keep(live: Object | None, entry: Entry) -> Entry:
    if live is None or entry.keep is Keep.ADOPTED:
        return entry
    return msgspec.structs.replace(entry, keep=keep_of(live))
