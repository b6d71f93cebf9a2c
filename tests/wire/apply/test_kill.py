"""`kill -9` at any moment: the next run ends in the state that it was asked for, no orphan, no double."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from tests.plugins.fleet import Cluster
from tests.wire.apply import victim
from tests.wire.apply.place import Place

TOP = Path(__file__).parents[3]
KILLS = int(os.environ.get("RECONCILER_KILLS", "8"))
OURS = "apps.clusternet.io/owned-by-description"


def start(cluster: Cluster, namespace: str, number: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.wire.apply.victim", str(cluster.kubeconfig), cluster.context, namespace]
    return subprocess.Popen([*command, str(number)], cwd=TOP, stdout=subprocess.PIPE, start_new_session=True)


def ours(cluster: Cluster, namespace: str) -> dict[str, str]:
    """Names and values of everything on the cluster that carries our annotation."""
    maps = cluster.api.get(f"/api/v1/namespaces/{namespace}/configmaps")["items"]
    spaces = [
        one
        for one in cluster.api.get("/api/v1/namespaces")["items"]
        if one["metadata"]["name"].startswith(f"{namespace}-")
    ]
    alive = [one for one in (*maps, *spaces) if "deletionTimestamp" not in one["metadata"]]
    marked = [one for one in alive if OURS in (one["metadata"].get("annotations") or {})]
    return {one["metadata"]["name"]: (one.get("data") or {}).get("value", "") for one in marked}


def wanted(namespace: str, number: int) -> dict[str, str]:
    bodies = victim.bodies(namespace, number) if number >= 0 else []
    return {body["metadata"]["name"]: (body.get("data") or {}).get("value", "") for body in bodies}


def test_run_after_a_kill_ends_where_it_should(place: Place) -> None:
    cluster, namespace, dice = place.cluster, place.namespace, random.Random(20261123)
    assert start(cluster, namespace, 0).wait() == 0
    for number in range(1, KILLS + 1):
        process = start(cluster, namespace, number)
        try:
            process.wait(timeout=dice.uniform(0.3, 1.6))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if number % 2 == 0:
            assert start(cluster, namespace, number).wait() == 0
            assert ours(cluster, namespace) == wanted(namespace, number)
    assert start(cluster, namespace, -1).wait() == 0
    assert ours(cluster, namespace) == {}
    assert place.inventories() == {}


def test_interrupted_run_ends_at_once_and_leaves_a_superset(place: Place) -> None:
    cluster, namespace = place.cluster, place.namespace
    process = start(cluster, namespace, 0)
    try:
        process.wait(timeout=0.9)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=5)
    held = {key.name for inventory in place.inventories().values() for key in inventory.entries}
    assert ours(cluster, namespace).keys() <= held
    assert start(cluster, namespace, -1).wait() == 0
    assert ours(cluster, namespace) == {}
