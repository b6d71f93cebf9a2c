"""The inventory on the cluster itself: which objects are ours, in one ConfigMap per unit (more when it grows large).

Written only on the condition that nobody else wrote since it was read, so that of two runs the second is refused. An
entry stays in the part that holds it, so that the parts can be written in any order and their union never lacks one.
"""

from collections.abc import Iterable, Mapping

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.adapters.kube.resources import Resource
from reconciler.apply.ownership import field_manager
from reconciler.model.errors import ApiError, ReconcilerError, Refused
from reconciler.model.feed import Unit
from reconciler.model.inventory import Entry, Inventory, Keep
from reconciler.model.objects import CommitId, Digest, Object, ObjectKey, digest_of, group_of

FLEET = "reconciler.clusternet.io/fleet"
SUBSCRIPTION = "reconciler.clusternet.io/subscription"
CLUSTER = "reconciler.clusternet.io/cluster"
SHARD = "reconciler.clusternet.io/shard"
LARGEST = 900 * 1024
"""Bytes of entries in one ConfigMap, of the 1 MiB that it may have."""
_CONFIG_MAPS = Resource("v1", "configmaps", namespaced=True)
_NAMESPACES = Resource("v1", "namespaces", namespaced=False)


class Row(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One entry as it is written."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""
    digest: Digest | None = None
    uid: str = ""
    rv: str = ""
    keep: Keep | None = None
    fields: str = ""


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of `data.inventory`. All but the entries stands in the first part only."""

    entries: tuple[Row, ...]
    feed: Digest | None = None
    commit: CommitId | None = None
    charts: Mapping[str, Digest] = {}
    orphan: bool = False


_encode = msgspec.json.Encoder().encode
_part = msgspec.json.Decoder(Part)


async def read_all(cluster: Client, fleet: str, namespace: str) -> dict[Unit, Inventory]:
    """The inventories of a fleet on one cluster, by unit; one LIST."""
    listing = await cluster.list(_CONFIG_MAPS.path(namespace), labels=f"{FLEET}={fleet}")
    found: dict[Unit, list[Object]] = {}
    for item in listing.items:
        annotations = item["metadata"].get("annotations") or {}
        if SUBSCRIPTION in annotations and CLUSTER in annotations:
            found.setdefault(Unit(annotations[SUBSCRIPTION], annotations[CLUSTER]), []).append(item)
    return {unit: _inventory(unit, fleet, items) for unit, items in sorted(found.items())}


async def write(cluster: Client, namespace: str, before: Inventory, after: Inventory) -> Inventory:
    """Write the parts that differ; the answer carries the version for the next write.

    An inventory without entries is deleted. Refused when another run wrote in between.
    """
    after = _placed(before, after)
    old, new, versions = _parts(before), _parts(after), _versions(before)
    for shard in sorted(old.keys() | new.keys()):
        version = versions.get(shard, "")
        if shard in new and (new[shard] != old.get(shard) or not version):
            configmap = _config_map(after, namespace, shard, new[shard], version)
            versions[shard] = await _put(cluster, namespace, configmap, after)
        elif shard not in new and version:
            await _delete(cluster, namespace, _name(after, shard), version, after.unit)
            del versions[shard]
    return msgspec.structs.replace(after, version=_version(versions))


def _inventory(unit: Unit, fleet: str, items: Iterable[Object]) -> Inventory:
    entries: dict[ObjectKey, Entry] = {}
    versions, head = {}, Part(())
    for item in items:
        shard = int(item["metadata"]["annotations"].get(SHARD, "0"))
        versions[shard] = item["metadata"]["resourceVersion"]
        try:
            part = _part.decode(item["data"]["inventory"])
        except (KeyError, msgspec.MsgspecError) as error:
            where = f"ConfigMap {item['metadata']['namespace']}/{item['metadata']['name']}"
            raise ReconcilerError("bad-inventory", f"{where} is no inventory: {error}") from error
        head = part if shard == 0 else head
        entries.update((entry.key, entry) for entry in (_entry(row, shard) for row in part.entries))
    return Inventory(
        unit=unit,
        fleet=fleet,
        entries=dict(sorted(entries.items())),
        feed=head.feed,
        commit=head.commit,
        charts=head.charts,
        orphan=head.orphan,
        version=_version(versions),
    )


def _entry(row: Row, shard: int) -> Entry:
    key = ObjectKey(group_of(row.api_version), row.kind, row.namespace, row.name)
    return Entry(key, row.api_version, row.digest, row.uid, row.rv, row.keep, row.fields, shard)


def _row(entry: Entry) -> Row:
    key, version = entry.key, entry.resource_version
    return Row(
        entry.api_version, key.kind, key.name, key.namespace, entry.digest, entry.uid, version, entry.keep, entry.fields
    )


def _placed(before: Inventory, after: Inventory) -> Inventory:
    """Give every new entry a part with room for it; the others stay where they are."""
    new = [key for key in after.entries if key not in before.entries]
    if not new:
        return after
    sizes: dict[int, int] = {0: 0}
    for key, entry in after.entries.items():
        if key in before.entries:
            sizes[entry.shard] = sizes.get(entry.shard, 0) + len(_encode(_row(entry))) + 1
    entries = dict(after.entries)
    for key in new:
        size = len(_encode(_row(entries[key]))) + _GROWTH
        shard = next((n for n in range(len(sizes) + 1) if sizes.get(n, 0) + size <= LARGEST), len(sizes))
        sizes[shard] = sizes.get(shard, 0) + size
        entries[key] = msgspec.structs.replace(entries[key], shard=shard)
    return msgspec.structs.replace(after, entries=entries)


_GROWTH = 160
"""Bytes that an entry gains when its write is confirmed (digest, UID, resourceVersion, fields)."""


def _parts(inventory: Inventory) -> dict[int, Part]:
    rows: dict[int, list[Row]] = {}
    for _, entry in sorted(inventory.entries.items()):
        rows.setdefault(entry.shard, []).append(_row(entry))
    if rows:
        rows.setdefault(0, [])
    return {shard: _first(inventory, some) if shard == 0 else Part(tuple(some)) for shard, some in rows.items()}


def _first(inventory: Inventory, rows: Iterable[Row]) -> Part:
    return Part(tuple(rows), inventory.feed, inventory.commit, inventory.charts, inventory.orphan)


def _versions(inventory: Inventory) -> dict[int, str]:
    pairs = (part.partition(":") for part in inventory.version.split(",") if part)
    return {int(shard): version for shard, _, version in pairs}


def _version(versions: Mapping[int, str]) -> str:
    return ",".join(f"{shard}:{version}" for shard, version in sorted(versions.items()))


def _name(inventory: Inventory, shard: int) -> str:
    """Readable in its first parts, unique by its last: names of Subscriptions are longer than names may be."""
    unit = inventory.unit
    readable = unit.subscription.rpartition("/")[2][:60].strip("-.")
    name = f"{inventory.fleet}.{readable}.{digest_of([inventory.fleet, unit])[:16]}"
    return f"{name}-{shard}" if shard else name


def _config_map(inventory: Inventory, namespace: str, shard: int, part: Part, version: str) -> Object:
    unit = inventory.unit
    annotations = {SUBSCRIPTION: unit.subscription, CLUSTER: unit.cluster} | ({SHARD: str(shard)} if shard else {})
    metadata = {
        "name": _name(inventory, shard),
        "namespace": namespace,
        "labels": {FLEET: inventory.fleet, "app.kubernetes.io/managed-by": "reconciler"},
        "annotations": annotations,
    } | ({"resourceVersion": version} if version else {})
    data = {"inventory": _encode(part).decode()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


async def _put(cluster: Client, namespace: str, configmap: Object, inventory: Inventory) -> str:
    manager, name = field_manager(inventory.fleet), configmap["metadata"]["name"]
    replacing = "resourceVersion" in configmap["metadata"]
    try:
        if replacing:
            written = await cluster.replace(_CONFIG_MAPS.path(namespace, name), configmap, manager)
        else:
            written = await _create(cluster, namespace, configmap, manager)
    except ApiError as error:
        if error.status == 409 or (error.status == 404 and replacing):
            return await _ours_after_all(cluster, namespace, configmap, inventory.unit, error)
        raise
    version: str = written["metadata"]["resourceVersion"]
    return version


async def _create(cluster: Client, namespace: str, configmap: Object, manager: str) -> Object:
    try:
        return await cluster.create(_CONFIG_MAPS.path(namespace), configmap, manager)
    except ApiError as error:
        if error.status != 404:
            raise
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    try:
        await cluster.create(_NAMESPACES.path(), space, manager)
    except ApiError as error:
        if error.status != 409:
            raise
    return await cluster.create(_CONFIG_MAPS.path(namespace), configmap, manager)


async def _ours_after_all(cluster: Client, namespace: str, configmap: Object, unit: Unit, error: ApiError) -> str:
    """A write whose answer was lost and that was sent again finds itself in the way; anything else is a lost race."""
    try:
        there = await cluster.get(_CONFIG_MAPS.path(namespace, configmap["metadata"]["name"]))
    except ApiError as gone:
        raise _lost(cluster, unit) from gone
    if there.get("data") != configmap["data"]:
        raise _lost(cluster, unit) from error
    version: str = there["metadata"]["resourceVersion"]
    return version


async def _delete(cluster: Client, namespace: str, name: str, version: str, unit: Unit) -> None:
    try:
        await cluster.delete(_CONFIG_MAPS.path(namespace, name), resource_version=version)
    except ApiError as error:
        if error.status == 409:
            raise _lost(cluster, unit) from error
        if error.status != 404:
            raise


def _lost(cluster: Client, unit: Unit) -> Refused:
    what = f"another run is writing this inventory: {unit.subscription} on {cluster.connection}"
    return Refused("inventory-race", what, "let it finish, and run again")
