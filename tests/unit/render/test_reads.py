"""The law of reads: a unit can only have changed if one of its reads has. And order of inputs means nothing."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.feed import ReadOf, Unit
from reconciler.model.objects import canonical
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
    service,
    service_export,
    snapshot,
    subscription,
)

ENVIRONMENTS = st.sampled_from(["prod", "dev"])
FEEDS = [deployment(), config_map("settings", color="red"), service()]
CHANGES = st.sampled_from(
    [
        override("metadata: {labels: {a: b}}"),
        override("metadata: {labels: {a: c}}"),
        override("[{op: replace, path: /spec/replicas, value: 7}]", "JSONPatch"),
        override("[{op: test, path: /kind, value: ConfigMap}]", "JSONPatch"),
        override("nothing"),
    ]
)


@st.composite
def repos(draw):
    clusters = [cluster(f"c{n}", n, {"env": draw(ENVIRONMENTS)}) for n in range(draw(st.integers(1, 3)))]
    feeds = [
        deployment(replicas=draw(st.integers(0, 5))),
        config_map("settings", color=draw(st.sampled_from(["red", "blue"]))),
        service(),
    ]
    chosen = draw(st.lists(st.sampled_from(feeds), min_size=1, unique_by=lambda obj: obj["kind"]))
    spec = {"schedulingStrategy": draw(st.sampled_from(["Replication", "Dividing"]))}
    subscriber = draw(st.sampled_from([everywhere(1), labelled(1, env="prod"), labelled(2, env="dev")]))
    subscriptions = [subscription("app", [subscriber, everywhere(draw(st.integers(0, 2)))], *chosen, **spec)]
    if draw(st.booleans()):
        subscriptions.append(subscription("bee", [labelled(env="prod")], draw(st.sampled_from(feeds))))
    affinities = st.sampled_from([None, {"matchLabels": {"env": "prod"}}])
    overrides = [
        globalization(f"g{n}", draw(st.sampled_from(FEEDS)), draw(CHANGES), affinity=draw(affinities))
        for n in range(draw(st.integers(0, 2)))
    ]
    if draw(st.booleans()):
        overrides.append(localization("l", "fleet-c0", draw(st.sampled_from(FEEDS)), draw(CHANGES)))
    exported = [service_export()] if draw(st.booleans()) else []
    return [*clusters, *feeds, *subscriptions, *overrides, *exported]


def rendered(objects):
    snap = snapshot(*objects)
    return render(snap, schedule(snap, facts(snap), NOTHING_BEFORE), facts(snap))


def of_what(objects):
    return {canonical([obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"]]): obj for obj in objects}


PROD = {"matchLabels": {"env": "prod"}}
DIVIDED = {"schedulingStrategy": "Dividing"}


def repo(**other):
    """One repo with one thing of it made otherwise; None leaves it out."""
    objects = {
        "cluster": cluster("east", 1, {"env": "prod", "size": "small"}),
        "web": deployment(replicas=6),
        "service": service(),
        "export": service_export(),
        "app": subscription("app", [everywhere(1)], deployment(), service(), **DIVIDED),
        "override": globalization("g", deployment(), override("metadata: {labels: {a: b}}"), affinity=PROD),
    }
    return [obj for obj in {**objects, **other}.values() if obj is not None]


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        pytest.param({"web": deployment(replicas=7)}, {ReadOf.OBJECT, ReadOf.PLACEMENT}, id="an object"),
        pytest.param({"export": None}, {ReadOf.EXPORTS, ReadOf.OVERRIDES}, id="an export"),
        pytest.param(
            {"app": subscription("app", [everywhere(1)], deployment(), **DIVIDED)},
            {ReadOf.SUBSCRIPTION, ReadOf.OBJECT, ReadOf.EXPORTS, ReadOf.OVERRIDES},
            id="the list of feeds",
        ),
        pytest.param(
            {"override": globalization("g", deployment(), override("metadata: {labels: {a: c}}"), affinity=PROD)},
            {ReadOf.OVERRIDES},
            id="an override",
        ),
        pytest.param(
            {"local": localization("l", "fleet-east", service(), override("metadata: {labels: {a: c}}"))},
            {ReadOf.OVERRIDES},
            id="a new override",
        ),
        pytest.param({"west": cluster("west", 2)}, {ReadOf.PLACEMENT}, id="another cluster that takes replicas"),
        pytest.param(
            {"cluster": cluster("east", 1, {"env": "dev", "size": "small"})},
            {ReadOf.CLUSTER, ReadOf.OVERRIDES},
            id="a label that an affinity looks at",
        ),
    ],
)
def test_change_of_a_unit_shows_in_what_it_read(change, asked):
    unit = Unit("default/app", cluster_id(1))
    before, after = rendered(repo()).units[unit], rendered(repo(**change)).units[unit]
    assert before.digest != after.digest
    assert {read.of for read in set(before.reads) ^ set(after.reads)} == asked


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"cluster": cluster("east", 1, {"env": "prod", "size": "large"})}, id="a label nobody looks at"),
        pytest.param({"more": config_map("more")}, id="an object that is no feed"),
        pytest.param(
            {"override": globalization("h", deployment(), override("metadata: {labels: {a: b}}"), affinity=PROD)},
            id="the name of an override",
        ),
    ],
)
def test_change_that_touches_no_unit_touches_no_read(change):
    assert rendered(repo()).units == rendered(repo(**change)).units


@settings(max_examples=60)
@given(repos(), repos(), st.data())
def test_unit_only_changes_when_one_of_its_reads_does(before, after, data):
    # one object at a time moves from one repo to the other, so that each change stands alone
    now, then = of_what(before), of_what(after)
    changed = data.draw(st.sampled_from(sorted(now.keys() | then.keys())))
    one = {**now, changed: then[changed]} if changed in then else {k: v for k, v in now.items() if k != changed}
    old, new = rendered(before).units, rendered(one.values()).units
    for unit in old.keys() & new.keys():
        if old[unit].digest != new[unit].digest:
            assert set(old[unit].reads) != set(new[unit].reads)


@settings(max_examples=30)
@given(repos(), st.randoms(use_true_random=False))
def test_order_of_files_means_nothing(objects, order: random.Random):
    first = rendered(objects)
    order.shuffle(objects)
    assert rendered(objects) == first


@settings(max_examples=30)
@given(repos())
def test_digest_of_a_feed_tells_its_objects(objects):
    by_digest = {}
    for feed in rendered(objects).units.values():
        bodies = [canonical(rendered.body) for rendered in feed.objects]
        assert by_digest.setdefault(feed.digest, bodies) == bodies
