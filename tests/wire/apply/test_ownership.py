"""Whose an object is: nothing of anybody else is taken or deleted."""

from __future__ import annotations

import json

import msgspec

from reconciler.model.inventory import Keep
from reconciler.model.status import Health, State
from tests.wire.apply.place import CLEAN, Body, Place, acknowledging, config, outcome, results, space


def foreign(place: Place, body: Body) -> Body:
    """Somebody else makes an object, with kubectl."""
    made = place.cluster.kubectl("create", "-f", "-", "-o", "json", "--field-manager=them", input=json.dumps(body))
    return json.loads(made)


def test_refused_object_is_not_deleted_when_it_leaves_the_feed(place: Place) -> None:
    here = place.namespace
    foreign(place, config("a", here, "theirs"))
    place.deliver([config("a", here, "ours"), config("b", here)])
    done = place.deliver(None)
    assert results(done) == {"a": "kept", "b": "pruned"}
    assert outcome(done, "a").message == "it was there before"
    assert place.value("a") == "theirs"
    assert place.inventories() == {}


def test_object_that_was_there_before_is_adopted_and_never_deleted(place: Place) -> None:
    here = place.namespace
    foreign(place, config("a", here, "same"))
    assert results(place.deliver([config("a", here, "same")])) == {"a": "adopted"}
    inventory = place.inventory()
    assert inventory is not None
    assert [entry.keep for entry in inventory.entries.values()] == [Keep.ADOPTED]
    assert results(place.deliver([config("a", here, "same", labels={"more": "yes"})])) == {"a": "changed"}
    done = place.deliver(None)
    assert (results(done), outcome(done, "a").message) == ({"a": "kept"}, "it was there before")
    assert place.value("a") == "same"
    assert place.inventories() == {}


def test_object_that_we_made_is_ours_although_its_inventory_was_lost(place: Place) -> None:
    here = place.namespace
    place.deliver([config("a", here)])
    place.cluster.kubectl(
        "delete", "configmap", "-n", here, "-l", f"reconciler.clusternet.io/fleet={place.fleet}", "--wait"
    )
    place.deliver([config("a", here)])
    assert results(place.deliver(None)) == {"a": "pruned"}


def test_object_of_the_same_name_that_somebody_else_made_since_is_not_deleted(place: Place) -> None:
    here = place.namespace
    place.deliver([config("a", here)])
    place.cluster.kubectl("delete", "configmap", "a", "-n", here)
    foreign(place, config("a", here, "theirs"))
    done = place.deliver(None)
    assert (results(done), outcome(done, "a").message) == (
        {"a": "kept"},
        "not deleted: another object has its name by now",
    )
    assert place.value("a") == "theirs"
    assert place.inventories() == {}


def test_object_that_was_deleted_behind_our_back_is_made_again_when_it_changes(place: Place) -> None:
    here = place.namespace
    place.deliver([config("a", here)])
    place.cluster.kubectl("delete", "configmap", "a", "-n", here)
    assert results(place.deliver([config("a", here, "2")])) == {"a": "created"}


def test_field_that_somebody_took_from_us_is_taken_back_when_the_object_changes(place: Place) -> None:
    here = place.namespace
    place.deliver([config("a", here)])
    place.cluster.kubectl("patch", "configmap", "a", "-n", here, "-p", '{"data":{"value":"theirs"}}')
    assert results(place.deliver([config("a", here, "2")])) == {"a": "changed"}
    assert place.value("a") == "2"


def test_field_that_left_the_manifest_is_removed_and_one_of_others_stays(place: Place) -> None:
    here = place.namespace
    body = config("a", here)
    place.deliver([{**body, "data": {"value": "1", "more": "x"}}])
    place.cluster.kubectl("patch", "configmap", "a", "-n", here, "-p", '{"data":{"theirs":"y"}}')
    place.deliver([body])
    live = place.live("configmaps", "a")
    assert live is not None
    assert live["data"] == {"value": "1", "theirs": "y"}


def test_annotation_in_the_repo_keeps_an_object_that_leaves_its_feed(place: Place) -> None:
    keep = {"reconciler.clusternet.io/prune": "disabled"}
    place.deliver([config("a", place.namespace, annotations=keep)])
    done = place.deliver(None)
    assert (results(done), done.state) == ({"a": "kept"}, State.READY)
    assert place.value("a") == "1"
    assert place.inventories() == {}


def test_annotation_on_the_cluster_keeps_an_object_when_somebody_looks(place: Place) -> None:
    here = place.namespace
    place.deliver([config("a", here)])
    place.cluster.kubectl("annotate", "configmap", "a", "-n", here, "reconciler.clusternet.io/prune=disabled")
    assert results(place.deliver(None, check_drift=True)) == {"a": "kept"}
    assert place.value("a") == "1"


