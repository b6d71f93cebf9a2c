"""`python -m bench.dividing MODE`: schedule many Subscriptions over many clusters; prints the figures as JSON.

`first` divides 1000 Subscriptions by room over 1000 clusters of three sizes, `again` does it with the result of the
first as the previous placement, `grow` with twice the replicas; `replication` places 100 over 10 000 clusters.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from bench.measure import Unexpected, call
from reconciler.model.authored import Subscription
from reconciler.model.clusters import ClusterFacts, NodeFact
from reconciler.model.objects import digest_of, key_of
from reconciler.model.placement import Schedule
from reconciler.model.settings import Settings
from reconciler.model.snapshot import NamedFeed, Place, Resource, Snapshot, Sourced
from reconciler.model.status import FleetStatus, State, UnitStatus
from reconciler.scheduling.schedule import schedule

_SIZES = ("100m", "250m", "500m")


def clusters(number: int) -> dict[str, ClusterFacts]:
    """Clusters of three sizes: three to five nodes of 64 cores."""
    free = (("cpu", 64_000), ("memory", 256 << 30), ("pods", 250))
    return {
        f"c-{n:05d}": ClusterFacts(
            id=f"c-{n:05d}",
            namespace=f"fleet-{n:05d}",
            name=f"edge-{n:05d}",
            labels={"region": f"region-{n % 10}"},
            nodes=(NodeFact(count=3 + n % 3, free=free),),
        )
        for n in range(number)
    }


def snapshot(subscriptions: int, times: int, strategy: dict[str, Any]) -> Snapshot:
    """Subscriptions of one Deployment each, with 300 replicas and more."""
    resources, authored = [], {}
    for n in range(subscriptions):
        body = _deployment(n, times * (300 + n % 200))
        resources.append(Resource(Place(f"{n}.yaml"), key_of(body), "apps/v1", body, digest_of(body)))
        authored[f"default/app-{n:04d}"] = Sourced(Place(f"s{n}.yaml"), _subscription(n, strategy))
    return Snapshot(
        settings=Settings(fleet="bench"),
        subscriptions=authored,
        localizations=(),
        globalizations=(),
        charts={},
        clusters={},
        resources={resource.key: resource for resource in resources},
        problems=(),
        feeds={name: (NamedFeed(one.value.spec.feeds[0], ("spec", "feeds", 0)),) for name, one in authored.items()},
    )


def _deployment(number: int, replicas: int) -> dict[str, Any]:
    container = {"name": "main", "resources": {"requests": {"cpu": _SIZES[number % 3], "memory": "64Mi"}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"web-{number:04d}", "namespace": "shop"},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [container]}}},
    }


def _subscription(number: int, strategy: dict[str, Any]) -> Subscription:
    feed = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": f"web-{number:04d}"}
    body = {
        "apiVersion": "apps.clusternet.io/v1alpha1",
        "kind": "Subscription",
        "metadata": {"name": f"app-{number:04d}", "namespace": "default"},
        "spec": {"subscribers": [{"clusterAffinity": {}}], "feeds": [feed], **strategy},
    }
    return msgspec.convert(body, Subscription)


def status(answer: Schedule) -> FleetStatus:
    """The status that a schedule leaves."""
    units = [
        UnitStatus(name, placement.cluster, State.READY, replicas=placement.replicas)
        for name, one in answer.subscriptions.items()
        for placement in one.placements
    ]
    return FleetStatus("bench", units={unit.unit: unit for unit in units})


def _running(facts: dict[str, ClusterFacts], answer: Schedule) -> dict[str, ClusterFacts]:
    """The fleet with everything running that was placed, and as much room beside it."""
    runs: dict[str, dict[str, int]] = {cluster: {} for cluster in facts}
    for one in answer.subscriptions.values():
        for placement in one.placements:
            runs[placement.cluster].update(placement.replicas)
    return {name: msgspec.structs.replace(fact, running=runs[name]) for name, fact in facts.items()}


_DYNAMIC = {
    "schedulingStrategy": "Dividing",
    "dividingScheduling": {"type": "Dynamic", "dynamicDividing": {"strategy": "Spread"}},
}


def main() -> None:
    """Measure once."""
    mode = sys.argv[1]
    if mode == "replication":
        facts, snap, before = clusters(10_000), snapshot(100, 1, {}), FleetStatus("bench")
    else:
        facts, snap, before = clusters(1000), snapshot(1000, 1, _DYNAMIC), FleetStatus("bench")
        if mode in ("again", "grow"):
            placed = schedule(snap, facts, before)
            facts, before = _running(facts, placed), status(placed)
        if mode == "grow":
            snap = snapshot(1000, 2, _DYNAMIC)
    answers: list[Schedule] = []
    sample = call(lambda: answers.append(schedule(snap, facts, before)))
    if answers[0].problems or len(answers[0].subscriptions) != len(snap.subscriptions):
        raise Unexpected(f"not everything was placed: {answers[0].problems[:1]}")
    print(json.dumps(dict(sample.metrics)))


if __name__ == "__main__":
    main()
