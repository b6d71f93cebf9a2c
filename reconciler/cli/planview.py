"""How a plan is told: a table for every Subscription and the clusters that get the same, held deletes, one line."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import click

from reconciler.cli import terminal
from reconciler.cli.terminal import INDENT, ROWS_SHOWN
from reconciler.model.plan import Action
from reconciler.model.planfile import Held, PlanFile, PlannedHook, PlannedObject, PlannedUnit
from reconciler.model.proposal import Verdict
from reconciler.model.status import State

HEADERS = ("ACTION", "OBJECT", "WHY")
CLUSTERS_NAMED = 3
"""Clusters that are named where several get the same."""
COLOURS: Mapping[str, str] = {
    Action.CREATE: "green",
    Action.ADOPT: "cyan",
    Action.CHANGE: "yellow",
    Action.REPLACE: "magenta",
    Action.PRUNE: "red",
    Action.REFUSE: "red",
}
_WRITTEN = {
    "create": (Action.CREATE, Action.LATER),
    "adopt": (Action.ADOPT,),
    "change": (Action.CHANGE,),
    "replace": (Action.REPLACE,),
    "prune": (Action.PRUNE,),
}
_QUIET = frozenset({State.READY, State.DELIVERED})
Row = tuple[str, str, str]


def lines(plan: PlanFile, *, wide: bool) -> Iterator[str]:
    """The whole plan for people."""
    for (subscription, rows, held), clusters in _alike(plan).items():
        where = f"{subscription} on {_named(clusters, wide=wide)}"
        if rows:
            yield from (*terminal.wrapped(f"{where}:", _columns(wide=wide)), *_table(rows, wide=wide), "")
        if held:
            yield from (*_held(where, held, wide=wide), "")
    for (subscription, text), clusters in _left(plan).items():
        yield from terminal.wrapped(f"{subscription} on {_named(clusters, wide=wide)}: {text}", _columns(wide=wide))
    yield from terminal.wrapped(_last_line(plan), _columns(wide=wide))


def _alike(plan: PlanFile) -> dict[tuple[str, tuple[Row, ...], Held | None], list[str]]:
    """Clusters by what happens to them, in the order of Subscriptions; those to which nothing happens are left out."""
    found: dict[tuple[str, tuple[Row, ...], Held | None], list[str]] = {}
    for unit in sorted(plan.units, key=lambda unit: (unit.subscription, plan.clusters.get(unit.cluster, unit.cluster))):
        rows = (*map(_hook, unit.hooks), *map(_row, objects(unit)))
        if rows or unit.held:
            name = plan.clusters.get(unit.cluster, unit.cluster)
            found.setdefault((unit.subscription, rows, unit.held), []).append(name)
    return found


def objects(unit: PlannedUnit) -> Iterator[PlannedObject]:
    """All that a plan says of a unit's objects, in the order in which it is done; deletes that are held stand apart."""
    for wave in (*unit.waves, *unit.prunes):
        yield from wave
    held = set(unit.held.objects) if unit.held else set()
    yield from (one for one in unit.kept if str(one) not in held)


def _row(one: PlannedObject) -> Row:
    if one.server is not None and one.server.verdict is Verdict.REFUSED:
        words = f"{one.server.reason}: {one.server.message}" if one.server.reason else one.server.message
        return Action.REFUSE.value, str(one), f"the server refuses to {one.action} it: {words}"
    if one.server is not None and one.server.verdict is Verdict.REPLACED:
        return Action.REPLACE.value, str(one), one.server.message
    untried = one.server is not None and one.server.verdict is Verdict.UNTRIED
    why = f"not tried: {one.server.message}" if untried and one.server else ""
    return one.action.value, str(one), "; ".join(filter(None, (one.reason if one.reason not in why else "", why)))


def _hook(one: PlannedHook) -> Row:
    where = f"{one.namespace}/{one.name}" if one.namespace else one.name
    return one.event, f"{one.kind} {where}", "hook"


def _table(rows: Sequence[Row], *, wide: bool) -> Iterator[str]:
    shown = rows if wide else rows[:ROWS_SHOWN]
    coloured = [(click.style(a, fg=COLOURS.get(a, "bright_black")), thing, why) for a, thing, why in shown]
    yield terminal.table(HEADERS, coloured, terminal.ALL if wide else None)
    if len(rows) > len(shown):
        yield f"… {len(rows) - len(shown)} more (-o wide shows all)"


def _held(where: str, held: Held, *, wide: bool) -> Iterator[str]:
    marker = f"held[{held.rule}]"
    head, *more = terminal.wrapped(f"{marker}: {where}: {held.message}", _columns(wide=wide))
    yield head.replace(marker, click.style(marker, fg="yellow", bold=True))
    yield from more
    shown = held.objects if wide else held.objects[:ROWS_SHOWN]
    yield from (f"{INDENT}would delete {name}" for name in shown)
    if len(held.objects) > len(shown):
        yield f"{INDENT}… {len(held.objects) - len(shown)} more (-o wide shows all)"
    yield f"{INDENT}to plan these: --acknowledge {held.acknowledge}"


def _left(plan: PlanFile) -> dict[tuple[str, str], list[str]]:
    """Units that are left as they are, with the reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for unit in plan.units:
        if unit.state not in _QUIET and unit.held is None and not any(True for _ in objects(unit)):
            text = f"{terminal.coloured(unit.state)}{': ' + unit.message if unit.message else ''}"
            name = plan.clusters.get(unit.cluster, unit.cluster)
            found.setdefault((unit.subscription, text), []).append(name)
    return found


def _named(clusters: Sequence[str], *, wide: bool) -> str:
    if wide or len(clusters) <= CLUSTERS_NAMED + 1:
        return ", ".join(clusters)
    return f"{', '.join(clusters[:CLUSTERS_NAMED])} and {len(clusters) - CLUSTERS_NAMED} more clusters"


def _columns(*, wide: bool) -> int:
    return terminal.ALL if wide else terminal.width()


def _last_line(plan: PlanFile) -> str:
    counts = Counter(Action(_row(one)[0]) for unit in plan.units for one in objects(unit))
    told = [f"{n} to {verb}" for verb, actions in _WRITTEN.items() if (n := sum(counts[a] for a in actions))]
    told += [f"{counts[Action.REFUSE]} refused"] if counts[Action.REFUSE] else []
    hooks = sum(len(unit.hooks) for unit in plan.units)
    told += [f"{hooks} hooks"] if hooks else []
    held = sum(len(unit.held.objects) for unit in plan.units if unit.held)
    told += [f"{held} deletes held back"] if held else []
    return f"{plan.fleet}: {plan.reference} at {plan.commit[:12]}: {', '.join(told) or 'nothing to do'}"
