"""`reconciler status`: reads the status back, for the fleet, one cluster or one Subscription."""

import asyncio
from collections.abc import Iterator
from typing import Any

import click
import msgspec

from reconciler.cli import options, terminal
from reconciler.model.errors import Exit
from reconciler.model.status import FleetStatus, State, UnitStatus
from reconciler.planning import fold
from reconciler.sync import reading

_GOOD = frozenset({State.READY, State.DELIVERED, State.SUSPENDED})


@click.command()
@options.repository
@options.output("text", "wide", "json", "yaml")
@click.option("--cluster", help="Only this cluster: its Subscriptions, with failures.")
@click.option("--subscription", help="Only this Subscription (namespace/name): its clusters, with failures.")
@click.option("-w", "--watch", is_flag=True, help="Show again whenever it changes.")
@click.option("--interval", type=options.Duration(), default="5s", show_default=True, help="How often --watch looks.")
def status(**given: Any) -> None:
    """Show the status of the fleet as the last runs wrote it. Exits 4 or 5 when something is not well."""
    if not given["watch"]:
        found = asyncio.run(reading.status_of(options.reading(given)))
        _show(found, given)
        raise click.exceptions.Exit(int(_code(found)))
    asyncio.run(_watch(given))


async def _watch(given: dict[str, Any]) -> None:
    shown = None
    while True:
        found = await reading.status_of(options.reading(given))
        if found != shown:
            if shown is not None:
                click.clear()
            _show(found, given)
            shown = found
        await asyncio.sleep(given["interval"])


def _code(found: FleetStatus) -> Exit:
    states = {unit.state for unit in found.units.values()}
    if states & {State.FAILED, State.UNREACHABLE}:
        return Exit.FAILED
    return Exit.NOT_READY if State.PROGRESSING in states else Exit.REFUSED if State.HELD in states else Exit.OK


def _show(found: FleetStatus, given: dict[str, Any]) -> None:
    units = [unit for unit in found.units.values() if _asked(unit, found, given)]
    if given["output"] in ("json", "yaml"):
        terminal.emit(terminal.structured(_data(found, units), given["output"]))
        return
    if not units:
        terminal.emit(f"{found.fleet}: nothing was delivered yet")
        return
    if given["cluster"] or given["subscription"] or given["output"] == "wide":
        headers, rows = ("CLUSTER", "SUBSCRIPTION", "STATE", "OBJECTS", "COMMIT", "MESSAGE"), list(_units(found, units))
    else:
        headers, rows = ("CLUSTER", "READY", "STATE", "OBJECTS", "MESSAGE"), list(_clusters(found, units))
    shown = rows if given["output"] == "wide" else rows[: 5 * terminal.ROWS_SHOWN]
    terminal.emit(terminal.table(headers, shown))
    if len(rows) > len(shown):
        terminal.emit(f"… {len(rows) - len(shown)} more rows (-o wide shows all)")
    failures = [(_name(found, unit), f.object, f"{f.reason}: {f.message}") for unit in units for f in unit.failures]
    if failures:
        terminal.emit("\n" + terminal.table(("CLUSTER", "OBJECT", "WHY"), failures[: terminal.ROWS_SHOWN]))
    good = sum(unit.state in _GOOD for unit in units)
    terminal.emit(f"\n{found.fleet}: {good} of {len(units)} deliveries good, last change by {(found.commit or '')[:12]}")


def _asked(unit: UnitStatus, found: FleetStatus, given: dict[str, Any]) -> bool:
    cluster, subscription = given["cluster"], given["subscription"]
    if cluster and cluster not in (unit.cluster, _name(found, unit)):
        return False
    return not subscription or subscription in (unit.subscription, unit.subscription.partition("/")[2])


def _name(found: FleetStatus, unit: UnitStatus) -> str:
    note = found.clusters.get(unit.cluster)
    return note.name if note else unit.cluster


def _units(found: FleetStatus, units: list[UnitStatus]) -> Iterator[tuple[str, ...]]:
    for unit in sorted(units, key=lambda unit: (_name(found, unit), unit.subscription)):
        state, commit = terminal.coloured(unit.state), (unit.commit or "")[:8]
        yield _name(found, unit), unit.subscription, state, str(unit.objects), commit, unit.message


def _clusters(found: FleetStatus, units: list[UnitStatus]) -> Iterator[tuple[str, ...]]:
    by_cluster: dict[str, list[UnitStatus]] = {}
    for unit in units:
        by_cluster.setdefault(_name(found, unit), []).append(unit)
    for name, here in sorted(by_cluster.items()):
        good = sum(unit.state in _GOOD for unit in here)
        message = next((f"{unit.subscription}: {unit.message}" for unit in here if unit.message), "")
        state = terminal.coloured(fold.worst(unit.state for unit in here))
        yield name, f"{good}/{len(here)}", state, str(sum(unit.objects for unit in here)), message


def _data(found: FleetStatus, units: list[UnitStatus]) -> dict[str, Any]:
    return {
        "fleet": found.fleet,
        "commit": found.commit,
        "statusCommit": found.version or None,
        "units": [{"clusterName": _name(found, unit), **msgspec.to_builtins(unit)} for unit in units],
    }
