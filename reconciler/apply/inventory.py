"""The inventory on the cluster itself: which objects are ours, in one object per unit (more when it grows large).

Written only on the condition that nobody else wrote since it was read, so that of two runs the second is refused. An
entry stays in the part that holds it, so that the parts can be written in any order and their union never lacks one.
Inventories of both kinds are read; the next write moves one to the kind that is asked for, the new before the old goes.
"""

import asyncio
from collections.abc import Mapping

import msgspec

from reconciler.adapters.kube.answers import NO_MATCH
from reconciler.adapters.kube.client import Client
from reconciler.adapters.kube.resources import Resource
from reconciler.apply import inventorydefinition
from reconciler.apply.inventoryform import (
    FLEET,
    KINDS,
    RESOURCES,
    Kind,
    Part,
    encode,
    entry_of,
    holds_the_same,
    name_of,
    parts_of,
    row_of,
    unit_of,
)
from reconciler.apply.inventoryform import body as body_of
from reconciler.apply.inventoryform import read as read_part
from reconciler.apply.ownership import field_manager
from reconciler.model.errors import ApiError, ReconcilerError, Refused
from reconciler.model.feed import Unit
from reconciler.model.inventory import Entry, Inventory
from reconciler.model.objects import Object, ObjectKey
from reconciler.planning.keyeddigests import concealed

LARGEST = 900 * 1024
"""Bytes of entries in one part, of the 1 MiB that a ConfigMap may have."""
_GROWTH = 160
"""Bytes that an entry gains when its write is confirmed (digest, UID, resourceVersion, fields)."""
_NAMESPACES = Resource("v1", "namespaces", namespaced=False)
_Versions = dict[tuple[Kind, int], str]


class Held(msgspec.Struct, frozen=True):
    """What a fleet holds on one cluster."""

    inventories: Mapping[Unit, Inventory]
    """By unit, sorted."""
    broken: Mapping[Unit, ReconcilerError] = {}
    """Units whose inventory cannot be read; whatever they hold must be left alone."""


async def read_all(cluster: Client, fleet: str, namespace: str) -> dict[Unit, Inventory]:
    """The inventories of a fleet on one cluster, by unit; ReconcilerError when one of them cannot be read."""
    held = await read(cluster, fleet, namespace)
    for error in held.broken.values():
        raise error
    return dict(held.inventories)


async def read(cluster: Client, fleet: str, namespace: str, kind: Kind = "ConfigMap") -> Held:
    """The inventories of a fleet on one cluster: one LIST of each kind. `kind` is the one that must be readable."""
    async with asyncio.TaskGroup() as group:
        tasks = {each: group.create_task(_list(cluster, fleet, namespace, each, needed=each == kind)) for each in KINDS}
    found: dict[Unit, list[tuple[Kind, Object]]] = {}
    for each, task in tasks.items():
        items = task.result()
        if isinstance(items, ReconcilerError):
            raise items
        for item in items:
            unit = unit_of(item)
            if unit is not None:
                found.setdefault(unit, []).append((each, item))
    inventories, broken = {}, {}
    for unit, parts in sorted(found.items()):
        try:
            inventories[unit] = _inventory(unit, fleet, parts)
        except ReconcilerError as error:
            broken[unit] = error
    return Held(inventories, broken)


def is_elsewhere(inventory: Inventory, kind: Kind) -> bool:
    """Whether some of it is kept as another kind than is asked for, so that the next write moves it."""
    return any(each != kind for each, _ in _versions(inventory))


async def write(
    cluster: Client,
    namespace: str,
    before: Inventory,
    after: Inventory,
    kind: Kind = "ConfigMap",
    key: bytes | None = None,
) -> Inventory:
    """Write the parts that differ; the answer carries the version for the next write. `key`: of digests of Secrets.

    An inventory without entries is deleted. Refused when another run wrote in between.
    """
    after = _placed(before, after)
    old, new, versions = parts_of(before), parts_of(after), _versions(before)
    stored = parts_of(concealed(after, key)) if key else new
    moving = is_elsewhere(before, kind)
    for shard, part in sorted(new.items()):
        version = versions.get((kind, shard), "")
        if moving or part != old.get(shard) or not version:
            body = body_of(after, namespace, shard, stored[shard], (kind, version))
            versions[kind, shard] = await _put(cluster, namespace, body, after)
    for (each, shard), version in sorted(versions.items()):
        if each != kind or shard not in new:
            path = RESOURCES[each].path(namespace, name_of(after, shard))
            await _delete(cluster, path, version, after.unit)
            del versions[each, shard]
    return msgspec.structs.replace(after, version=_version(versions))


async def _list(
    cluster: Client, fleet: str, namespace: str, kind: Kind, *, needed: bool
) -> tuple[Object, ...] | ReconcilerError:
    """The objects of one kind; none of a kind that is not served, or that we may not read and need not."""
    try:
        return (await cluster.list(RESOURCES[kind].path(namespace), labels=f"{FLEET}={fleet}")).items
    except ApiError as error:
        absent = kind == "Inventory" and (error.status == 404 or error.reason == NO_MATCH)
        return () if absent or (error.status == 403 and not needed) else error
    except ReconcilerError as error:
        return error


def _inventory(unit: Unit, fleet: str, items: list[tuple[Kind, Object]]) -> Inventory:
    by_kind: dict[Kind, Inventory] = {}
    for kind in KINDS:
        mine = [item for each, item in items if each == kind]
        if mine:
            by_kind[kind] = _of_one_kind(unit, fleet, kind, mine)
    one, *others = by_kind.values()
    return _united(one, others[0]) if others else one


