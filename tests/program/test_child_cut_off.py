"""One child cannot be reached, or does not answer: the others finish, and it catches up when it is back."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator

import pytest

from tests.plugins.faults import Fault, FaultProxy
from tests.plugins.fleet import Cluster, Fleet
from tests.program import live, manifests
from tests.program.fleetrepo import FleetRepo, eventually, finish

pytestmark = pytest.mark.xdist_group("program")
LATE = 4
"""Seconds that a busy machine may need beyond the one second in which a run has to end."""


@pytest.fixture
def proxy(fleet: Fleet) -> Iterator[FaultProxy]:
    with FaultProxy(fleet.children[0]) as running:
        yield running


def content(namespace: str, value: str) -> dict[str, object]:
    return {"objects.yaml": [manifests.config_map(namespace, f"thing-{n}", value) for n in range(10)]}


def value(child: Cluster, namespace: str) -> str:
    found = live.get(child, "configmap", "thing-9", "--namespace", namespace)
    return found["data"]["value"] if found else ""


@pytest.fixture
def behind_proxy(fleet: Fleet, repo: FleetRepo, fleet_id: str, namespace: str, proxy: FaultProxy) -> FleetRepo:
    """A repo of ten objects, delivered once; the first child is reached through the proxy."""
    first, *others = (child.context for child in fleet.children)
    access = {name: {"context": name} for name in others} | {first: {"kubeconfigEnv": "FIRST_KUBECONFIG"}}
    repo.env.update(KUBECONFIG=str(fleet.kubeconfig), FIRST_KUBECONFIG=str(proxy.kubeconfig))
    bodies = [manifests.config_map(namespace, f"thing-{n}", "one") for n in range(10)]
    repo.commit(
        {
            "fleet.yaml": manifests.settings(fleet_id, access),
            "clusters.yaml": manifests.clusters(fleet_id, [first, *others]),
            "subscription.yaml": manifests.subscription("ten", bodies),
            **content(namespace, "one"),
        }
    )
    repo.sync()
    return repo


def test_child_that_is_gone_fails_alone_and_catches_up(
    fleet: Fleet, behind_proxy: FleetRepo, namespace: str, proxy: FaultProxy
) -> None:
    first, second, third = fleet.children
    proxy.refuse()
    behind_proxy.commit(content(namespace, "two"))
    report = behind_proxy.sync(expect=4).report
    states = {row["cluster"]: row["state"] for row in report["clusters"]}
    assert states == {first.context: "Unreachable", second.context: "Ready", third.context: "Ready"}
    assert [value(child, namespace) for child in fleet.children] == ["one", "two", "two"]

    proxy.accept()
    shutil.rmtree(behind_proxy.cache)
    behind_proxy.sync()
    assert value(first, namespace) == "two"


def test_child_that_does_not_answer_holds_up_no_other_and_no_end(
    fleet: Fleet, behind_proxy: FleetRepo, namespace: str, proxy: FaultProxy
) -> None:
    behind_proxy.commit(content(namespace, "two"))
    with proxy.injected(Fault(delay=60)):
        running = behind_proxy.start("sync", "--once", "-o", "json")
        try:
            for child in fleet.children[1:]:
                eventually(lambda child=child: value(child, namespace) == "two", f"{child.name} changed", within=10)
            assert running.poll() is None, "the run still waits for the first child"
            assert value(fleet.children[0], namespace) == "one"
        finally:
            running.terminate()
            ended = finish(running, timeout=1 + LATE)
        assert ended.code == 128 + signal.SIGTERM
    behind_proxy.sync()
    assert value(fleet.children[0], namespace) == "two"
