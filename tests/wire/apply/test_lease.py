"""Two runs at once on one cluster: who waits, who leaves, who takes over, and what it costs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.adapters.kube.client import connect
from reconciler.apply import lease
from reconciler.apply.deliver import deliver_over
from reconciler.apply.lease import Leases, Where
from reconciler.model.errors import Exit
from reconciler.model.status import State
from tests.plugins.faults import Fault, FaultProxy
from tests.wire.apply.place import Place, config, results

TOP = Path(__file__).parents[3]
ELSEWHERE = "build-7/4711/0123456789ab-00c0ffee"


def where(place: Place) -> Where:
    return Where(place.fleet, place.facts.id, place.namespace)


def held_by(place: Place) -> str | None:
    """Who holds the Lease, None when there is none."""
    live = place.live("leases", where(place).name, "apis/coordination.k8s.io/v1")
    return live["spec"]["holderIdentity"] if live else None


def put(place: Place, holder: str, seconds: int = 30, renewed: str = "2026-01-01T00:00:00.000000Z") -> None:
    spec = {"holderIdentity": holder, "leaseDurationSeconds": seconds, "acquireTime": renewed, "renewTime": renewed}
    metadata = {"name": where(place).name, "namespace": place.namespace}
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    place.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=json.dumps(body))


@contextmanager
def another_run(place: Place) -> Iterator[threading.Event]:
    """Somebody who holds the Lease until the event is set."""
    taken, let_go = threading.Event(), threading.Event()

    async def hold() -> None:
        leases = Leases()
        async with connect(place.connection) as client:
            await leases.take(client, where(place), lambda _: None)
            taken.set()
            await asyncio.to_thread(let_go.wait)
            await leases.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    assert taken.wait(20)
    try:
        yield let_go
    finally:
        let_go.set()
        thread.join()


def test_delivery_costs_one_request_before_its_writes_and_one_after(behind: Place, proxy: FaultProxy) -> None:
    behind.deliver([config("a", behind.namespace)], leases=Leases())
    assert proxy.count("POST", "leases") == proxy.count("DELETE", "leases") == 1
    assert proxy.count(".*", "leases") == 2
    assert held_by(behind) is None


def test_run_that_writes_nothing_takes_no_lease(behind: Place, proxy: FaultProxy) -> None:
    behind.deliver([config("a", behind.namespace)])
    done = behind.deliver([config("a", behind.namespace)], leases=Leases())
    assert results(done) == {"a": "unchanged"}
    assert proxy.count(".*", "leases") == 0


def test_run_that_finds_another_one_leaves_and_says_who_it_is(place: Place) -> None:
    put(place, ELSEWHERE)
    done = place.deliver([config("a", place.namespace)], leases=Leases(timeout=0))
    assert (done.state, done.exit_code) == (State.FAILED, Exit.REFUSED)
    assert "process 4711 on build-7" in done.message
    assert place.value("a") is None
    assert held_by(place) == ELSEWHERE


def test_run_waits_for_another_one_and_goes_by_what_that_one_left(place: Place) -> None:
    a = config("a", place.namespace, "1")
    place.deliver([a])
    answers = []

    def later() -> None:
        answers.append(place.deliver([config("a", place.namespace, "3")], leases=Leases(timeout=60)))

    with another_run(place) as let_go:
        waiting = threading.Thread(target=later)
        waiting.start()
        place.deliver([config("a", place.namespace, "2"), config("b", place.namespace)])
        waiting.join(1)
        assert not answers
        let_go.set()
        waiting.join()
    (done,) = answers
    assert done.state is State.READY
    assert results(done) == {"a": "changed", "b": "pruned"}
    assert held_by(place) is None


def test_program_that_stays_keeps_its_lease_between_runs(behind: Place, proxy: FaultProxy) -> None:
    async def run() -> None:
        leases = Leases(keep=True)
        options = behind.options(leases=leases)
        async with connect(behind.connection) as client:
            for value in "123":
                works = [behind.work([config("a", behind.namespace, value)])]
                (done,) = await deliver_over(client, behind.facts, works, options, behind.events.append)
                assert done.state is State.READY
            await leases.aclose()

    asyncio.run(run())
    assert proxy.count("POST", "leases") == proxy.count("DELETE", "leases") == 1
    assert held_by(behind) is None


@pytest.mark.parametrize("renewed", ["2020-01-01T00:00:00.000000Z", "2126-01-01T00:00:00.000000Z"])
def test_lease_that_nobody_renews_is_taken_over_by_our_own_clock(place: Place, renewed: str) -> None:
    put(place, ELSEWHERE, seconds=2, renewed=renewed)
    began = time.monotonic()
    done = place.deliver([config("a", place.namespace)], leases=Leases(timeout=30))
    assert time.monotonic() - began >= 2
    assert done.state is State.READY
    assert held_by(place) is None


def test_lease_of_a_process_of_this_machine_that_is_dead_is_taken_over_at_once(place: Place) -> None:
    script = "from reconciler.adapters import whoami; print(whoami.identity())"
    dead = subprocess.run([sys.executable, "-c", script], cwd=TOP, check=True, capture_output=True, text=True).stdout
    put(place, dead.strip(), seconds=3600)
    done = place.deliver([config("a", place.namespace)], leases=Leases(timeout=0))
    assert done.state is State.READY


def test_where_leases_are_forbidden_the_run_warns_once_and_goes_on(behind: Place, proxy: FaultProxy) -> None:
    warned: list[str] = []

    async def run() -> None:
        options = behind.options(leases=Leases(), warn=warned.append)
        async with connect(behind.connection) as client:
            for value in "12":
                works = [behind.work([config("a", behind.namespace, value)])]
                (done,) = await deliver_over(client, behind.facts, works, options, behind.events.append)
                assert done.state is State.READY

    with proxy.injected(Fault("POST", "leases", status=403)):
        asyncio.run(run())
    (warning,) = warned
    assert "no Lease protects this cluster" in warning


def test_run_that_loses_its_lease_stops_writing(
    behind: Place, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.1)
    bodies = [config(f"c{n}", behind.namespace) for n in range(200)]
    answers = []

    def run() -> None:
        answers.append(behind.deliver(bodies, leases=Leases()))

    with proxy.injected(Fault("PATCH", "configmaps", delay=1.5)):
        running = threading.Thread(target=run)
        running.start()
        while not proxy.count("PATCH", "configmaps"):
            running.join(0.02)
        put(behind, ELSEWHERE)
        running.join()
    (done,) = answers
    assert (done.state, done.exit_code) == (State.FAILED, Exit.REFUSED)
    assert "was lost" in done.message
    assert proxy.count("PATCH", "configmaps") < 200
    assert held_by(behind) == ELSEWHERE


def test_lease_is_renewed_while_a_run_works(behind: Place, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.1)
    with proxy.injected(Fault("PATCH", "configmaps", delay=1)):
        done = behind.deliver([config("a", behind.namespace)], leases=Leases())
    assert done.state is State.READY
    assert proxy.count("PUT", "leases") >= 2
    assert held_by(behind) is None


def test_nothing_of_the_machine_can_be_read_from_an_identity() -> None:
    from reconciler.adapters import whoami

    name = whoami.identity()
    assert Path("/proc/sys/kernel/random/boot_id").read_text().strip() not in name
    assert not whoami.is_dead(name)
    assert not whoami.is_dead(ELSEWHERE)
    assert name != whoami.identity()
