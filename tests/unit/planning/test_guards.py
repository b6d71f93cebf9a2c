"""Which deletes wait for an acknowledgement, and what acknowledges them."""

import msgspec
import pytest

from reconciler.model.feed import RenderedFeed, Unit
from reconciler.model.objects import Digest, ObjectKey
from reconciler.model.plan import Evidence
from reconciler.planning.guards import guard, precious

UNIT = Unit("default/web", "7f3e9f5c-0000-4000-8000-000000000001")
KEYS = (ObjectKey("", "ConfigMap", "a", "x"), ObjectKey("", "ConfigMap", "a", "y"))
CLEAN = Evidence(clean=True, subscription_known=True, cluster_known=True, placed=True)
FEED = RenderedFeed(UNIT, (object(),), Digest("d"))  # type: ignore[arg-type]
EMPTY = RenderedFeed(UNIT, (), Digest("d"))

REMOVED_ON_PURPOSE = {
    "a feed": (FEED, CLEAN),
    "the Subscription": (None, msgspec.structs.replace(CLEAN, subscription_known=False)),
    "the cluster from the selector": (None, CLEAN),
}
PERHAPS_LOST = {
    "repo with errors, feed shrank": (FEED, {"clean": False}, "problems"),
    "repo with errors, Subscription gone": (None, {"clean": False, "subscription_known": False}, "problems"),
    "repo with errors, cluster left": (None, {"clean": False}, "problems"),
    "feed is empty": (EMPTY, {}, "empty-feed"),
    "cluster vanished": (None, {"cluster_known": False}, "vanished-cluster"),
    "cluster and Subscription vanished": (
        None,
        {"cluster_known": False, "subscription_known": False},
        "vanished-cluster",
    ),
    "no Subscription at all": (None, {"empty": True, "subscription_known": False}, "empty-repo"),
    "goes nowhere": (None, {"placed": False}, "unplaced"),
}


@pytest.mark.parametrize("case", REMOVED_ON_PURPOSE)
def test_what_a_clean_commit_removed_goes_without_a_question(case: str) -> None:
    feed, evidence = REMOVED_ON_PURPOSE[case]
    assert guard(UNIT, feed, KEYS, evidence) is None


@pytest.mark.parametrize("case", PERHAPS_LOST)
def test_what_may_have_been_lost_stays(case: str) -> None:
    feed, change, rule = PERHAPS_LOST[case]
    held = guard(UNIT, feed, KEYS, msgspec.structs.replace(CLEAN, **change))
    assert held is not None
    assert (held.rule, held.keys) == (rule, KEYS)


def test_guard_without_deletes_is_none() -> None:
    assert guard(UNIT, EMPTY, (), CLEAN) is None


def test_a_digest_stands_for_exactly_these_objects_of_this_unit() -> None:
    def digest_of(unit: Unit, *keys: ObjectKey) -> Digest:
        held = guard(unit, EMPTY, keys, CLEAN)
        assert held is not None
        return held.acknowledge

    assert digest_of(UNIT, *KEYS) == digest_of(UNIT, *reversed(KEYS))
    others = {digest_of(UNIT, *KEYS, ObjectKey("", "Secret", "a", "z")), digest_of(Unit("default/web", "other"), *KEYS)}
    assert digest_of(UNIT, *KEYS) not in others


PRECIOUS = {
    "Namespace": ObjectKey("", "Namespace", "", "a"),
    "PersistentVolume": ObjectKey("", "PersistentVolume", "", "disk"),
    "PersistentVolumeClaim": ObjectKey("", "PersistentVolumeClaim", "a", "data"),
    "CustomResourceDefinition": ObjectKey("apiextensions.k8s.io", "CustomResourceDefinition", "", "widgets.example.io"),
}


@pytest.mark.parametrize("kind", PRECIOUS)
def test_what_takes_data_along_is_held_and_nothing_else(kind: str) -> None:
    held = precious(UNIT, [*KEYS, PRECIOUS[kind]])
    assert held is not None
    assert (held.rule, held.keys) == ("precious", (PRECIOUS[kind],))
    assert kind in held.message


def test_nothing_is_precious_by_its_kind_in_another_group() -> None:
    assert precious(UNIT, [*KEYS, ObjectKey("example.io", "Namespace", "", "a")]) is None
