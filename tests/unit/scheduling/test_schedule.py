"""Scheduling: who gets what, with how many replicas, and why not."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.placement import Reason
from reconciler.model.snapshot import Place, Problem, Severity
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
    snapshot,
    subscription,
)

WEB = deployment(replicas=6)
EAST, WEST = cluster("east", 2, {"env": "prod"}), cluster("west", 1, {"env": "dev"})
DIVIDING = {"schedulingStrategy": "Dividing", "dividingScheduling": {"type": "Static"}}


def schedule_of(*objects, problems=()):
    snap = snapshot(*objects, problems=problems)
    return schedule(snap, facts(snap), NOTHING_BEFORE)


def app(*objects):
    return schedule_of(*objects).subscriptions["default/app"]


def bindings(scheduled):
    return [placement.binding for placement in scheduled.placements]


def shares(scheduled, feed="apps/v1/Deployment/default/web"):
    return [placement.replicas[feed] for placement in scheduled.placements]


def test_replication_goes_to_every_matching_cluster_in_order_of_binding():
    scheduled = app(EAST, WEST, WEB, subscription("app", [everywhere()], WEB))
    assert bindings(scheduled) == ["fleet-east/east", "fleet-west/west"]
    assert [placement.replicas for placement in scheduled.placements] == [{}, {}]


def test_cluster_matched_by_two_subscribers_is_placed_once():
    scheduled = app(EAST, WEB, subscription("app", [everywhere(), labelled(env="prod")], WEB))
    assert bindings(scheduled) == ["fleet-east/east"]


def test_cluster_that_no_subscriber_selects_is_refused_with_the_reason():
    scheduled = app(EAST, WEST, WEB, subscription("app", [labelled(env="prod")], WEB))
    assert [(r.cluster, r.reason) for r in scheduled.refusals] == [(cluster_id(1), Reason.NOT_SELECTED)]


def test_untolerated_taint_refuses_a_selected_cluster_and_names_the_taint():
    tainted = cluster("east", 2, {}, [{"key": "gpu", "effect": "NoSchedule", "value": "yes"}])
    (refusal,) = app(tainted, WEB, subscription("app", [everywhere()], WEB)).refusals
    assert (refusal.reason, refusal.message) == (Reason.TAINTED, "taint gpu=yes:NoSchedule is not tolerated")


def test_tolerated_taint_does_not_refuse():
    tainted = cluster("east", 2, {}, [{"key": "gpu", "effect": "NoExecute"}])
    tolerations = [{"key": "gpu", "operator": "Exists"}]
    scheduled = app(tainted, WEB, subscription("app", [everywhere()], WEB, clusterTolerations=tolerations))
    assert bindings(scheduled) == ["fleet-east/east"]


def test_tainted_cluster_that_nobody_selects_is_refused_as_not_selected():
    tainted = cluster("east", 2, {}, [{"key": "gpu", "effect": "NoSchedule"}])
    (refusal,) = app(tainted, WEB, subscription("app", [labelled(env="prod")], WEB)).refusals
    assert refusal.reason is Reason.NOT_SELECTED


def test_cluster_that_is_going_away_gets_nothing():
    going = cluster("east", 2)
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    scheduled = app(going, WEB, subscription("app", [everywhere()], WEB))
    assert not scheduled.placements
    assert scheduled.refusals[0].reason is Reason.DELETING


def test_subscription_that_no_cluster_fits_is_scheduled_to_nowhere():
    assert not app(EAST, WEB, subscription("app", [labelled(env="qa")], WEB)).placements


def test_subscription_of_an_error_is_left_out_and_that_of_a_warning_is_not():
    def problem(name, severity):
        return Problem(Place("a.yaml"), (), "rule", "message", severity=severity, concerns=(name,))

    found = schedule_of(
        EAST,
        WEB,
        subscription("bad", [everywhere()], WEB),
        subscription("odd", [everywhere()], WEB),
        problems=(problem("default/bad", Severity.ERROR), problem("default/odd", Severity.WARNING)),
    )
    assert set(found.subscriptions) == {"default/odd"}


def test_static_dividing_gives_shares_by_weight_and_none_to_feeds_without_replicas():
    config = config_map("settings")
    scheduled = app(
        EAST,
        WEST,
        WEB,
        config,
        subscription("app", [labelled(1, env="prod"), labelled(2, env="dev")], WEB, config, **DIVIDING),
    )
    assert [p.replicas for p in scheduled.placements] == [
        {"apps/v1/Deployment/default/web": 2},
        {"apps/v1/Deployment/default/web": 4},
    ]


def test_weights_of_several_matching_subscribers_add_up():
    subscribers = [everywhere(1), labelled(2, env="dev")]
    assert shares(app(EAST, WEST, deployment(replicas=12), subscription("app", subscribers, WEB, **DIVIDING))) == [3, 9]


def test_cluster_of_weight_zero_is_bound_with_no_replicas():
    subscribers = [everywhere(0), labelled(2, env="dev")]
    assert shares(app(EAST, WEST, WEB, subscription("app", subscribers, WEB, **DIVIDING))) == [0, 6]


def test_tie_of_weights_goes_to_the_first_by_namespace_and_name():
    middle = cluster("middle", 0)
    assert shares(
        app(WEST, middle, EAST, deployment(replicas=4), subscription("app", [everywhere(1)], WEB, **DIVIDING))
    ) == [2, 1, 1]


def test_taint_moves_replicas_to_the_other_clusters():
    tainted = cluster("east", 2, {}, [{"key": "down", "effect": "NoSchedule"}])
    assert shares(app(tainted, WEST, WEB, subscription("app", [everywhere(1)], WEB, **DIVIDING))) == [6]


def test_dividing_without_any_weight_is_a_problem_and_never_multiplies_replicas():
    found = schedule_of(EAST, WEST, WEB, subscription("app", [everywhere()], WEB, **DIVIDING))
    assert not found.subscriptions
    assert [(p.rule, p.concerns) for p in found.problems] == [("no-weight", ("default/app",))]


def test_dividing_without_any_weight_is_fine_where_nothing_has_replicas():
    bare = deployment(replicas=None)
    assert len(app(EAST, WEST, bare, subscription("app", [everywhere()], bare, **DIVIDING)).placements) == 2


@pytest.mark.parametrize(
    ("api_version", "kind", "divided"),
    [
        ("apps/v1", "Deployment", True),
        ("apps/v1", "ReplicaSet", True),
        ("apps/v1", "StatefulSet", True),
        ("extensions/v1beta1", "Deployment", True),
        ("batch/v1", "Job", False),
        ("example.com/v1", "Deployment", False),
    ],
)
def test_kind_whose_replicas_are_divided(api_version, kind, divided):
    obj = {**WEB, "apiVersion": api_version, "kind": kind}
    scheduled = app(EAST, obj, subscription("app", [everywhere(1)], obj, **DIVIDING))
    assert bool(scheduled.placements[0].replicas) is divided


ENVIRONMENTS = st.sampled_from(["prod", "dev", "qa"])


@settings(max_examples=60)
@given(
    st.lists(ENVIRONMENTS, min_size=1, max_size=6),
    st.lists(st.tuples(ENVIRONMENTS, st.integers(0, 3)), min_size=1, max_size=3),
    st.integers(0, 40),
    st.randoms(use_true_random=False),
)
def test_schedule_is_deterministic_and_divides_exactly(environments, subscribers, wanted, order: random.Random):
    clusters = [cluster(f"c{number}", number, {"env": env}) for number, env in enumerate(environments)]
    web = deployment(replicas=wanted)
    spec = [labelled(weight, env=env) for env, weight in subscribers]
    objects = [*clusters, web, subscription("app", spec, web, **DIVIDING), subscription("every", [everywhere()], web)]
    first = schedule_of(*objects)
    order.shuffle(objects)
    snap = snapshot(*objects)
    shuffled = list(facts(snap).items())
    order.shuffle(shuffled)
    assert schedule(snap, dict(shuffled), NOTHING_BEFORE) == first
    for scheduled in first.subscriptions.values():
        refused = {refusal.cluster for refusal in scheduled.refusals}
        assert refused | {p.cluster for p in scheduled.placements} == set(facts(snap))
        assert [*scheduled.refusals] == sorted(scheduled.refusals)
    if (divided := first.subscriptions.get("default/app")) and divided.placements:
        assert sum(shares(divided)) == wanted
