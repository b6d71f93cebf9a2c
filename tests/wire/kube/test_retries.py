"""What a server that is busy, forgets or hangs costs, counted and timed in front of a real API server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing
from itertools import pairwise

import pytest

from reconciler.adapters.kube import client as kube
from reconciler.adapters.kube import transport
from reconciler.adapters.kube.client import Client
from reconciler.model.errors import ApiError, Unreachable
from tests.plugins.faults import Fault, FaultProxy
from tests.plugins.fleet import Fleet
from tests.wire.kube.test_client import config, connection, maps, run

SAID = 1.0
"""Seconds of Retry-After."""
GENEROUS = 20.0
EXPIRED = json.dumps({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}) + "\n"


@pytest.fixture
def proxy(fleet: Fleet) -> Iterator[FaultProxy]:
    with FaultProxy(fleet.children[0], seed=5) as running:
        yield running


@pytest.mark.parametrize("status", [429, 503])
def test_wait_is_at_least_what_the_server_said(proxy: FaultProxy, namespace: str, status: int) -> None:
    with proxy.injected(Fault("GET", "configmaps", count=1, status=status, retry_after=1)):
        run(connection(proxy.cluster, proxy.kubeconfig), lambda client: client.list(maps(namespace)))
    first, second = (arrival.at for arrival in proxy.arrivals("GET", "configmaps"))
    assert SAID <= second - first < GENEROUS


def test_what_is_said_to_one_request_holds_for_all_of_the_connection(proxy: FaultProxy, namespace: str) -> None:
    async def work(client: Client) -> None:
        busy = asyncio.create_task(client.list(maps(namespace)))
        await asyncio.to_thread(proxy.wait_for, "GET", "configmaps")
        await asyncio.sleep(0.2)
        await client.list(f"/api/v1/namespaces/{namespace}/secrets")
        await busy

    with proxy.injected(Fault("GET", "configmaps", count=1, status=429, retry_after=1)):
        run(connection(proxy.cluster, proxy.kubeconfig), work)
    told, other = proxy.arrivals("GET", "configmaps")[0], proxy.arrivals("GET", "secrets")[0]
    assert SAID <= other.at - told.at < GENEROUS


def test_what_is_said_to_a_watch_holds_for_it_and_for_others(proxy: FaultProxy, namespace: str) -> None:
    async def work(client: Client) -> None:
        since = (await client.list(maps(namespace))).resource_version
        async with aclosing(client.watch(maps(namespace), since)) as events:
            soon = asyncio.ensure_future(anext(events))
            await asyncio.to_thread(proxy.wait_for, "GET", "watch=true")
            await asyncio.sleep(0.2)
            await client.create(maps(namespace), config("a"), "test")
            await soon

    with proxy.injected(Fault("GET", "watch=true", count=1, status=429, retry_after=1)):
        run(connection(proxy.cluster, proxy.kubeconfig), work)
    first, second = (arrival.at for arrival in proxy.arrivals("GET", "watch=true"))
    (created,) = proxy.arrivals("POST", "configmaps")
    assert SAID <= second - first < GENEROUS
    assert SAID <= created.at - first < GENEROUS


def test_no_attempt_begins_after_the_deadline_of_the_whole(
    proxy: FaultProxy, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "WHOLE_SECONDS", 1.7)
    with proxy.injected(Fault("GET", "configmaps", status=429, retry_after=1)), pytest.raises(ApiError) as raised:
        run(connection(proxy.cluster, proxy.kubeconfig), lambda client: client.list(maps(namespace)))
    assert raised.value.status == 429
    assert proxy.count("GET", "configmaps") == 2


def test_answer_that_hangs_is_given_up_once_and_not_asked_for_again(
    proxy: FaultProxy, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "ANSWER_SECONDS", 1.0)
    with proxy.injected(Fault("GET", "configmaps", stall=60)), pytest.raises(Unreachable, match="in time"):
        run(connection(proxy.cluster, proxy.kubeconfig), lambda client: client.list(maps(namespace)))
    assert proxy.count("GET", "configmaps") == 1


def test_cluster_that_was_given_up_is_asked_again_by_whoever_comes_later(
    proxy: FaultProxy, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "ANSWER_SECONDS", 3.0)

    async def work(client: Client) -> int:
        with proxy.injected(Fault("GET", "configmaps", stall=60)):
            lost = await asyncio.gather(*(client.list(maps(namespace)) for _ in range(40)), return_exceptions=True)
        assert {type(one) for one in lost} == {Unreachable}
        return len((await client.list(maps(namespace))).items)

    run(connection(proxy.cluster, proxy.kubeconfig), work)
    assert proxy.count("GET", "configmaps") <= 12 + 1


def test_request_that_hangs_alone_takes_no_others_with_it(
    proxy: FaultProxy, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "ANSWER_SECONDS", 3.0)

    async def work(client: Client) -> list[object]:
        async def often() -> int:
            for _ in range(40):
                await client.list(maps(namespace))
                await asyncio.sleep(0.1)
            return 40

        hangs = client.list(f"/api/v1/namespaces/{namespace}/secrets")
        return await asyncio.gather(hangs, *(often() for _ in range(3)), return_exceptions=True)

    with proxy.injected(Fault("GET", "secrets", stall=60)):
        hung, *others = run(connection(proxy.cluster, proxy.kubeconfig), work)
    assert isinstance(hung, Unreachable)
    assert others == [40, 40, 40]


def test_list_whose_token_expired_is_begun_anew_and_misses_nothing(
    proxy: FaultProxy, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube, "PAGE", 2)

    async def work(client: Client) -> list[str]:
        for number in range(5):
            await client.create(maps(namespace), config(f"c{number}"), "test")
        listing = asyncio.create_task(client.list(maps(namespace)))
        await asyncio.to_thread(proxy.wait_for, "GET", "continue=")
        await client.delete(maps(namespace, "c0"))  # was in the first page
        await client.create(maps(namespace), config("a-late"), "test")  # would have been in it
        return [item["metadata"]["name"] for item in (await listing).items]

    with proxy.injected(Fault("GET", "continue=", count=1, delay=1, status=410)):
        names = run(connection(proxy.cluster, proxy.kubeconfig), work)
    assert sorted(set(names) - {"kube-root-ca.crt"}) == ["a-late", "c1", "c2", "c3", "c4"]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "how", [Fault("GET", "watch=true", status=200, body=EXPIRED), Fault("GET", "watch=true", status=410)]
)
def test_watch_that_the_server_forgot_says_so_at_once(proxy: FaultProxy, namespace: str, how: Fault) -> None:
    async def work(client: Client) -> None:
        since = (await client.list(maps(namespace))).resource_version
        async with aclosing(client.watch(maps(namespace), since)) as events:
            await anext(events)

    with proxy.injected(how), pytest.raises(ApiError) as raised:
        run(connection(proxy.cluster, proxy.kubeconfig), work)
    assert raised.value.status == 410
    assert proxy.count("GET", "watch=true") == 1


SHORT = {
    "refused without words": Fault("GET", "watch=true", count=2, status=503, body=""),
    "ended at once": Fault("GET", "watch=true", count=2, status=200, body=""),
    "no JSON": Fault("GET", "watch=true", count=2, status=200, body="<html>\n"),
    "cut in the middle of a line": Fault("GET", "watch=true", count=2, status=200, body='{"type":"ADDED","obj'),
}


@pytest.mark.parametrize("case", SHORT)
def test_watch_that_does_not_stand_is_begun_anew_with_pauses(proxy: FaultProxy, namespace: str, case: str) -> None:
    async def work(client: Client) -> str:
        since = (await client.list(maps(namespace))).resource_version
        await client.create(maps(namespace), config("a"), "test")
        async with aclosing(client.watch(maps(namespace), since)) as events:
            _, obj = await anext(events)
            return str(obj["metadata"]["name"])

    with proxy.injected(SHORT[case]):
        assert run(connection(proxy.cluster, proxy.kubeconfig), work) == "a"
    times = [arrival.at for arrival in proxy.arrivals("GET", "watch=true")]
    assert len(times) == 3
    assert all(after - before >= 0.2 for before, after in pairwise(times))