def _of_one_kind(unit: Unit, fleet: str, kind: Kind, items: list[Object]) -> Inventory:
    entries: dict[ObjectKey, Entry] = {}
    versions: _Versions = {}
    head = Part(())
    for item in items:
        shard, part = read_part(item, kind)
        versions[kind, shard] = item["metadata"]["resourceVersion"]
        head = part if shard == 0 else head
        entries.update((entry.key, entry) for entry in (entry_of(row, shard) for row in part.entries))
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


def _united(one: Inventory, other: Inventory) -> Inventory:
    """A run was killed while it moved an inventory: all entries of both. What they disagree about is unconfirmed."""
    entries = {**one.entries, **other.entries}
    for key in one.entries.keys() & other.entries.keys():
        mine, theirs = one.entries[key], other.entries[key]
        if mine != theirs:
            known = theirs if theirs.uid else mine
            entries[key] = msgspec.structs.replace(known, digest=None, resource_version="")
    same = one.feed == other.feed and one.entries == other.entries
    return msgspec.structs.replace(
        other,
        entries=dict(sorted(entries.items())),
        feed=other.feed if same else None,
        charts=other.charts if one.charts == other.charts else {},
        orphan=one.orphan or other.orphan,
        version=f"{one.version},{other.version}",
    )


def _placed(before: Inventory, after: Inventory) -> Inventory:
    """Give every new entry a part with room for it; the others stay where they are."""
    new = [key for key in after.entries if key not in before.entries]
    if not new:
        return after
    sizes: dict[int, int] = {0: 0}
    for key, entry in after.entries.items():
        if key in before.entries:
            sizes[entry.shard] = sizes.get(entry.shard, 0) + len(encode(row_of(entry))) + 1
    entries = dict(after.entries)
    for key in new:
        size = len(encode(row_of(entries[key]))) + _GROWTH
        shard = next((n for n in range(len(sizes) + 1) if sizes.get(n, 0) + size <= LARGEST), len(sizes))
        sizes[shard] = sizes.get(shard, 0) + size
        entries[key] = msgspec.structs.replace(entries[key], shard=shard)
    return msgspec.structs.replace(after, entries=entries)


def _versions(inventory: Inventory) -> _Versions:
    pairs = (part.partition(":") for part in inventory.version.split(",") if part)
    found: _Versions = {}
    for where, _, version in pairs:
        named, _, shard = where.rpartition("/")
        found["Inventory" if named == "Inventory" else "ConfigMap", int(shard)] = version
    return found


def _version(versions: _Versions) -> str:
    return ",".join(f"{kind}/{shard}:{version}" for (kind, shard), version in sorted(versions.items()))


async def _put(cluster: Client, namespace: str, body: Object, inventory: Inventory) -> str:
    manager, metadata = field_manager(inventory.fleet), body["metadata"]
    resource = RESOURCES[body["kind"]]
    replacing = "resourceVersion" in metadata
    try:
        if replacing:
            written = await cluster.replace(resource.path(namespace, metadata["name"]), body, manager)
        else:
            written = await _create(cluster, namespace, body, manager)
    except ApiError as error:
        if error.status == 409 or (error.status == 404 and replacing):
            return await _ours_after_all(cluster, resource.path(namespace, metadata["name"]), body, inventory.unit)
        raise
    version: str = written["metadata"]["resourceVersion"]
    return version


async def _create(cluster: Client, namespace: str, body: Object, manager: str) -> Object:
    """Create a part, with its namespace and its definition where they are missing."""
    path = RESOURCES[body["kind"]].path(namespace)
    try:
        return await cluster.create(path, body, manager)
    except ApiError as error:
        if error.status != 404:
            raise
        lacks_kind = error.reason == NO_MATCH
    if lacks_kind and body["kind"] == "Inventory":
        await inventorydefinition.install(cluster, manager)
    await ensure_namespace(cluster, namespace, manager)
    return await cluster.create(path, body, manager)


async def ensure_namespace(cluster: Client, namespace: str, manager: str) -> None:
    """Create the namespace of inventories and leases where it is missing."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    try:
        await cluster.create(_NAMESPACES.path(), space, manager)
    except ApiError as error:
        if error.status != 409:
            raise


async def _ours_after_all(cluster: Client, path: str, body: Object, unit: Unit) -> str:
    """A write whose answer was lost and that was sent again finds itself in the way; anything else is a lost race."""
    try:
        there = await cluster.get(path)
    except ApiError as gone:
        raise _lost(cluster, unit) from gone
    if (unit_of(there), _fleet_of(there)) != (unit, _fleet_of(body)):
        raise _in_the_way(cluster, there)
    if not holds_the_same(there, body):
        raise _lost(cluster, unit)
    version: str = there["metadata"]["resourceVersion"]
    return version


async def _delete(cluster: Client, path: str, version: str, unit: Unit) -> None:
    try:
        await cluster.delete(path, resource_version=version)
    except ApiError as error:
        if error.status == 409:
            raise _lost(cluster, unit) from error
        if error.status != 404:
            raise


def _fleet_of(item: Object) -> str | None:
    found: str | None = (item["metadata"].get("labels") or {}).get(FLEET)
    return found


def _in_the_way(cluster: Client, there: Object) -> Refused:
    fleet, metadata = _fleet_of(there), there["metadata"]
    whose = f"it is of fleet {fleet}" if fleet else "it is no inventory of a fleet"
    where = f"{there['kind']} {metadata['namespace']}/{metadata['name']} on {cluster.connection}"
    hint = "put back its labels and annotations if somebody changed them, or delete it if nobody needs it"
    return Refused("inventory-taken", f"{where} has the name of our inventory, and {whose} ({hint})", hint)


def _lost(cluster: Client, unit: Unit) -> Refused:
    what = f"another run is writing this inventory: {unit.subscription} on {cluster.connection}"
    return Refused("inventory-race", what, "let it finish, and run again")
