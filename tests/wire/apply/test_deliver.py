"""What is written to a cluster, and what is not."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from reconciler.apply.deliver import nothing
from reconciler.model.errors import Exit
from reconciler.model.feed import Unit
from reconciler.model.plan import Work
from reconciler.model.status import Delivered, Health, State
from tests.plugins.faults import Fault, FaultProxy
from tests.wire.apply.place import (
    CLEAN,
    COMMIT,
    Place,
    acknowledging,
    config,
    custom,
    definition,
    deliver,
    deployment,
    outcome,
    results,
    secret,
    space,
)


def test_feed_is_created_changed_and_pruned(place: Place) -> None:
    here = place.namespace
    first = place.deliver([config("a", here), config("b", here)])
    assert results(first) == {"a": "created", "b": "created"}
    assert first.state is State.READY
    second = place.deliver([config("a", here, "2"), config("c", here)])
    assert results(second) == {"a": "changed", "b": "pruned", "c": "created"}
    assert (place.value("a"), place.value("b"), place.value("c")) == ("2", None, "1")
    third = place.deliver(None)
    assert results(third) == {"a": "pruned", "c": "pruned"}
    assert place.inventories() == {}


def test_same_feed_again_writes_nothing_and_reads_no_object(behind: Place, proxy: FaultProxy) -> None:
    bodies = [config("a", behind.namespace), deployment("d", behind.namespace, 0)]
    done = behind.deliver(bodies)
    before = proxy.requests()
    again = behind.deliver(bodies, wait=False)
    assert set(results(again).values()) == {"unchanged"}
    assert (again.feed, again.state) == (done.feed, State.DELIVERED)
    new = proxy.requests() - before
    assert [method for method, _ in new.elements()] == ["GET", "GET"], "inventories of both kinds, and nothing else"


def test_first_apply_asks_for_its_inventory_and_once_for_each_collection(behind: Place, proxy: FaultProxy) -> None:
    bodies = [config(f"c{n}", behind.namespace) for n in range(5)]
    behind.deliver([*bodies, deployment("d", behind.namespace, 0)], wait=False)
    requests = proxy.requests().elements()
    ours = [(method, path) for method, path in requests if "labelSelector" not in path and "/leases" not in path]
    assert sorted(method for method, _ in ours if method in ("GET", "PATCH")) == ["GET", "GET", *["PATCH"] * 6]


def test_inventory_records_what_the_server_confirmed(place: Place) -> None:
    done = place.deliver([config("a", place.namespace)])
    inventory = place.inventory()
    assert inventory is not None
    (entry,) = inventory.entries.values()
    live = place.live("configmaps", "a")
    assert live is not None
    assert (entry.uid, entry.resource_version) == (live["metadata"]["uid"], live["metadata"]["resourceVersion"])
    assert entry.digest is not None
    assert (inventory.feed, inventory.commit) == (done.feed, COMMIT)


def test_inventory_is_a_config_map_that_names_fleet_subscription_and_cluster(place: Place) -> None:
    place.deliver([config("a", place.namespace)])
    (item,) = json.loads(
        place.cluster.kubectl(
            "get",
            "configmap",
            "-n",
            place.namespace,
            "-l",
            f"reconciler.clusternet.io/fleet={place.fleet}",
            "-o",
            "json",
        )
    )["items"]
    assert item["metadata"]["annotations"] == {
        "reconciler.clusternet.io/subscription": "default/web",
        "reconciler.clusternet.io/cluster": place.facts.id,
    }
    assert json.loads(item["data"]["inventory"])["entries"][0]["kind"] == "ConfigMap"


def test_namespace_of_inventories_is_made_when_it_is_missing(place: Place) -> None:
    elsewhere = f"{place.namespace}-system"
    place.deliver([config("a", place.namespace)], namespace=elsewhere)
    assert place.cluster.api.get(f"/api/v1/namespaces/{elsewhere}/configmaps")["items"]
    place.cluster.api.delete(f"/api/v1/namespaces/{elsewhere}")


def test_object_carries_our_manager_and_the_annotations_of_clusternet(place: Place) -> None:
    wanted = config("a", place.namespace, annotations={"mine": "stays"})
    place.deliver([wanted])
    live = place.live("configmaps", "a")
    assert live is not None
    annotations = live["metadata"]["annotations"]
    assert annotations["mine"] == "stays"
    assert annotations["apps.clusternet.io/owned-by-description"] == f"clusternet-{place.cluster.name}.web-generic"
    applied = json.loads(annotations["clusternet.io/last-applied-configuration"])
    assert applied["data"] == wanted["data"]
    assert {entry["manager"] for entry in live["metadata"]["managedFields"]} == {f"reconciler.{place.fleet}"}


def test_secret_shows_its_values_in_no_annotation(place: Place) -> None:
    place.deliver([secret("s", place.namespace, "canary-value")])
    live = place.live("secrets", "s")
    assert live is not None
    assert list(live["metadata"]["annotations"]) == ["apps.clusternet.io/owned-by-description"]


def test_namespace_comes_before_its_objects_and_goes_after_them(place: Place) -> None:
    home = f"{place.namespace}-home"
    done = place.deliver([config("a", home), space(home)])
    assert set(results(done).values()) == {"created"}
    gone = place.remove()
    assert results(gone) == {"a": "pruned", home: "pruned"}
    assert gone.state is State.READY


def test_objects_of_a_namespace_that_fails_are_skipped_and_the_rest_goes_on(place: Place) -> None:
    home = f"{place.namespace}-home"
    done = place.deliver([space(home, labels={"a": "not a label!"}), config("a", home), config("b", place.namespace)])
    assert results(done) == {home: "failed", "a": "skipped", "b": "created"}
    assert outcome(done, home).reason == "Invalid"
    assert outcome(done, "a").message == f"Namespace {home} could not be written"
    assert (done.state, done.feed) == (State.FAILED, None)


def test_failed_object_keeps_prunes_from_happening(place: Place) -> None:
    here = place.namespace
    place.deliver([config("a", here), config("old", here)])
    done = place.deliver([config("a", here), config("b", here, labels={"a": "not a label!"})])
    assert results(done) == {"a": "unchanged", "b": "failed", "old": "kept"}
    assert place.value("old") == "1"
    again = place.deliver([config("a", here), config("b", here)])
    assert results(again) == {"a": "unchanged", "b": "created", "old": "pruned"}


def test_definition_and_its_objects_in_one_unit(place: Place) -> None:
    group = f"{place.namespace}.example.io"
    bodies = [custom(group, "Widget", "w", place.namespace), definition(group, "Widget")]
    done = place.deliver(bodies)
    assert set(results(done).values()) == {"created"}
    assert done.state is State.READY
    gone = place.remove()
    assert set(results(gone).values()) == {"pruned"}


def test_objects_wait_for_a_definition_that_another_unit_brings(place: Place) -> None:
    group = f"{place.namespace}.example.io"
    works = [
        place.work([custom(group, "Widget", "w", place.namespace)], subscription="default/a"),
        place.work([definition(group, "Widget")], subscription="default/b"),
    ]
    done = place.deliver_all(works)
    assert [one.state for one in done] == [State.READY, State.READY]
    gone = [place.work(None, subscription="default/a"), place.work(None, subscription="default/b")]
    seen = acknowledging(*place.deliver_all(gone, dry_run=True))
    place.deliver_all([msgspec.structs.replace(work, evidence=seen) for work in gone])
    assert place.inventories() == {}


def test_kind_that_nobody_brings_fails_at_once_in_words_of_kubectl(place: Place) -> None:
    done = place.deliver([custom("nobody.example.io", "Widget", "w", place.namespace), config("a", place.namespace)])
    assert results(done) == {"w": "failed", "a": "created"}
    assert outcome(done, "w").message == 'no matches for kind "Widget" in version "nobody.example.io/v1"'


def test_object_whose_definition_is_gone_is_gone(place: Place) -> None:
    group = f"{place.namespace}.example.io"
    place.deliver([custom(group, "Widget", "w", place.namespace), definition(group, "Widget")])
    place.cluster.kubectl("delete", "crd", f"widgets.{group}")
    gone = place.remove()
    assert set(results(gone).values()) == {"pruned"}
    assert place.inventories() == {}


def test_dry_run_says_what_would_happen_and_writes_nothing(behind: Place, proxy: FaultProxy) -> None:
    done = behind.deliver([config("a", behind.namespace)], dry_run=True)
    assert results(done) == {"a": "created"}
    assert proxy.count("(?!GET).*") == 0


@pytest.mark.parametrize("acknowledged", [False, True], ids=["not acknowledged", "acknowledged"])
def test_empty_feed_prunes_only_what_was_acknowledged(place: Place, acknowledged: bool) -> None:
    place.deliver([config("a", place.namespace)])
    held = place.deliver([])
    assert (held.state, results(held)) == (State.HELD, {"a": "kept"})
    assert held.guard is not None
    if acknowledged:
        evidence = type(CLEAN)(True, True, True, True, frozenset([held.guard.acknowledge]))
        assert results(place.deliver([], evidence)) == {"a": "pruned"}
    assert place.value("a") == (None if acknowledged else "1")


def test_unit_that_nobody_mentioned_is_decided_about(place: Place) -> None:
    place.deliver([config("a", place.namespace)])
    asked: list[Unit] = []

    def decide(unit: Unit) -> Work | Delivered | None:
        asked.append(unit)
        return Work(unit, None, CLEAN)

    (done,) = place.deliver_all([], decide)
    assert (asked, results(done)) == ([place.unit], {"a": "pruned"})


def test_broken_unit_does_not_stop_another(place: Place) -> None:
    works = [
        place.work([config("a", place.namespace, labels={"x": "no label!"})], subscription="default/bad"),
        place.work([config("b", place.namespace)], subscription="default/good"),
    ]
    bad, good = place.deliver_all(works)
    assert (bad.state, good.state) == (State.FAILED, State.READY)


def test_events_tell_every_object_that_is_written(place: Place) -> None:
    place.deliver([config("a", place.namespace), config("b", place.namespace)])
    assert sorted((event.outcome.key.name, event.planned) for event in place.events) == [("a", 2), ("b", 2)]


def test_of_two_runs_that_write_one_inventory_the_slower_is_refused(behind: Place, proxy: FaultProxy) -> None:
    here = behind.namespace
    quick = Place(behind.cluster, here, behind.fleet, behind.cluster.kubeconfig)
    quick.deliver([config("a", here)])
    with proxy.injected(Fault("PUT", "configmaps", count=1, delay=3)), ThreadPoolExecutor() as pool:
        slow = pool.submit(behind.deliver, [config("a", here, "slow")])
        while proxy.count("PUT") == 0:
            threading.Event().wait(0.05)
        quick.deliver([config("a", here, "quick")])
        done = slow.result()
    assert (done.state, done.exit_code) == (State.FAILED, Exit.REFUSED)
    assert "another run is writing this inventory" in done.message
    assert quick.value("a") == "quick"


def test_readiness_is_waited_for(place: Place) -> None:
    done = place.deliver([deployment("d", place.namespace, 2)])
    assert (done.state, outcome(done, "d").health) == (State.READY, Health.CURRENT)


def test_what_is_not_ready_in_time_is_reported_and_looked_at_again(place: Place) -> None:
    bodies = [deployment("d", place.namespace, 1, nodeSelector={"no": "node"})]
    done = place.deliver(bodies, timeout=2.0)
    assert done.state is State.PROGRESSING
    assert outcome(done, "d").health is Health.PROGRESSING
    again = place.deliver(bodies, timeout=1.0)
    assert (again.state, results(again)) == (State.PROGRESSING, {"d": "unchanged"})


def test_nobody_waits_any_more_when_there_is_something_newer(place: Place) -> None:
    bodies = [deployment("d", place.namespace, 1, nodeSelector={"no": "node"})]

    async def run() -> tuple[Delivered, ...]:
        newer = asyncio.Event()
        asyncio.get_running_loop().call_later(1.5, newer.set)
        how = (place.options(newer=newer), place.events.append, nothing)
        async with asyncio.timeout(20):
            return await deliver(place.connection, place.facts, [place.work(bodies)], how)

    (done,) = asyncio.run(run())
    assert (done.state, results(done)) == (State.PROGRESSING, {"d": "created"})


def test_object_of_more_than_a_mebibyte_of_json_is_written(place: Place) -> None:
    large = config("a", place.namespace, "\n" * 600_000)
    assert results(place.deliver([large])) == {"a": "created"}
    live = place.live("configmaps", "a")
    assert live is not None
    assert list(live["metadata"]["annotations"]) == ["apps.clusternet.io/owned-by-description"]


def test_change_that_the_server_forbids_is_told_in_its_words(place: Place) -> None:
    place.deliver([deployment("d", place.namespace, 0)])
    other = deployment("d", place.namespace, 0)
    labels = {"app": "other"}
    other["spec"] = {
        **other["spec"],
        "selector": {"matchLabels": labels},
        "template": {**other["spec"]["template"], "metadata": {"labels": labels}},
    }
    done = place.deliver([other])
    assert outcome(done, "d").reason == "Immutable"
    assert "field is immutable" in outcome(done, "d").message
