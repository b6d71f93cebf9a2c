"""Dividing by room, rule by rule: docs/scheduling/ in tables."""

import msgspec
import pytest

from reconciler.model.clusters import ClusterFacts
from reconciler.model.placement import Shortfall
from reconciler.model.settings import ReplicaPath, Scheduling, Settings
from reconciler.scheduling.explain import explain
from reconciler.scheduling.schedule import schedule
from tests.unit.scheduling.fleets import WEB, dynamic, identity, previous, reasons, roomy, scheduled, shares, web
from tests.unit.snapshots import NOTHING_BEFORE, config_map, labelled, snapshot, subscription

APP = "default/app"


def placed(rooms, wanted, before=None, labels=None, cluster=None, **rules):
    """Shares by name of `rooms` (name: pods that fit) after placing `wanted`; `before` runs beside that."""
    clusters = [
        roomy(
            name,
            pods,
            labels=(labels or {}).get(name, {}),
            running={WEB: (before or {}).get(name, 0)},
            **(cluster or {}).get(name, {}),
        )
        for name, pods in rooms.items()
    ]
    history = {"app": {name: {WEB: count} for name, count in before.items()}} if before else None
    return scheduled([web(wanted), dynamic("app", web(wanted), **rules)], clusters, history).subscriptions[APP]


BINPACK = {"strategy": "Binpack"}
IN_EU = {"weight": 10, "preference": {"matchExpressions": [{"key": "at", "operator": "In", "values": ["eu"]}]}}
BIG = {"weight": 5, "preference": {"matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["8"]}]}}
NAMED = {"weight": 1, "preference": {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["c"]}]}}


@pytest.mark.parametrize(
    ("rooms", "wanted", "before", "expected"),
    [
        pytest.param({"a": 9, "b": 3, "c": 5}, 4, None, {"b": 3, "c": 1}, id="the fullest that still fits first"),
        pytest.param({"a": 3, "b": 3}, 2, None, {"a": 2}, id="ties by binding"),
        pytest.param({"a": 0, "b": 5}, 2, None, {"b": 2}, id="a full cluster is passed over"),
        pytest.param({"a": 9, "b": 2}, 6, {"a": 1}, {"a": 4, "b": 2}, id="what is there stays"),
        pytest.param({"a": 1, "b": 1, "c": 1}, 4, {"a": 3, "b": 1, "c": 4}, {"c": 4}, id="the emptiest gives first"),
        pytest.param({"a": 1, "b": 1}, 3, {"a": 2, "b": 2}, {"a": 2, "b": 1}, id="ties give from the last"),
    ],
)
def test_binpack(rooms, wanted, before, expected):
    assert shares(placed(rooms, wanted, before, **BINPACK)) == expected


@pytest.mark.parametrize(
    ("rules", "wanted", "before", "expected"),
    [
        pytest.param({"maxClusters": 2}, 6, None, {"b": 3, "d": 3}, id="max takes the roomiest"),
        pytest.param({"maxClusters": 1}, 2, {"a": 1}, {"a": 2}, id="max keeps what has replicas"),
        pytest.param({"maxClusters": 1}, 4, {"a": 3, "c": 1}, {"a": 4}, id="a lowered max leaves the smallest"),
        pytest.param({"minClusters": 3}, 3, None, {"a": 1, "b": 1, "d": 1}, id="min gets one each"),
        pytest.param({"minClusters": 2}, 2, {"a": 2}, {"a": 1, "b": 1}, id="a raised min moves one"),
        pytest.param({"minClusters": 2}, 2, {"a": 5, "c": 1}, {"a": 1, "c": 1}, id="min holds when scaling down"),
        pytest.param({"minClusters": 9}, 3, None, {"a": 1, "b": 1, "d": 1}, id="min is bounded by replicas"),
        pytest.param({"maxClusters": 2, **BINPACK}, 5, None, {"a": 5}, id="Binpack needs one only"),
        pytest.param({"maxClusters": 2, **BINPACK}, 12, None, {"b": 7, "a": 5}, id="Binpack takes one of the roomiest"),
        pytest.param({"minClusters": 2, **BINPACK}, 5, None, {"a": 4, "b": 1}, id="Binpack with min"),
    ],
)
def test_min_and_max_clusters(rules, wanted, before, expected):
    assert shares(placed({"a": 5, "b": 9, "c": 0, "d": 9}, wanted, before, **rules)) == expected


