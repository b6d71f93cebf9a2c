"""Storms between us and a real API server: bursts of refusals, resets, stalls, a partition and its end.

Told by the server itself: what happened to every object, from a watch over the whole storm past the proxy. Nothing is
written twice in a way that changes it. RECONCILER_STORMS sets how many storms of each kind; above one they are large,
of all kinds, and stalls last 30 seconds.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager
from zlib import crc32

import pytest

from reconciler.adapters.kube import transport
from reconciler.adapters.kube.client import Client, connect
from reconciler.apply import lease
from reconciler.apply.lease import Leases
from reconciler.model.status import State
from tests.plugins.faults import Fault, FaultProxy
from tests.plugins.fleet import Fleet
from tests.wire.apply.place import Body, Place, config, results, secret

STORMS = int(os.environ.get("RECONCILER_STORMS", "1"))
HEAVY = STORMS > 1
EACH = 15 if HEAVY else 4
"""Objects of each kind and fate."""
RUNS = 8
"""Runs in a storm before it ends; a storm may be too strong for one."""
STALL = 30.0 if HEAVY else 2.0
END = "the-end"


def faults(strength: float) -> dict[str, list[Fault]]:
    """Kinds of storms; `strength` is the part of the requests that are struck."""
    some, few = strength, strength / 4
    return {
        "429": [Fault(probability=some, status=429, retry_after=1)],
        "500": [Fault(probability=some, status=500)],
        "500 although it was done": [Fault(probability=some, status=500, work_first=True)],
        "504 although it was done": [Fault(probability=some, status=504, work_first=True)],
        "reset before the server sees it": [Fault(probability=some, cut_request=True)],
        "reset before the answer": [Fault(probability=some, cut_answer_after=0)],
        "reset in the middle of the answer": [Fault(probability=some, cut_answer_after=40)],
        "stalled request": [Fault(probability=few, delay=STALL)],
        "stalled answer": [Fault(probability=few, stall=STALL)],
        "all of it": [
            Fault(probability=few, status=429, retry_after=1),
            Fault(probability=few, status=503, work_first=True),
            Fault(probability=few, cut_answer_after=0),
            Fault(probability=few, cut_answer_after=40),
            Fault(probability=few / 4, stall=STALL),
        ],
    }


LIGHT = ("429", "500 although it was done", "reset in the middle of the answer", "all of it")
FATES = {"new": ["ADDED"], "changed": ["MODIFIED"], "gone": ["DELETED"], "same": []}


@pytest.fixture(params=range(STORMS))
def storm(request: pytest.FixtureRequest, fleet: Fleet) -> Iterator[FaultProxy]:
    with FaultProxy(fleet.children[0], seed=crc32(request.node.name.encode())) as running:
        yield running


@pytest.fixture
def strength(request: pytest.FixtureRequest) -> float:
    """Every second storm is too strong for one run."""
    return (0.3, 0.6)[request.node.callspec.params["storm"] % 2]


def bodies(place: Place, values: dict[str, str]) -> list[Body]:
    """ConfigMaps and Secrets of these fates, with the value that each fate has now."""
    return [
        make(f"{fate}-{number}", place.namespace, value)
        for fate, value in values.items()
        for number in range(EACH)
        for make in (config, secret)
    ]


def before(place: Place) -> list[Body]:
    return bodies(place, {"changed": "1", "gone": "1", "same": "1"})


def after(place: Place) -> list[Body]:
    return bodies(place, {"new": "1", "changed": "2", "same": "1"})


def kinds(place: Place) -> dict[str, str]:
    return {kind: f"/api/v1/namespaces/{place.namespace}/{kind}" for kind in ("configmaps", "secrets")}


class History:
    """What the server itself says of every object since this was made, inventories left out."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._paths = kinds(place)
        self._since = {kind: self._list(path)["metadata"]["resourceVersion"] for kind, path in self._paths.items()}

    def _list(self, path: str) -> Body:
        answer: Body = self._place.cluster.api.get(path)
        return answer

    def events(self) -> dict[tuple[str, str], list[str]]:
        direct = Place(self._place.cluster, self._place.namespace, self._place.fleet, self._place.cluster.kubeconfig)

        async def read() -> dict[tuple[str, str], list[str]]:
            found: dict[tuple[str, str], list[str]] = {}
            async with asyncio.timeout(60), connect(direct.connection) as client:
                for kind, path in self._paths.items():
                    await client.create(path, {"metadata": {"name": END}}, "test")
                    for event, name in await self._until_the_end(client, kind, path):
                        found.setdefault((kind, name), []).append(event)
                    await client.delete(f"{path}/{END}")
            return found

        return asyncio.run(read())

    async def _until_the_end(self, client: Client, kind: str, path: str) -> list[tuple[str, str]]:
        seen = []
        async with aclosing(client.watch(path, self._since[kind])) as events:
            async for event, obj in events:
                name = obj["metadata"]["name"]
                if name == END:
                    break
                if not name.startswith(f"{self._place.fleet}.") and name != "kube-root-ca.crt":
                    seen.append((event, name))
        return seen


