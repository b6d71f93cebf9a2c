"""`reconciler schedule`: which Subscription goes to which clusters, with how many replicas, and why not to others."""

import asyncio
from collections.abc import Iterator
from typing import Any

import click

from reconciler.cli import options, terminal
from reconciler.model.errors import Exit
from reconciler.model.feed import Unit
from reconciler.model.placement import Placement, Scheduled
from reconciler.model.snapshot import Severity
from reconciler.sync import reading
from reconciler.sync.selection import Selection
from reconciler.sync.worklist import Evaluated


@click.command()
@options.repository
@options.narrowing
@options.output("text", "wide", "json", "yaml")
def schedule(**given: Any) -> None:
    """Show which Subscription of REPO goes to which clusters; -o wide adds the clusters that were not chosen.

    REPO is a path, whose work tree is read as it lies there, or a remote. Exits 3 when the repo has problems.
    """
    found = asyncio.run(reading.evaluated(options.reading(given)))
    scheduled = _asked(found, given)
    wide = given["output"] == "wide"
    if given["output"] in ("json", "yaml"):
        terminal.emit(terminal.structured([_data(found, one) for one in scheduled], given["output"]))
    elif rows := list(_rows(found, scheduled, wide=wide)):
        shown = rows if wide else rows[: 5 * terminal.ROWS_SHOWN]
        headers = ("SUBSCRIPTION", "CLUSTER", "REPLICAS")
        terminal.emit(terminal.table(headers, shown, terminal.ALL if wide else None))
        if len(rows) > len(shown):
            terminal.emit(f"… {len(rows) - len(shown)} more rows (-o wide shows all)")
    else:
        terminal.emit("nothing is scheduled")
    if any(problem.severity is Severity.ERROR for problem in found.problems):
        terminal.talk("the repo has problems: reconciler check shows them")
        raise click.exceptions.Exit(int(Exit.PROBLEMS))


def _asked(found: Evaluated, given: dict[str, Any]) -> list[Scheduled]:
    """What is scheduled, as far as the command line asks for it."""
    selection = Selection(options.narrow(given), found.facts, found.snapshot)
    narrowed = []
    for name, one in found.schedule.subscriptions.items():
        placements = tuple(p for p in one.placements if selection.includes(Unit(name, p.cluster)))
        refusals = tuple(r for r in one.refusals if selection.includes(Unit(name, r.cluster)))
        if placements or refusals or options.narrow(given).everything:
            narrowed.append(Scheduled(name, placements, refusals))
    return narrowed


def _rows(found: Evaluated, scheduled: list[Scheduled], *, wide: bool) -> Iterator[tuple[str, str, str]]:
    for one in scheduled:
        for placement in one.placements:
            yield one.subscription, found.facts[placement.cluster].name, _replicas(placement)
        if not one.placements:
            yield one.subscription, "-", "no cluster is chosen"
        for refusal in one.refusals if wide else ():
            why = f"not chosen, {refusal.reason}: {refusal.message}"
            yield one.subscription, found.facts[refusal.cluster].name, why


def _replicas(placement: Placement) -> str:
    return terminal.replicas(placement.replicas) or "as written"


def _data(found: Evaluated, one: Scheduled) -> dict[str, Any]:
    return {
        "subscription": one.subscription,
        "placements": [
            {
                "cluster": found.facts[p.cluster].name,
                "clusterId": p.cluster,
                "binding": p.binding,
                "replicas": dict(p.replicas),
            }
            for p in one.placements
        ],
        "refusals": [
            {
                "cluster": found.facts[r.cluster].name,
                "clusterId": r.cluster,
                "reason": r.reason,
                "message": r.message,
            }
            for r in one.refusals
        ],
    }
