"""What users read when something on a cluster is in the way: the exact outcome and message of each case."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.model.applysettings import Apply, HealthRule, IgnoreFields
from reconciler.model.status import Delivered, Health, Result, State
from reconciler.planning.health import Assessor
from tests.plugins.faults import FaultProxy
from tests.wire.apply.place import Body, Place, config, custom, definition, deployment, outcome, results
from tests.wire.apply.webhook import admission, denied, patched

SCALED = Apply(ignore=(IgnoreFields(fields=("/spec/replicas",), kind="Deployment"),))


def seen(done: Delivered, name: str) -> tuple[Result, Health, str]:
    one = outcome(done, name)
    return one.result, one.health, one.message


def until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        threading.Event().wait(0.1)
    raise AssertionError("it never came to that")


def pods(place: Place) -> list[Body]:
    return list(place.cluster.api.request("GET", f"/api/v1/namespaces/{place.namespace}/pods")[1]["items"])


def unavailable(place: Place) -> int:
    live = place.live("deployments", "d", "apis/apps/v1") or {}
    status = live.get("status") or {}
    return int(status.get("unavailableReplicas") or 0) if status.get("updatedReplicas") == 2 else 0


def job(name: str, namespace: str) -> Body:
    spec = {
        "backoffLimit": 0,
        "template": {"spec": {"restartPolicy": "Never", "nodeSelector": {"no": "node"}, "containers": [PAUSE]}},
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


PAUSE = {"name": "main", "image": "registry.example/pause"}


def test_replicas_stay_with_the_autoscaler_that_owns_them(place: Place) -> None:
    assert place.deliver([deployment("d", place.namespace, 1)], apply=SCALED).state is State.READY
    place.cluster.kubectl("scale", "deployment/d", "-n", place.namespace, "--replicas=3")
    changed = deployment("d", place.namespace, 1, terminationGracePeriodSeconds=3)
    done = place.deliver([changed], apply=SCALED)
    assert (done.state, seen(done, "d")) == (State.READY, (Result.CHANGED, Health.CURRENT, ""))
    live = place.live("deployments", "d", "apis/apps/v1")
    assert live is not None
    assert live["spec"]["replicas"] == 3
    assert results(place.deliver([changed], apply=SCALED, check_drift=True)) == {"d": "unchanged"}


def test_field_that_a_webhook_adds_is_no_drift(behind: Place, proxy: FaultProxy, tmp_path: Path) -> None:
    marked = patched({"op": "add", "path": "/data", "value": {"marked": "yes", "value": "1"}})
    bodies = [config("a", behind.namespace)]
    with admission(behind.cluster, behind.namespace, tmp_path, "Mutating", lambda _: marked):
        done = behind.deliver(bodies)
        assert (done.state, seen(done, "a")) == (State.READY, (Result.CREATED, Health.CURRENT, ""))
        live = behind.live("configmaps", "a")
        assert live is not None
        assert live["data"]["marked"] == "yes"
        before = proxy.count("PATCH")
        done = behind.deliver(bodies, check_drift=True)
    assert (results(done), proxy.count("PATCH")) == ({"a": "unchanged"}, before)


def test_rejection_of_a_webhook_is_told_in_its_words_and_stops_nothing_else(place: Place, tmp_path: Path) -> None:
    def judge(obj: Body) -> Body:
        bad = (obj.get("data") or {}).get("value") in (None, "bad")
        return denied("no bad values here") if bad else {"allowed": True}

    bodies = [config("a", place.namespace, "bad"), config("b", place.namespace, "good")]
    with admission(place.cluster, place.namespace, tmp_path, "Validating", judge):
        done = place.deliver(bodies)
    name = f"validating.{place.namespace}.example.io"
    said = f'admission webhook "{name}" denied the request: no bad values here'
    assert done.state is State.FAILED
    assert seen(done, "a")[0] is Result.FAILED
    assert outcome(done, "a").message == said
    assert seen(done, "b") == (Result.CREATED, Health.CURRENT, "")


@pytest.fixture
def held(place: Place) -> Iterator[Place]:
    """A place with an object whose finalizer nobody removes before the test is over."""
    place.deliver([config("a", place.namespace, finalizers=["example.io/hold"])])
    yield place
    patch = '{"metadata":{"finalizers":null}}'
    place.cluster.kubectl("patch", "configmap", "a", "-n", place.namespace, "--type=merge", f"--patch={patch}")


def test_object_with_a_stuck_finalizer_names_it(held: Place) -> None:
    done = held.deliver(None, timeout=1.0)
    message = "is being deleted, waits for example.io/hold"
    assert (done.state, seen(done, "a")) == (State.PROGRESSING, (Result.KEPT, Health.PROGRESSING, message))


def test_definition_and_its_object_come_in_one_commit(place: Place) -> None:
    group = f"{place.namespace}.example.io"
    bodies = [custom(group, "Shop", "s", place.namespace), definition(group, "Shop")]
    done = place.deliver(bodies)
    try:
        assert done.state is State.READY
        assert set(results(done).values()) == {"created"}
        assert seen(done, "s") == (Result.CREATED, Health.CURRENT, "")
    finally:
        place.cluster.kubectl("delete", "crd", f"shops.{group}", "--wait=false")


def test_deployment_that_never_gets_ready_says_what_keeps_its_pods(place: Place) -> None:
    bodies = [deployment("d", place.namespace, 2, nodeSelector={"no": "node"})]
    place.deliver(bodies, wait=False)
    jsonpath = "--for=jsonpath={.status.conditions[0].reason}=Unschedulable"
    until(lambda: len(pods(place)) == 2)
    place.cluster.kubectl("wait", "pod", "-n", place.namespace, "--all", jsonpath, "--timeout=60s")
    until(lambda: unavailable(place) == 2)
    done = place.deliver(bodies, timeout=1.0)
    one = outcome(done, "d")
    assert (done.state, one.result, one.health) == (State.PROGRESSING, Result.UNCHANGED, Health.PROGRESSING)
    assert one.message.startswith("0 of 2 available; pods: 2 Unschedulable (0/2 nodes are available: 2 node(s) didn't")
    assert one.pace


def test_deployment_whose_pods_a_quota_refuses_says_so(place: Place) -> None:
    hard = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    place.cluster.api.apply(f"/api/v1/namespaces/{place.namespace}/resourcequotas/none", hard)
    bodies = [deployment("d", place.namespace, 1)]
    place.deliver(bodies, wait=False)
    place.cluster.kubectl(
        "wait", "deployment/d", "-n", place.namespace, "--for=condition=ReplicaFailure", "--timeout=60s"
    )
    done = place.deliver(bodies, timeout=1.0)
    assert outcome(done, "d").message.startswith("0 of 1 updated: pods ")
    assert "is forbidden: exceeded quota: none" in outcome(done, "d").message


def test_job_that_fails_is_told_by_its_condition(place: Place) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(place.deliver, [job("j", place.namespace)], timeout=60.0)
        path = f"/apis/batch/v1/namespaces/{place.namespace}/jobs/j"
        for _ in range(600):
            status, live = place.cluster.api.request("GET", path)
            if status == 200 and (live.get("status") or {}).get("startTime"):
                break
            threading.Event().wait(0.05)
        place.cluster.kubectl(
            "delete",
            "pod",
            "-n",
            place.namespace,
            "-l",
            "batch.kubernetes.io/job-name=j",
            "--grace-period=0",
            "--force",
        )
        done = running.result()
    assert (done.state, seen(done, "j")) == (
        State.FAILED,
        (Result.CREATED, Health.FAILED, "Job has reached the specified backoff limit"),
    )


def test_rule_of_the_fleet_decides_when_an_object_is_ready(place: Place) -> None:
    rule = HealthRule(api_version="v1", kind="ConfigMap", current="data.value == 'done'", failed="data.value == 'bad'")
    bodies = [
        config("a", place.namespace, "done"),
        config("b", place.namespace, "bad"),
        config("c", place.namespace, "new"),
    ]
    done = place.deliver(bodies, health=Assessor([rule]), timeout=1.0)
    assert seen(done, "a") == (Result.CREATED, Health.CURRENT, "")
    assert seen(done, "b") == (Result.CREATED, Health.FAILED, "failed by the expression of fleet.yaml")
    told = "no expression of fleet.yaml about its health is true"
    assert seen(done, "c") == (Result.CREATED, Health.PROGRESSING, told)
    assert outcome(done, "c").pace == "nothing has changed for 1s"
    assert done.state is State.FAILED
