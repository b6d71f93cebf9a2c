"""Tracing tells who set which field, along the way that rendering took."""

from reconciler.model.feed import Unit
from reconciler.model.objects import key_of
from reconciler.render.render import render
from reconciler.render.trace import trace
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


def traced(unit=UNIT, obj=WEB):
    snap = snapshot(cluster("east", 1), cluster("west", 2), WEB, GLOBAL, LOCAL, SUBSCRIPTION)
    scheduled = schedule(snap, facts(snap), NOTHING_BEFORE)
    assert not render(snap, scheduled, facts(snap)).problems
    return trace(snap, scheduled, facts(snap), unit, key_of(obj))


def test_every_step_is_told_in_order_with_the_fields_it_changed():
    assert [(step.place, step.name, step.fields) for step in traced()] == [
        (place_of(WEB), "Deployment default/web", ("",)),
        (place_of(GLOBAL), "Globalization labels[0] tier", ("/metadata/labels",)),
        (place_of(LOCAL), "Localization fleet-east/image[0] image", ("/spec/template/spec/containers/0/image",)),
        (place_of(SUBSCRIPTION), "replicas divided by the Subscription", ("/spec/replicas",)),
        (place_of(WEB), "members that only servers write", ("/status",)),
    ]


def test_steps_of_other_clusters_are_not_told():
    assert all("Localization" not in step.name for step in traced(Unit("default/app", cluster_id(2))))


def test_unit_or_object_that_is_not_delivered_has_no_steps():
    assert traced(Unit("default/app", cluster_id(3))) == ()
    assert traced(Unit("default/none", cluster_id(1))) == ()
    assert traced(obj=deployment("other")) == ()
