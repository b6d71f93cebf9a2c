"""The fleet's budget of deletes, when some clusters say nothing."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.apply import allowance
from reconciler.apply.allowance import Allowance
from reconciler.model.applysettings import DeleteBudget, Prune
from reconciler.model.feed import Unit
from reconciler.model.objects import ObjectKey
from reconciler.model.plan import Action, Change, Plan

PRUNE = Prune(per_cluster=DeleteBudget(objects=100, percent=0), per_fleet=DeleteBudget(objects=2, percent=0))


def deleting(cluster: str, count: int) -> Plan:
    keys = (ObjectKey("", "ConfigMap", "web", f"c{n}") for n in range(count))
    return Plan(Unit("default/web", cluster), (), (tuple(Change(Action.PRUNE, key, "v1") for key in keys),))


def announced(fleet: Allowance, plan: Plan) -> Plan:
    (within,) = fleet.announce(plan.unit.cluster, [plan], 10, frozenset())
    return within


def test_cluster_that_says_nothing_is_given_up_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> list[Plan]:
        fleet = Allowance(PRUNE, ["a", "b", "hung"])
        plans = [announced(fleet, deleting(cluster, 1)) for cluster in "ab"]
        monkeypatch.setattr(allowance, "PATIENCE_SECONDS", 0.01)
        first = await fleet.allowed(plans[0])
        monkeypatch.setattr(allowance, "PATIENCE_SECONDS", 3600)
        async with asyncio.timeout(10):
            return [first, *[await fleet.allowed(plan) for plan in plans]]

    assert [plan.guard for plan in asyncio.run(main())] == [None] * 3


def test_what_a_late_cluster_deletes_is_judged_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> tuple[Plan, Plan]:
        fleet = Allowance(PRUNE, ["a", "late"])
        in_time = announced(fleet, deleting("a", 2))
        monkeypatch.setattr(allowance, "PATIENCE_SECONDS", 0.01)
        within = await fleet.allowed(in_time)
        return within, await fleet.allowed(announced(fleet, deleting("late", 1)))

    in_time, late = asyncio.run(main())
    assert in_time.guard is None
    assert late.guard is not None
    assert late.guard.rule == "budget"
    assert late.prunes == ()


def test_cluster_that_is_lost_later_is_waited_for_no_longer_than_its_end() -> None:
    async def main() -> Plan:
        fleet = Allowance(PRUNE, ["a", "hung"])
        plan = announced(fleet, deleting("a", 1))
        waiting = asyncio.create_task(fleet.allowed(plan))
        await asyncio.sleep(0)
        assert not waiting.done()
        fleet.absent("hung")
        async with asyncio.timeout(10):
            return await waiting

    assert asyncio.run(main()).prunes
