"""Tracing tells who set which field, along the way that rendering took; replayed, it gives what is delivered."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.feed import Unit
from reconciler.model.objects import key_of
from reconciler.render.fieldnames import dotted, parse_field
from reconciler.render.ground import prepared
from reconciler.render.render import render
from reconciler.render.trace import GONE, Chain, Moment, Sort, at, changes, leaves, replayed, sources, trace
from reconciler.render.traceops import inside, operations
from reconciler.scheduling.schedule import schedule
from tests.unit.snapshots import (
    NOTHING_BEFORE,
    cluster,
    cluster_id,
    deployment,
    everywhere,
    facts,
    globalization,
    localization,
    override,
    place_of,
    snapshot,
    subscription,
)

WEB = {**deployment(), "status": {"replicas": 3}}
GLOBAL = globalization("labels", WEB, override("metadata: {labels: {tier: web}}", name="tier"))
LOCAL = localization(
    "image",
    "fleet-east",
    WEB,
    override(
        '[{op: replace, path: /spec/template/spec/containers/0/image, value: "web:2"}]', "JSONPatch", name="image"
    ),
)
SUBSCRIPTION = subscription("app", [everywhere(1)], WEB, schedulingStrategy="Dividing")
UNIT = Unit("default/app", cluster_id(1))
EAST = ("spec", "template", "spec", "containers", "0", "image")


def traced(*overrides: Any, unit: Unit = UNIT, obj: Any = WEB) -> Chain | None:
    snap = snapshot(cluster("east", 1), cluster("west", 2), WEB, *(overrides or (GLOBAL, LOCAL)), SUBSCRIPTION)
    scheduled = schedule(snap, facts(snap), NOTHING_BEFORE)
    one = scheduled.subscriptions.get(unit.subscription)
    placement = next((p for p in one.placements if p.cluster == unit.cluster), None) if one else None
    if placement is None:
        return None
    chain = trace(prepared(snap, scheduled, facts(snap)), unit, placement, key_of(obj))
    feed = render(snap, scheduled, facts(snap)).units.get(unit)
    if chain is not None and feed is not None:
        assert chain.moments[-1].body == feed.objects[0].body
    return chain


def told(chain: Chain | None) -> list[tuple[Any, ...]]:
    assert chain is not None
    before: Any = GONE
    rows = []
    for moment in chain.moments:
        rows.append((moment.place, moment.sort, moment.title, [*changes(before, moment.body)]))
        before = moment.body
    return rows


def test_every_moment_is_told_in_order_with_the_fields_it_changed() -> None:
    assert told(traced()) == [
        (place_of(WEB), Sort.FILE, "Deployment.apps default/web", [()]),
        (place_of(GLOBAL), Sort.OVERRIDE, "Globalization labels[0] tier", [("metadata", "labels")]),
        (place_of(LOCAL), Sort.OVERRIDE, "Localization fleet-east/image[0] image", [EAST]),
        (place_of(SUBSCRIPTION), Sort.DIVISION, "replicas divided by the Subscription", [("spec", "replicas")]),
        (place_of(WEB), Sort.REMOVAL, "members that only servers write", [("status",)]),
    ]


def test_moments_of_other_clusters_are_not_told() -> None:
    assert all("Localization" not in title for _, _, title, _ in told(traced(unit=Unit("default/app", cluster_id(2)))))


def test_object_that_is_not_delivered_has_no_chain() -> None:
    assert traced(obj=deployment("other")) is None


def test_leaf_is_of_the_moment_that_set_it_last() -> None:
    chain = traced()
    assert chain is not None
    found = {dotted(path): moment.sort for path, moment in sources(chain.moments).items()}
    assert found["spec.replicas"] is Sort.DIVISION
    assert found["metadata.labels.tier"] is Sort.OVERRIDE
    assert found["metadata.name"] is Sort.FILE
    assert not [path for path in found if path.startswith("status")]


def test_operation_that_set_a_field_is_told_from_the_others() -> None:
    patch = "[{op: add, path: /metadata/labels, value: {a: b}}, {op: replace, path: /spec/replicas, value: 7}]"
    snap = snapshot(
        cluster("east", 1), WEB, localization("l", "fleet-east", WEB, override(patch, "JSONPatch")), SUBSCRIPTION
    )
    scheduled = schedule(snap, facts(snap), NOTHING_BEFORE)
    placement = scheduled.subscriptions["default/app"].placements[0]
    chain = trace(prepared(snap, scheduled, facts(snap)), UNIT, placement, key_of(WEB))
    assert chain is not None
    entry = chain.moments[1].entry
    assert entry is not None
    changed = operations(entry, chain.moments[0].body, snap.values, ("spec", "replicas"))
    assert changed == (1,)
    assert inside(entry, changed, snap.values, ("spec", "replicas")) == (1,)
    assert operations(entry, chain.moments[0].body, snap.values, ("spec", "selector")) == ()


SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "b"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
PATHS = st.sampled_from(
    ["/metadata/labels", "/metadata/annotations/a", "/spec/paused", "/spec/template/spec/containers/0/image",
     "/spec/template/spec/containers/-", "/spec/template/spec/volumes", "/data", "/spec/replicas", "/status"]
)  # fmt: skip


@st.composite
def patches(draw: st.DrawFn) -> tuple[str, str]:
    if draw(st.booleans()):
        members = draw(
            st.dictionaries(
                st.sampled_from(["data", "extra", "spec"]),
                st.dictionaries(st.text("ab", min_size=1, max_size=2), VALUES, max_size=3),
            )
        )
        return "MergePatch", json.dumps(members)
    ops = draw(
        st.lists(
            st.fixed_dictionaries(
                {"op": st.sampled_from(["add", "replace", "remove"]), "path": PATHS, "value": VALUES}
            ),
            min_size=1,
            max_size=4,
        )
    )
    return "JSONPatch", json.dumps(ops)


@settings(max_examples=30)
@given(st.lists(patches(), max_size=5))
def test_replayed_from_nothing_the_chain_gives_the_object_and_every_leaf_has_a_source(
    found: list[tuple[str, str]],
) -> None:
    entries = [override(text, sort) for sort, text in found]
    chain = traced(globalization("g", WEB, *entries[:3]), localization("l", "fleet-east", WEB, *entries[3:]))
    if chain is None:
        return
    if any(moment.fault for moment in chain.moments):
        return
    final = chain.moments[-1].body
    assert replayed(chain.moments) == final
    by_leaf = sources(chain.moments)
    assert set(by_leaf) == set(leaves(final))
    for leaf, moment in by_leaf.items():
        assert at(moment.body, leaf) == at(final, leaf)


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_changes_between_any_values_make_the_last_of_the_first(values: list[Any]) -> None:
    moments = [Moment(Sort.FILE, place_of(WEB), "", value) for value in values]
    assert json.dumps(replayed(moments), sort_keys=True) == json.dumps(values[-1], sort_keys=True)
    assert set(sources(moments)) == set(leaves(values[-1]))


def test_a_way_that_an_error_ended_is_told_up_to_it() -> None:
    chain = traced(globalization("g", WEB, override("[{op: test, path: /kind, value: a}]", "JSONPatch")), LOCAL)
    assert chain is not None
    assert [moment.title for moment in chain.moments] == ["Deployment.apps default/web", "Globalization g[0] change"]
    assert "another value is there" in chain.moments[-1].fault


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ()),
        ("spec.replicas", ("spec", "replicas")),
        (".spec.replicas", ("spec", "replicas")),
        ("spec.containers[0].image", ("spec", "containers", "0", "image")),
        ('metadata.labels["app.kubernetes.io/name"]', ("metadata", "labels", "app.kubernetes.io/name")),
        ("metadata.labels['a.b']", ("metadata", "labels", "a.b")),
        ("/data/a~1b", ("data", "a/b")),
        ("/", ("",)),
    ],
)
def test_fields_are_named_as_people_do(text: str, path: tuple[str, ...]) -> None:
    assert parse_field(text) == path


@pytest.mark.parametrize("text", ["spec[", "spec[a]", "/a~2", 'a["b]', "a]"])
def test_what_names_no_field_is_refused(text: str) -> None:
    assert parse_field(text) is None


@given(st.lists(st.text("ab./01", min_size=1, max_size=4), min_size=1, max_size=4))
def test_a_field_that_was_told_can_be_asked_for(path: list[str]) -> None:
    assert parse_field(dotted(path)) == tuple(path)