@pytest.mark.parametrize(
    ("terms", "wanted", "expected"),
    [
        pytest.param([IN_EU], 4, {"b": 4}, id="the preferred first"),
        pytest.param([IN_EU], 7, {"a": 1, "b": 5, "c": 1}, id="the rest by room when they are full"),
        pytest.param([IN_EU, BIG], 7, {"b": 5, "c": 2}, id="weights add up to tiers"),
        pytest.param([NAMED], 3, {"c": 3}, id="by name"),
        pytest.param(
            [{"weight": 1, "preference": {}}], 3, {"a": 1, "b": 1, "c": 1}, id="an empty preference prefers none"
        ),
    ],
)
def test_preferred_clusters(terms, wanted, expected):
    labels = {"a": {"cores": "4"}, "b": {"at": "eu"}, "c": {"cores": "16"}}
    assert shares(placed({"a": 5, "b": 5, "c": 5}, wanted, None, labels, preferredClusters=terms)) == expected


def test_least_preferred_gives_first():
    labels = {"a": {"at": "eu"}}
    found = placed({"a": 5, "b": 5}, 3, {"a": 2, "b": 3}, labels, preferredClusters=[IN_EU])
    assert shares(found) == {"a": 2, "b": 1}


def over(key, skew=1, unsatisfiable="DoNotSchedule", **more):
    return {"topologyKey": key, "maxSkew": skew, "whenUnsatisfiable": unsatisfiable, **more}


@pytest.mark.parametrize(
    ("constraints", "wanted", "expected", "missing"),
    [
        pytest.param([over("zone")], 6, {"a": 2, "b": 1, "c": 3}, 0, id="domains are level"),
        pytest.param([over("zone")], 9, {"a": 3, "b": 2, "c": 4}, 0, id="one more where the skew allows"),
        pytest.param([over("zone", 3)], 10, {"a": 4, "b": 2, "c": 4}, 0, id="a larger skew lets a domain go ahead"),
        pytest.param([over("zone")], 12, {"a": 3, "b": 2, "c": 4}, 3, id="a full domain holds the others"),
        pytest.param([over("zone", 1, "ScheduleAnyway")], 12, {"a": 5, "b": 3, "c": 4}, 0, id="a wish gives way"),
        pytest.param([over("nowhere")], 3, {}, 3, id="a cluster without the label gets none"),
        pytest.param(
            [over("zone", 1, minDomains=3)], 6, {"a": 1, "c": 1}, 4, id="too few domains count as an empty one"
        ),
        pytest.param(
            [over("zone", labelSelector={"matchLabels": {"app": "other"}})],
            4,
            {"a": 2, "b": 1, "c": 1},
            0,
            id="not of these pods",
        ),
        pytest.param([over("zone"), over("rack")], 6, {"a": 2, "b": 1, "c": 2}, 1, id="two constraints"),
    ],
)
def test_topology_spread(constraints, wanted, expected, missing):
    labels = {"a": {"zone": "x", "rack": "1"}, "b": {"zone": "x", "rack": "2"}, "c": {"zone": "y", "rack": "3"}}
    found = placed({"a": 8, "b": 4, "c": 4}, wanted, None, labels, topologySpreadConstraints=constraints)
    assert (shares(found), sum(short.missing for short in found.shortfalls)) == (expected, missing)


def two(low, high, **policy):
    """Two Subscriptions, each of one replica of one cpu less or more, the second of higher priority."""
    first, second = web(low, "low"), web(high, "high")
    return [first, second, dynamic("a-low", first), dynamic("b-high", second, spec={"priority": 5, **policy})]


def by_feed(answer):
    return {
        name.removeprefix("default/"): {p.binding.split("/")[1]: n for p in one.placements for n in p.replicas.values()}
        for name, one in answer.subscriptions.items()
    }


def test_higher_priority_is_placed_first_and_the_others_take_what_is_left():
    assert by_feed(scheduled(two(4, 3), [roomy("a", 5)])) == {"a-low": {"a": 2}, "b-high": {"a": 3}}


LOW = "apps/v1/Deployment/default/low"


def contended(**policy):
    """Cluster a is full of four that run, b has room for two; three of higher priority come."""
    clusters = [roomy("a", 0, running={LOW: 4}), roomy("b", 2)]
    answer = scheduled(two(4, 3, **policy), clusters, {"a-low": {"a": {LOW: 4}}})
    return answer, answer.subscriptions["default/a-low"], answer.subscriptions["default/b-high"]


def test_lower_priority_gives_way_no_more_than_is_needed_and_is_told_why():
    answer, low, high = contended()
    assert by_feed(answer) == {"a-low": {"a": 3}, "b-high": {"a": 1, "b": 2}}
    assert [(m.before, m.after, m.reason) for m in low.moves] == [(4, 3, "gives way to default/b-high of priority 5")]
    assert (low.shortfalls, high.shortfalls) == ((Shortfall(LOW, 1, 4),), ())


