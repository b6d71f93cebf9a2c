"""The status of a fleet as a page of Markdown, as a code host shows it: bounded in size, the worst first."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from reconciler.model.status import Failure, FleetStatus, State, UnitStatus
from reconciler.planning import fold

ROWS = 200
"""Rows of a table; the rest is counted, and is in the files beside the page."""
FAILURES = 50
_TEXT = 160
"""Characters of a message."""
_RANK = {str(state): rank for rank, state in enumerate(State)}

_SPECIAL = re.compile(r"([\\\\`*_{}\[\]<>|~#])")


def write(status: FleetStatus, paths: Mapping[str, str], subscriptions: Mapping[str, str]) -> bytes:
    """The page of a status; `paths` and `subscriptions` are the files of clusters, by id, and of Subscriptions."""
    clusters, subscribed = _clusters(status, paths), _subscriptions(status, subscriptions)
    lines = [
        f"# Fleet {_escaped(status.fleet)}",
        "",
        _counts(status, len(clusters), len(subscribed)),
        "",
        *_table("Clusters", "Cluster", clusters),
        "",
        *_table("Subscriptions", "Subscription", subscribed),
        "",
        *_rollouts(status),
        *_failed(status),
        "Written by reconciler; changes by hand are overwritten.",
        "",
    ]
    return "\n".join(lines).encode()


def _counts(status: FleetStatus, clusters: int, subscriptions: int) -> str:
    source = f", source commit `{status.commit[:12]}`" if status.commit else ""
    counted = f"{clusters} clusters, {subscriptions} Subscriptions, {len(status.units)} deliveries"
    return f"{counted}{source}: {_summary(status.units.values())}."


def _table(title: str, first: str, rows: "Sequence[Row]") -> Iterator[str]:
    yield from (f"## {title}", "", f"| {first} | Ready | State | Message |", "|---|---:|---|---|")
    for row in rows[:ROWS]:
        name, message = _escaped(row.name), _escaped(row.message)
        yield f"| [{name}]({row.path}) | {row.good}/{row.total} | {row.state} | {message} |"
    if len(rows) > ROWS:
        words = title.lower() if title == "Clusters" else title
        yield from ("", f"{len(rows) - ROWS} more {words}, none in a worse state: [{title.lower()}]({title.lower()}).")


def _rollouts(status: FleetStatus) -> Iterator[str]:
    """Rollouts under way, those that halted first."""
    if not status.rollouts:
        return
    yield from ("## Rollouts", "", "| Subscription | Rollout | Commit | Passed | Touched | Halted |")
    yield "|---|---|---|---|---:|---|"
    ordered = sorted(status.rollouts.items(), key=lambda item: (not item[1].halted, item[0]))
    for name, one in ordered[:ROWS]:
        passed = ", ".join(_escaped(each.group) for each in one.passed) or "-"
        halted = _escaped(one.halted.removeprefix("halted: ")) or "-"
        cells = (_escaped(name), _escaped(one.rollout), f"`{one.commit[:12]}`", passed, str(len(one.turns)), halted)
        yield f"| {' | '.join(cells)} |"
    if len(ordered) > ROWS:
        yield from ("", f"{len(ordered) - ROWS} more rollouts.")
    yield ""


def _failed(status: FleetStatus) -> Iterator[str]:
    failures = _failures(status)
    if not failures:
        return
    yield from ("## Failures", "")
    for cluster, subscription, failure in failures[:FAILURES]:
        reason = f" ({_escaped(failure.reason)})" if failure.reason else ""
        what = f"{_escaped(failure.object)}{reason}: {_escaped(failure.message)}"
        yield f"- **{_escaped(cluster)}**, {_escaped(subscription)}: {what}"
    if len(failures) > FAILURES:
        yield from ("", f"{len(failures) - FAILURES} more failures are in the files of the clusters.")
    yield ""


class Row(msgspec.Struct, frozen=True):
    """One line of a table."""

    name: str
    path: str
    good: int
    total: int
    state: str
    message: str


def _row(name: str, path: str, units: Sequence[UnitStatus], note: str = "") -> Row:
    good = sum(unit.state in fold.SETTLED for unit in units)
    state = fold.worst(unit.state for unit in units)
    message = note or next((unit.message for unit in units if unit.state is state and unit.message), "")
    return Row(name, path, good, len(units), state if units else "", message)


def _clusters(status: FleetStatus, paths: Mapping[str, str]) -> list[Row]:
    units = _grouped(status.units.values(), lambda unit: unit.cluster)
    rows = [_row(n.name, paths[i], units.get(i, []), n.message) for i, n in sorted(status.clusters.items())]
    return _worst_first(rows)


def _subscriptions(status: FleetStatus, paths: Mapping[str, str]) -> list[Row]:
    units = _grouped(status.units.values(), lambda unit: unit.subscription)
    return _worst_first([_row(name, paths[name], mine) for name, mine in sorted(units.items())])


def _worst_first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-_RANK.get(row.state, 0), row.name, row.path))


def _grouped(units: Iterable[UnitStatus], name: Callable[[UnitStatus], str]) -> dict[str, list[UnitStatus]]:
    groups: dict[str, list[UnitStatus]] = {}
    for unit in units:
        groups.setdefault(name(unit), []).append(unit)
    return groups


def _failures(status: FleetStatus) -> list[tuple[str, str, Failure]]:
    """Cluster name, Subscription and failure, sorted."""
    found = []
    for unit, state in status.units.items():
        note = status.clusters.get(unit.cluster)
        name = note.name if note else unit.cluster
        found += [(name, unit.subscription, failure) for failure in state.failures]
    return sorted(found, key=lambda one: (one[0], one[1], one[2].object))


def _summary(units: Iterable[UnitStatus]) -> str:
    counts = Counter(unit.state for unit in units)
    return ", ".join(f"{counts[state]} {state}" for state in State if counts[state]) or "nothing delivered"


def _escaped(text: str) -> str:
    line = " ".join(text.split())
    cut = line if len(line) <= _TEXT else line[: _TEXT - 1] + "…"
    return _SPECIAL.sub(r"\\\1", cut.replace("&", "&amp;"))
