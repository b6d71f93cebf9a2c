"""How objects go from a real cluster: what takes data along waits for a yes, and nothing goes that is not ours."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import msgspec
import pytest

from reconciler.apply.allowance import Allowance
from reconciler.model.applying import Propagation
from reconciler.model.applysettings import DeleteBudget, Prune
from reconciler.model.errors import Exit
from reconciler.model.plan import Evidence
from reconciler.model.status import Delivered, State
from tests.plugins.fleet import Fleet
from tests.wire.apply.place import (
    CLEAN,
    Body,
    Place,
    acknowledging,
    config,
    custom,
    definition,
    deliver,
    deployment,
    outcome,
    results,
    space,
)

TIGHT = Prune(per_cluster=DeleteBudget(objects=2, percent=50), per_fleet=DeleteBudget(objects=3, percent=0))
ORPHANING = msgspec.structs.replace(CLEAN, orphan=True)
REMOVED = msgspec.structs.replace(CLEAN, subscription_known=False)


def claim(name: str, namespace: str) -> Body:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def create(place: Place, *bodies: Body) -> None:
    """As somebody else."""
    place.cluster.kubectl("create", "-f", "-", input="\n---\n".join(map(json.dumps, bodies)))


def is_there(place: Place, *what: str) -> bool:
    return bool(place.cluster.kubectl("get", *what, "-o", "name", "--ignore-not-found").strip())


def test_a_claim_waits_for_a_yes_while_the_other_objects_go(place: Place) -> None:
    here = place.namespace
    place.deliver([config("a", here), claim("data", here)], wait=False)
    held = place.deliver(None)
    assert results(held) == {"a": "pruned", "data": "kept"}
    assert held.guard is not None
    assert (held.state, held.guard.rule, [str(key) for key in held.guard.keys]) == (
        State.HELD,
        "precious",
        [f"PersistentVolumeClaim {here}/data"],
    )
    assert is_there(place, "pvc", "data", "-n", here)
    assert results(place.deliver(None, acknowledging(held))) == {"data": "pruned"}
    assert place.inventories() == {}


def test_namespace_with_objects_of_others_stays_until_they_are_gone(place: Place) -> None:
    home = f"{place.namespace}-home"
    place.deliver([space(home), config("a", home), deployment("web", home)], wait=False)
    create(place, config("theirs", home), claim("theirs", home))
    done = place.remove()
    assert results(done) == {"a": "pruned", "web": "pruned", home: "kept"}
    assert outcome(done, home).message == (
        f"holds what is not ours: ConfigMap {home}/theirs, PersistentVolumeClaim {home}/theirs"
    )
    assert (outcome(done, home).reason, done.state, done.exit_code) == ("NotEmpty", State.HELD, Exit.REFUSED)
    assert is_there(place, "configmap", "theirs", "-n", home)
    inventory = place.inventory()
    assert inventory is not None
    assert [key.name for key in inventory.entries] == [home]
    place.cluster.kubectl("delete", "configmap,pvc", "theirs", "-n", home)
    assert results(place.remove()) == {home: "pruned"}
    assert place.inventories() == {}


def test_namespace_that_is_told_to_stay_is_let_go_of(place: Place) -> None:
    home = f"{place.namespace}-home"
    place.deliver([space(home)])
    create(place, config("theirs", home))
    place.cluster.kubectl("annotate", "namespace", home, "reconciler.clusternet.io/prune=disabled")
    assert results(place.remove()) == {home: "kept"}
    assert (place.inventories(), is_there(place, "namespace", home)) == ({}, True)
    place.cluster.kubectl("delete", "namespace", home, "--wait=false")


def test_namespace_waits_for_what_another_unit_deletes_in_it(place: Place) -> None:
    home = f"{place.namespace}-home"
    units = {"default/a": [space(home)], "default/b": [config("b", home)]}
    place.deliver_all([place.work(bodies, subscription=name) for name, bodies in units.items()])
    gone = [place.work(None, subscription=name) for name in units]
    seen = acknowledging(*place.deliver_all(gone, dry_run=True))
    done = place.deliver_all([msgspec.structs.replace(work, evidence=seen) for work in gone])
    assert [results(one) for one in done] == [{home: "pruned"}, {"b": "pruned"}]
    assert place.inventories() == {}


def test_definition_with_objects_of_others_stays_and_an_empty_one_goes_when_told(place: Place) -> None:
    group = f"{place.namespace}.example.io"
    place.deliver([definition(group, "Widget"), custom(group, "Widget", "ours", place.namespace)])
    create(place, custom(group, "Widget", "theirs", place.namespace))
    done = place.remove()
    assert results(done) == {"ours": "pruned", f"widgets.{group}": "kept"}
    assert outcome(done, f"widgets.{group}").message.endswith(f"Widget.{group} {place.namespace}/theirs")
    place.cluster.kubectl("delete", f"widgets.{group}", "theirs", "-n", place.namespace)
    assert results(place.remove()) == {f"widgets.{group}": "pruned"}


def test_dependents_of_an_object_stay_where_it_says_so_and_go_otherwise(place: Place) -> None:
    here = place.namespace
    staying = deployment("staying", here)
    staying["metadata"]["annotations"] = {"reconciler.clusternet.io/propagation": "Orphan"}
    place.deliver([staying, deployment("going", here)], wait=False)

    def sets() -> set[str]:
        names = place.cluster.kubectl("get", "rs", "-n", here, "-o", "name").split()
        return {name.partition("/")[2].rpartition("-")[0] for name in names}

    _until(lambda: sets() == {"staying", "going"})
    foreground = Prune(propagation=Propagation.FOREGROUND)
    assert results(place.deliver(None, prune=foreground)) == {"staying": "pruned", "going": "pruned"}
    assert sets() == {"staying"}, "the delete in the foreground ended after its dependents"


def _until(holds: object, within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        threading.Event().wait(0.1)


def test_deletes_beyond_the_budget_of_the_cluster_wait_and_writes_do_not(place: Place) -> None:
    here = place.namespace
    bodies = [config(f"c{number}", here) for number in range(4)]
    place.deliver(bodies)
    held = place.deliver([config("new", here)], prune=TIGHT)
    assert results(held) == {"new": "created", **{f"c{number}": "kept" for number in range(4)}}
    assert held.guard is not None
    assert held.guard.rule == "budget"
    assert "4 of this cluster's 4 objects" in held.guard.message
    before = place.cluster.kubectl("get", "cm", "-n", here, "-o", "jsonpath={.items[*].metadata.resourceVersion}")
    assert place.deliver([config("new", here)], prune=TIGHT).state is State.HELD
    after = place.cluster.kubectl("get", "cm", "-n", here, "-o", "jsonpath={.items[*].metadata.resourceVersion}")
    assert after == before, "a run that may do nothing leaves no trace"


def test_one_yes_lets_all_units_of_a_cluster_delete(place: Place) -> None:
    here = place.namespace
    names = [f"default/{letter}" for letter in "abcd"]
    place.deliver_all([place.work([config(name[-1], here)], subscription=name) for name in names])
    gone = [place.work(None, subscription=name) for name in names]
    held = place.deliver_all(gone, prune=TIGHT)
    (digest,) = {one.guard.acknowledge for one in held if one.guard}
    seen = msgspec.structs.replace(CLEAN, acknowledged=frozenset([digest]))
    done = place.deliver_all([msgspec.structs.replace(work, evidence=seen) for work in gone], prune=TIGHT)
    assert {one.state for one in done} == {State.READY}
    assert place.inventories() == {}


def _everywhere(places: list[Place], prune: Prune, evidence: Evidence, silent: bool = False) -> list[Delivered]:
    async def all_of_them() -> list[Delivered]:
        allowance = Allowance(prune, [place.facts.id for place in places] + (["silent"] if silent else []))
        if silent:
            allowance.absent("silent")
        async with asyncio.TaskGroup() as group:
            tasks = []
            for place in places:
                how = (place.options(prune=prune, allowance=allowance), place.events.append, lambda _: None)
                work = [place.work(None, evidence)]
                tasks.append(group.create_task(deliver(place.connection, place.facts, work, how)))
        return [one for task in tasks for one in task.result()]

    return asyncio.run(all_of_them())


def test_all_clusters_together_delete_no_more_than_the_budget_of_the_fleet(fleet: Fleet, namespace: str) -> None:
    places = [Place(child, namespace, namespace, child.kubeconfig) for child in fleet.children[:2]]
    for place in places:
        place.deliver([config("a", namespace), config("b", namespace)])
    held = _everywhere(places, TIGHT, CLEAN, silent=True)
    assert {one.state for one in held} == {State.HELD}
    (digest,) = {one.guard.acknowledge for one in held if one.guard}
    assert [one.guard and one.guard.message for one in held] == [
        "4 of the fleet's 4 objects would be deleted; more than 3 and 0 % (prune.perFleet) need a yes"
    ] * 2
    seen = msgspec.structs.replace(CLEAN, acknowledged=frozenset([digest]))
    assert {one.state for one in _everywhere(places, TIGHT, seen)} == {State.READY}
    assert [place.inventories() for place in places] == [{}, {}]


ON_REMOVAL = {"Subscription removed": REMOVED, "cluster left": ORPHANING}


@pytest.mark.parametrize("how", ON_REMOVAL)
def test_objects_of_an_orphaning_subscription_stay_and_are_forgotten(place: Place, how: str) -> None:
    here = place.namespace
    place.deliver([config("a", here)])
    place.deliver([config("a", here)], ORPHANING)
    inventory = place.inventory()
    assert inventory is not None
    assert inventory.orphan
    foreseen = place.deliver(None, ON_REMOVAL[how], dry_run=True)
    done = place.deliver(None, ON_REMOVAL[how])
    assert results(foreseen) == results(done) == {"a": "kept"}
    assert outcome(done, "a").message == "reconciler.clusternet.io/on-removal: orphan"
    assert (place.inventories(), place.value("a")) == ({}, "1")
