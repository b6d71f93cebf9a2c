"""Timetables of rollouts as tables for people, and as data for machines."""

import datetime
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec

from reconciler.cli import terminal
from reconciler.model.status import FleetStatus
from reconciler.planning.rollout import OPEN, TOUCHED, Halt, Stage, Standing, Timetable
from reconciler.planning.rolloutahead import Ahead
from reconciler.sync.report import Reverted
from reconciler.sync.rolloutreading import Timetables


class View(msgspec.Struct, frozen=True):
    """One timetable, and how it goes on."""

    table: Timetable
    ahead: Ahead
    now: datetime.datetime
    asked: bool
    """Somebody asked what a failure would do."""


def show(found: Timetables, views: Sequence[View], output: str) -> None:
    """Print timetables to stdout."""
    if output in ("json", "yaml"):
        terminal.emit(terminal.structured([_data(found, view) for view in views], output))
        return
    if not views:
        none = "nothing is to be rolled out" if found.named else "fleet.yaml names no rollout"
        terminal.emit(none)
    for number, view in enumerate(views):
        for line in (*([""] if number else []), *_lines(found, view, wide=output == "wide")):
            terminal.emit(line)


def _lines(found: Timetables, view: View, *, wide: bool) -> Iterator[str]:
    table, columns = view.table, terminal.ALL if wide else None
    yield f"{table.asked.subscription}, rollout {table.asked.rollout.name}, target {table.target[:12]}"
    headers = ("GROUP", "DONE", "FAILED", "AT ONCE", "BEGINS")
    yield terminal.table(headers, [_group(view, stage) for stage in table.stages], columns)
    rows = _clusters(found, table, wide=wide)
    if rows:
        shown = rows if wide else rows[: terminal.ROWS_SHOWN]
        yield ""
        yield terminal.table(("CLUSTER", "GROUP", "STANDS", "WHY"), shown, columns)
        if len(rows) > len(shown):
            yield f"… {len(rows) - len(shown)} more (-o wide shows all)"
    if table.halt is not None:
        yield from ("", *halt_lines(table.halt, found.name))
    if view.asked:
        yield from ("", *terminal.wrapped(_foreseen(found, view), terminal.width()))


def _group(view: View, stage: Stage) -> list[str]:
    members = stage.members
    done = stage.count(Standing.DONE) + stage.count(Standing.LEFT)
    counts = (f"{done}/{len(members.clusters)}", f"{stage.count(Standing.FAILED)}, {members.budget} may")
    return [stage.name, *counts, str(members.at_once), _begins(view, stage)]


def _begins(view: View, stage: Stage) -> str:
    """When a group begins at the earliest, and what it waits for."""
    waits = next((slot.why for slot in stage.slots if slot.standing in OPEN and slot.why), "")
    if not any(slot.standing in OPEN for slot in stage.slots):
        return "through" if stage.passed else "under way"
    number = next((number for number, step in enumerate(view.ahead.steps) if step.group == stage.name), None)
    if number is None:
        return f"never; {waits}"
    step = view.ahead.steps[number]
    if step.at == view.now and not step.assumed:
        return "now" if step.clusters[0] in view.table.due else f"now, as soon as it may; {waits}"
    when = "" if step.at == view.now else f"{shown(step.at)} at the earliest"
    return "; ".join(part for part in (when, step.assumed, waits) if part)


