"""Facts from a hub's list, and what is merged into objects that are there."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.clusters import EXPORTED, OBSERVED, ClusterFacts, NodeFact, TaintFact, facts_of, observed_of
from reconciler.registry.facts import facts
from reconciler.registry.merging import missing

ID = "dc91021d-2361-4f6d-a404-7c33b9e01118"


def cluster(name: str, created: str = "2026-01-01T00:00:00Z", id: str = ID, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": f"clusternet-{name}", "creationTimestamp": created, **metadata},
        "spec": {"clusterId": id, "syncMode": "Push"},
    }


def test_a_cluster_is_its_id_in_lower_case() -> None:
    assert list(facts([cluster("east", id=ID.upper())]).clusters) == [ID]


def test_an_id_that_is_claimed_twice_belongs_to_the_oldest_and_is_told() -> None:
    found = facts([cluster("planted", "2026-02-01T00:00:00Z"), cluster("east")])
    assert found.clusters[ID].name == "east"
    assert found.complaints == (
        "ManagedCluster clusternet-planted/planted claims the clusterId of clusternet-east/east and is left out",
    )


def test_a_cluster_that_is_being_deleted_is_marked() -> None:
    found = facts([cluster("east", deletionTimestamp="2026-02-01T00:00:00Z")])
    assert found.clusters[ID].deleting


def test_an_object_without_id_is_told() -> None:
    found = facts([{"metadata": {"name": "a", "namespace": "b"}}])
    assert not found.clusters
    assert found.complaints == ("ManagedCluster b/a has no clusterId and is left out",)


trees = st.recursive(
    st.one_of(st.booleans(), st.text("ab", max_size=2), st.lists(st.integers(0, 1), max_size=2)),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


def merge(patch: Any, live: Any) -> Any:
    """RFC 7386, without removal."""
    if not isinstance(patch, dict):
        return patch
    there = live if isinstance(live, dict) else {}
    return there | {key: merge(value, there.get(key)) for key, value in patch.items()}


@given(objects, objects)
def test_the_patch_brings_in_what_was_missing_and_then_nothing_is(wanted: Any, live: Any) -> None:
    assert missing(wanted, merge(missing(wanted, live), live)) == {}


@given(objects, objects)
def test_the_patch_touches_only_what_is_wanted(wanted: Any, live: Any) -> None:
    merged = merge(missing(wanted, live), live)
    assert all(merged[key] == value for key, value in live.items() if key not in wanted)


def test_labels_of_others_stay() -> None:
    assert missing({"labels": {"a": "1"}}, {"labels": {"b": "2"}}) == {"labels": {"a": "1"}}
    assert missing({"labels": {"a": "1"}}, {"labels": {"a": "1", "b": "2"}}) == {}


names = st.sampled_from(["apps/v1/Deployment", "v1/Node", "batch/v1/Job"])
resources = st.sampled_from(["cpu", "memory", "pods", "example.com/card", "ephemeral-storage", "hugepages-2Mi"])
words = st.text("abc", max_size=2)
nodes = st.builds(
    NodeFact,
    count=st.integers(1, 9),
    labels=st.dictionaries(words, words, max_size=2).map(lambda labels: tuple(sorted(labels.items()))),
    taints=st.lists(st.builds(TaintFact, words, words, words), max_size=2).map(lambda taints: tuple(sorted(taints))),
    free=st.dictionaries(resources, st.integers(-(2**50), 2**50)).map(lambda free: tuple(sorted(free.items()))),
)


@given(
    st.none() | st.lists(nodes, max_size=3).map(tuple),
    st.dictionaries(names, st.integers(1, 9)),
    st.dictionaries(names, st.booleans()),
)
def test_what_children_said_survives_a_file(
    nodes: tuple[NodeFact, ...] | None, running: dict[str, int], apis: dict[str, bool]
) -> None:
    known = ClusterFacts(ID, "clusternet-east", "east", nodes=nodes, running=running, apis=apis)
    file = cluster("east") | {"status": {OBSERVED: observed_of(known)}}
    assert facts_of(file) == known


@pytest.mark.parametrize(
    "told",
    [
        {"nodes": [{"free": {"cpu": "much"}}]},
        {"nodes": [7]},
        {"nodes": 7},
        {"running": ["web"]},
        {"apis": ["v1/Pod"]},
        "nothing",
        None,
    ],
    ids=["quantity", "node", "nodes", "running", "apis", "text", "null"],
)
def test_what_cannot_be_read_of_a_status_was_never_seen(told: object) -> None:
    found = facts_of(cluster("east") | {"status": {OBSERVED: told}})
    assert (found.nodes, found.running, found.apis) == (None, {}, {})


def test_an_export_is_known_by_its_mark_and_is_otherwise_the_cluster_that_the_hub_knows() -> None:
    live = facts_of(cluster("east", annotations={"a": "b", "kubectl.kubernetes.io/last-applied-configuration": "{}"}))
    copy = facts_of(cluster("east", annotations={"a": "b", EXPORTED: "true"}))
    assert copy.exported
    assert msgspec.structs.replace(copy, exported=False) == live
