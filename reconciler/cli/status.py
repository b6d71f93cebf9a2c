"""`reconciler status`: reads the status back, for the fleet, one cluster or one Subscription."""

import asyncio
from typing import Any

import click

from reconciler.cli import options, statusview, terminal
from reconciler.model.errors import Exit, ReconcilerError
from reconciler.model.status import FleetStatus, State, UnitStatus
from reconciler.sync import reading

_EXIT = {
    State.FAILED: Exit.FAILED,
    State.UNREACHABLE: Exit.FAILED,
    State.DRIFTED: Exit.DIFFERS,
    State.PROGRESSING: Exit.NOT_READY,
    State.HELD: Exit.REFUSED,
}


@click.command()
@options.repository
@click.option(
    "--cluster",
    metavar="NAME",
    shell_complete=options.complete_clusters,
    help="Only this cluster: its Subscriptions, with failures.",
)
@click.option(
    "--subscription",
    metavar="NAME",
    shell_complete=options.complete_subscriptions,
    help="Only this Subscription (namespace/name): its clusters, with failures.",
)
@options.output("text", "wide", "json", "yaml")
@click.option("-w", "--watch", is_flag=True, help="Show it again whenever it changes, until interrupted.")
@click.option(
    "--interval",
    type=options.Duration(options.SHORTEST_LOOK),
    default="5s",
    show_default=True,
    metavar="DURATION",
    help="How often --watch looks.",
)
def status(**given: Any) -> None:
    """Show the status of the fleet as the last runs wrote it.

    Exits 4 when something failed or was out of reach, 5 when something is not ready yet, 6 when something is held; the
    highest of these.
    """
    if given["watch"]:
        asyncio.run(_watch(given))
    found = asyncio.run(reading.status_of(options.reading(given)))
    units = statusview.asked(found, given["cluster"], given["subscription"])
    statusview.show(found, units, given)
    raise click.exceptions.Exit(int(_code(units)))


async def _watch(given: dict[str, Any]) -> None:
    shown: FleetStatus | None = None
    while True:
        try:
            found = await reading.status_of(options.reading(given))
        except ReconcilerError as error:
            if shown is None:
                raise
            terminal.talk_error(error.code, error.message, "looking again")
        else:
            if found != shown:
                _again(found, given, first=shown is None)
            shown = found
        await asyncio.sleep(given["interval"])


def _again(found: FleetStatus, given: dict[str, Any], *, first: bool) -> None:
    units = statusview.asked(found, given["cluster"], given["subscription"])
    if terminal.redrawn():
        if not first:
            click.clear()
    elif not first:
        terminal.emit("---" if given["output"] == "yaml" else "")
    statusview.show(found, units, given)
    if terminal.redrawn():
        terminal.talk(f"watching every {given['interval']:g} s; Ctrl-C ends it")


def _code(units: list[UnitStatus]) -> Exit:
    return max((_EXIT.get(unit.state, Exit.OK) for unit in units), default=Exit.OK)