def test_preempt_never_takes_nothing_from_anybody():
    answer, _, high = contended(preemptionPolicy="PreemptNever")
    assert by_feed(answer) == {"a-low": {"a": 4}, "b-high": {"b": 2}}
    assert high.shortfalls == (Shortfall("apps/v1/Deployment/default/high", 1, 3),)


def test_what_gives_way_goes_to_other_clusters_where_there_is_room():
    objects = two(4, 3)
    objects[2]["spec"]["subscribers"] = [labelled()]
    objects[3]["spec"]["subscribers"] = [labelled(at="a")]
    clusters = [roomy("a", 0, running={LOW: 4}, labels={"at": "a"}), roomy("b", 5)]
    answer = scheduled(objects, clusters, {"a-low": {"a": {LOW: 4}}})
    assert by_feed(answer) == {"a-low": {"a": 1, "b": 3}, "b-high": {"a": 3}}


def test_equal_priority_never_gives_way():
    objects = two(4, 3)
    objects[3]["spec"]["priority"] = 0
    answer = scheduled(objects, [roomy("a", 0, running={LOW: 4})], {"a-low": {"a": {LOW: 4}}})
    assert by_feed(answer) == {"a-low": {"a": 4}, "b-high": {}}


def test_what_one_takes_is_not_there_for_the_next_and_what_runs_is_not_counted_twice():
    first, second = web(3, "first"), web(9, "second")
    objects = [first, second, dynamic("a", first), dynamic("b", second)]
    key = "apps/v1/Deployment/default/first"
    for running, before in ((0, None), (3, {"a": {"c": {key: 3}}}), (3, None)):
        clusters = [roomy("c", 8 - running, running={key: running})]
        assert by_feed(scheduled(objects, clusters, before)) == {"a": {"c": 3}, "b": {"c": 5}}


def test_static_and_replication_take_room_whatever_there_is():
    whole, app = web(5, "whole"), web(9)
    objects = [whole, app, subscription("a", [labelled()], whole), dynamic("app", app)]
    assert shares(scheduled(objects, [roomy("c", 8)]).subscriptions[APP]) == {"c": 3}


def test_joining_cluster_gets_nothing_until_something_is_added():
    assert shares(placed({"a": 5, "b": 5}, 3, {"a": 3})) == {"a": 3}


def test_no_move_without_a_reason():
    clusters = [roomy("a", 5), roomy("b", 5, taints=[{"key": "down", "effect": "NoSchedule"}]), roomy("c", 5)]
    before = {"app": {"a": {WEB: 1}, "b": {WEB: 2}, "gone": {WEB: 1}}}
    found = scheduled([web(4), dynamic("app", web(4))], clusters, before).subscriptions[APP]
    names = {c.id: c.name for c in clusters} | {identity("gone"): "gone"}
    assert {names[m.cluster]: (m.before, m.after, m.reason) for m in found.moves} == {
        "a": (1, 2, f"takes over from {identity('gone')}, fleet-b/b"),
        "b": (2, 0, "taint down:NoSchedule is not tolerated"),
        "c": (0, 2, f"takes over from {identity('gone')}, fleet-b/b"),
        "gone": (1, 0, "the cluster is gone"),
    }


def test_refusals_name_what_is_short():
    clusters = [roomy("a", 5), roomy("b", 0), roomy("c", 5)]
    found = scheduled([web(2), dynamic("app", web(2), maxClusters=1)], clusters).subscriptions[APP]
    assert reasons(found, clusters) == {
        "b": ("NoRoom", "not one replica fits: not enough cpu, pods"),
        "c": ("Limited", "maxClusters is 1, and others come first"),
    }


def test_w_22_cluster_of_unknown_capacity_gets_nothing_and_blocks_nobody():
    clusters = [roomy("a", 5), roomy("b", nodes=None)]
    answer = scheduled([web(3), dynamic("app", web(3))], clusters)
    assert shares(answer.subscriptions[APP]) == {"a": 3}
    assert [p.rule for p in answer.problems] == ["capacity-partly-unknown"]


def test_no_known_capacity_at_all_is_one_problem_and_changes_nothing():
    answer = scheduled([web(3), dynamic("app", web(3))], [roomy("b", nodes=None)])
    assert APP not in answer.subscriptions
    assert [(p.rule, p.concerns) for p in answer.problems] == [("capacity-unknown", (APP,))]


def test_w_56_shortfall_is_told():
    answer = scheduled([web(6), dynamic("app", web(6))], [roomy("a", 2)])
    assert answer.subscriptions[APP].shortfalls == (Shortfall(WEB, 4, 6),)
    assert [(p.rule, p.message) for p in answer.problems] == [
        ("capacity-short", f"4 of 6 replicas of {WEB} fit nowhere")
    ]


