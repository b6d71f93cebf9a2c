"""The record on the cluster: its parts, its races, its readers."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from reconciler.adapters.kube.client import Client, connect
from reconciler.apply import inventory as inventories
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.inventory import Entry, Inventory
from reconciler.model.objects import Digest, ObjectKey
from tests.wire.apply.place import COMMIT, Place, config


def entry(number: int) -> Entry:
    key = ObjectKey("", "ConfigMap", "a", f"object-{number:06}-{'x' * 180}")
    return Entry(key, "v1", Digest(f"{number:040}"), f"uid-{number:032}", str(number), fields="f" * 16)


def holding(place: Place, numbers: range, before: Inventory | None = None) -> Inventory:
    start = before or Inventory(place.unit, place.fleet)
    entries = {one.key: start.entries.get(one.key, one) for one in map(entry, numbers)}
    return msgspec.structs.replace(start, entries=entries, feed=Digest("feed"), commit=COMMIT)


def test_large_inventory_is_kept_in_parts_that_are_read_as_one(place: Place) -> None:
    async def run(client: Client) -> None:
        before = Inventory(place.unit, place.fleet)
        small = await inventories.write(client, place.namespace, before, holding(place, range(10)))
        large = await inventories.write(client, place.namespace, small, holding(place, range(5000), small))
        found = (await inventories.read_all(client, place.fleet, place.namespace))[place.unit]
        assert found == large
        assert len(found.version.split(",")) > 2
        assert {found.entries[entry(n).key].shard for n in range(10)} == {0}
        shrunk = await inventories.write(client, place.namespace, found, holding(place, range(4990, 5000), found))
        again = (await inventories.read_all(client, place.fleet, place.namespace))[place.unit]
        assert again == shrunk
        assert (again.feed, again.commit, len(again.entries)) == (Digest("feed"), COMMIT, 10)
        await inventories.write(client, place.namespace, again, holding(place, range(0), again))
        assert await inventories.read_all(client, place.fleet, place.namespace) == {}

    _with_client(place, run)


def test_writing_what_is_there_already_costs_no_write(place: Place) -> None:
    async def run(client: Client) -> None:
        one = await inventories.write(
            client, place.namespace, Inventory(place.unit, place.fleet), holding(place, range(3))
        )
        assert (await inventories.write(client, place.namespace, one, one)).version == one.version

    _with_client(place, run)


@pytest.mark.parametrize("count", [3, 0], ids=["change", "delete"])
def test_record_that_somebody_else_wrote_since_is_not_overwritten(place: Place, count: int) -> None:
    async def run(client: Client) -> None:
        empty = Inventory(place.unit, place.fleet)
        one = await inventories.write(client, place.namespace, empty, holding(place, range(2)))
        await inventories.write(client, place.namespace, one, holding(place, range(1), one))
        with pytest.raises(Refused, match="another run is writing this inventory"):
            await inventories.write(client, place.namespace, one, holding(place, range(count), one))
        with pytest.raises(Refused):
            await inventories.write(client, place.namespace, empty, holding(place, range(4)))

    _with_client(place, run)


def test_record_that_is_none_is_an_error_and_not_an_empty_inventory(place: Place) -> None:
    place.deliver([config("a", place.namespace)])
    path = f"/api/v1/namespaces/{place.namespace}/configmaps"
    (item,) = [one for one in place.cluster.api.get(path)["items"] if one["metadata"]["name"].startswith(place.fleet)]
    patch = {"data": {"inventory": json.dumps({"entries": [{"kind": 1}]})}}
    place.cluster.kubectl(
        "patch", "configmap", item["metadata"]["name"], "-n", place.namespace, "-p", json.dumps(patch)
    )
    with pytest.raises(ReconcilerError, match="is no inventory"):
        place.inventories()


def _with_client(place: Place, run) -> None:
    async def main() -> None:
        async with connect(place.connection) as client:
            await run(client)

    asyncio.run(main())
