"""Decisions from feed, inventory and what was seen; laws over made-up worlds."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.feed import RenderedFeed, RenderedObject, Unit
from reconciler.model.inventory import Entry, Inventory, Keep
from reconciler.model.objects import Object, ObjectKey, digest_of, key_of
from reconciler.model.plan import Action, Evidence, Plan, Seen
from reconciler.planning.plan import keep_of, plan

UNIT = Unit("default/web", "7f3e9f5c-0000-4000-8000-000000000001")
CLEAN = Evidence(clean=True, subscription_known=True, cluster_known=True, placed=True)


def rendered(body: Object) -> RenderedObject:
    return RenderedObject(key_of(body), body["apiVersion"], body, digest_of(body))


def config(name: str, value: str = "1", namespace: str = "a") -> RenderedObject:
    metadata = {"name": name, "namespace": namespace}
    return rendered({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"v": value}})


def space(name: str) -> RenderedObject:
    return rendered({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def feed_of(*objects: RenderedObject) -> RenderedFeed:
    return RenderedFeed(UNIT, objects, digest_of([obj.digest for obj in objects]))


def entry_of(obj: RenderedObject, **more: object) -> Entry:
    known = {"digest": obj.digest, "uid": f"uid-{obj.key.name}", **more}
    return Entry(obj.key, obj.api_version, **known)  # type: ignore[arg-type]


def inventory_of(*entries: Entry) -> Inventory:
    return Inventory(UNIT, "demo", {entry.key: entry for entry in entries})


def actions(decided: Plan) -> dict[str, Action]:
    waves = (*decided.waves, *decided.prunes, decided.kept)
    return {change.key.name: change.action for wave in waves for change in wave}


def test_object_that_the_inventory_lacks_is_created() -> None:
    decided = plan(UNIT, feed_of(config("x")), inventory_of(), {}, CLEAN)
    assert actions(decided) == {"x": Action.CREATE}


def test_object_with_the_digest_of_the_inventory_is_not_written() -> None:
    one = config("x")
    decided = plan(UNIT, feed_of(one), inventory_of(entry_of(one)), {}, CLEAN)
    assert actions(decided) == {"x": Action.UNCHANGED}
    assert decided.changes == 0


def test_object_with_another_digest_is_changed() -> None:
    decided = plan(UNIT, feed_of(config("x", "2")), inventory_of(entry_of(config("x", "1"))), {}, CLEAN)
    assert actions(decided) == {"x": Action.CHANGE}


@pytest.mark.parametrize(("uid", "action"), [("", Action.CREATE), ("u", Action.CHANGE)], ids=["new", "known"])
def test_unconfirmed_write_is_done_again(uid: str, action: Action) -> None:
    one = config("x")
    decided = plan(UNIT, feed_of(one), inventory_of(entry_of(one, digest=None, uid=uid)), {}, CLEAN)
    assert actions(decided) == {"x": action}


SEEN = [
    (Seen(exists=True), Action.UNCHANGED),
    (Seen(exists=True, drifted=True), Action.CHANGE),
    (Seen(exists=False), Action.CREATE),
]


@pytest.mark.parametrize(("seen", "action"), SEEN, ids=["untouched", "drifted", "missing"])
def test_what_was_seen_decides_where_the_digest_says_unchanged(seen: Seen, action: Action) -> None:
    one = config("x")
    decided = plan(UNIT, feed_of(one), inventory_of(entry_of(one)), {one.key: seen}, CLEAN)
    assert actions(decided) == {"x": action}


def test_entry_that_left_the_feed_is_pruned() -> None:
    one, two = config("x"), config("y")
    decided = plan(UNIT, feed_of(one), inventory_of(entry_of(one), entry_of(two)), {}, CLEAN)
    assert actions(decided) == {"x": Action.UNCHANGED, "y": Action.PRUNE}


def test_unit_that_is_not_wanted_any_more_is_pruned_whole() -> None:
    decided = plan(UNIT, None, inventory_of(entry_of(config("x")), entry_of(config("y"))), {}, CLEAN)
    assert set(actions(decided).values()) == {Action.PRUNE}
    assert decided.feed is None


@pytest.mark.parametrize("keep", list(Keep))
def test_object_that_asks_to_stay_or_was_there_before_is_released(keep: Keep) -> None:
    decided = plan(UNIT, None, inventory_of(entry_of(config("x"), keep=keep)), {}, CLEAN)
    assert actions(decided) == {"x": Action.KEEP}
    assert decided.kept[0].released
    assert decided.guard is None


def test_object_that_another_subscription_delivers_now_is_released_to_it() -> None:
    one = config("x")
    evidence = msgspec.structs.replace(CLEAN, elsewhere=frozenset([one.key]))
    decided = plan(UNIT, None, inventory_of(entry_of(one)), {}, evidence)
    assert [(change.action, change.released) for change in decided.kept] == [(Action.KEEP, True)]
    assert decided.prunes == ()


def test_namespace_with_objects_of_another_subscription_stays_and_stays_ours() -> None:
    evidence = msgspec.structs.replace(CLEAN, elsewhere=frozenset([config("other", namespace="a").key]))
    decided = plan(UNIT, None, inventory_of(entry_of(space("a")), entry_of(space("b"))), {}, evidence)
    assert {change.key.name: change.reason for change in decided.kept} == {
        "a": "holds objects of another Subscription",
        "b": "precious",
    }
    assert not any(change.released for change in decided.kept)


def test_definition_with_objects_of_another_subscription_stays() -> None:
    key = ObjectKey("apiextensions.k8s.io", "CustomResourceDefinition", "", "widgets.example.io")
    evidence = msgspec.structs.replace(CLEAN, elsewhere=frozenset([ObjectKey("example.io", "Widget", "a", "w")]))
    decided = plan(UNIT, None, inventory_of(Entry(key, "apiextensions.k8s.io/v1", uid="u")), {}, evidence)
    assert actions(decided) == {"widgets.example.io": Action.KEEP}


def test_annotation_keeps_only_when_it_says_disabled() -> None:
    def with_annotation(value: str) -> Object:
        return {"metadata": {"annotations": {"reconciler.clusternet.io/prune": value}}}

    assert keep_of(with_annotation("disabled")) is Keep.DISABLED
    assert keep_of(with_annotation("enabled")) is None
    assert keep_of({"metadata": {"annotations": None}}) is None


names = st.sampled_from(["a", "b", "c", "d", "e"])
objects = st.one_of(st.builds(config, names, st.sampled_from(["1", "2"]), names), st.builds(space, names))
feeds = st.lists(objects, unique_by=lambda obj: obj.key).map(lambda some: feed_of(*some))
entries = st.builds(
    lambda obj, confirmed, keep: entry_of(obj, digest=obj.digest if confirmed else None, keep=keep),
    objects,
    st.booleans(),
    st.sampled_from([None, None, *Keep]),
)
inventories = st.lists(entries, unique_by=lambda entry: entry.key).map(lambda some: inventory_of(*some))
evidences = st.builds(Evidence, st.booleans(), st.booleans(), st.booleans(), st.booleans())


def executed(decided: Plan, before: Inventory) -> Inventory:
    """The inventory after everything in a plan went well."""
    after = dict(before.entries)
    for change in (change for wave in decided.waves for change in wave):
        if change.wanted:
            after[change.key] = entry_of(change.wanted)
    for change in (change for wave in decided.prunes for change in wave):
        del after[change.key]
    for change in decided.kept:
        if change.released:
            del after[change.key]
    return msgspec.structs.replace(before, entries=after)


@settings(max_examples=40)
@given(st.none() | feeds, inventories, evidences)
def test_after_a_plan_is_carried_out_the_next_one_is_empty(feed, inventory, evidence) -> None:
    decided = plan(UNIT, feed, inventory, {}, evidence)
    again = plan(UNIT, feed, executed(decided, inventory), {}, evidence)
    assert again.changes == 0


@settings(max_examples=40)
@given(st.none() | feeds, inventories, evidences)
def test_only_what_the_inventory_holds_and_the_feed_lacks_is_pruned(feed, inventory, evidence) -> None:
    decided = plan(UNIT, feed, inventory, {}, evidence)
    pruned = {change.key for wave in decided.prunes for change in wave}
    assert pruned <= inventory.entries.keys() - {obj.key for obj in (feed.objects if feed else ())}


@settings(max_examples=40)
@given(feeds, inventories)
def test_nothing_is_written_before_its_namespace(feed, inventory) -> None:
    decided = plan(UNIT, feed, inventory, {}, CLEAN)
    wave_of = {change.key: number for number, wave in enumerate(decided.waves) for change in wave}
    for key, number in wave_of.items():
        home = ObjectKey("", "Namespace", "", key.namespace)
        assert wave_of.get(home, -1) < number


@settings(max_examples=40)
@given(inventories, evidences)
def test_a_plan_decides_about_every_object_exactly_once(inventory, evidence) -> None:
    decided = plan(UNIT, None, inventory, {}, evidence)
    keys = [change.key for wave in (*decided.waves, *decided.prunes, decided.kept) for change in wave]
    assert sorted(keys) == sorted(inventory.entries)
