"""How one part of an inventory is written down: as a ConfigMap, or as an object of our own kind.

Both carry the fleet as a label and the unit as annotations, and hold the same rows. A part that cannot be read is a
ReconcilerError that names the object.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from reconciler.adapters.kube.resources import Resource
from reconciler.model.applying import Propagation
from reconciler.model.errors import ReconcilerError
from reconciler.model.feed import Unit
from reconciler.model.inventory import Entry, Inventory, Keep
from reconciler.model.objects import CommitId, Digest, Object, ObjectKey, digest_of, group_of

FLEET = "reconciler.clusternet.io/fleet"
SUBSCRIPTION = "reconciler.clusternet.io/subscription"
CLUSTER = "reconciler.clusternet.io/cluster"
SHARD = "reconciler.clusternet.io/shard"
API_VERSION = "reconciler.clusternet.io/v1alpha1"

Kind = Literal["ConfigMap", "Inventory"]
KINDS: tuple[Kind, ...] = ("ConfigMap", "Inventory")
RESOURCES: Mapping[Kind, Resource] = {
    "ConfigMap": Resource("v1", "configmaps", namespaced=True),
    "Inventory": Resource(API_VERSION, "inventories", namespaced=True),
}


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
    wave: int = 0
    propagation: Propagation | None = None


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part: `data.inventory` of a ConfigMap as text. All but the entries stands in the first part only."""

    entries: tuple[Row, ...]
    feed: Digest | None = None
    commit: CommitId | None = None
    charts: Mapping[str, Digest] = {}
    orphan: bool = False


encode = msgspec.json.Encoder().encode
_part = msgspec.json.Decoder(Part)


def unit_of(item: Object) -> Unit | None:
    """The unit that an object says it belongs to; None when it says none."""
    annotations = item["metadata"].get("annotations") or {}
    if SUBSCRIPTION in annotations and CLUSTER in annotations:
        return Unit(annotations[SUBSCRIPTION], annotations[CLUSTER])
    return None


def read(item: Object, kind: Kind) -> tuple[int, Part]:
    """Number and content of a part. ReconcilerError when the object is none."""
    try:
        shard = int(item["metadata"]["annotations"].get(SHARD, "0"))
        if kind == "ConfigMap":
            return shard, _part.decode(item["data"]["inventory"])
        return shard, msgspec.convert(item["spec"], Part)
    except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
        where = f"{kind} {item['metadata']['namespace']}/{item['metadata']['name']}"
        hint = "put back what it held, or delete it; what it held is then no longer pruned"
        raise ReconcilerError("bad-inventory", f"{where} is no inventory: {error} ({hint})", hint) from error


def name_of(inventory: Inventory, shard: int) -> str:
    """Readable in its first parts, unique by its last: names of Subscriptions are longer than names may be."""
    unit = inventory.unit
    readable = unit.subscription.rpartition("/")[2][:60].strip("-.")
    name = f"{inventory.fleet}.{readable}.{digest_of([inventory.fleet, unit])[:16]}"
    return f"{name}-{shard}" if shard else name


def body(inventory: Inventory, namespace: str, shard: int, part: Part, how: tuple[Kind, str]) -> Object:
    """The object of a part; `how`: its kind, and the resourceVersion that it replaces (empty for a new one)."""
    kind, version = how
    unit = inventory.unit
    annotations = {SUBSCRIPTION: unit.subscription, CLUSTER: unit.cluster} | ({SHARD: str(shard)} if shard else {})
    metadata = {
        "name": name_of(inventory, shard),
        "namespace": namespace,
        "labels": {FLEET: inventory.fleet, "app.kubernetes.io/managed-by": "reconciler"},
        "annotations": annotations,
    } | ({"resourceVersion": version} if version else {})
    if kind == "ConfigMap":
        data = {"inventory": encode(part).decode()}
        return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": data}
    told = {"subscription": unit.subscription, "cluster": unit.cluster, "objects": len(part.entries)}
    ready = {} if shard else {"ready": "True" if part.feed else "False"}
    spec = {**told, **ready, **msgspec.to_builtins(part)}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def holds_the_same(one: Object, other: Object) -> bool:
    """Whether two objects of one kind hold the same part."""
    return (one.get("data"), one.get("spec")) == (other.get("data"), other.get("spec"))


def entry_of(row: Row, shard: int) -> Entry:
    """An entry as the planner knows it."""
    return Entry(
        key=ObjectKey(group_of(row.api_version), row.kind, row.namespace, row.name),
        api_version=row.api_version,
        digest=row.digest,
        uid=row.uid,
        resource_version=row.rv,
        keep=row.keep,
        fields=row.fields,
        shard=shard,
        wave=row.wave,
        propagation=row.propagation,
    )


def row_of(entry: Entry) -> Row:
    """An entry as it is written."""
    key = entry.key
    return Row(
        api_version=entry.api_version,
        kind=key.kind,
        name=key.name,
        namespace=key.namespace,
        digest=entry.digest,
        uid=entry.uid,
        rv=entry.resource_version,
        keep=entry.keep,
        fields=entry.fields,
        wave=entry.wave,
        propagation=entry.propagation,
    )


def parts_of(inventory: Inventory) -> dict[int, Part]:
    """The parts of an inventory by number; none for one that holds nothing, and no chart that is still to be left."""
    rows: dict[int, list[Row]] = {}
    for _, entry in sorted(inventory.entries.items()):
        rows.setdefault(entry.shard, []).append(row_of(entry))
    if rows or inventory.charts:
        rows.setdefault(0, [])
    return {shard: _first(inventory, some) if shard == 0 else Part(tuple(some)) for shard, some in rows.items()}


def _first(inventory: Inventory, rows: Iterable[Row]) -> Part:
    return Part(tuple(rows), inventory.feed, inventory.commit, inventory.charts, inventory.orphan)
