"""Look at objects on a cluster: one LIST per kind and namespace, by name when only one object of it is asked about.

What we own is looked at in the server's cache, which costs etcd nothing: an answer that is a moment old is caught by
the preconditions of our writes. What is met for the first time is asked about consistently, because there a wrong
answer would take somebody else's object.
"""

from collections.abc import Iterable, Mapping

import msgspec

from reconciler.adapters.kube.answers import NO_MATCH
from reconciler.adapters.kube.client import Client
from reconciler.adapters.kube.resources import Resource
from reconciler.apply.gather import all_of
from reconciler.apply.ownership import field_manager, mark_of
from reconciler.model.errors import ApiError
from reconciler.model.inventory import Entry, Inventory, Keep
from reconciler.model.objects import Object, ObjectKey, group_of
from reconciler.model.plan import Seen
from reconciler.planning.plan import keep_of

Collection = tuple[str, str, str]
"""API version, kind, namespace."""
FORBIDDEN = 403
Asked = Mapping[Collection, frozenset[str]]
"""Names that are asked about, by collection."""


class Observed(msgspec.Struct, frozen=True):
    """Live objects, whole or their metadata."""

    objects: Mapping[ObjectKey, Object]
    errors: Mapping[Collection, ApiError]
    """Collections that could not be listed."""
    unserved: frozenset[Collection] = frozenset()
    """Collections of a kind that the server does not know."""


def collection(api_version: str, key: ObjectKey) -> Collection:
    """Where an object is listed."""
    return api_version, key.kind, key.namespace


def asked(objects: Iterable[tuple[str, ObjectKey]]) -> Asked:
    """What is asked about these objects (API version and key)."""
    names: dict[Collection, set[str]] = {}
    for api_version, key in objects:
        names.setdefault(collection(api_version, key), set()).add(key.name)
    return {where: frozenset(names[where]) for where in sorted(names)}


async def look(
    cluster: Client, about: Asked, *, cached: frozenset[Collection] = frozenset(), whole: bool = False
) -> Observed:
    """List these collections: metadata, or `whole` objects; those that are `cached` from the server's cache."""
    answers = await all_of(
        _list(cluster, where, names, cached=where in cached, whole=whole) for where, names in about.items()
    )
    objects: dict[ObjectKey, Object] = {}
    errors: dict[Collection, ApiError] = {}
    unserved = set()
    for where, answer in zip(about, answers, strict=True):
        if isinstance(answer, ApiError):
            errors[where] = answer
        elif answer is None:
            unserved.add(where)
        else:
            objects |= answer
    return Observed(objects, errors, frozenset(unserved))


def met(observed: Observed, api_version: str, key: ObjectKey) -> Seen:
    """What was seen of an object that the inventory does not hold; raises the ApiError of its collection.

    An object that may not be looked at is one object that is refused, and costs the others nothing.
    """
    if error := observed.errors.get(collection(api_version, key)):
        if error.status == FORBIDDEN:
            return Seen(exists=False, refused=error.message)
        raise error
    live = observed.objects.get(key)
    if live is None:
        return Seen(exists=False)
    metadata = live["metadata"]
    return Seen(
        exists=True,
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        deleting="deletionTimestamp" in metadata,
        metadata=metadata,
    )


def known(observed: Observed, entry: Entry, fleet: str) -> Seen:
    """What was seen of an object of the inventory. Drifted: the fields that are ours are not those of our last write.

    Another object of its name is met for the first time. Raises the ApiError of its collection.
    """
    if error := observed.errors.get(collection(entry.api_version, entry.key)):
        raise error
    seen = met(observed, entry.api_version, entry.key)
    if not seen.exists or seen.uid != entry.uid:
        return seen
    untouched = (
        seen.resource_version == entry.resource_version
        or mark_of(seen.metadata, field_manager(fleet)).fields == entry.fields
    )
    return msgspec.structs.replace(seen, drifted=not untouched, metadata={})


def with_keeps(observed: Observed, inventory: Inventory) -> Inventory:
    """The inventory with what objects on the cluster now say about being pruned."""
    entries = {key: _with_keep(observed.objects.get(key), entry) for key, entry in inventory.entries.items()}
    return msgspec.structs.replace(inventory, entries=entries)


async def _list(
    cluster: Client, where: Collection, names: frozenset[str], *, cached: bool, whole: bool
) -> dict[ObjectKey, Object] | ApiError | None:
    """The objects of a collection; None when the server serves its kind in no version."""
    api_version, kind, namespace = where
    fields = f"metadata.name={next(iter(names))}" if len(names) == 1 else ""
    try:
        resource = await _served(cluster, api_version, kind)
        if resource is None:
            return None
        path = resource.path(namespace)
        listing = await cluster.list(path, fields=fields, metadata_only=not whole, cached=cached)
    except ApiError as error:
        return None if error.reason == NO_MATCH else error
    group = group_of(api_version)
    found = ((item["metadata"]["name"], item) for item in listing.items)
    return {ObjectKey(group, kind, namespace, name): item for name, item in found if name in names}


async def _served(cluster: Client, api_version: str, kind: str) -> Resource | None:
    try:
        return await cluster.resource(api_version, kind)
    except ApiError as error:
        if error.reason != NO_MATCH:
            raise
    return await cluster.any_version(api_version, kind)


def _with_keep(live: Object | None, entry: Entry) -> Entry:
    if live is None or entry.keep is Keep.ADOPTED:
        return entry
    return msgspec.structs.replace(entry, keep=keep_of(live))
