"""What the children are asked for, as far as a commit needs it."""

from typing import Any

import pytest

from reconciler.model.snapshot import Snapshot
from reconciler.sync.asking import Questions, questions
from tests.unit.snapshots import cluster, cluster_id, deployment, everywhere, facts, labelled, snapshot, subscription

EAST, WEST = cluster_id(1), cluster_id(2)
DYNAMIC = {"schedulingStrategy": "Dividing", "dividingScheduling": {"type": "Dynamic", "dynamicDividing": {}}}
STATIC = {"schedulingStrategy": "Dividing", "dividingScheduling": {"type": "Static"}}
CHART = {"apiVersion": "apps.clusternet.io/v1alpha1", "kind": "HelmChart", "metadata": {"name": "c", "namespace": "d"}}


def fleet(*subscriptions: dict[str, Any]) -> Snapshot:
    clusters = (cluster("east", 1, {"region": "east"}), cluster("west", 2, {"region": "west"}))
    return snapshot(*clusters, deployment(), *subscriptions)


CASES: dict[str, tuple[dict[str, Any], Questions]] = {
    "replication": (subscription("web", [everywhere()], deployment()), Questions()),
    "static": (subscription("web", [everywhere(1)], deployment(), **STATIC), Questions()),
    "dynamic": (
        subscription("web", [everywhere()], deployment(), **DYNAMIC),
        Questions(room=frozenset({EAST, WEST})),
    ),
    "dynamic-of-one": (
        subscription("web", [labelled(region="east")], deployment(), **DYNAMIC),
        Questions(room=frozenset({EAST})),
    ),
    "dynamic-of-none": (subscription("web", [labelled(region="north")], deployment(), **DYNAMIC), Questions()),
    "dividing-is-not-asked-for": (
        subscription("web", [everywhere()], deployment(), dividingScheduling=DYNAMIC["dividingScheduling"]),
        Questions(),
    ),
    "chart": (subscription("web", [labelled(region="west")], CHART), Questions(kinds=frozenset({WEST}))),
}


@pytest.mark.parametrize(("one", "expected"), CASES.values(), ids=CASES)
def test_only_what_a_commit_needs_is_asked(one: dict[str, Any], expected: Questions) -> None:
    found = fleet(one)
    assert questions(found, facts(found)) == expected


def test_answers_are_asked_for_together() -> None:
    one = subscription("web", [labelled(region="east")], deployment(), **DYNAMIC)
    other = subscription("db", [everywhere()], CHART)
    found = fleet(one, other)
    wanted = questions(found, facts(found))
    assert wanted == Questions(frozenset({EAST}), frozenset({EAST, WEST}))
    assert wanted.clusters == (EAST, WEST)
