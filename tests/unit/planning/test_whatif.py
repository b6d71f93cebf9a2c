"""Changes of the fleet as values, and what two outcomes of one commit differ in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from reconciler.model.clusters import ClusterFacts, NodeFact, TaintFact
from reconciler.model.objects import CommitId
from reconciler.model.placement import Schedule
from reconciler.planning.whatif import (
    LOST,
    Changes,
    Difference,
    Outcome,
    Resize,
    applied,
    compared,
    foreseen,
)
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from tests.unit.snapshots import (
    NOTHING_BEFORE,
    cluster,
    cluster_id,
    config_map,
    deployment,
    everywhere,
    facts,
    labelled,
    service,
    service_export,
    snapshot,
    subscription,
)

EAST, WEST, NORTH = cluster_id(1), cluster_id(2), cluster_id(3)
GIB = 1 << 30
FACTS = ClusterFacts(
    EAST,
    "clusternet-east",
    "east",
    labels={"env": "prod"},
    taints=(TaintFact("a", "NoSchedule"), TaintFact("b", "NoExecute", "x")),
    allocatable={"cpu": "8", "memory": "16Gi"},
    nodes=(
        NodeFact(1, (("zone", "a"),), (), (("cpu", 3000), ("memory", GIB))),
        NodeFact(3, (("zone", "b"),), (), (("cpu", 500),)),
    ),
)

CHANGES: dict[str, tuple[Changes, dict[str, Any]]] = {
    "label": (Changes(labels=((EAST, "zone", "a"),)), {"labels": {"env": "prod", "zone": "a"}}),
    "label-over": (Changes(labels=((EAST, "env", "dev"),)), {"labels": {"env": "dev"}}),
    "label-gone": (Changes(labels=((EAST, "env", None), (EAST, "no", None))), {"labels": {}}),
    "taint": (
        Changes(taints=((EAST, TaintFact("A", "NoSchedule"), False),)),
        {"taints": (TaintFact("A", "NoSchedule"), *FACTS.taints)},
    ),
    "taint-over": (
        Changes(taints=((EAST, TaintFact("b", "NoExecute", "y"), False),)),
        {"taints": (FACTS.taints[0], TaintFact("b", "NoExecute", "y"))},
    ),
    "taint-gone": (Changes(taints=((EAST, TaintFact("b", "NoExecute"), True),)), {"taints": FACTS.taints[:1]}),
    "taint-gone-by-key": (Changes(taints=((EAST, TaintFact("b", ""), True),)), {"taints": FACTS.taints[:1]}),
    "taint-of-another-effect-stays": (Changes(taints=((EAST, TaintFact("b", "NoSchedule"), True),)), {}),
    "lost": (Changes(lost=(EAST,)), {"taints": (*FACTS.taints, LOST), "ready": False}),
    "percent": (
        Changes(resized=((EAST, Resize("cpu", percent=-50)),)),
        {"allocatable": {"cpu": "4", "memory": "16Gi"}, "nodes": (("cpu", 2000), ("cpu", -500))},
    ),
    "more": (
        Changes(resized=((EAST, Resize("memory", by=8 * GIB)),)),
        {"allocatable": {"cpu": "8", "memory": "24Gi"}, "nodes": (("memory", 3 * GIB), ("memory", 2 * GIB))},
    ),
    "exactly": (
        Changes(resized=((EAST, Resize("cpu", to=12000)),)),
        {"allocatable": {"cpu": "12", "memory": "16Gi"}, "nodes": (("cpu", 4000), ("cpu", 1500))},
    ),
}


@pytest.mark.parametrize(("changes", "expected"), CHANGES.values(), ids=CHANGES)
def test_facts_as_they_would_be(changes: Changes, expected: dict[str, Any]) -> None:
    found = applied({EAST: FACTS}, changes)[EAST]
    nodes = expected.pop("nodes", None)
    if nodes is None:
        assert found.nodes == FACTS.nodes
    else:
        assert (
            tuple((name, dict(node.free)[name]) for node, (name, _) in zip(found.nodes or (), nodes, strict=True))
            == nodes
        )
    assert found == msgspec.structs.replace(FACTS, **expected, nodes=found.nodes)


def test_clusters_join_and_leave() -> None:
    west = ClusterFacts(WEST, "clusternet-west", "west")
    assert list(applied({WEST: west}, Changes(added=(FACTS,)))) == [EAST, WEST]
    assert applied({EAST: FACTS}, Changes(removed=(EAST,))) == {}
    assert applied({}, Changes(added=(FACTS,), labels=((EAST, "env", "dev"),)))[EAST].labels == {"env": "dev"}


def outcome(*objects: dict[str, Any], over: Mapping[str, ClusterFacts] | None = None) -> Outcome:
    snap = snapshot(*objects)
    known = facts(snap) if over is None else over
    plan = schedule(snap, known, NOTHING_BEFORE)
    feeds = render(snap, plan, known)
    return Outcome(snap, known, plan, feeds, (*plan.problems, *feeds.problems))


def what_if(changes: Changes, *objects: dict[str, Any]) -> Difference:
    before = outcome(*objects)
    return compared(before, outcome(*objects, over=applied(before.facts, changes)))


CLUSTERS = (cluster("east", 1, {"r": "e"}), cluster("west", 2, {"r": "w"}))
STATIC = {"schedulingStrategy": "Dividing", "dividingScheduling": {"type": "Static"}}


def test_replicas_move_when_a_cluster_is_lost() -> None:
    web = subscription("web", [everywhere(1)], deployment(replicas=6), config_map("c"), **STATIC)
    found = what_if(Changes(lost=(EAST,)), *CLUSTERS, deployment(replicas=6), config_map("c"), web)
    east, west = found.units
    key = "apps/v1/Deployment/default/web"
    assert (east.cluster, east.what, east.before, east.after) == ("east", "lost", {key: 3}, {})
    assert east.lost == ("ConfigMap default/c", "Deployment.apps default/web")
    assert (west.cluster, west.what, west.before, west.after) == ("west", "changed", {key: 3}, {key: 6})
    assert west.changed == ("Deployment.apps default/web",)
    assert (found.moved, found.deliveries, found.broken) == (3, 2, ())


def test_a_cluster_that_joins_gets_new_objects() -> None:
    north = facts(snapshot(cluster("north", 3)))[NORTH]
    everything = subscription("all", [everywhere()], config_map("c"))
    found = what_if(Changes(added=(north,)), *CLUSTERS, config_map("c"), everything)
    (only,) = found.units
    assert (only.cluster, only.what, only.new) == ("north", "new", ("ConfigMap default/c",))


def test_nothing_differs_where_nothing_depends_on_the_change() -> None:
    everything = subscription("all", [everywhere()], config_map("c"))
    found = what_if(Changes(labels=((EAST, "colour", "red"),)), *CLUSTERS, config_map("c"), everything)
    assert found.nothing
    assert found.deliveries == 2


def test_a_service_without_its_last_export_is_told() -> None:
    web = subscription("web", [labelled(r="e")], service())
    found = what_if(Changes(removed=(EAST,)), *CLUSTERS, service(), service_export(), web)
    assert found.exports == ("default/web: exported by no cluster any more (before: east)",)


def test_an_export_without_its_service_is_told() -> None:
    apart = (
        subscription("web", [labelled(r="e")], service()),
        subscription("exports", [everywhere()], service_export()),
    )
    north = facts(snapshot(cluster("north", 3)))[NORTH]
    found = what_if(Changes(added=(north,)), *CLUSTERS, service(), service_export(), *apart)
    assert found.exports == ("default/web: the export on north is left without a Service",)


def test_a_subscription_that_goes_nowhere_any_more_is_a_broken_minimum() -> None:
    web = subscription("web", [labelled(r="e")], config_map("c"))
    found = what_if(Changes(removed=(EAST,)), *CLUSTERS, config_map("c"), web)
    assert found.broken == ("default/web: goes to no cluster",)


def test_the_status_foreseen_is_what_the_schedule_places() -> None:
    web = subscription("web", [everywhere(1)], deployment(replicas=6), **STATIC)
    before = outcome(*CLUSTERS, deployment(replicas=6), web)
    status = foreseen(NOTHING_BEFORE, before.schedule, before.facts, CommitId("c"))
    assert {(u.subscription, u.cluster): dict(s.replicas) for u, s in status.units.items()} == {
        ("default/web", EAST): {"apps/v1/Deployment/default/web": 3},
        ("default/web", WEST): {"apps/v1/Deployment/default/web": 3},
    }
    assert foreseen(status, Schedule({}), before.facts, CommitId("d")) == status


def test_a_subscription_that_cannot_be_scheduled_any_more_loses_nothing() -> None:
    web = subscription("web", [labelled(1, r="e"), labelled(0, r="w")], deployment(replicas=6), **STATIC)
    found = what_if(Changes(removed=(EAST,)), *CLUSTERS, deployment(replicas=6), web)
    assert found.units == ()
    (held,) = found.broken
    assert held.startswith("default/web: keeps what it has: no chosen cluster has a weight")


def test_a_subgroup_that_gets_too_few_clusters_is_a_broken_minimum() -> None:
    two = {"clusterAffinity": {}, "subGroupStrategy": {"minClusters": 2}}
    web = subscription("web", [two], config_map("c"), schedulingBySubGroup=True)
    found = what_if(Changes(lost=(EAST,)), *CLUSTERS, config_map("c"), web)
    assert found.broken == ("default/web: subscriber 0 gets 1 of 2 clusters (its minClusters)",)


def test_too_few_clusters_for_dividing_by_room_are_a_broken_minimum() -> None:
    dynamic = {"type": "Dynamic", "dynamicDividing": {"minClusters": 2}}
    web = subscription(
        "web", [everywhere()], deployment(replicas=6), schedulingStrategy="Dividing", dividingScheduling=dynamic
    )
    room = {"status": {"allocatable": {"cpu": "8", "pods": "20"}}}
    clusters = [one | room for one in CLUSTERS]
    found = what_if(Changes(lost=(EAST,)), *clusters, deployment(replicas=6), web)
    assert "default/web: goes to 1 of at least 2 clusters (minClusters)" in found.broken
