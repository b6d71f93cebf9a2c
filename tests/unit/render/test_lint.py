"""Warnings about overrides that do nothing or win by accident: what is told, where, and what is left in peace."""

import pytest

from reconciler.model.selectors import LabelIndex
from reconciler.render.lint import lint
from reconciler.render.overrides import Overrides
from tests.unit.snapshots import (
    cluster,
    config_map,
    deployment,
    everywhere,
    facts,
    globalization,
    labelled,
    localization,
    override,
    place_of,
    snapshot,
    subscription,
)

EAST, WEST = cluster("east", 1, {"env": "prod", "zone": "a"}), cluster("west", 2, {"env": "dev", "zone": "b"})
WEB, MAP = deployment(), config_map("settings", color="red")
APP = subscription("app", [everywhere()], WEB, MAP)
PROD, DEV = {"matchLabels": {"env": "prod"}}, {"matchLabels": {"env": "dev"}}


def linted(*objects):
    snap = snapshot(EAST, WEST, WEB, MAP, *objects)
    known = facts(snap)
    index = LabelIndex({name: one.labels for name, one in known.items()})
    return list(lint(snap, known, Overrides(snap, known, index)))


def told(*objects):
    """Rule and file of every warning."""
    return [(problem.rule, problem.place.path) for problem in linted(*objects)]


def merge(text, **more):
    return override(text, "MergePatch", **more)


def json(*operations):
    return override("[" + ", ".join(operations) + "]", "JSONPatch")


def colour(word):
    return merge(f"data: {{color: {word}}}")


def g(name, *entries, **more):
    return globalization(name, MAP, *entries, **more)


def test_overrides_of_different_fields_clusters_or_priorities_are_left_in_peace():
    assert not told(
        APP,
        g("a", colour("a"), priority=600, affinity=PROD),
        g("b", merge("data: {size: b}"), affinity=PROD),
        g("c", colour("c"), affinity=DEV),
        localization("d", "fleet-east", WEB, merge("metadata: {labels: {a: b}}")),
    )


TIES = {
    "one field": (g("a", colour("1")), g("b", colour("2"), affinity=PROD)),
    "a part and the whole": (
        g("a", merge("metadata: {annotations: {x: y}}"), colour("1")),
        g("b", json('{op: add, path: /metadata/annotations, value: {z: "1"}}')),
    ),
    "removed and set": (g("a", colour("null")), g("b", json("{op: replace, path: /data/color, value: x}"))),
    "Localizations of one cluster": (
        localization("a", "fleet-east", MAP, colour("1")),
        localization("b", "fleet-east", MAP, colour("2"), merge("data: {x: y}")),
    ),
    "in the document of a field": (
        g("a", override("{l: 1}", "FieldMergePatch", fieldPath="/data/color", fieldFormat="YAML")),
        g(
            "b",
            override("{l: 2}", "FieldMergePatch", fieldPath="/data/color", fieldFormat="YAML"),
            merge("data: {x: y}"),
        ),
    ),
}


@pytest.mark.parametrize("pair", TIES.values(), ids=TIES)
def test_tie_is_told_at_the_one_that_wins_by_its_name(pair):
    (first, second), problems = pair, [found for found in linted(APP, *pair) if found.rule == "override-tie"]
    assert [found.place for found in problems] == [place_of(second)]
    assert f"{first['kind']} " in problems[0].message
    assert place_of(first).path in problems[0].message


NO_TIES = {
    "the same value": (g("a", colour("1")), g("b", colour("1"), merge("data: {x: y}"))),
    "other clusters": (g("a", colour("1"), affinity=PROD), g("b", colour("2"), affinity=DEV)),
    "other priority": (g("a", colour("1"), merge("data: {x: y}"), priority=1), g("b", colour("2"))),
    "a Globalization and a Localization": (g("a", colour("1")), localization("a", "fleet-east", MAP, colour("2"))),
    "namespaces of two clusters": (
        localization("a", "fleet-east", MAP, colour("1")),
        localization("a", "fleet-west", MAP, colour("2")),
    ),
    "two items for one list": (
        globalization("a", WEB, json("{op: add, path: /spec/template/spec/containers/-, value: {name: a}}")),
        globalization("b", WEB, json("{op: add, path: /spec/template/spec/containers/-, value: {name: b}}")),
    ),
    "two entries of one override": (g("a", colour("1"), merge("data: {color: 2, size: 3}")), g("b", merge("{}"))),
    "values and field": (
        g("a", override("{l: 1}", "FieldMergePatch", fieldPath="/data/color", fieldFormat="YAML")),
        g("b", merge("{l: 2}")),
    ),
}


@pytest.mark.parametrize("pair", NO_TIES.values(), ids=NO_TIES)
def test_no_tie(pair):
    assert "override-tie" not in [rule for rule, _ in told(APP, *pair)]


