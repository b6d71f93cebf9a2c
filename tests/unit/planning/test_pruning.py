"""What becomes of objects that left a feed: which guard holds them, what an acknowledgement lets go, what is let be."""

import msgspec
import pytest

from reconciler.model.applying import Propagation
from reconciler.model.feed import Unit
from reconciler.model.inventory import Entry, Inventory
from reconciler.model.objects import Digest, ObjectKey
from reconciler.model.plan import Evidence
from reconciler.planning.pruning import Pruning, propagation_of, pruning

UNIT = Unit("default/web", "7f3e9f5c-0000-4000-8000-000000000001")
CLEAN = Evidence(clean=True, subscription_known=True, cluster_known=True, placed=True)
GONE = msgspec.structs.replace(CLEAN, subscription_known=False)
CONFIG = ObjectKey("", "ConfigMap", "a", "x")
SPACE = ObjectKey("", "Namespace", "", "a")
CLAIM = ObjectKey("", "PersistentVolumeClaim", "a", "data")


def inventory(*keys: ObjectKey, orphan: bool = False) -> Inventory:
    return Inventory(UNIT, "demo", {key: Entry(key, "v1", uid=key.name) for key in keys}, orphan=orphan)


def pruned(decided: Pruning) -> set[ObjectKey]:
    return {change.key for wave in decided.prunes for change in wave}


def acknowledging(evidence: Evidence, *digests: Digest) -> Evidence:
    return msgspec.structs.replace(evidence, acknowledged=frozenset(digests))


def test_precious_objects_wait_and_the_others_of_the_unit_go() -> None:
    decided = pruning(UNIT, None, inventory(CONFIG, SPACE, CLAIM), CLEAN)
    assert pruned(decided) == {CONFIG}
    assert decided.guard is not None
    assert decided.guard.keys == (SPACE, CLAIM)
    assert {change.key: change.released for change in decided.kept} == {SPACE: False, CLAIM: False}


def test_acknowledged_precious_objects_go_and_use_up_no_budget() -> None:
    held = pruning(UNIT, None, inventory(CONFIG, SPACE), CLEAN).guard
    assert held is not None
    decided = pruning(UNIT, None, inventory(CONFIG, SPACE), acknowledging(CLEAN, held.acknowledge))
    assert (pruned(decided), decided.guard, decided.acknowledged) == ({CONFIG, SPACE}, None, frozenset({SPACE}))


def test_a_guard_that_holds_everything_wins_and_is_acknowledged_once_for_all() -> None:
    unplaced = msgspec.structs.replace(CLEAN, placed=False)
    held = pruning(UNIT, None, inventory(CONFIG, SPACE), unplaced).guard
    assert held is not None
    assert (held.rule, held.keys) == ("unplaced", (CONFIG, SPACE))
    decided = pruning(UNIT, None, inventory(CONFIG, SPACE), acknowledging(unplaced, held.acknowledge))
    assert (pruned(decided), decided.guard) == ({CONFIG, SPACE}, None)


def test_an_acknowledgement_does_not_cover_one_more_object() -> None:
    held = pruning(UNIT, None, inventory(SPACE), CLEAN).guard
    assert held is not None
    again = pruning(UNIT, None, inventory(SPACE, CLAIM), acknowledging(CLEAN, held.acknowledge))
    assert (pruned(again), again.guard and again.guard.keys) == (set(), (SPACE, CLAIM))


ORPHANED = {
    "Subscription gone, remembered": (inventory(CONFIG, SPACE, orphan=True), GONE),
    "cluster left, said": (inventory(CONFIG, SPACE), msgspec.structs.replace(CLEAN, orphan=True)),
}


@pytest.mark.parametrize("case", ORPHANED)
def test_orphaned_objects_are_let_be_and_forgotten(case: str) -> None:
    there, evidence = ORPHANED[case]
    decided = pruning(UNIT, None, there, evidence)
    assert (pruned(decided), decided.guard) == (set(), None)
    assert {change.key: change.released for change in decided.kept} == {CONFIG: True, SPACE: True}


def test_the_annotation_that_was_taken_away_orphans_nothing() -> None:
    assert pruned(pruning(UNIT, None, inventory(CONFIG, orphan=True), CLEAN)) == {CONFIG}


def test_what_may_be_lost_is_not_even_let_go() -> None:
    broken = msgspec.structs.replace(GONE, clean=False)
    decided = pruning(UNIT, None, inventory(CONFIG, orphan=True), broken)
    assert [(change.reason, change.released) for change in decided.kept] == [("problems", False)]


@pytest.mark.parametrize(("said", "read"), [("Orphan", Propagation.ORPHAN), ("orphan", None), (None, None)])
def test_propagation_is_read_as_kubernetes_spells_it(said: str | None, read: Propagation | None) -> None:
    annotations = {"reconciler.clusternet.io/propagation": said} if said else None
    assert propagation_of({"metadata": {"annotations": annotations}}) == read