def test_w_56_feeds_without_replicas_alone_go_to_all_candidates():
    config = config_map("settings")
    found = scheduled([config, dynamic("app", config)], [roomy("a"), roomy("b")]).subscriptions[APP]
    assert [p.binding for p in found.placements] == ["fleet-a/a", "fleet-b/b"]
    assert [p.replicas for p in found.placements] == [{}, {}]


def test_feeds_without_replicas_go_where_replicas_go():
    config = config_map("settings")
    found = scheduled([web(1), config, dynamic("app", web(1), config)], [roomy("a"), roomy("b")]).subscriptions[APP]
    assert [p.binding for p in found.placements] == ["fleet-a/a"]


def test_w_56_feed_that_was_removed_does_not_linger():
    before = {"app": {"a": {WEB: 1, "apps/v1/Deployment/default/old": 4}}}
    found = scheduled([web(1), dynamic("app", web(1))], [roomy("a")], before).subscriptions[APP]
    assert found.placements[0].replicas == {WEB: 1}
    assert found.moves == ()


def test_scaling_to_zero_undeploys_nothing():
    assert shares(placed({"a": 5, "b": 5, "c": 5}, 0, {"a": 2, "b": 1})) == {"a": 0, "b": 0}


def test_w_19_chart_and_several_workloads_in_one_dividing_subscription():
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "load", "namespace": "default"},
        "spec": {"parallelism": 4, "template": {"spec": {"containers": []}}},
    }
    game = {"apiVersion": "agones.dev/v1", "kind": "Fleet", "metadata": {"name": "game", "namespace": "default"}}
    game["spec"] = {"size": {"wanted": 8}}
    chart = {
        "apiVersion": "apps.clusternet.io/v1alpha1",
        "kind": "HelmChart",
        "metadata": {"name": "mysql", "namespace": "default"},
        "spec": {"repo": "https://charts.example", "chart": "mysql", "targetNamespace": "db"},
    }
    paths = (ReplicaPath(api_version="agones.dev/v1", kind="Fleet", path="/spec/size/wanted", template=None),)
    settings = Settings(fleet="test", scheduling=Scheduling(replica_paths=paths))
    objects = [web(2), job, game, chart]
    found = scheduled([*objects, dynamic("app", *objects)], [roomy("a"), roomy("b")], settings=settings)
    assert [dict(p.replicas) for p in found.subscriptions[APP].placements] == [
        {WEB: 1, "batch/v1/Job/default/load": 2, "agones.dev/v1/Fleet/default/game": 4}
    ] * 2


def test_explanation_names_the_term_that_failed_and_the_room():
    clusters = [roomy("a", 5, labels={"env": "dev"}), roomy("b", 5, labels={"env": "prod"})]
    app = web(3)
    snap = snapshot(app, dynamic("app", app, subscribers=[labelled(env="prod")]))
    facts: dict[str, ClusterFacts] = {c.id: c for c in clusters}
    answer = schedule(snap, facts, NOTHING_BEFORE)
    lines = explain(snap, facts, NOTHING_BEFORE, answer, APP, clusters[0].id).lines
    assert lines[:2] == (
        "default/app does not go to fleet-a/a (NotSelected): no subscriber selects its labels",
        "subscriber 0 does not select it: wants env=prod, has env=dev",
    )
    lines = explain(snap, facts, NOTHING_BEFORE, answer, APP, clusters[1].id).lines
    assert lines[0] == f"default/app goes to fleet-b/b with 3 of {WEB}"
    assert f"{WEB}: 5 more fit there by themselves" in lines


def test_previous_of_a_status_is_by_cluster_id_not_by_name():
    moved = roomy("renamed", 5, number=7)
    status = previous({"app": {"old": {WEB: 2}}}, [roomy("old", 5, number=7)])
    assert scheduled([web(2), dynamic("app", web(2))], [moved], status).subscriptions[APP].moves == ()


@pytest.mark.parametrize("odd", ["6", 6.0, True, -1, 2**31, None], ids=repr)
def test_what_is_no_number_of_replicas_is_not_divided(odd):
    app = web(1)
    app["spec"]["replicas"] = odd
    found = scheduled([app, dynamic("app", app)], [roomy("a"), roomy("b")]).subscriptions[APP]
    assert [p.replicas for p in found.placements] == [{}, {}]


def test_object_that_a_template_makes_has_no_replicas_to_divide():
    app = web(4)
    snap = snapshot(app, dynamic("app", app))
    resources = {key: msgspec.structs.replace(one, template="web.yaml.j2") for key, one in snap.resources.items()}
    snap = msgspec.structs.replace(snap, resources=resources)
    facts = {c.id: c for c in (roomy("a"), roomy("b"))}
    assert [p.replicas for p in schedule(snap, facts, NOTHING_BEFORE).subscriptions[APP].placements] == [{}, {}]
