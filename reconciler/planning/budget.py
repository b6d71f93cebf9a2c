"""How many objects a run may delete without a question: on one cluster, and on all of them together.

A budget is exceeded when there are more deletes than its number and more than its part of what is there. Then all
deletes of the place wait, under one digest over their exact list. Deletes that somebody acknowledged by name, and those
of a cluster whose list was acknowledged, use up nothing.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from reconciler.model.applysettings import DeleteBudget, Prune
from reconciler.model.feed import Unit
from reconciler.model.objects import Digest, ObjectKey, digest_of
from reconciler.model.plan import Action, Guard, Plan
from reconciler.planning.guards import counted

_Lists = Mapping[Unit, tuple[ObjectKey, ...]]


class Deletes(msgspec.Struct, frozen=True):
    """What one cluster contributes to the fleet's budget: deletes that nobody acknowledged."""

    lists: _Lists = {}
    total: int = 0
    """Objects that are there now."""

    @property
    def count(self) -> int:
        """How many deletes there are."""
        return sum(map(len, self.lists.values()))


class Verdict(msgspec.Struct, frozen=True):
    """What the budget of one cluster says: a guard for all its deletes, or what the fleet's budget has to count."""

    guard: Guard | None
    deletes: Deletes


def asked(plan: Plan) -> tuple[ObjectKey, ...]:
    """The deletes of a plan that nobody acknowledged by name."""
    return tuple(sorted(change.key for wave in plan.prunes for change in wave if change.key not in plan.acknowledged))


def on_cluster(plans: Iterable[Plan], total: int, budget: DeleteBudget, acknowledged: frozenset[Digest]) -> Verdict:
    """What may be deleted on one cluster that holds `total` objects."""
    lists = {plan.unit: keys for plan in plans if (keys := asked(plan))}
    deletes = Deletes(lists, total)
    held = _exceeded(deletes, budget, "of this cluster's", "prune.perCluster")
    if held is None:
        return Verdict(None, deletes)
    if held.acknowledge in acknowledged:
        return Verdict(None, Deletes(total=total))
    return Verdict(held, Deletes(total=total))


def on_fleet(clusters: Iterable[Deletes], elsewhere: int, budget: DeleteBudget) -> Guard | None:
    """What holds the deletes of all clusters; `elsewhere` are objects on clusters that nothing is done to."""
    several = list(clusters)
    lists = {unit: keys for one in several for unit, keys in one.lists.items()}
    total = elsewhere + sum(one.total for one in several)
    return _exceeded(Deletes(lists, total), budget, "of the fleet's", "prune.perFleet")


def of_some(guard: Guard, clusters: Iterable[Deletes]) -> Guard:
    """A guard of the fleet for a part of its clusters only: those that were heard of when others were decided about."""
    lists = {unit: keys for one in clusters for unit, keys in one.lists.items()}
    return msgspec.structs.replace(guard, keys=_keys(lists), acknowledge=_digest(lists))


def judged(
    plans: Sequence[Plan], totals: Mapping[str, int], prune: Prune, acknowledged: frozenset[Digest]
) -> dict[Unit, Guard]:
    """The guards of all plans of a run that knows them all; `totals` are the objects there, by cluster."""
    guards: dict[Unit, Guard] = {}
    counted_in: dict[str, Deletes] = {cluster: Deletes(total=total) for cluster, total in totals.items()}
    for cluster in sorted({plan.unit.cluster for plan in plans}):
        here = [plan for plan in plans if plan.unit.cluster == cluster]
        verdict = on_cluster(here, totals.get(cluster, 0), prune.per_cluster, acknowledged)
        if verdict.guard:
            guards.update({plan.unit: verdict.guard for plan in here if asked(plan)})
        counted_in[cluster] = verdict.deletes
    fleet = on_fleet(counted_in.values(), 0, prune.per_fleet)
    if fleet and fleet.acknowledge not in acknowledged:
        guards.update({unit: fleet for deletes in counted_in.values() for unit in deletes.lists})
    return guards


def restrained(plan: Plan, guard: Guard) -> Plan:
    """The plan with all its deletes that nobody acknowledged by name kept under this guard."""
    keys = asked(plan)
    if not keys:
        return plan
    held = set(keys)
    kept = [
        msgspec.structs.replace(change, action=Action.KEEP, reason=guard.rule)
        for wave in plan.prunes
        for change in wave
        if change.key in held
    ]
    waves = (tuple(change for change in wave if change.key not in held) for wave in plan.prunes)
    return msgspec.structs.replace(
        plan,
        prunes=tuple(wave for wave in waves if wave),
        kept=tuple(sorted((*plan.kept, *kept), key=lambda change: change.key)),
        guard=msgspec.structs.replace(guard, keys=keys),
    )


def _exceeded(deletes: Deletes, budget: DeleteBudget, whose: str, setting: str) -> Guard | None:
    count, total = deletes.count, deletes.total
    if count <= budget.objects or count * 100 <= budget.percent * total:
        return None
    limits = f"{budget.objects} and {budget.percent} %"
    message = f"{count} {whose} {counted(total)} would be deleted; more than {limits} ({setting}) need a yes"
    return Guard("budget", message, _keys(deletes.lists), _digest(deletes.lists))


def _keys(lists: _Lists) -> tuple[ObjectKey, ...]:
    return tuple(sorted(key for several in lists.values() for key in several))


def _digest(lists: _Lists) -> Digest:
    return digest_of(sorted([unit, several] for unit, several in lists.items()))