def _clusters(found: Timetables, table: Timetable, *, wide: bool) -> list[tuple[str, ...]]:
    """A row for each cluster that is not done; those of which the same is said are one row, but for `wide`."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for slot in table.slots():
        if wide or slot.standing in OPEN | TOUCHED:
            why = f"{slot.why} until {shown(slot.until)}" if slot.until else slot.why
            alike.setdefault((slot.group, slot.standing.value, why), []).append(found.name(slot.cluster))
    if wide:
        return [(name, *said) for said, names in alike.items() for name in names]
    return [
        (names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more", *said)
        for said, names in alike.items()
    ]


def _foreseen(found: Timetables, view: View) -> str:
    """What a failure would do, in one sentence or two."""
    ahead, names = view.ahead, ", ".join(map(found.name, view.ahead.failed[:8]))
    failed = f"{len(ahead.failed)} of them would fail ({names})" if ahead.failed else "none of them would fail"
    reached = f"{count(ahead.touched)} would get the change, {failed}"
    if ahead.halt is None:
        return f"{reached}; it would go on to the end: no group has more failures than it may."
    halt = ahead.halt
    return (
        f"{reached}; it would halt in group {halt.group} ({len(halt.failed)} failed, {halt.budget} may), and "
        f"{count(ahead.spared)} would keep what they have."
    )


def halt_lines(halt: Halt, name: Any) -> Iterator[str]:
    """Why a rollout halted, what a revert takes back, and what to do."""
    failed = ", ".join(map(name, halt.failed[:8]))
    more = f" and {len(halt.failed) - 8} more" if len(halt.failed) > 8 else ""
    yield from terminal.wrapped(
        f"halted in group {halt.group}: {len(halt.failed)} failed, {halt.budget} may: {failed}{more}", terminal.width()
    )
    yield f"{terminal.INDENT}a revert would take the change back from {count(len(halt.has_it))}:"
    for turn in halt.has_it[: terminal.ROWS_SHOWN]:
        before = f"to {turn.was[:12]}" if turn.was else "where nothing was before"
        yield f"{terminal.INDENT}  {name(turn.cluster)} {before}"
    if len(halt.has_it) > terminal.ROWS_SHOWN:
        yield f"{terminal.INDENT}  … {len(halt.has_it) - terminal.ROWS_SHOWN} more"
    yield f"{terminal.INDENT}commit a fix, or a revert: `sync --revert-commit` prepares one on a branch"


def show_status(found: FleetStatus, output: str) -> None:
    """Print what a status remembers of rollouts."""
    if output in ("json", "yaml"):
        terminal.emit(terminal.structured(found.rollouts, output))
        return
    if not found.rollouts:
        terminal.emit(f"{found.fleet}: no rollout is under way")
        return
    terminal.emit(under_way(found, found.rollouts))


def under_way(found: FleetStatus, subscriptions: Collection[str]) -> str:
    """The rollouts of some Subscriptions as a table: how far each is, and what stops it."""
    headers = ("SUBSCRIPTION", "ROLLOUT", "COMMIT", "TOUCHED", "PASSED", "APPROVED", "HALTED")
    rows = [
        [
            name,
            one.rollout,
            one.commit[:8],
            str(len(one.turns)),
            ", ".join(p.group for p in one.passed) or "-",
            ", ".join(one.approved) or "-",
            one.halted.removeprefix("halted: "),
        ]
        for name, one in sorted(found.rollouts.items())
        if name in subscriptions
    ]
    return terminal.table(headers, rows)


def reverted(told: Reverted) -> str:
    """What became of a revert."""
    return "\n".join(terminal.wrapped(f"{told.branch} at {told.commit[:12]}: {told.message}", terminal.width()))


def count(number: int) -> str:
    """A number of clusters, in words."""
    return f"{number} cluster" if number == 1 else f"{number} clusters"


def shown(when: datetime.datetime) -> str:
    """A moment, in UTC."""
    return when.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%MZ")


def _data(found: Timetables, view: View) -> dict[str, Any]:
    table = view.table
    return {
        "subscription": table.asked.subscription,
        "rollout": table.asked.rollout.name,
        "target": table.target,
        "halted": table.halt,
        "groups": [
            {
                "name": stage.name,
                "atOnce": stage.members.at_once,
                "maxFailures": stage.members.budget,
                "passed": stage.passed,
                "clusters": [
                    {
                        "cluster": found.name(slot.cluster),
                        "standing": slot.standing,
                        "why": slot.why,
                        "until": slot.until,
                    }
                    for slot in stage.slots
                ],
            }
            for stage in table.stages
        ],
        "ahead": [
            {
                "at": step.at,
                "group": step.group,
                "clusters": [found.name(cluster) for cluster in step.clusters],
                "failed": [found.name(cluster) for cluster in step.failed],
                "assumed": step.assumed,
            }
            for step in view.ahead.steps
        ],
        "haltsIn": view.ahead.halt.group if view.ahead.halt else None,
        "spared": view.ahead.spared,
    }
