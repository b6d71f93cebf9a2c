"""The way of one object through its overrides and its share of divided replicas."""

import msgspec
import pytest

from reconciler.model.objects import digest_of, key_of
from reconciler.model.selectors import LabelIndex
from reconciler.model.settings import ReplicaPath, Scheduling
from reconciler.model.snapshot import Place, Resource
from reconciler.render.overrides import Overrides
from reconciler.render.pointer import differing
from reconciler.render.stages import Share, stages
from tests.unit.snapshots import cluster, deployment, facts, globalization, override, snapshot

EAST = cluster("east", 1)
OBJECTS = {
    "a Deployment": (deployment(), "/spec/replicas", 3),
    "a Job": (
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"parallelism": 6}},
        "/spec/parallelism",
        6,
    ),
    "a declared kind": (
        {"apiVersion": "example.com/v1", "kind": "Pool", "metadata": {"name": "p"}, "spec": {"size": {"wanted": 4}}},
        "/spec/size/wanted",
        4,
    ),
    "a declared kind without the field": (
        {"apiVersion": "example.com/v1", "kind": "Pool", "metadata": {"name": "p"}},
        "/spec/size/wanted",
        None,
    ),
}
POOLS = Scheduling(replica_paths=(ReplicaPath(api_version="example.com/v1", kind="Pool", path="/spec/size/wanted"),))


def way(obj, *overrides):
    """All stages of an object on the only cluster, with 2 of its replicas."""
    snap = snapshot(EAST, obj, *overrides)
    snap = msgspec.structs.replace(snap, settings=msgspec.structs.replace(snap.settings, scheduling=POOLS))
    applicable = Overrides(snap, facts(snap), LabelIndex({})).of(key_of(obj), obj["apiVersion"])
    resource = Resource(Place("object.yaml"), key_of(obj), obj["apiVersion"], obj, digest_of(obj))
    share = Share(2, Place("subscription.yaml"), applicable.replicas_at)
    return list(stages(resource, applicable.general, share, snap.values))


def at(body, path):
    for part in path.split("/")[1:]:
        body = body.get(part, {})
    return body or None


@pytest.mark.parametrize(("obj", "path", "before"), OBJECTS.values(), ids=OBJECTS)
def test_divided_replicas_are_written_where_the_kind_keeps_them(obj, path, before):
    first, *_, last = way(obj)
    assert (at(first.body, path), at(last.body, path)) == (before, 2)
    assert all(path.startswith(pointer) for pointer in differing(first.body, last.body))


@pytest.mark.parametrize("obj", [obj for obj, _, before in OBJECTS.values() if before], ids=list(OBJECTS)[:3])
def test_override_of_divided_replicas_is_warned_of_wherever_they_are(obj):
    path = next(path for known, path, _ in OBJECTS.values() if known is obj)
    entry = override(f'[{{"op": "replace", "path": "{path}", "value": 9}}]', "JSONPatch")
    found = [problem.rule for stage in way(obj, globalization("g", obj, entry)) for problem in stage.findings]
    assert found == ["override-overruled"]


def test_override_of_another_field_is_not_warned_of():
    entry = override("spec: {backoffLimit: 1, template: {x: y}}")
    job = OBJECTS["a Job"][0]
    assert not [problem for stage in way(job, globalization("g", job, entry)) for problem in stage.findings]
