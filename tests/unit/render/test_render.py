"""Rendering: overrides in Clusternet's order, replicas divided, problems isolated, structure shared."""

import pytest

from reconciler.model.feed import ReadOf, Unit
from reconciler.model.objects import canonical, key_of
from reconciler.model.snapshot import Severity
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
    globalization,
    labelled,
    localization,
    override,
    place_of,
    service,
    service_export,
    snapshot,
    subscription,
)

EAST, WEST = cluster("east", 1, {"env": "prod"}), cluster("west", 2, {"env": "dev"})
WEB, SETTINGS = deployment(), config_map("settings", color="red")
APP = subscription("app", [everywhere()], WEB, SETTINGS)
WEIGHTLESS = {"schedulingStrategy": "Dividing"}
DIVIDED = subscription("app", [everywhere(1)], WEB, schedulingStrategy="Dividing")


def rendered(*objects):
    snap = snapshot(*objects)
    return render(snap, schedule(snap, facts(snap), NOTHING_BEFORE), facts(snap))


def body(feeds, obj, number=1, name="default/app"):
    unit = feeds.units[Unit(name, cluster_id(number))]
    return next(rendered.body for rendered in unit.objects if rendered.key == key_of(obj))


def merge(text, **more):
    return override(text, "MergePatch", **more)


def json(text, **more):
    return override(text, "JSONPatch", **more)


def image(feeds, number=1):
    return body(feeds, WEB, number)["spec"]["template"]["spec"]["containers"][0]["image"]


IMAGE = "/spec/template/spec/containers/0/image"


def test_object_without_overrides_is_delivered_as_it_stands_and_shared_by_all_clusters():
    feeds = rendered(EAST, WEST, WEB, SETTINGS, APP)
    east, west = feeds.units.values()
    assert body(feeds, WEB) is WEB
    assert east.objects is west.objects
    assert east.reads is west.reads
    assert east.digest == west.digest
    assert not feeds.problems


def test_units_are_sorted():
    feeds = rendered(
        cluster("a", 9), cluster("b", 1), WEB, SETTINGS, APP, subscription("aaa", [everywhere()], service()), service()
    )
    assert list(feeds.units) == sorted(feeds.units)


def test_worked_example_of_the_contract():
    feeds = rendered(
        EAST,
        {**WEB, "metadata": {**WEB["metadata"], "annotations": {"old": "1"}}},
        subscription("app", [everywhere()], WEB),
        globalization("g600", WEB, json(f"[{{op: replace, path: {IMAGE}, value: b}}]"), priority=600),
        globalization(
            "g500", WEB, merge("spec: {replicas: 9, paused: true}"), json(f"[{{op: replace, path: {IMAGE}, value: c}}]")
        ),
        localization("l300", "fleet-east", WEB, json("[{op: replace, path: /spec/replicas, value: 1}]"), priority=300),
        localization(
            "l600",
            "fleet-east",
            WEB,
            json(
                "[{op: replace, path: /spec/replicas, value: 3},"
                ' {op: add, path: /metadata/annotations, value: {new: "1"}}]'
            ),
            priority=600,
        ),
    )
    web = body(feeds, WEB)
    assert (image(feeds), web["spec"]["replicas"], web["metadata"]["annotations"]) == ("b", 3, {"new": "1"})
    # on the only cluster g600 hides the second entry of g500, and l600 all of l300
    assert [problem.rule for problem in feeds.problems] == ["override-shadowed"] * 2


def color(*overrides):
    feeds = rendered(EAST, WEB, SETTINGS, APP, *overrides)
    return body(feeds, SETTINGS)["data"]["color"]


def paint(text):
    return merge(f"data: {{color: {text}}}")


@pytest.mark.parametrize(
    ("overrides", "wins"),
    [
        pytest.param(
            [
                localization("l", "fleet-east", SETTINGS, paint("l"), priority=0),
                globalization("g", SETTINGS, paint("g"), priority=1000),
            ],
            "l",
            id="any Localization beats any Globalization",
        ),
        pytest.param(
            [
                globalization("a", SETTINGS, paint("a"), priority=7),
                globalization("b", SETTINGS, paint("b"), priority=6),
            ],
            "a",
            id="higher priority wins",
        ),
        pytest.param(
            [globalization("b", SETTINGS, paint("b")), globalization("a", SETTINGS, paint("a"))],
            "b",
            id="a tie goes to the later name",
        ),
        pytest.param([globalization("a", SETTINGS, paint("1"), paint("2"))], 2, id="the later entry of a list wins"),
    ],
)
def test_order_of_overrides(overrides, wins):
    assert color(*overrides) == wins


def test_localization_belongs_to_the_cluster_of_its_namespace():
    feeds = rendered(EAST, WEST, WEB, SETTINGS, APP, localization("l", "fleet-east", SETTINGS, paint("blue")))
    assert [body(feeds, SETTINGS, n)["data"]["color"] for n in (1, 2)] == ["blue", "red"]