def test_object_that_moves_to_another_subscription_stays(place: Place) -> None:
    body = config("a", place.namespace)
    place.deliver_all([place.work([body], subscription="default/old")])
    before = place.live("configmaps", "a")
    moved = [place.work(None, subscription="default/old"), place.work([body], subscription="default/new")]
    new, old = place.deliver_all(moved)
    assert (results(new), results(old)) == ({"a": "changed"}, {"a": "kept"})
    after = place.live("configmaps", "a")
    assert before is not None
    assert after is not None
    assert before["metadata"]["uid"] == after["metadata"]["uid"]
    (gone,) = place.deliver_all([place.work(None, subscription="default/new")])
    assert results(gone) == {"a": "pruned"}


def test_two_subscriptions_share_an_object_until_the_last_one_leaves(place: Place) -> None:
    body = config("a", place.namespace)
    both = [place.work([body], subscription="default/one"), place.work([body], subscription="default/two")]
    place.deliver_all(both)
    one, _ = place.deliver_all([place.work(None, subscription="default/one"), both[1]])
    assert (results(one), place.value("a")) == ({"a": "kept"}, "1")
    (two,) = place.deliver_all([place.work(None, subscription="default/two")])
    assert (results(two), place.value("a")) == ({"a": "pruned"}, None)


def test_namespace_stays_while_another_subscription_has_objects_in_it(place: Place) -> None:
    home = f"{place.namespace}-home"
    other = place.work([config("a", home)], subscription="default/other")
    place.deliver_all([place.work([space(home)]), other])
    done = place.deliver_all([place.work(None), other])
    assert [results(one) for one in done] == [{"a": "unchanged"}, {home: "kept"}]
    last = place.deliver_all([place.work(None), place.work(None, subscription="default/other")])
    assert sorted(name for one in last for name in results(one)) == ["a", home]
    assert place.cluster.api.request("GET", f"/api/v1/namespaces/{home}/configmaps/a")[0] == 404


def test_two_fleets_on_one_cluster_do_not_prune_each_other(place: Place) -> None:
    here = place.namespace
    place.deliver([config("a", here)])
    other = msgspec.structs.replace(CLEAN)
    second = Place(place.cluster, here, f"{place.fleet}-b", place.kubeconfig)
    assert outcome(second.deliver([config("a", here, "mine")], other), "a").reason == "AdoptionRefused"
    assert results(second.deliver(None)) == {}
    assert place.value("a") == "1"


def test_object_that_waits_for_its_finalizer_is_not_forgotten(place: Place) -> None:
    here = place.namespace
    place.deliver([config("a", here, finalizers=["example.io/hold"])])
    done = place.deliver(None, timeout=1.0)
    held = outcome(done, "a")
    assert (held.health, held.message) == (Health.PROGRESSING, "is being deleted, waits for example.io/hold")
    assert done.state is State.PROGRESSING
    assert place.inventory() is not None
    place.cluster.kubectl("patch", "configmap", "a", "-n", here, "-p", '{"metadata":{"finalizers":null}}')
    assert results(place.deliver(None)) == {"a": "pruned"}
    assert place.inventories() == {}


def test_namespace_is_not_deleted_before_what_we_have_in_it_is_gone(place: Place) -> None:
    home = f"{place.namespace}-home"
    place.deliver([space(home), config("a", home, finalizers=["example.io/hold"])])
    done = place.remove(timeout=1.0)
    assert results(done) == {"a": "kept", home: "kept"}
    assert outcome(done, home).message == f"waits for ConfigMap {home}/a"
    assert "deletionTimestamp" not in place.cluster.api.get(f"/api/v1/namespaces/{home}")["metadata"]
    place.cluster.kubectl("patch", "configmap", "a", "-n", home, "-p", '{"metadata":{"finalizers":null}}')
    assert results(place.remove()) == {"a": "pruned", home: "pruned"}


def test_object_that_comes_back_while_it_goes_is_made_again(place: Place) -> None:
    home = f"{place.namespace}-home"
    place.deliver([space(home), config("a", home)])
    held = place.deliver([config("b", place.namespace)], dry_run=True)
    place.deliver([config("b", place.namespace)], acknowledging(held), wait=False)
    done = place.deliver([config("b", place.namespace), space(home), config("a", home)])
    assert done.state is State.READY
    assert "deletionTimestamp" not in place.cluster.api.get(f"/api/v1/namespaces/{home}")["metadata"]
    place.deliver(None, wait=False)