def expected() -> dict[tuple[str, str], list[str]]:
    return {
        (kind, f"{fate}-{number}"): events
        for kind in ("configmaps", "secrets")
        for fate, events in FATES.items()
        for number in range(EACH)
        if events
    }


def live(place: Place) -> dict[tuple[str, str], tuple[str, str]]:
    """UID and resourceVersion of every object that is ours, by kind and name."""
    found = {}
    for path in kinds(place).values():
        for one in place.cluster.api.get(path)["items"]:
            owned = "apps.clusternet.io/owned-by-description" in (one["metadata"].get("annotations") or {})
            if owned:
                kind = "Secret" if path.endswith("secrets") else "ConfigMap"
                found[kind, one["metadata"]["name"]] = (one["metadata"]["uid"], one["metadata"]["resourceVersion"])
    return found


def recorded(place: Place) -> dict[tuple[str, str], tuple[str, str]]:
    """The same as the inventory has it; only of what is confirmed."""
    (inventory,) = place.inventories().values()
    assert inventory.feed is not None
    return {
        (key.kind, key.name): (entry.uid, entry.resource_version)
        for key, entry in inventory.entries.items()
        if entry.digest
    }


def run(place: Place, wanted: list[Body]) -> State:
    return place.deliver(wanted, leases=Leases()).state


def settled(place: Place, proxy: FaultProxy, wanted: list[Body], history: History) -> None:
    """After a calm run: every object once, the inventory true, nothing left to do."""
    assert run(place, wanted) is State.READY
    assert history.events() == expected()
    assert recorded(place) == live(place)
    assert {name for _, name in live(place)} == {body["metadata"]["name"] for body in wanted}
    calm = proxy.count("(POST|PUT|PATCH|DELETE)")
    assert set(results(place.deliver(wanted, check_drift=True)).values()) == {"unchanged"}
    assert proxy.count("(POST|PUT|PATCH|DELETE)") == calm
    leases = place.cluster.api.get(f"/apis/coordination.k8s.io/v1/namespaces/{place.namespace}/leases")
    assert len(leases["items"]) <= HEAVY  # one whose return a long stall struck expires by itself


@contextmanager
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give up a request sooner than a stall lasts, which takes a minute and more otherwise."""
    with monkeypatch.context() as patched:
        if not HEAVY:
            patched.setattr(transport, "ANSWER_SECONDS", STALL * 0.75)
        yield


@pytest.mark.parametrize("kind", faults(0) if HEAVY else LIGHT)
def test_storm_doubles_nothing(
    storm: FaultProxy, namespace: str, monkeypatch: pytest.MonkeyPatch, strength: float, kind: str
) -> None:
    place = Place(storm.cluster, namespace, namespace, storm.kubeconfig)
    assert run(place, before(place)) is State.READY
    history, runs = History(place), 0
    with impatient(monkeypatch), storm.injected(*faults(strength)[kind]):
        while runs < RUNS and run(place, after(place)) is not State.READY:
            runs += 1
    print(f"{kind} ({strength:.0%}): {runs} runs of at most {RUNS} failed, {storm.count()} requests")
    settled(place, storm, after(place), history)


def test_partition_and_return_doubles_nothing(
    storm: FaultProxy, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "SECONDS", 3)  # one that cannot be given back is waited out
    place = Place(storm.cluster, namespace, namespace, storm.kubeconfig)
    assert run(place, before(place)) is State.READY
    history, wrote = History(place), storm.count("PATCH")
    with storm.injected(Fault("PATCH", "(configmaps|secrets)", delay=0.2)), ThreadPoolExecutor() as pool:
        running = pool.submit(run, place, after(place))
        storm.wait_for("PATCH", "", wrote + EACH)
        storm.refuse()
        assert running.result() is State.UNREACHABLE
    assert run(place, after(place)) is State.UNREACHABLE
    storm.accept()
    settled(place, storm, after(place), history)


def test_stall_of_the_whole_cluster_costs_one_deadline_and_not_one_per_object(
    storm: FaultProxy, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(storm.cluster, namespace, namespace, storm.kubeconfig)
    wanted = [config(f"c{number}", namespace) for number in range(100)]
    with monkeypatch.context() as patched, storm.injected(Fault("PATCH", "configmaps", delay=60)):
        patched.setattr(transport, "ANSWER_SECONDS", 1.0)
        done = place.deliver(wanted)
    assert done.state is State.UNREACHABLE
    assert storm.count("PATCH", "configmaps") <= place.connection.in_flight
    assert run(place, wanted) is State.READY
