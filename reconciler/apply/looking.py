"""Look at live objects that a plan concerns: one LIST per kind and namespace, whatever the number of objects."""

from collections.abc import Iterable, Mapping

from reconciler.adapters.kube.answers import NO_MATCH
from reconciler.adapters.kube.client import Client
from reconciler.apply.gather import all_of
from reconciler.model.errors import ApiError
from reconciler.model.objects import Object, ObjectKey, digest_of
from reconciler.model.plan import Change
from reconciler.model.proposal import Look

Live = Mapping[ObjectKey, Object | None]
"""Live objects by key; None for one that is not there. An object of a collection that nobody may list is absent."""


async def live(client: Client, changes: Iterable[Change], *, whole: bool) -> Live:
    """What the cluster has of these objects: all of each, or its metadata."""
    wanted: dict[tuple[str, str, str], list[ObjectKey]] = {}
    for change in changes:
        wanted.setdefault((change.api_version, change.key.kind, change.key.namespace), []).append(change.key)
    answers = await all_of(_listed(client, collection, whole=whole) for collection in wanted)
    found: dict[ObjectKey, Object | None] = {}
    for keys, names in zip(wanted.values(), answers, strict=True):
        if names is not None:
            found.update((key, names.get(key.name)) for key in keys)
    return found


async def _listed(client: Client, collection: tuple[str, str, str], *, whole: bool) -> Mapping[str, Object] | None:
    """One collection by name; None when it cannot be listed."""
    api_version, kind, namespace = collection
    try:
        resource = await client.resource(api_version, kind)
        listing = await client.list(resource.path(namespace), metadata_only=not whole)
    except ApiError as error:
        return {} if error.reason == NO_MATCH else None
    return {item["metadata"]["name"]: item for item in listing.items}


def look(obj: Object | None) -> Look:
    """What is remembered of a live object."""
    if obj is None:
        return Look()
    metadata = obj["metadata"]
    writers = [entry for entry in metadata.get("managedFields") or () if not entry.get("subresource")]
    return Look(metadata["uid"], metadata["resourceVersion"], digest_of(writers))
