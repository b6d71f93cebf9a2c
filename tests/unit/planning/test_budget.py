"""How many deletes are too many, and what lets them go."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.applysettings import DeleteBudget, Prune
from reconciler.model.feed import Unit
from reconciler.model.inventory import Entry
from reconciler.model.objects import Digest, ObjectKey
from reconciler.model.plan import Action, Change, Plan
from reconciler.planning import budget

NONE: frozenset[Digest] = frozenset()
GENEROUS = DeleteBudget(objects=10**6, percent=100)


def deleting(count: int, subscription: str = "default/web", cluster: str = "east") -> Plan:
    keys = [ObjectKey("", "ConfigMap", subscription.replace("/", "-"), f"c{number:03}") for number in range(count)]
    wave = tuple(Change(Action.PRUNE, key, "v1", None, Entry(key, "v1", uid="u")) for key in keys)
    return Plan(Unit(subscription, cluster), (), (wave,) if wave else ())


CASES = [
    (20, 20, 20, 50, False, "all of a small place"),
    (21, 30, 20, 50, True, "both exceeded"),
    (21, 42, 20, 50, False, "exactly the part"),
    (21, 1000, 20, 50, False, "a small part"),
    (1, 1, 0, 0, True, "nothing is free"),
    (0, 0, 0, 0, False, "no deletes"),
    (500, 500, 20, 100, False, "hundred percent is no limit"),
]


@pytest.mark.parametrize(("count", "total", "objects", "percent", "held", "why"), CASES, ids=[c[-1] for c in CASES])
def test_both_number_and_part_must_be_exceeded(
    count: int, total: int, objects: int, percent: int, held: bool, why: str
) -> None:
    verdict = budget.on_cluster([deleting(count)], total, DeleteBudget(objects=objects, percent=percent), NONE)
    assert (verdict.guard is not None) is held, why


def test_the_message_has_the_numbers_and_the_budget() -> None:
    guard = budget.on_cluster([deleting(30)], 40, DeleteBudget(objects=20, percent=50), NONE).guard
    assert guard is not None
    assert guard.message == (
        "30 of this cluster's 40 objects would be deleted; more than 20 and 50 % (prune.perCluster) need a yes"
    )


def test_all_units_of_a_cluster_share_one_digest_that_lets_them_all_go() -> None:
    plans = [deleting(15, "default/a"), deleting(15, "default/b")]
    prune = Prune(per_cluster=DeleteBudget(objects=20, percent=50), per_fleet=GENEROUS)
    held = budget.judged(plans, {"east": 30}, prune, NONE)
    assert held.keys() == {plan.unit for plan in plans}
    (digest,) = {guard.acknowledge for guard in held.values()}
    assert budget.judged(plans, {"east": 30}, prune, frozenset([digest])) == {}
    more = [*plans, deleting(1, "default/c")]
    assert budget.judged(more, {"east": 31}, prune, frozenset([digest])).keys() == {plan.unit for plan in more}


def test_the_fleet_counts_what_its_clusters_let_pass() -> None:
    plans = [deleting(15, cluster=f"c{number}") for number in range(10)]
    prune = Prune(per_cluster=DeleteBudget(objects=20, percent=50), per_fleet=DeleteBudget(objects=100, percent=20))
    totals = {f"c{number}": 20 for number in range(10)}
    held = budget.judged(plans, totals, prune, NONE)
    assert len(held) == 10
    (digest,) = {guard.acknowledge for guard in held.values()}
    assert "150 of the fleet's 200 objects" in next(iter(held.values())).message
    assert budget.judged(plans, totals, prune, frozenset([digest])) == {}
    assert budget.judged(plans, {**totals, "elsewhere": 2000}, prune, NONE) == {}


def test_an_acknowledged_cluster_uses_up_nothing_of_the_fleet() -> None:
    plans = [deleting(90, cluster="a"), deleting(15, cluster="b")]
    prune = Prune(per_cluster=DeleteBudget(objects=20, percent=50), per_fleet=DeleteBudget(objects=100, percent=20))
    totals = {"a": 90, "b": 60}
    (guard,) = budget.judged(plans, totals, prune, NONE).values()
    assert budget.judged(plans, totals, prune, frozenset([guard.acknowledge])) == {}


def test_what_was_acknowledged_by_name_is_neither_counted_nor_held() -> None:
    plan = deleting(30)
    named = frozenset(list(budget.asked(plan))[:15])
    plan = msgspec.structs.replace(plan, acknowledged=named)
    assert budget.on_cluster([plan], 30, DeleteBudget(objects=20, percent=50), NONE).guard is None
    guard = budget.on_cluster([plan], 30, DeleteBudget(objects=10, percent=0), NONE).guard
    assert guard is not None
    held = budget.restrained(plan, guard)
    assert {change.key for wave in held.prunes for change in wave} == named
    assert held.guard is not None
    assert set(held.guard.keys) == {change.key for change in held.kept} == set(budget.asked(plan))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=6), st.integers(0, 40), st.integers(0, 100))
def test_every_delete_is_either_held_by_name_or_within_the_budget(sizes, objects, percent) -> None:
    plans = [deleting(count, f"default/s{n}", f"c{cluster}") for n, (count, cluster) in enumerate(sizes)]
    totals = {f"c{cluster}": 40 for cluster in range(4)}
    prune = Prune(per_cluster=GENEROUS, per_fleet=DeleteBudget(objects=objects, percent=percent))
    held = budget.judged(plans, totals, prune, NONE)
    going = sum(len(budget.asked(plan)) for plan in plans if plan.unit not in held)
    assert going <= objects or going * 100 <= percent * 160
