"""Broken networks and tired servers in front of a real API server."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.adapters.kube import transport
from reconciler.model.errors import Exit
from reconciler.model.status import State
from tests.plugins.faults import Fault, FaultProxy
from tests.wire.apply.place import Place, config, deployment, outcome, results, secret

CANARY = "canary-0d1c7a55"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_answer_that_says_later_is_tried_again(behind: Place, proxy: FaultProxy, status: int) -> None:
    with proxy.injected(Fault("PATCH", "configmaps", count=2, status=status, retry_after=1)):
        done = behind.deliver([config("a", behind.namespace)])
    assert results(done) == {"a": "created"}
    assert proxy.count("PATCH") == 3


def test_retry_after_is_honoured(behind: Place, proxy: FaultProxy) -> None:
    began = time.monotonic()
    with proxy.injected(Fault("PATCH", "configmaps", count=1, status=429, retry_after=2)):
        behind.deliver([config("a", behind.namespace)])
    assert time.monotonic() - began >= 2


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_answer_that_says_no_is_not_tried_again(behind: Place, proxy: FaultProxy, status: int) -> None:
    with proxy.injected(Fault("PATCH", "configmaps", status=status)):
        done = behind.deliver([config("a", behind.namespace)])
    assert results(done) == {"a": "failed"}
    assert proxy.count("PATCH") == 1


def test_conflict_is_tried_again(behind: Place, proxy: FaultProxy) -> None:
    with proxy.injected(Fault("PATCH", "configmaps", count=1, status=409)):
        done = behind.deliver([config("a", behind.namespace)])
    assert results(done) == {"a": "created"}


def test_server_that_stays_tired_is_reported_in_its_own_words(behind: Place, proxy: FaultProxy) -> None:
    with proxy.injected(Fault("PATCH", "configmaps/a", status=503)):
        done = behind.deliver([config("a", behind.namespace), config("b", behind.namespace)])
    assert results(done) == {"a": "failed", "b": "created"}
    assert outcome(done, "a").message


def test_connection_that_breaks_before_the_server_sees_the_request_is_tried_again(
    behind: Place, proxy: FaultProxy
) -> None:
    with proxy.injected(Fault("PATCH", "configmaps", count=2, cut_request=True)):
        assert results(behind.deliver([config("a", behind.namespace)])) == {"a": "created"}


@pytest.mark.parametrize("after", [0, 40], ids=["no head", "half a body"])
def test_object_whose_answer_was_lost_is_still_ours(behind: Place, proxy: FaultProxy, after: int) -> None:
    with proxy.injected(Fault("PATCH", "configmaps", count=1, cut_answer_after=after)):
        assert results(behind.deliver([config("a", behind.namespace)])) == {"a": "changed"}
    assert results(behind.deliver(None)) == {"a": "pruned"}


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_inventory_whose_answer_was_lost_is_no_race(behind: Place, proxy: FaultProxy, method: str) -> None:
    with proxy.injected(Fault(method, "configmaps", count=1, cut_answer_after=0)):
        done = behind.deliver([config("a", behind.namespace)])
        if method == "POST":
            assert done.state is State.UNREACHABLE
            done = behind.deliver([config("a", behind.namespace)])
    assert done.state is State.READY


def test_deletion_whose_answer_was_lost_is_done(behind: Place, proxy: FaultProxy) -> None:
    behind.deliver([config("a", behind.namespace)])
    with proxy.injected(Fault("DELETE", "configmaps/a", count=1, cut_answer_after=0)):
        assert results(behind.deliver(None)) == {"a": "pruned"}
    assert behind.inventories() == {}


def test_cluster_that_does_not_answer_is_unreachable_for_all_its_units(behind: Place, proxy: FaultProxy) -> None:
    proxy.refuse()
    works = [behind.work([config("a", behind.namespace)], subscription=f"default/{name}") for name in "xy"]
    done = behind.deliver_all(works)
    assert [(one.state, one.exit_code) for one in done] == [(State.UNREACHABLE, Exit.FAILED)] * 2
    assert "cannot be reached" in done[0].message


def test_cluster_that_is_lost_in_the_middle_is_caught_up_with_later(behind: Place, proxy: FaultProxy) -> None:
    bodies = [config(f"c{n}", behind.namespace) for n in range(30)]
    with proxy.injected(Fault("PATCH", "configmaps", delay=0.3)), ThreadPoolExecutor() as pool:
        running = pool.submit(behind.deliver, bodies)
        while proxy.count("PATCH") < 15:
            threading.Event().wait(0.01)
        proxy.refuse()
        done = running.result()
    assert done.state is State.UNREACHABLE
    assert done.feed is None
    proxy.accept()
    again = behind.deliver(bodies)
    assert (again.state, again.feed is not None) == (State.READY, True)
    assert set(results(behind.remove()).values()) == {"pruned"}


def test_readiness_is_waited_for_over_connections_that_break(behind: Place, proxy: FaultProxy) -> None:
    stop = threading.Event()

    def break_them() -> None:
        while not stop.wait(0.2):
            proxy.reset_connections()

    breaking = threading.Thread(target=break_them)
    breaking.start()
    try:
        done = behind.deliver([deployment("d", behind.namespace, 1)])
    finally:
        stop.set()
        breaking.join()
    assert done.state is State.READY


BROKEN_SECRETS = {
    "key that is no key": {"stringData": {"not a key!": CANARY}},
    "data that is no base64": {"data": {"password": CANARY}},
    "value that is no text": {"stringData": {"password": {"nested": CANARY}}},
    "type that lacks its keys": {"stringData": {"tls.crt": CANARY}, "type": "kubernetes.io/tls"},
    "field that does not exist": {"stringData": {"password": CANARY}, CANARY: "x"},
    "label with the value": {"stringData": {"password": CANARY + "!"}, "label": CANARY + "!"},
}


@pytest.mark.parametrize("case", BROKEN_SECRETS)
def test_refused_secret_shows_no_value(place: Place, case: str) -> None:
    broken = dict(BROKEN_SECRETS[case])
    body = {**secret("s", place.namespace, CANARY), **broken}
    if "data" in broken:
        del body["stringData"]
    if "label" in broken:
        body["metadata"] = {**body["metadata"], "labels": {"x": body.pop("label")}}
    done = place.deliver([body])
    assert results(done) == {"s": "failed"}
    assert outcome(done, "s").message
    assert CANARY not in repr(done)
    assert CANARY not in repr(place.events)
    assert CANARY not in repr(place.inventories())


def test_conflict_about_a_secret_names_the_manager_and_the_field(place: Place) -> None:
    place.cluster.kubectl("create", "secret", "generic", "s", "-n", place.namespace, "--from-literal=password=theirs")
    wanted = secret("s", place.namespace, CANARY)
    wanted["metadata"]["annotations"] = {"reconciler.clusternet.io/apply": "Merge"}
    done = place.deliver([wanted])
    assert outcome(done, "s").reason == "Conflict"
    assert 'conflict with "kubectl-create"' in outcome(done, "s").message
    assert CANARY not in repr(done)


def test_key_that_left_a_secret_is_removed_from_it(place: Place) -> None:
    body = secret("s", place.namespace, "one")
    place.deliver([{**body, "stringData": {"password": "one", "more": "two"}}])
    place.deliver([body])
    live = place.live("secrets", "s")
    assert live is not None
    assert list(live["data"]) == ["password"]


def test_readiness_is_waited_for_although_the_server_says_later(behind: Place, proxy: FaultProxy) -> None:
    with proxy.injected(Fault("GET", "watch=true", count=2, status=503)):
        done = behind.deliver([deployment("d", behind.namespace, 2)])
    assert done.state is State.READY
    assert proxy.count("GET", "watch=true") <= 4


def test_server_that_hangs_is_given_up_at_the_deadline(
    behind: Place, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "ANSWER_SECONDS", 1.0)
    with proxy.injected(Fault("GET", "configmaps", delay=4)):
        began = time.monotonic()
        done = behind.deliver([config("a", behind.namespace)])
    assert (done.state, done.message) == (State.UNREACHABLE, f"{behind.cluster.context} does not answer in time")
    assert time.monotonic() - began < 4
    assert proxy.count("GET", "configmaps") == 1
