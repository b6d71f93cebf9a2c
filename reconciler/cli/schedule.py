"""`reconciler schedule`: which Subscription goes to which clusters, with how many replicas, and why not to others."""

import asyncio
from collections.abc import Iterator
from typing import Any

import click

from reconciler.cli import options, terminal
from reconciler.cli.terminal import ROWS_SHOWN
from reconciler.model.errors import Exit
from reconciler.model.placement import Placement
from reconciler.model.snapshot import Severity
from reconciler.sync import reading
from reconciler.sync.worklist import Evaluated


@click.command()
@options.repository
@options.narrowing
@options.output("text", "wide", "json", "yaml")
def schedule(**given: Any) -> None:
    """Show which Subscription of REPO goes to which clusters; -o wide adds the clusters that were not chosen."""
    found = asyncio.run(reading.evaluated(options.reading(given)))
    if given["output"] in ("json", "yaml"):
        terminal.emit(terminal.structured(_data(found), given["output"]))
    else:
        rows = list(_rows(found, wide=given["output"] == "wide"))
        shown = rows if given["output"] == "wide" else rows[: 5 * ROWS_SHOWN]
        terminal.emit(
            terminal.table(("SUBSCRIPTION", "CLUSTER", "REPLICAS"), shown) if rows else "nothing is scheduled"
        )
        if len(rows) > len(shown):
            terminal.emit(f"… {len(rows) - len(shown)} more rows (-o wide shows all)")
    if any(problem.severity is Severity.ERROR for problem in found.problems):
        terminal.talk("the repo has problems: reconciler check shows them")
        raise click.exceptions.Exit(int(Exit.PROBLEMS))


def _rows(found: Evaluated, *, wide: bool) -> Iterator[tuple[str, str, str]]:
    for name, scheduled in found.schedule.subscriptions.items():
        for placement in scheduled.placements:
            yield name, found.facts[placement.cluster].name, _replicas(placement)
        if not scheduled.placements:
            yield name, "-", "no cluster is chosen"
        for refusal in scheduled.refusals if wide else ():
            yield name, found.facts[refusal.cluster].name, f"not chosen, {refusal.reason}: {refusal.message}"


def _replicas(placement: Placement) -> str:
    if not placement.replicas:
        return "as written"
    return ", ".join(f"{key.rpartition('/')[2]}={count}" for key, count in placement.replicas.items())


def _data(found: Evaluated) -> list[dict[str, Any]]:
    return [
        {
            "subscription": name,
            "placements": [
                {"cluster": found.facts[p.cluster].name, "binding": p.binding, "replicas": dict(p.replicas)}
                for p in scheduled.placements
            ],
            "refusals": [
                {"cluster": found.facts[r.cluster].name, "reason": r.reason, "message": r.message}
                for r in scheduled.refusals
            ],
        }
        for name, scheduled in found.schedule.subscriptions.items()
    ]
