"""Two runs at once: each keeps what it changed, and what both changed is what the newer commit says."""

import msgspec
import pytest

from reconciler.model.objects import CommitId
from reconciler.model.status import ClusterNote, FleetStatus, State, UnitStatus
from reconciler.planning.statusmerge import merge

OLD, OURS, THEIRS = CommitId("a" * 40), CommitId("b" * 40), CommitId("c" * 40)


def fleet(commit: CommitId = OLD, version: str = "", **messages: str) -> FleetStatus:
    """One unit per cluster, with a message."""
    units = [UnitStatus("default/web", name, State.READY, message=text) for name, text in messages.items()]
    clusters = {name: ClusterNote(name, name, "") for name in messages}
    return FleetStatus("web", commit, clusters, {unit.unit: unit for unit in units}, version=version)


BEFORE = fleet(a="0", b="0")


@pytest.mark.parametrize(
    ("ours", "theirs", "newer", "merged"),
    [
        (fleet(OURS, a="1", b="0"), fleet(THEIRS, "v", a="0", b="2"), False, fleet(OURS, "v", a="1", b="2")),
        (fleet(OURS, a="1", b="0"), fleet(THEIRS, "v", a="0", b="2"), True, fleet(THEIRS, "v", a="1", b="2")),
        (fleet(OURS, a="1", b="0"), fleet(THEIRS, "v", a="2", b="0"), False, fleet(OURS, "v", a="1", b="0")),
        (fleet(OURS, a="1", b="0"), fleet(THEIRS, "v", a="2", b="0"), True, fleet(THEIRS, "v", a="2", b="0")),
        (fleet(OURS, a="0"), fleet(THEIRS, "v", a="2", b="0"), False, fleet(OURS, "v", a="2")),
        (fleet(OURS, a="0"), fleet(THEIRS, "v", a="0", b="2"), True, fleet(THEIRS, "v", a="0", b="2")),
        (fleet(OURS, a="0", b="0", c="1"), fleet(THEIRS, "v", a="0"), False, fleet(OURS, "v", a="0", c="1")),
        (BEFORE, fleet(THEIRS, "v", a="9"), False, fleet(THEIRS, "v", a="9")),
        (fleet(OURS, a="1", b="0"), BEFORE, False, fleet(OURS, a="1", b="0")),
    ],
    ids=[
        "both", "both, theirs newer", "same unit", "same unit, theirs newer", "we removed, they kept",
        "we removed, they changed and are newer", "we added, they removed", "only they", "only we",
    ],
)  # fmt: skip
def test_changes_of_both_are_kept(ours: FleetStatus, theirs: FleetStatus, newer: bool, merged: FleetStatus) -> None:
    assert merge(BEFORE, ours, theirs, theirs_is_newer=newer) == merged


def test_the_note_of_a_cluster_comes_with_our_unit_when_they_dropped_it() -> None:
    ours = msgspec.structs.replace(fleet(OURS, a="1", b="0"), clusters=BEFORE.clusters)
    merged = merge(BEFORE, ours, fleet(THEIRS, b="0"), theirs_is_newer=False)
    assert merged.clusters.keys() == {"a", "b"}


def test_the_place_of_delivery_is_the_newer_runs() -> None:
    ours, theirs = msgspec.structs.replace(BEFORE, place="branches"), msgspec.structs.replace(BEFORE, place="clusters")
    assert merge(BEFORE, ours, theirs, theirs_is_newer=True).place == "clusters"
    assert merge(BEFORE, ours, theirs, theirs_is_newer=False).place == "branches"
    assert merge(BEFORE, BEFORE, theirs, theirs_is_newer=False).place == "clusters"
