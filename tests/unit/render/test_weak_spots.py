"""Where Clusternet loses or leaks overrides (contract §8.4): every test here fails on what Clusternet does."""

import pytest

from reconciler.model.feed import Unit
from reconciler.model.objects import key_of
from reconciler.model.snapshot import Severity
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from tests.repos import problems_of
from tests.unit.snapshots import (
    NOTHING_BEFORE,
    cluster,
    cluster_id,
    config_map,
    everywhere,
    facts,
    globalization,
    localization,
    override,
    snapshot,
    subscription,
)

EAST, MAP, OTHER = cluster("east", 1), config_map("settings", color="red"), config_map("other", color="red")
APP = subscription("app", [everywhere()], MAP, OTHER)


def rendered(*objects):
    snap = snapshot(EAST, APP, *objects)
    return render(snap, schedule(snap, facts(snap), NOTHING_BEFORE), facts(snap))


def body(feeds, obj):
    objects = feeds.units[Unit("default/app", cluster_id(1))].objects
    return next(found.body for found in objects if found.key == key_of(obj))


def colour(word):
    return override(f"data: {{color: {word}}}")


def uid(obj, value):
    return {**obj, "metadata": {**obj["metadata"], "uid": value}}


def created(obj, moment):
    return {**obj, "metadata": {**obj["metadata"], "creationTimestamp": moment}}


def test_w09_overrides_apply_to_a_feed_that_was_deleted_and_made_again():
    glob = globalization("g", MAP, colour("blue"))
    for made in ("uid-of-the-first", "uid-of-the-second"):
        assert body(rendered(uid(MAP, made), OTHER, glob), MAP)["data"] == {"color": "blue"}


def test_w10_override_leaves_the_feed_that_it_named_before():
    moved = globalization("g", OTHER, colour("blue"))
    # Clusternet labels an override with every object that it ever named, and goes by the labels
    moved["metadata"]["labels"] = {"uid-of-settings": "ConfigMap", "uid-of-other": "ConfigMap"}
    feeds = rendered(uid(MAP, "uid-of-settings"), uid(OTHER, "uid-of-other"), moved)
    assert (body(feeds, MAP)["data"]["color"], body(feeds, OTHER)["data"]["color"]) == ("red", "blue")


@pytest.mark.parametrize("moments", [("12:00:59Z", "12:01:00Z"), ("12:01:00Z", "12:00:59Z")])
def test_w13_ties_go_by_name_and_never_by_the_second_of_a_minute(moments):
    pair = [
        created(globalization(name, MAP, colour(name)), f"2026-01-01T{moment}")
        for name, moment in zip("ab", moments, strict=True)
    ]
    for order in (pair, pair[::-1]):
        assert body(rendered(MAP, OTHER, *order), MAP)["data"]["color"] == "b"


def test_w13_ties_of_localizations_go_by_name():
    pair = [localization(name, "fleet-east", MAP, colour(name)) for name in ("b", "a")]
    assert body(rendered(MAP, OTHER, *pair), MAP)["data"]["color"] == "b"


def test_w14_priority_0_stays_0_and_loses_to_1():
    low, high = globalization("z", MAP, colour("low"), priority=0), globalization("a", MAP, colour("high"), priority=1)
    assert body(rendered(MAP, OTHER, low, high), MAP)["data"]["color"] == "high"


def test_w15_field_format_that_is_left_out_is_told_when_the_repo_is_read():
    told = problems_of(
        repo="""\
apiVersion: v1
kind: ConfigMap
metadata: {name: m, namespace: d}
data: {conf: "a: 1"}
---
apiVersion: apps.clusternet.io/v1alpha1
kind: Globalization
metadata: {name: g}
spec:
  feed: {apiVersion: v1, kind: ConfigMap, namespace: d, name: m}
  overrides:
  - {type: FieldMergePatch, fieldPath: /data/conf, value: "a: 2"}
"""
    )
    assert "override-field repo.yaml:12:5" in told


def test_w16_patch_that_misses_its_place_is_told_and_stops_nothing():
    lost = override('[{"op": "replace", "path": "/none/x", "value": 1}]', "JSONPatch")
    feeds = rendered(MAP, OTHER, globalization("g", MAP, lost, colour("blue")))
    assert body(feeds, MAP)["data"] == {"color": "blue"}
    assert [problem.rule for problem in feeds.problems] == ["override-without-effect"]


def test_w16_replace_that_makes_a_key_is_told():
    made = override('[{"op": "replace", "path": "/data/size", "value": "9"}]', "JSONPatch")
    feeds = rendered(MAP, OTHER, globalization("g", MAP, made))
    assert body(feeds, MAP)["data"] == {"color": "red", "size": "9"}
    assert [problem.rule for problem in feeds.problems] == ["override-lenient"]


@pytest.mark.parametrize("entry", [override("a: 1", "Helm"), override("a: 1", overrideChart=True)])
def test_w16_type_that_does_not_fit_the_object_is_an_error_and_not_applied(entry):
    feeds = rendered(MAP, OTHER, globalization("g", MAP, entry))
    (problem,) = feeds.problems
    assert (problem.rule, problem.severity) == ("override-type", Severity.ERROR)
    assert not feeds.units


def test_w61_globalization_follows_the_labels_of_clusters():
    glob = globalization("g", MAP, colour("blue"), affinity={"matchLabels": {"env": "prod"}})
    assert body(rendered(MAP, OTHER, glob), MAP)["data"]["color"] == "red"
    labelled = cluster("east", 1, {"env": "prod"})
    snap = snapshot(labelled, APP, MAP, OTHER, glob)
    feeds = render(snap, schedule(snap, facts(snap), NOTHING_BEFORE), facts(snap))
    assert body(feeds, MAP)["data"]["color"] == "blue"


def test_key_with_a_slash_is_reached_by_a_field_path():
    slashed = {**MAP, "data": {"etc/app.yaml": "level: info # all\n"}}
    entry = override("level: warn", "FieldMergePatch", fieldPath="/data/etc~1app.yaml", fieldFormat="YAML")
    feeds = rendered(slashed, OTHER, globalization("g", MAP, entry))
    assert body(feeds, MAP)["data"] == {"etc/app.yaml": "level: warn # all\n"}