SHADOWS = {
    "higher priority everywhere": ("a", (g("a", colour("1"), priority=1, affinity=PROD), g("b", colour("2")))),
    "the whole over a part": (
        "a",
        (
            g("a", merge("metadata: {labels: {x: y}}"), priority=1),
            g("b", json("{op: add, path: /metadata/labels, value: {}}")),
        ),
    ),
    "a later entry of the same override": ("a", (g("a", colour("1"), colour("2")),)),
    "a Localization where only its cluster is reached": (
        "a",
        (g("a", colour("1"), affinity=PROD), localization("b", "fleet-east", MAP, colour("2"))),
    ),
}


@pytest.mark.parametrize(("hidden", "overrides"), SHADOWS.values(), ids=SHADOWS)
def test_override_that_a_later_one_hides_is_told(hidden, overrides):
    (problem,) = [found for found in linted(APP, *overrides) if found.rule == "override-shadowed"]
    assert problem.place == place_of(next(one for one in overrides if one["metadata"]["name"] == hidden))
    assert problem.field == ("spec", "overrides", 0, "value")


def test_override_is_hidden_where_its_object_goes_although_it_is_for_more_clusters():
    only_east = subscription("app", [labelled(env="prod")], MAP)
    hidden = (g("a", colour("1"), priority=1), g("b", colour("2"), affinity=PROD))
    assert told(only_east, *hidden) == [("override-shadowed", "Globalization/a.yaml")]
    assert not told(APP, *hidden)


NO_SHADOWS = {
    "some clusters": (g("a", colour("1"), priority=1), g("b", colour("2"), affinity=PROD)),
    "some fields": (g("a", merge("data: {color: 1, size: 2}"), priority=1), g("b", colour("2"))),
    "it was asked for in between": (
        g("a", colour("1"), priority=1),
        g("b", json('{op: test, path: /data/color, value: "1"}'), priority=2),
        g("c", colour("2")),
    ),
    "items were put before it": (
        globalization("a", WEB, json("{op: replace, path: /spec/x/0/image, value: a}"), priority=1),
        globalization("b", WEB, json("{op: add, path: /spec/x/0, value: {}}"), priority=2),
        globalization("c", WEB, json("{op: replace, path: /spec/x/0/image, value: b}"), priority=3),
    ),
    "an empty mapping hides nothing": (
        g("a", merge("metadata: {labels: {x: y}}"), priority=1),
        g("b", merge("metadata: {labels: {}}")),
    ),
}


@pytest.mark.parametrize("overrides", NO_SHADOWS.values(), ids=NO_SHADOWS)
def test_not_hidden(overrides):
    assert "override-shadowed" not in [rule for rule, _ in told(APP, *overrides)]


def test_selector_of_a_globalization_that_matches_nothing_is_told_with_what_there_is():
    glob = g("a", colour("1"), affinity={"matchLabels": {"env": "production"}})
    (problem,) = linted(APP, glob)
    assert (problem.rule, problem.place, problem.field) == (
        "selector-matches-nothing",
        place_of(glob),
        ("spec", "clusterAffinity"),
    )
    assert "none has the label env=production; env is dev, prod there" in problem.message


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ({"matchLabels": {"team": "x"}}, "none has the label team=x"),
        ({"matchExpressions": [{"key": "zone", "operator": "In", "values": ["c"]}]}, "on zone; zone is a, b there"),
        ({"matchLabels": {"env": "prod", "zone": "b"}}, "matches no cluster"),
    ],
)
def test_subscriber_that_matches_nothing_is_told(selector, words):
    app = subscription("app", [everywhere(), {"clusterAffinity": selector}], MAP)
    (problem,) = linted(app)
    assert (problem.rule, problem.field) == ("selector-matches-nothing", ("spec", "subscribers", 1, "clusterAffinity"))
    assert problem.message.endswith(words)


def test_override_for_clusters_that_never_get_its_object_is_told():
    app = subscription("app", [labelled(env="prod")], MAP)
    assert told(app, localization("a", "fleet-west", MAP, colour("1")), g("b", colour("2"), affinity=DEV)) == [
        ("override-never-delivered", "Globalization/b.yaml"),
        ("override-never-delivered", "Localization/fleet-west/a.yaml"),
    ]


def test_override_of_what_nobody_delivers_is_left_to_the_checks_of_reading():
    assert not told(subscription("app", [everywhere()], WEB), g("a", colour("1")))


def test_templated_overrides_are_left_out_because_their_values_are_not_known():
    annotation = {"reconciler.clusternet.io/template": "jinja2"}
    one, other = g("a", colour("'{{ x }}'")), g("b", colour("2"))
    one["metadata"]["annotations"] = annotation
    assert not told(APP, one, other)


def test_nothing_is_told_while_clusters_are_not_known():
    snap = snapshot(MAP, APP, g("a", colour("1"), affinity=PROD))
    assert not list(lint(snap, {}, Overrides(snap, {}, LabelIndex({}))))


def test_words_are_the_same_whatever_the_order_of_the_files():
    objects = (APP, g("a", colour("1")), g("b", colour("2")), g("c", colour("3")), g("d", colour("4"), affinity=PROD))
    assert linted(*objects) == linted(*reversed(objects))
