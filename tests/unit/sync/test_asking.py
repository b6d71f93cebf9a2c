"""What the children are asked for, as far as a commit needs it."""

import asyncio
from typing import Any

import pytest

from reconciler.adapters.kube.client import Listing
from reconciler.model.clusters import ClusterFacts, NodeFact
from reconciler.model.errors import ApiError, ReconcilerError, Unreachable
from reconciler.model.snapshot import Snapshot
from reconciler.sync import asking, room
from reconciler.sync.asking import Questions, Silence, asked, cautious, questions
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


LOST, REFUSED = Unreachable("unreachable", "nobody there"), ApiError(403, "Forbidden", "may not list pods")


@pytest.mark.parametrize(
    ("error", "lost", "said", "left"),
    [
        (LOST, True, "nobody there", {}),
        (REFUSED, False, "may not list pods; `reconciler cluster add` gives its account the right", {"cpu": "8"}),
    ],
    ids=["out-of-reach", "forbidden"],
)
def test_who_does_not_answer_costs_only_itself(
    error: ReconcilerError, lost: bool, said: str, left: dict[str, str]
) -> None:
    fleet = {i: ClusterFacts(i, f"n-{i}", i, allocatable={"cpu": "8"}) for i in (EAST, WEST)}

    async def connect(cluster: ClusterFacts) -> Any:
        if cluster.id == EAST:
            raise error
        return Answering()

    wanted = Questions(room=frozenset({EAST, WEST}))
    known, silent = asyncio.run(asked(fleet, wanted, connect))
    assert silent == {EAST: Silence(said, lost)}
    assert known[EAST] == fleet[EAST]
    assert known[WEST].nodes == ()
    assert cautious(known, wanted, silent)[EAST].allocatable == left


class Answering:
    """A cluster without nodes and pods."""

    async def list(self, path: str, **_: Any) -> Listing:
        return Listing((), "1")

    def heard(self) -> float:
        return asyncio.get_running_loop().time()


def test_silent_clusters_hold_up_nobody_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "AT_ONCE", 2)
    monkeypatch.setattr(asking, "PATIENCE", 0.3)
    monkeypatch.setattr(room, "PATIENCE", 0.02)
    ids = [cluster_id(number) for number in range(1, 12)]
    fleet = {i: ClusterFacts(i, f"n-{i}", i, allocatable={"cpu": "8"}) for i in ids}
    still_silent: list[str] = []

    async def connect(cluster: ClusterFacts) -> Any:
        if cluster.id != ids[-1]:
            still_silent.append(cluster.id)
            try:
                await asyncio.sleep(60)
            finally:
                still_silent.remove(cluster.id)
        behind.extend(still_silent)
        return Answering()

    behind: list[str] = []
    known, silent = asyncio.run(asked(fleet, Questions(room=frozenset(ids)), connect))
    assert len(behind) > 2
    assert known[ids[-1]].nodes == ()
    assert {one.lost for one in silent.values()} == {True}


def test_what_a_file_says_of_the_nodes_of_a_cluster_out_of_reach_stays() -> None:
    fleet = {EAST: ClusterFacts(EAST, "n", "east", allocatable={"cpu": "8"}, nodes=(NodeFact(free=(("cpu", 1),)),))}
    assert cautious(fleet, Questions(room=frozenset({EAST})), {EAST: Silence("gone", lost=True)}) == fleet