@pytest.mark.parametrize(
    ("affinity", "colors"),
    [
        pytest.param(None, ["blue", "blue"], id="no affinity is every cluster"),
        pytest.param({}, ["blue", "blue"], id="an empty affinity is every cluster"),
        pytest.param({"matchLabels": {"env": "prod"}}, ["blue", "red"], id="selected clusters only"),
    ],
)
def test_globalization_reaches_the_clusters_of_its_affinity(affinity, colors):
    feeds = rendered(EAST, WEST, WEB, SETTINGS, APP, globalization("g", SETTINGS, paint("blue"), affinity=affinity))
    assert [body(feeds, SETTINGS, n)["data"]["color"] for n in (1, 2)] == colors


def test_override_of_another_api_version_does_not_apply():
    other = {**WEB, "apiVersion": "apps/v1beta1"}
    feeds = rendered(EAST, WEB, SETTINGS, APP, globalization("g", other, merge("spec: {replicas: 9}")))
    assert body(feeds, WEB) is WEB


def test_blank_value_changes_nothing():
    feeds = rendered(EAST, WEB, SETTINGS, APP, globalization("g", WEB, merge("  \n")))
    assert body(feeds, WEB) is WEB
    assert not feeds.problems


@pytest.mark.parametrize(
    "member",
    [
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    ],
)
def test_metadata_that_only_servers_write_is_removed(member):
    labelled_map = {**SETTINGS, "metadata": {**SETTINGS["metadata"], "labels": {"a": "b"}}}
    exported = {**SETTINGS, "metadata": {**labelled_map["metadata"], member: None}}
    assert body(rendered(EAST, exported, subscription("app", [everywhere()], SETTINGS)), SETTINGS) == labelled_map


def test_status_is_removed():
    exported = {**SETTINGS, "status": {"phase": "x"}}
    assert body(rendered(EAST, exported, subscription("app", [everywhere()], SETTINGS)), SETTINGS) == SETTINGS


def test_each_cluster_gets_its_share_of_divided_replicas():
    feeds = rendered(EAST, WEST, WEB, DIVIDED)
    assert [body(feeds, WEB, number)["spec"]["replicas"] for number in (1, 2)] == [2, 1]


def test_divided_replicas_come_last_whatever_the_overrides_say():
    feeds = rendered(
        EAST, WEST, WEB, DIVIDED, localization("z", "fleet-east", WEB, merge("spec: {replicas: 9}"), priority=1000)
    )
    assert [body(feeds, WEB, number)["spec"]["replicas"] for number in (1, 2)] == [2, 1]


def test_override_of_divided_replicas_is_warned_of():
    feeds = rendered(EAST, WEST, WEB, DIVIDED, globalization("g", WEB, merge("spec: {replicas: 9}")))
    (problem,) = feeds.problems
    assert (problem.rule, problem.severity, problem.concerns) == ("override-overruled", Severity.WARNING, ())
    assert problem.field == ("spec", "overrides", 0, "value")


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        (merge("{"), "override-value"),
        (merge("just text"), "override-patch"),
        (json("{op: add}"), "override-patch"),
        (json("[{op: test, path: /data/color, value: blue}]"), "override-patch"),
        (json("[{op: add, path: /data/list/x, value: 1}, {op: spam}]"), "override-without-effect"),
        (merge("metadata: {name: other}"), "override-identity"),
        (merge("metadata: null"), "override-identity"),
        (merge("kind: Secret"), "override-identity"),
        (merge("[]"), "override-identity"),
        (override("a: 1", "Helm"), "override-type"),
        (merge("a: 1", overrideChart=True), "override-type"),
        (override("a: 1", "FieldMergePatch", fieldPath="/data/none", fieldFormat="YAML"), "override-field"),
    ],
)
def test_problem_of_an_override_stands_at_its_entry(entry, rule):
    glob = globalization("g", SETTINGS, merge("data: {first: x}"), entry)
    feeds = rendered(EAST, WEB, SETTINGS, APP, glob)
    (problem,) = feeds.problems
    assert (problem.rule, problem.place, problem.field[:3]) == (rule, place_of(glob), ("spec", "overrides", 1))
    broken = problem.severity is Severity.ERROR
    assert problem.concerns == (("default/app",) if broken else ())
    assert feeds.broken == frozenset(problem.concerns)
    assert (Unit("default/app", cluster_id(1)) not in feeds.units) is broken


def test_broken_override_of_one_cluster_leaves_the_other_clusters_alone():
    feeds = rendered(EAST, WEST, WEB, SETTINGS, APP, localization("l", "fleet-east", WEB, merge("1")))
    assert [unit.cluster for unit in feeds.units] == [cluster_id(2)]
    assert feeds.broken == {"default/app"}


def test_broken_override_concerns_every_subscription_that_it_breaks_and_no_other():
    feeds = rendered(
        EAST,
        WEST,
        WEB,
        SETTINGS,
        subscription("one", [labelled(env="prod")], WEB),
        subscription("two", [labelled(env="dev")], WEB),
        subscription("three", [everywhere()], SETTINGS),
        globalization("g", WEB, merge("1")),
    )
    assert feeds.problems[0].concerns == ("default/one", "default/two")
    assert {unit.subscription for unit in feeds.units} == {"default/three"}


