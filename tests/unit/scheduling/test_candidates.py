"""Who may get anything: subgroups, soft taints, empty fits, other schedulers; and Clusternet's mistakes by number."""

import pytest

from tests.unit.scheduling.fleets import WEB, dynamic, reasons, roomy, scheduled, shares, web
from tests.unit.snapshots import cluster_id, config_map, everywhere, labelled, subscription

APP = "default/app"
SETTINGS = config_map("settings")
OLD = [{"key": "old", "effect": "PreferNoSchedule"}]


def names(one):
    return [placement.binding.split("/")[1] for placement in one.placements]


def group(number, **labels):
    return {**labelled(1, **labels), "subGroupStrategy": {"minClusters": number}}


def grouped(subscribers, clusters, before=None, strategy="Replication"):
    objects = [web(4), subscription("app", subscribers, web(4), schedulingBySubGroup=True, schedulingStrategy=strategy)]
    return scheduled(objects, clusters, before).subscriptions[APP]


EU = [roomy(name, labels={"at": "eu"}) for name in "abc"]
US = [roomy(name, labels={"at": "us"}) for name in "de"]


@pytest.mark.parametrize(
    ("subscribers", "before", "expected"),
    [
        pytest.param([group(2, at="eu"), group(1, at="us")], None, ["a", "b", "d"], id="exactly that many of each"),
        pytest.param([group(9, at="us")], None, ["d", "e"], id="all where there are fewer"),
        pytest.param([group(0, at="eu"), group(1, at="us")], None, ["d"], id="0 takes none"),
        pytest.param([group(1, at="eu")], ["c"], ["c"], id="where it was comes first"),
        pytest.param([group(1, at="eu"), group(1, at="eu")], None, ["a", "b"], id="W-23 a cluster is taken once"),
    ],
)
def test_subgroups(subscribers, before, expected):
    history = {"app": dict.fromkeys(before)} if before else None
    assert names(grouped(subscribers, EU + US, history)) == expected


def test_subgroup_refuses_the_others_and_takes_soft_taints_last():
    clusters = [roomy("a", labels={"at": "eu"}, taints=OLD), *EU[1:]]
    found = grouped([group(2, at="eu")], clusters)
    assert names(found) == ["b", "c"]
    assert reasons(found, clusters)["a"][0] == "Subgroup"


def test_subgroups_hold_for_dividing():
    assert shares(grouped([group(2, at="eu"), group(1, at="us")], EU + US, strategy="Dividing")) == {
        "a": 2,
        "b": 1,
        "d": 1,
    }


def test_soft_taint_puts_a_cluster_last_where_replicas_are_left_over():
    clusters = [roomy("a", 5, taints=OLD), roomy("b", 5)]
    assert shares(scheduled([web(1), dynamic("app", web(1))], clusters).subscriptions[APP]) == {"b": 1}
    divided = subscription("app", [everywhere(1)], web(3), schedulingStrategy="Dividing")
    assert shares(scheduled([web(3), divided], clusters).subscriptions[APP]) == {"a": 1, "b": 2}


def test_w_03_empty_fit_keeps_the_last_placement_and_tells():
    objects = [web(4), dynamic("app", web(4), subscribers=[labelled(at="mars")])]
    before = {"app": {"a": {WEB: 3}, "b": {WEB: 1}, "gone": {WEB: 2}}}
    answer = scheduled(objects, EU, before)
    found = answer.subscriptions[APP]
    assert (shares(found), found.kept) == ({"a": 3, "b": 1}, True)
    assert [p.rule for p in answer.problems] == ["no-cluster-fits"]


def test_empty_fit_of_replication_keeps_its_bindings():
    answer = scheduled([SETTINGS, subscription("app", [labelled(at="mars")], SETTINGS)], EU, {"app": {"b": None}})
    assert names(answer.subscriptions[APP]) == ["b"]
    assert answer.subscriptions[APP].placements[0].replicas == {}


def test_empty_fit_undeploys_where_the_subscription_asks_for_it():
    made = subscription("app", [labelled(at="mars")], SETTINGS)
    made["metadata"]["annotations"] = {"reconciler.clusternet.io/when-no-cluster-fits": "undeploy"}
    answer = scheduled([SETTINGS, made], EU, {"app": {"b": None}})
    assert (names(answer.subscriptions[APP]), answer.subscriptions[APP].kept, answer.problems) == ([], False, ())


def test_kept_placement_holds_its_room():
    lost, app = web(4, "lost"), web(9)
    objects = [lost, app, dynamic("lost", lost, subscribers=[labelled(at="mars")]), dynamic("app", app)]
    before = {"lost": {"a": {"apps/v1/Deployment/default/lost": 4}}}
    assert shares(scheduled(objects, [roomy("a", 10)], before).subscriptions[APP]) == {"a": 6}


def test_w_20_static_dividing_takes_all_of_two_hundred_clusters():
    clusters = [roomy(f"c{n:03d}", number=n) for n in range(200)]
    divided = subscription("app", [everywhere(1)], web(400), schedulingStrategy="Dividing")
    found = scheduled([web(400), divided], clusters).subscriptions[APP]
    assert set(shares(found).values()) == {2}
    assert len(found.placements) == 200


def test_w_55_left_over_replicas_stay_where_they_are_whatever_the_order():
    clusters = [roomy(name, number=number) for number, name in enumerate("cab")]
    divided = subscription("app", [everywhere(1)], web(4), schedulingStrategy="Dividing")
    for order in (clusters, clusters[::-1], clusters[1:] + clusters[:1]):
        assert shares(scheduled([web(4), divided], order).subscriptions[APP]) == {"a": 2, "b": 1, "c": 1}


def test_w_57_weights_that_are_all_zero_never_multiply_replicas():
    divided = subscription("app", [everywhere(0)], web(4), schedulingStrategy="Dividing")
    answer = scheduled([web(4), divided], EU)
    assert APP not in answer.subscriptions
    assert [p.rule for p in answer.problems] == ["no-weight"]


def test_w_02_static_dividing_redivides_over_who_is_left_and_tells_why():
    divided = subscription("app", [everywhere(1)], web(4), schedulingStrategy="Dividing")
    found = scheduled([web(4), divided], EU[:2], {"app": {"a": {WEB: 2}, "c": {WEB: 2}}}).subscriptions[APP]
    assert shares(found) == {"a": 2, "b": 2}
    assert [(m.before, m.after, m.reason) for m in found.moves] == [
        (0, 2, "the weights or the chosen clusters changed"),
        (2, 0, "the cluster is gone"),
    ]


def test_subscription_of_another_scheduler_is_left_alone_and_holds_its_room():
    theirs, app = web(4, "theirs"), web(9)
    objects = [theirs, app, dynamic("theirs", theirs, spec={"schedulerName": "mine"}), dynamic("app", app)]
    answer = scheduled(objects, [roomy("a", 10)], {"theirs": {"a": {"apps/v1/Deployment/default/theirs": 4}}})
    assert set(answer.subscriptions) == {APP}
    assert shares(answer.subscriptions[APP]) == {"a": 6}


def test_cluster_ids_of_tests_are_ids():
    assert roomy("a", number=3).id == cluster_id(3)
