"""HelmCharts under overrides: Helm's merge of values, every type of patch, and what of the chart itself may change."""

import json

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.authored import HelmChart, Override
from reconciler.model.inflation import ChartAnswer
from reconciler.model.objects import Digest, canonical
from reconciler.model.snapshot import Place, Sourced
from reconciler.render.overrides import Entry, Layer
from reconciler.render.pointer import same
from reconciler.render.unread import unread
from reconciler.render.values import chart_of, merged

PLACE = Place("override.yaml")
CHART = Sourced(
    Place("chart.yaml"),
    msgspec.convert(
        {
            "apiVersion": "apps.clusternet.io/v1alpha1",
            "kind": "HelmChart",
            "metadata": {"name": "shop", "namespace": "web", "uid": "1-2-3"},
            "spec": {"repo": "https://charts.example", "chart": "shop", "version": "1.2.3", "targetNamespace": "web"},
            "status": {"phase": "Found"},
        },
        HelmChart,
    ),
)


def way(*entries):
    """The way of the chart through entries of one override; each is type, value and more members."""
    overrides = [msgspec.convert({"type": sort, "value": value, **more}, Override) for sort, value, more in entries]
    layer = Layer(0, tuple(Entry(PLACE, i, f"[{i}]", one) for i, one in enumerate(overrides)), Digest(""), None)
    return chart_of(CHART, [layer], {one.value: yaml.safe_load(one.value) for one in overrides})


def helm(value, **more):
    return "Helm", value, more


def spec(ways):
    return ways.stages[-1].chart["spec"]


@pytest.mark.parametrize(
    ("values", "change", "expected"),
    [
        pytest.param({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}, id="mappings merge"),
        pytest.param({"a": [1, 2]}, {"a": [3]}, {"a": [3]}, id="lists are replaced"),
        pytest.param({"a": {"b": 1}}, {"a": 2}, {"a": 2}, id="a scalar over a mapping"),
        pytest.param({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}, id="a mapping over a scalar"),
        pytest.param({"a": 1, "b": 2}, {"a": None}, {"b": 2}, id="null removes what is there"),
        pytest.param({"a": {"b": 1}}, {"a": {"b": None}}, {"a": {}}, id="also below"),
        pytest.param({}, {"a": None}, {"a": None}, id="null of what is not there stays, to drop the chart's default"),
        pytest.param({}, {"a": {"b": None}}, {"a": {"b": None}}, id="also in what is new"),
        pytest.param({"a": None}, {"a": None}, {}, id="null is there as well"),
        pytest.param({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}, id="a mapping over null"),
        pytest.param({"a": {"b": 1}}, {}, {"a": {"b": 1}}, id="nothing changes nothing"),
        pytest.param({"a": [{"b": None}]}, {"c": [{"d": None}]}, {"a": [{"b": None}], "c": [{"d": None}]}, id="lists"),
    ],
)
def test_values_merge_as_clusternet_merges_them(values, change, expected):
    assert merged(values, change).value == expected


@pytest.mark.parametrize("value", [None, [], "text", 1])
def test_values_that_are_no_mapping_are_refused(value):
    assert merged({"a": 1}, value).fault is not None
    ways = way(helm(json.dumps(value)))
    assert (ways.chart, ways.findings[0].rule, ways.values) == (None, "override-value", {})


KEYS = st.sampled_from("abc")
LEAVES = st.none() | st.integers(0, 2) | st.lists(st.integers(0, 1), max_size=2)
VALUES = st.recursive(
    st.dictionaries(KEYS, LEAVES, max_size=3),
    lambda inner: st.dictionaries(KEYS, inner | LEAVES, max_size=3),
    max_leaves=6,
)


@settings(max_examples=80)
@given(VALUES, VALUES)
def test_merging_changes_no_input(values, change):
    before = canonical([values, change])
    merged(values, change)
    assert canonical([values, change]) == before


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["Helm", "MergePatch"]), VALUES), max_size=4))
def test_replaying_the_entries_from_nothing_gives_the_values(entries):
    ways = way(*((sort, json.dumps(value), {}) for sort, value in entries))
    replayed = [
        way(*((sort, json.dumps(value), {}) for sort, value in entries[:n])).values for n in range(len(entries) + 1)
    ]
    assert [stage.values for stage in ways.stages] == replayed
    assert same(ways.values, replayed[-1])


