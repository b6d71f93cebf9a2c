"""Waiting on a real API server: who waits for one collection shares one stream, and what is said at the deadline."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from reconciler.adapters.kube.client import Client, connect
from reconciler.apply.prune import Leaving
from reconciler.apply.wait import Told, Watches
from reconciler.apply.write import Pending
from reconciler.model.applysettings import HealthRule
from reconciler.model.objects import ObjectKey
from reconciler.model.status import Health
from reconciler.planning.health import Assessor
from tests.plugins.faults import Fault, FaultProxy
from tests.wire.apply.place import Body, Place, config

LONG = 60.0
RULE = HealthRule(api_version="v1", kind="ConfigMap", current="data.value == 'ready'", failed="data.value == 'bad'")


def run(place: Place, do: Callable[[Client, Watches], Awaitable[Any]], *rules: HealthRule) -> Any:
    async def inside() -> Any:
        async with connect(place.connection) as client, asyncio.timeout(LONG):
            return await do(client, Watches(client, Assessor(rules or (RULE,))))

    return asyncio.run(inside())


def deadline(seconds: float = LONG) -> float:
    return asyncio.get_running_loop().time() + seconds


def path_of(place: Place, name: str = "") -> str:
    return f"/api/v1/namespaces/{place.namespace}/configmaps" + (f"/{name}" if name else "")


def pending(place: Place, name: str, live: Body | None = None) -> Pending:
    key = ObjectKey("", "ConfigMap", place.namespace, name)
    version = live["metadata"]["resourceVersion"] if live else ""
    return Pending(key, path_of(place), Health.PROGRESSING, "nobody has looked yet", version)


async def write(client: Client, place: Place, name: str, value: str) -> Body:
    return dict(
        (await client.apply(path_of(place, name), config(name, place.namespace, value), "test", force=True)).object
    )


def verdicts(told: dict[ObjectKey, Told]) -> dict[str, Health]:
    return {key.name: one.health for key, one in told.items()}


async def watching(proxy: FaultProxy, count: int = 1) -> None:
    """Until so many streams were opened, and the server has had a moment to begin."""

    def opened() -> None:
        while proxy.count("GET", "watch=true") < count:
            threading.Event().wait(0.02)

    await asyncio.to_thread(opened)


def test_all_who_wait_for_one_collection_share_one_stream(behind: Place, proxy: FaultProxy) -> None:
    async def units(client: Client, watches: Watches) -> list[dict[str, Health]]:
        written = [[await write(client, behind, f"u{u}-{n}", "new") for n in range(2)] for u in range(5)]
        asked = [[pending(behind, obj["metadata"]["name"], obj) for obj in group] for group in written]
        waits = [asyncio.ensure_future(watches.ready(group, deadline())) for group in asked]
        await watching(proxy)
        for group in asked:
            for one in group:
                await write(client, behind, one.key.name, "ready")
        return [verdicts(told) for told in await asyncio.gather(*waits)]

    done = run(behind, units)
    assert all(set(one.values()) == {Health.CURRENT} for one in done)
    assert proxy.count("GET", "configmaps") == 2, "one LIST, one WATCH"


def test_one_object_is_watched_without_the_others_of_its_collection(behind: Place, proxy: FaultProxy) -> None:
    async def one(client: Client, watches: Watches) -> Any:
        await write(client, behind, "a", "ready")
        return await watches.ready([pending(behind, "a")], deadline())

    run(behind, one)
    assert proxy.count("GET", "metadata.name%3Da") == 1


def test_who_joins_later_is_told_what_the_stream_has_passed(behind: Place, proxy: FaultProxy) -> None:
    async def joined(client: Client, watches: Watches) -> dict[str, Health]:
        for name in ("a", "b", "c"):
            await write(client, behind, name, "new")
        first = asyncio.ensure_future(watches.ready([pending(behind, "a"), pending(behind, "b")], deadline()))
        await watching(proxy)
        await write(client, behind, "c", "ready")
        await asyncio.sleep(0.3)
        later = await watches.ready([pending(behind, "c")], deadline())
        first.cancel()
        return verdicts(later)

    assert run(behind, joined) == {"c": Health.CURRENT}
    assert proxy.count("GET", "watch=true") == 1


def test_sight_that_is_older_than_the_write_counts_for_nothing(behind: Place, proxy: FaultProxy) -> None:
    async def changed(client: Client, watches: Watches) -> dict[str, Health]:
        await write(client, behind, "a", "new")
        await write(client, behind, "b", "ready")
        first = asyncio.ensure_future(watches.ready([pending(behind, "a"), pending(behind, "x")], deadline()))
        await watching(proxy)
        ours = await write(client, behind, "b", "no longer")
        later = await watches.ready([pending(behind, "b", ours)], deadline(1))
        first.cancel()
        return verdicts(later)

    assert run(behind, changed) == {"b": Health.PROGRESSING}


def test_another_name_widens_a_stream_of_one_name(place: Place) -> None:
    async def both(client: Client, watches: Watches) -> list[dict[str, Health]]:
        for name in ("a", "b"):
            await write(client, place, name, "new")
        first = asyncio.ensure_future(watches.ready([pending(place, "a")], deadline()))
        await asyncio.sleep(0.2)
        second = asyncio.ensure_future(watches.ready([pending(place, "b")], deadline()))
        await asyncio.sleep(0.2)
        for name in ("a", "b"):
            await write(client, place, name, "ready")
        return [verdicts(await first), verdicts(await second)]

    assert run(place, both) == [{"a": Health.CURRENT}, {"b": Health.CURRENT}]


def test_stream_ends_when_nobody_waits(place: Place) -> None:
    async def ended(client: Client, watches: Watches) -> list[str]:
        await write(client, place, "a", "new")
        await watches.ready([pending(place, "a")], deadline(0.3))
        waiting = asyncio.ensure_future(watches.ready([pending(place, "a")], deadline()))
        await asyncio.sleep(0.2)
        waiting.cancel()
        await asyncio.wait([waiting])
        return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("watch ")]

    assert run(place, ended) == []


def test_collection_is_listed_again_when_the_server_has_forgotten(behind: Place, proxy: FaultProxy) -> None:
    async def forgotten(client: Client, watches: Watches) -> dict[str, Health]:
        await write(client, behind, "a", "new")
        waiting = asyncio.ensure_future(watches.ready([pending(behind, "a")], deadline()))
        await watching(proxy, 2)
        await write(client, behind, "a", "ready")
        return verdicts(await waiting)

    with proxy.injected(Fault("GET", "watch=true", count=1, status=410)):
        assert run(behind, forgotten) == {"a": Health.CURRENT}
    assert proxy.count("GET", "configmaps") == 4


def test_object_that_failed_may_get_ready_while_another_one_is_waited_for(behind: Place, proxy: FaultProxy) -> None:
    async def recovered(client: Client, watches: Watches) -> dict[str, Health]:
        await write(client, behind, "a", "bad")
        await write(client, behind, "b", "new")
        waiting = asyncio.ensure_future(watches.ready([pending(behind, "a"), pending(behind, "b")], deadline()))
        await watching(proxy)
        await write(client, behind, "a", "ready")
        await write(client, behind, "b", "ready")
        return verdicts(await waiting)

    assert run(behind, recovered) == {"a": Health.CURRENT, "b": Health.CURRENT}


def test_wait_ends_as_soon_as_all_are_ready_or_failed(place: Place) -> None:
    async def settled(client: Client, watches: Watches) -> dict[str, Health]:
        await write(client, place, "a", "bad")
        await write(client, place, "b", "ready")
        return verdicts(await watches.ready([pending(place, "a"), pending(place, "b")], deadline()))

    assert run(place, settled) == {"a": Health.FAILED, "b": Health.CURRENT}


def test_at_the_deadline_stalled_is_told_from_slow(place: Place) -> None:
    async def paces(client: Client, watches: Watches) -> tuple[str, str]:
        for name in ("quiet", "busy"):
            await write(client, place, name, "new")
        asked = [pending(place, "quiet"), pending(place, "busy")]
        waiting = asyncio.ensure_future(watches.ready(asked, deadline(6)))
        for number in range(11):
            await asyncio.sleep(0.5)
            await write(client, place, "busy", f"step {number}")
        told = await waiting
        return told[asked[0].key].pace, told[asked[1].key].pace

    quiet, busy = run(place, paces)
    assert quiet == "nothing has changed for 6s"
    assert busy.startswith("last change ")
    assert busy.endswith("s ago")


def gone(place: Place, objects: Iterable[Body]) -> list[Leaving]:
    metadata = [obj["metadata"] for obj in objects]
    keys = [ObjectKey("", "ConfigMap", place.namespace, m["name"]) for m in metadata]
    return [Leaving(key, path_of(place), m["uid"]) for key, m in zip(keys, metadata, strict=True)]


def test_object_that_was_made_anew_is_gone(place: Place) -> None:
    async def renewed(client: Client, watches: Watches) -> frozenset[ObjectKey]:
        old = await write(client, place, "a", "new")
        stays = await write(client, place, "b", "new")
        await client.delete(path_of(place, "a"))
        await write(client, place, "a", "another")
        return await watches.gone(gone(place, [old, stays]), deadline(1))

    assert {key.name for key in run(place, renewed)} == {"a"}


def test_job_that_its_time_to_live_removed_is_finished(place: Place) -> None:
    async def finished(client: Client, watches: Watches) -> dict[ObjectKey, Told]:
        path = f"/apis/batch/v1/namespaces/{place.namespace}/jobs"
        key = ObjectKey("batch", "Job", place.namespace, "gone")
        return await watches.ready([Pending(key, path, Health.PROGRESSING, "not started")], deadline())

    (told,) = run(place, finished).values()
    assert told == Told(Health.CURRENT, "finished, and removed after its time to live")


def test_other_object_that_vanishes_has_failed(place: Place) -> None:
    async def vanished(client: Client, watches: Watches) -> dict[ObjectKey, Told]:
        return await watches.ready([pending(place, "gone")], deadline())

    (told,) = run(place, vanished).values()
    assert told == Told(Health.FAILED, "it was deleted by somebody else")
