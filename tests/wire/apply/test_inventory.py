"""The record on the cluster: its parts, its races, its readers."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from reconciler.adapters.kube.client import Client, connect
from reconciler.apply import inventory as inventories
from reconciler.apply.digestkey import Keys
from reconciler.apply.inventoryform import FLEET, Kind, name_of
from reconciler.model.errors import Exit, ReconcilerError, Refused
from reconciler.model.feed import Unit
from reconciler.model.inventory import Entry, Inventory
from reconciler.model.objects import CommitId, Digest, ObjectKey
from reconciler.model.status import State
from reconciler.planning import keyeddigests
from reconciler.registry.names import digest_key
from tests.plugins.faults import Fault, FaultProxy
from tests.wire.apply.place import COMMIT, Place, config, results, secret


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


def spoil(place: Place, kind: str, unit: Unit) -> None:
    """Make the inventory of a unit unreadable."""
    name = name_of(Inventory(unit, place.fleet), 0)
    broken = {"entries": [{"kind": 1}]}
    patch = {"data": {"inventory": json.dumps(broken)}} if kind == "configmap" else {"spec": {"entries": [{}]}}
    flags = ("--type=merge", "-n", place.namespace, "-p", json.dumps(patch))
    place.cluster.kubectl("patch", kind, name, *flags)


def test_record_that_is_none_stops_only_its_own_unit(place: Place) -> None:
    place.deliver([config("a", place.namespace)])
    spoil(place, "configmap", place.unit)
    with pytest.raises(ReconcilerError, match="is no inventory"):
        place.inventories()
    works = [
        place.work([config("a", place.namespace, "2")]),
        place.work([config("b", place.namespace)], subscription="default/other"),
    ]
    other, broken = place.deliver_all(works)
    assert (other.state, results(other)) == (State.READY, {"b": "created"})
    assert (broken.state, broken.feed) == (State.FAILED, None)
    assert "is no inventory" in broken.message
    assert place.value("a") == "1"
    (again, _) = place.deliver_all([place.work(None, subscription="default/other"), works[0]])
    assert results(again) == {"b": "pruned"}


def kept_as(place: Place) -> dict[str, int]:
    """How many objects of each kind hold inventories of the fleet."""
    flags = ("-n", place.namespace, "-l", f"{FLEET}={place.fleet}", "-o", "name")
    found = {}
    for kind in ("configmaps", "inventories.reconciler.clusternet.io"):
        found[kind.partition(".")[0]] = len(place.cluster.kubectl("get", kind, *flags).split())
    return found


def test_inventory_of_our_own_kind_brings_its_definition_and_tells_people_what_it_holds(place: Place) -> None:
    done = place.deliver([config("a", place.namespace), config("b", place.namespace)], inventory_kind="Inventory")
    assert done.state is State.READY
    assert kept_as(place) == {"configmaps": 0, "inventories": 1}
    head, row = place.cluster.kubectl("get", "inventories", "-n", place.namespace).splitlines()
    assert head.split() == ["NAME", "SUBSCRIPTION", "CLUSTER", "OBJECTS", "COMMIT", "READY", "AGE"]
    assert row.split()[1:6] == ["default/web", place.facts.id, "2", COMMIT, "True"]
    found = place.inventory()
    assert found is not None
    assert {key.name for key in found.entries} == {"a", "b"}
    assert all(entry.uid and entry.resource_version and entry.digest for entry in found.entries.values())
    assert results(place.deliver(None, inventory_kind="Inventory")) == {"a": "pruned", "b": "pruned"}
    assert kept_as(place) == {"configmaps": 0, "inventories": 0}


@pytest.mark.parametrize("kinds", [("ConfigMap", "Inventory"), ("Inventory", "ConfigMap")], ids="-".join)
def test_inventory_moves_when_the_setting_changes(place: Place, kinds: tuple[Kind, Kind]) -> None:
    before, after = kinds
    bodies = [config("a", place.namespace), config("b", place.namespace)]
    place.deliver(bodies, inventory_kind=before)
    held = place.inventory()
    done = place.deliver(bodies, inventory_kind=after)
    assert results(done) == {"a": "unchanged", "b": "unchanged"}
    assert sum(kept_as(place).values()) == 1
    moved = place.inventory()
    assert held is not None
    assert moved is not None
    assert moved.version.startswith(f"{after}/0:")
    assert msgspec.structs.replace(moved, version="") == msgspec.structs.replace(held, version="")
    assert results(place.deliver(bodies[:1], inventory_kind=after)) == {"a": "unchanged", "b": "pruned"}


def test_inventory_whose_move_was_cut_off_is_the_union_of_both(place: Place) -> None:
    async def run(client: Client) -> None:
        empty = Inventory(place.unit, place.fleet)
        await inventories.write(client, place.namespace, empty, holding(place, range(3)))
        newer = msgspec.structs.replace(entry(2), digest=Digest("other"))
        other = holding(place, range(1, 5))
        other = msgspec.structs.replace(other, entries={**other.entries, newer.key: newer})
        await inventories.write(client, place.namespace, empty, other, "Inventory")
        found = (await inventories.read_all(client, place.fleet, place.namespace))[place.unit]
        assert found.entries.keys() == {entry(n).key for n in range(5)}
        assert (found.entries[entry(1).key].digest, found.entries[entry(2).key].digest) == (entry(1).digest, None)
        assert found.feed is None
        one = await inventories.write(client, place.namespace, found, found, "Inventory")
        again = (await inventories.read_all(client, place.fleet, place.namespace))[place.unit]
        assert again == one
        await inventories.write(client, place.namespace, again, holding(place, range(0), again), "Inventory")
        assert await inventories.read_all(client, place.fleet, place.namespace) == {}

    _with_client(place, run)


def test_really_large_inventory_of_our_own_kind_is_kept_in_parts(place: Place) -> None:
    async def run(client: Client) -> None:
        before = Inventory(place.unit, place.fleet)
        large = await inventories.write(client, place.namespace, before, holding(place, range(9000)), "Inventory")
        found = (await inventories.read_all(client, place.fleet, place.namespace))[place.unit]
        assert found == large
        assert len(found.version.split(",")) > 3
        await inventories.write(client, place.namespace, found, holding(place, range(0), found), "Inventory")

    _with_client(place, run)


def test_account_that_may_not_define_kinds_is_told_what_to_do(behind: Place, proxy: FaultProxy) -> None:
    absent = Fault("(GET|POST)", "/inventories", status=404)
    with proxy.injected(absent, Fault("POST", "customresourcedefinitions", status=403)):
        done = behind.deliver([config("a", behind.namespace)], inventory_kind="Inventory")
    assert done.state is State.FAILED
    assert "may not define it" in done.message
    assert "`inventory.kind: ConfigMap`" in done.message
    assert behind.value("a") is None


def test_account_that_may_not_read_the_other_kind_goes_on_without_it(behind: Place, proxy: FaultProxy) -> None:
    with proxy.injected(Fault("GET", "/inventories", status=403)):
        assert behind.deliver([config("a", behind.namespace)]).state is State.READY


def test_unit_that_a_newer_commit_changed_is_left_as_it_is(place: Place) -> None:
    newer = CommitId("d" * 40)

    async def is_newer(commit: CommitId) -> bool:
        return commit == newer

    place.deliver([config("a", place.namespace, "new")], commit=newer)
    works = [
        place.work([config("a", place.namespace, "old")]),
        place.work([config("b", place.namespace)], subscription="default/other"),
    ]
    other, left = place.deliver_all(works, is_newer=is_newer)
    assert results(other) == {"b": "created"}
    assert (left.state, left.feed, left.exit_code) == (State.DELIVERED, None, Exit.OK)
    assert f"left as commit {newer[:12]} made it" in left.message
    assert place.value("a") == "new"
    assert results(place.deliver([config("a", place.namespace, "old")])) == {"a": "changed"}


def _with_client(place: Place, run) -> None:
    async def main() -> None:
        async with connect(place.connection) as client:
            await run(client)

    asyncio.run(main())


def stored(place: Place) -> str:
    """The text of all inventories."""
    return place.cluster.kubectl(
        "get", "configmaps", "-n", place.namespace, "-l", f"{FLEET}={place.fleet}", "-o", "json"
    )


def test_digests_that_cover_a_secret_are_kept_under_a_key_and_recognized(place: Place) -> None:
    bodies = [secret("s", place.namespace, "1234"), config("c", place.namespace)]
    feed = place.work(bodies).feed
    assert feed is not None
    of_config = next(obj.digest for obj in feed.objects if obj.key.kind == "ConfigMap")
    place.deliver(bodies)
    text = stored(place)
    assert [obj.key.kind for obj in feed.objects if obj.digest in text] == ["ConfigMap"]
    assert feed.digest not in text
    assert of_config in text
    again = place.deliver(bodies)
    assert (results(again), again.feed) == ({"s": "unchanged", "c": "unchanged"}, feed.digest)
    assert stored(place) == text
    changed = place.deliver([secret("s", place.namespace, "4321"), config("c", place.namespace)])
    assert results(changed) == {"s": "changed", "c": "unchanged"}


def test_digests_without_a_key_are_still_understood_and_get_one_with_the_next_change(place: Place) -> None:
    bodies = [secret("s", place.namespace, "1234"), config("c", place.namespace)]
    with_secret = place.work(bodies).feed
    assert with_secret is not None
    place.deliver(bodies)

    async def plainly(client: Client) -> None:
        """As earlier versions wrote it."""
        held = (await inventories.read_all(client, place.fleet, place.namespace))[place.unit]
        key = await Keys().read(client, place.fleet, place.namespace)
        assert key
        plain = keyeddigests.revealed(held, with_secret, key)
        await inventories.write(client, place.namespace, held, plain)

    _with_client(place, plainly)
    text = stored(place)
    assert with_secret.digest in text
    assert results(place.deliver(bodies)) == {"s": "unchanged", "c": "unchanged"}
    assert stored(place) == text
    assert results(place.deliver([bodies[0], config("c", place.namespace, "2")])) == {"s": "unchanged", "c": "changed"}
    assert not [obj.key for obj in with_secret.objects if obj.digest in stored(place)]


def test_lost_key_costs_one_look_at_each_secret(place: Place) -> None:
    bodies = [secret("s", place.namespace, "1234"), config("c", place.namespace)]
    place.deliver(bodies)
    place.cluster.kubectl("delete", "secret", digest_key(place.fleet), "-n", place.namespace)
    for _ in range(2):
        done = place.deliver(bodies)
        assert (results(done), done.state) == ({"s": "unchanged", "c": "unchanged"}, State.READY)


def test_account_that_may_not_keep_a_key_is_warned_and_goes_on_without(behind: Place, proxy: FaultProxy) -> None:
    bodies = [secret("s", behind.namespace, "1234")]
    told: list[str] = []
    with proxy.injected(Fault("(GET|POST)", "/secrets(/.*digests)?([?]fieldManager.*)?$", status=403)):
        assert results(behind.deliver(bodies, warn=told.append)) == {"s": "created"}
    assert len(told) == 1
    assert "without a key" in told[0]
    assert results(behind.deliver(bodies)) == {"s": "unchanged"}