def test_every_type_of_patch_without_override_chart_changes_the_values():
    ways = way(
        helm('conf: "level: info  # all\\n"\nimage: {tag: a}'),
        ("MergePatch", "image: {tag: b}", {}),
        ("JSONPatch", '[{"op": "add", "path": "/image/pull", "value": true}]', {}),
        ("FieldMergePatch", "level: warn", {"fieldPath": "/conf", "fieldFormat": "YAML"}),
        ("FieldJSONPatch", '[{"op": "add", "path": "/x", "value": 1}]', {"fieldPath": "/conf", "fieldFormat": "YAML"}),
    )
    assert not ways.findings
    assert ways.values == {"conf": "level: warn  # all\nx: 1\n", "image": {"tag": "b", "pull": True}}
    assert ways.chart is CHART.value


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        ("Helm", "spec: {version: 2.0.0}"),
        ("MergePatch", "spec: {version: 2.0.0}"),
        ("JSONPatch", '[{"op": "replace", "path": "/spec/version", "value": "2.0.0"}]'),
    ],
)
def test_w16_override_chart_of_every_type_changes_the_chart_and_not_the_values(sort, value):
    ways = way((sort, value, {"overrideChart": True}))
    assert (ways.chart.spec.version, ways.values, ways.findings) == ("2.0.0", {}, ())


def test_w16_status_and_uid_stay_in_helm_values():
    ways = way(helm("status: {replicas: 1}\nmetadata: {uid: abc, managedFields: x}"))
    assert ways.values == {"status": {"replicas": 1}, "metadata": {"uid": "abc", "managedFields": "x"}}


def test_what_servers_write_is_not_in_the_chart():
    chart = way(helm("{metadata: {uid: x, labels: {a: b}}, status: {}}", overrideChart=True)).stages[-1].chart
    assert chart["metadata"] == {"name": "shop", "namespace": "web", "labels": {"a": "b"}}
    assert "status" not in chart


def test_null_in_an_override_of_the_chart_removes_an_option():
    ways = way(
        helm("spec: {wait: true, timeoutSeconds: 10}", overrideChart=True),
        helm("spec: {wait: null}", overrideChart=True),
    )
    assert (ways.chart.spec.wait, ways.chart.spec.timeout_seconds) == (None, 10)


@pytest.mark.parametrize("member", ["createNamespace", "timeoutSeconds"])
def test_defaults_of_the_api_can_be_replaced_without_a_warning(member):
    value = {"createNamespace": False, "timeoutSeconds": 9}[member]
    patch = json.dumps([{"op": "replace", "path": f"/spec/{member}", "value": value}])
    ways = way(("JSONPatch", patch, {"overrideChart": True}))
    assert (spec(ways)[member], ways.findings) == (value, ())


def test_release_name_may_be_overridden():
    assert way(helm("metadata: {name: other}", overrideChart=True)).chart.metadata.name == "other"


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("spec: {chart: other}", "override-chart-identity"),
        ("spec: {targetNamespace: other}", "override-chart-identity"),
        ("metadata: {namespace: other}", "override-chart-identity"),
        ("spec: {targetNamespace: null}", "override-chart"),
        ("spec: {verison: 1.3.0}", "override-chart"),
        ("spec: {version: 2}", "override-chart"),
        ("kind: Deployment", "override-chart"),
        ("metadata: null", "override-chart"),
    ],
)
def test_what_cannot_be_overridden_is_told_and_ends_the_way(value, rule):
    ways = way(helm("a: 1"), helm(value, overrideChart=True), helm("a: 2"))
    (problem,) = ways.findings
    assert (problem.rule, problem.place, problem.field) == (rule, PLACE, ("spec", "overrides", 1, "value"))
    assert (ways.chart, ways.values, len(ways.stages)) == (None, {"a": 1}, 3)


def test_setting_the_chart_to_what_it_is_changes_nothing():
    assert not way(helm("spec: {chart: shop, targetNamespace: web}", overrideChart=True)).findings


def test_blank_value_changes_nothing():
    assert way(helm(" \n")).values == {}


def told(values, reads, defaults=None, **more):
    answer = ChartAnswer(reads=frozenset(reads), defaults=defaults or {}, **more)
    return [problem.message for problem in unread(way(*(helm(value) for value in values)), answer)]


@pytest.mark.parametrize(
    ("value", "reads", "defaults"),
    [
        pytest.param("a: 1", ["/a"], {}, id="read"),
        pytest.param("a: {b: 1}", ["/a"], {}, id="read with what is around it"),
        pytest.param("a: {}", ["/a/b"], {}, id="something below is read"),
        pytest.param("c: {d: 1}", ["/a"], {"c": {}}, id="an open mapping of the chart's values"),
        pytest.param("c: {d: 1}", ["/a"], {"c": {"d": 2}}, id="a default"),
        pytest.param("global: {x: 1}", ["/a"], {}, id="global"),
        pytest.param("c: 1", [], {}, id="nobody knows what is read"),
    ],
)
def test_value_that_may_be_read_is_not_told(value, reads, defaults):
    assert told([value], reads, defaults) == []


def test_value_that_the_chart_never_reads_is_told_at_the_entry_that_sets_it():
    assert told(["a: 1", "b: {c: 1}\na: 2"], ["/a", "/b/x"], {"d": 1}) == ["the chart never reads /b/c"]
    assert told(["b: 1"], ["/a"], reads_everything=True) == []
