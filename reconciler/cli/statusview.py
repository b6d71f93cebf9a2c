"""The status of a fleet as tables for people, and as data for machines."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from reconciler.cli import terminal
from reconciler.model.errors import UsageError
from reconciler.model.status import FleetStatus, State, UnitStatus
from reconciler.planning import fold

_NOTHING = "nothing was delivered yet"


def asked(found: FleetStatus, cluster: str | None, subscription: str | None) -> list[UnitStatus]:
    """The units of one cluster (name or id) or Subscription; UsageError for one that the status does not know."""
    units = sorted(found.units.values(), key=lambda unit: (_name(found, unit), unit.subscription))
    if cluster:
        if not any(cluster in (unit.cluster, _name(found, unit)) for unit in units):
            raise _unknown("cluster", cluster, {_name(found, unit) for unit in units})
        units = [unit for unit in units if cluster in (unit.cluster, _name(found, unit))]
    if subscription:
        every = {unit.subscription for unit in found.units.values()}
        named = {name for name in every if subscription in (name, name.partition("/")[2])}
        if not named:
            raise _unknown("subscription", subscription, every)
        units = [unit for unit in units if unit.subscription in named]
    return units


def _unknown(kind: str, name: str, known: set[str]) -> UsageError:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(known)[:8])}" if known else ""
    return UsageError(f"unknown-{kind}", f"the status knows no {kind} {name}", hint)


def show(found: FleetStatus, units: list[UnitStatus], given: dict[str, Any]) -> None:
    """Print units to stdout in the form that the command line asked for."""
    if given["output"] in ("json", "yaml"):
        terminal.emit(terminal.structured(as_data(found, units), given["output"]))
        return
    if not units:
        terminal.emit(f"{found.fleet}: nothing of this was delivered" if found.units else f"{found.fleet}: {_NOTHING}")
        return
    wide = given["output"] == "wide"
    if wide or given["cluster"] or given["subscription"]:
        _table(("CLUSTER", "SUBSCRIPTION", "STATE", "OBJECTS", "REPLICAS", "COMMIT"), _units(found, units), wide=wide)
        _table(("CLUSTER", "OBJECT", "WHY"), _failures(found, units), wide=wide)
    else:
        _table(("CLUSTER", "READY", "STATE", "OBJECTS", "COMMIT"), _clusters(found, units), wide=False)
    rolled = {unit.subscription for unit in units} & found.rollouts.keys()
    if rolled:
        from reconciler.cli import rolloutview

        terminal.emit(f"\n{rolloutview.under_way(found, rolled)}")
    good = sum(unit.state in fold.GOOD for unit in units)
    commit = f", last change by {found.commit[:12]}" if found.commit else ""
    terminal.emit(f"\n{found.fleet}: {good} of {len(units)} deliveries good{commit}")


def _table(headers: tuple[str, ...], rows: Iterator[tuple[str, ...]], *, wide: bool) -> None:
    listed = list(rows)
    if not listed:
        return
    shown = listed if wide else listed[: terminal.ROWS_SHOWN]
    if headers[-1] == "WHY":
        terminal.emit("")
    else:
        headers = (*headers, "MESSAGE")
    terminal.emit(terminal.table(headers, shown, terminal.ALL if wide else None))
    if len(listed) > len(shown):
        terminal.emit(f"… {len(listed) - len(shown)} more (-o wide shows all)")


def _name(found: FleetStatus, unit: UnitStatus) -> str:
    note = found.clusters.get(unit.cluster)
    return note.name if note else unit.cluster


def _units(found: FleetStatus, units: list[UnitStatus]) -> Iterator[tuple[str, ...]]:
    for unit in units:
        replicas = terminal.replicas(unit.replicas) or "-"
        state, objects, commit = terminal.coloured(unit.state), str(unit.objects), (unit.commit or "-")[:8]
        yield _name(found, unit), unit.subscription, state, objects, replicas, commit, unit.message


def _failures(found: FleetStatus, units: list[UnitStatus]) -> Iterator[tuple[str, ...]]:
    for unit in units:
        for failure in unit.failures:
            yield _name(found, unit), failure.object, f"{failure.reason}: {failure.message}"


def _clusters(found: FleetStatus, units: list[UnitStatus]) -> Iterator[tuple[str, ...]]:
    by_cluster: dict[str, list[UnitStatus]] = {}
    for unit in units:
        by_cluster.setdefault(_name(found, unit), []).append(unit)
    for name, here in sorted(by_cluster.items(), key=lambda item: (_calm(item[1]), item[0])):
        good = sum(unit.state in fold.GOOD for unit in here)
        objects, state = str(sum(unit.objects for unit in here)), terminal.coloured(_worst(here))
        commits = {(unit.commit or "-")[:8] for unit in here}
        commit = commits.pop() if len(commits) == 1 else "several"
        yield name, f"{good}/{len(here)}", state, objects, commit, _message(here)


def _calm(units: list[UnitStatus]) -> bool:
    """Clusters that need attention come first: the table of a large fleet is cut."""
    return all(unit.state in fold.GOOD for unit in units)


def _worst(units: list[UnitStatus]) -> State:
    return fold.worst(unit.state for unit in units)


def _message(units: list[UnitStatus]) -> str:
    """What the worst of these units says; of a failure that says nothing itself, its first object."""
    state = _worst(units)
    for unit in units:
        if unit.state is state and unit.message:
            return unit.message if unit.subscription in unit.message else f"{unit.subscription}: {unit.message}"
        if unit.state is state and unit.failures:
            failure = unit.failures[0]
            return f"{unit.subscription}: {failure.object}: {failure.reason}: {failure.message}"
    return ""


def as_data(found: FleetStatus, units: list[UnitStatus]) -> dict[str, Any]:
    """The status for machines: complete, every member always there."""
    return {
        "fleet": found.fleet,
        "commit": found.commit,
        "statusCommit": found.version or None,
        "units": [
            {
                "cluster": _name(found, unit),
                "clusterId": unit.cluster,
                "subscription": unit.subscription,
                "state": unit.state,
                "message": unit.message,
                "commit": unit.commit,
                "feed": unit.feed,
                "objects": unit.objects,
                "replicas": unit.replicas,
                "failures": [{"object": f.object, "reason": f.reason, "message": f.message} for f in unit.failures],
            }
            for unit in units
        ],
        "rollouts": {name: one for name, one in found.rollouts.items() if name in {u.subscription for u in units}},
    }
