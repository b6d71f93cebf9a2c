"""The status of a ManagedCluster from what its API server answered."""

import datetime
from typing import Any

import pytest

from reconciler.registry import observation
from tests.unit.registry.test_objects import DAY, NOW, node, seen


def ready(status: Any) -> Any:
    return next(condition for condition in status["conditions"] if condition["type"] == "Ready")


@pytest.mark.parametrize(
    ("healthz", "livez", "readyz", "word"),
    [
        (True, False, False, "True"),
        (False, True, True, "True"),
        (False, True, False, "False"),
        (False, False, False, "False"),
    ],
)
def test_ready_means_alive_and_ready_or_healthy(healthz: bool, livez: bool, readyz: bool, word: str) -> None:
    condition = ready(observation.status(seen(healthz=healthz, livez=livez, readyz=readyz), "v", {}))
    assert condition["status"] == word
    assert condition["reason"] == ("ManagedClusterReady" if word == "True" else "ManagedClusterNotReady")


def test_gpus_are_named_only_where_there_are_some() -> None:
    assert "nvidia.com/gpu" not in observation.status(seen(), "v", {})["capacity"]
    nodes = (node("True", "1", "1Gi", gpu="2"), node("True", "1", "1Gi", gpu="4"))
    assert observation.status(seen(nodes=nodes), "v", {})["allocatable"]["nvidia.com/gpu"] == "6"


def test_a_cluster_without_nodes_has_nothing() -> None:
    status = observation.status(seen(nodes=()), "v", {})
    assert status["capacity"] == {"cpu": "0", "memory": "0"}
    assert status["nodeStatistics"] == {}


def test_the_transition_time_moves_only_with_the_status() -> None:
    first = observation.status(seen(), "v", {})
    same = observation.status(seen(at=NOW + DAY), "v", first)
    assert ready(same) == ready(first)
    broken = observation.status(seen(at=NOW + DAY, livez=False, healthz=False), "v", first)
    assert ready(broken)["lastTransitionTime"] == "2026-03-02T12:00:00Z"


def test_conditions_and_fields_of_others_stay() -> None:
    other = {"type": "ClusterInit", "status": "True", "reason": "ClusterInitDisabled"}
    status = observation.status(seen(), "v", {"conditions": [other], "clusterCIDR": "10.0.0.0/8"})
    assert other in status["conditions"]
    assert status["clusterCIDR"] == "10.0.0.0/8"


def test_times_are_utc() -> None:
    there = datetime.timezone(datetime.timedelta(hours=2))
    assert observation.timestamp(NOW.astimezone(there)) == "2026-03-01T12:00:00Z"
    assert observation.moment("2026-03-01T12:00:00Z") == NOW


@pytest.mark.parametrize(("hours", "worth"), [(0, False), (11, False), (13, True)])
def test_without_news_a_heartbeat_is_written_twice_a_day(hours: int, worth: bool) -> None:
    at = NOW + datetime.timedelta(hours=hours)
    first = observation.status(seen(), "v", {})
    assert observation.worth_writing(observation.status(seen(at=at), "v", first), first, at) is worth


def test_news_are_written_at_once() -> None:
    first = observation.status(seen(), "v", {})
    assert observation.worth_writing(observation.status(seen(readyz=False), "v", first), first, NOW)
    assert observation.worth_writing(first, {}, NOW)


def test_pods_and_usage_are_told_where_somebody_looked() -> None:
    pods = tuple({"status": {"phase": phase}} for phase in ("Running", "Running", "Pending"))
    usage = ({"usage": {"cpu": "250m", "memory": "1Gi"}}, {"usage": {"cpu": "1", "memory": "512Mi"}})
    status = observation.status(seen(pods=pods, usage=usage), "v", {})
    assert status["podStatistics"] == {"runningPods": 2, "totalPods": 3}
    assert status["resourceUsage"] == {"cpuUsage": "1250m", "memoryUsage": "1536Mi"}
    later = observation.status(seen(), "v", status)
    assert later["podStatistics"] == status["podStatistics"]
    assert "resourceUsage" not in observation.status(seen(pods=(), usage=None), "v", {})


def test_pods_that_come_and_go_are_no_news() -> None:
    first = observation.status(seen(pods=()), "v", {})
    assert not observation.worth_writing(observation.status(seen(pods=({},)), "v", first), first, NOW)