def test_patch_without_effect_leaves_the_object_and_warns():
    feeds = rendered(EAST, WEB, SETTINGS, APP, globalization("g", WEB, json("[{op: remove, path: /spec/none}]")))
    assert body(feeds, WEB) is WEB
    assert [(p.rule, p.severity) for p in feeds.problems] == [("override-without-effect", Severity.WARNING)]


def test_patch_that_only_clusternet_accepts_applies_and_warns():
    feeds = rendered(
        EAST, WEB, SETTINGS, APP, globalization("g", WEB, json("[{op: replace, path: /spec/paused, value: true}]"))
    )
    assert body(feeds, WEB)["spec"]["paused"] is True
    assert [(p.rule, p.severity) for p in feeds.problems] == [("override-lenient", Severity.WARNING)]


def test_object_delivered_twice_stays_with_the_first_and_concerns_the_second():
    second = subscription("bee", [everywhere()], SETTINGS)
    feeds = rendered(EAST, WEST, WEB, SETTINGS, subscription("app", [labelled(env="prod")], WEB, SETTINGS), second)
    (problem,) = feeds.problems
    assert (problem.rule, problem.concerns, problem.field) == (
        "delivered-twice",
        ("default/bee",),
        ("spec", "feeds", 0),
    )
    assert "default/app" in problem.message
    assert list(feeds.units) == [Unit("default/app", cluster_id(1)), Unit("default/bee", cluster_id(2))]
    assert feeds.broken == {"default/bee"}


def test_one_object_of_two_subscriptions_on_different_clusters_is_fine():
    feeds = rendered(
        EAST,
        WEST,
        SETTINGS,
        subscription("one", [labelled(env="prod")], SETTINGS),
        subscription("two", [labelled(env="dev")], SETTINGS),
    )
    assert len(feeds.units) == 2
    assert not feeds.problems


def test_export_follows_its_service_to_every_cluster_that_gets_it():
    feeds = rendered(EAST, WEST, service(), service_export(), subscription("app", [labelled(env="dev")], service()))
    assert body(feeds, service_export(), 2) == service_export()
    assert len(feeds.units) == 1
    assert not feeds.problems


def test_export_that_is_a_feed_goes_only_where_its_subscription_says():
    feeds = rendered(
        EAST,
        WEST,
        service(),
        service_export(),
        subscription("app", [everywhere()], service()),
        subscription("exports", [labelled(env="prod")], service_export()),
    )
    kinds = {unit: [obj.key.kind for obj in feed.objects] for unit, feed in feeds.units.items()}
    assert kinds == {
        Unit("default/app", cluster_id(1)): ["Service"],
        Unit("default/app", cluster_id(2)): ["Service"],
        Unit("default/exports", cluster_id(1)): ["ServiceExport"],
    }


def test_export_whose_service_goes_to_no_cluster_is_a_problem():
    feeds = rendered(EAST, service(), service_export(), subscription("app", [labelled(env="qa")], service()))
    errors = [(found.rule, found.place) for found in feeds.problems if found.severity is Severity.ERROR]
    assert errors == [("export-without-cluster", place_of(service_export()))]


def test_export_of_a_subscription_that_is_not_scheduled_is_no_problem():
    feeds = rendered(
        EAST, WEB, service(), service_export(), subscription("app", [everywhere()], WEB, service(), **WEIGHTLESS)
    )
    assert not feeds.units
    assert not feeds.problems


def test_feed_that_the_snapshot_does_not_hold_breaks_its_subscription_and_never_shrinks_it():
    feeds = rendered(EAST, WEB, APP)
    assert not feeds.units
    assert feeds.broken == {"default/app"}


def test_order_of_feeds_means_nothing():
    other = subscription("app", [everywhere()], SETTINGS, WEB)
    (one,), (two,) = (rendered(EAST, WEB, SETTINGS, sub).units.values() for sub in (APP, other))
    assert one == two


def test_clusters_that_get_the_same_by_different_ways_share_objects_and_digest():
    feeds = rendered(
        EAST,
        WEST,
        SETTINGS,
        subscription("app", [everywhere()], SETTINGS),
        localization("l", "fleet-east", SETTINGS, paint("blue")),
        globalization("g", SETTINGS, paint("blue"), affinity={"matchLabels": {"env": "dev"}}),
    )
    east, west = feeds.units.values()
    assert east.objects is west.objects
    assert east.digest == west.digest


def test_questions_without_answer_are_read_with_an_empty_digest():
    feeds = rendered(EAST, service(), subscription("app", [everywhere()], service()))
    (feed,) = feeds.units.values()
    asked = {read.of: read.digest for read in feed.reads}
    assert asked[ReadOf.OVERRIDES] == asked[ReadOf.EXPORTS] == ""
    assert asked[ReadOf.OBJECT]


def test_rendering_changes_no_input():
    objects = [
        EAST,
        WEST,
        WEB,
        SETTINGS,
        APP,
        globalization("g", WEB, merge("spec: {replicas: 9}"), json(f"[{{op: remove, path: {IMAGE}}}]")),
    ]
    before = canonical(objects)
    rendered(*objects)
    assert canonical(objects) == before
