"""`reconciler schedule`: which Subscription goes to which clusters, with how many replicas, and why not to others."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import click
import msgspec

from reconciler.cli import options, terminal
from reconciler.model.errors import Exit, UsageError
from reconciler.model.feed import Unit
from reconciler.model.placement import Refusal, Scheduled
from reconciler.model.snapshot import Severity
from reconciler.model.status import FleetStatus
from reconciler.scheduling.explain import explain
from reconciler.sync import reading
from reconciler.sync.selection import Selection
from reconciler.sync.worklist import Evaluated

_ROWS = 5 * terminal.ROWS_SHOWN
_HEADERS = ("SUBSCRIPTION", "CLUSTER", "REPLICAS", "WHY NOT")


@click.command()
@options.repository
@options.narrowing
@click.option(
    "--explain",
    metavar="CLUSTER",
    shell_complete=options.complete_clusters,
    help="Tell how it came to what this cluster gets, step by step.",
)
@options.offline
@options.output("text", "wide", "json", "yaml")
def schedule(**given: Any) -> None:
    """Show which Subscription of REPO goes to which clusters, and why not to the others.

    REPO is a path, whose work tree is read as it lies there, or a remote. Clusters that are not chosen for the same
    reason share a row; -o wide has a row for each. What is not as the last run placed it is told with its reason. Exits
    3 when the repo has problems.
    """
    found = asyncio.run(reading.evaluated(options.reading(given), terminal.warn, history=True))
    scheduled = _asked(found, given)
    if given["explain"]:
        _explain(found, given)
    elif given["output"] in ("json", "yaml"):
        terminal.emit(terminal.structured([_data(found, one) for one in scheduled], given["output"]))
    else:
        _table(found, scheduled, wide=given["output"] == "wide")
    if any(problem.severity is Severity.ERROR for problem in found.problems):
        terminal.talk("the repo has problems: reconciler check shows them")
        raise click.exceptions.Exit(int(Exit.PROBLEMS))


def _asked(found: Evaluated, given: dict[str, Any]) -> list[Scheduled]:
    """What is scheduled, as far as the command line asks for it."""
    everything = options.narrow(given).everything
    selection = Selection(options.narrow(given), found.facts, found.snapshot)
    narrowed = []
    for name, one in found.schedule.subscriptions.items():
        if everything:
            narrowed.append(one)
            continue
        placements = tuple(p for p in one.placements if selection.includes(Unit(name, p.cluster)))
        refusals = tuple(r for r in one.refusals if selection.includes(Unit(name, r.cluster)))
        moves = tuple(m for m in one.moves if selection.includes(Unit(name, m.cluster)))
        if placements or refusals:
            narrowed.append(msgspec.structs.replace(one, placements=placements, refusals=refusals, moves=moves))
    return narrowed


def _table(found: Evaluated, scheduled: Sequence[Scheduled], *, wide: bool) -> None:
    rows = list(_rows(found, scheduled, wide=wide))
    shown = rows if wide else rows[:_ROWS]
    if not rows:
        terminal.emit("nothing is scheduled")
        return
    terminal.emit(terminal.table(_HEADERS, shown, terminal.ALL if wide else None))
    if len(rows) > len(shown):
        terminal.emit(f"… {len(rows) - len(shown)} more rows (-o wide shows all)")
    remarks = [remark for one in scheduled for remark in _remarks(found, one)]
    for number, remark in enumerate(remarks if wide else remarks[:_ROWS]):
        lines = terminal.wrapped(remark, None if wide else terminal.width())
        terminal.emit(("" if number else "\n") + "\n".join(lines))
    if len(remarks) > _ROWS and not wide:
        terminal.emit(f"… {len(remarks) - _ROWS} more (-o wide shows all)")


def _rows(found: Evaluated, scheduled: Sequence[Scheduled], *, wide: bool) -> Iterator[tuple[str, str, str, str]]:
    for one in scheduled:
        for placement in one.placements:
            replicas = terminal.replicas(placement.replicas) or "as written"
            yield one.subscription, _name(found, placement.cluster), replicas, ""
        if not one.placements:
            yield one.subscription, "-", "-", "no cluster is chosen"
        for clusters, refusal in _alike(found, one.refusals, wide=wide):
            yield one.subscription, clusters, "-", f"{refusal.reason}: {refusal.message}"


def _alike(found: Evaluated, refusals: Sequence[Refusal], *, wide: bool) -> Iterator[tuple[str, Refusal]]:
    """Refusals with their clusters; those of the same words together, but for `wide`."""
    groups: dict[tuple[str, ...], list[Refusal]] = {}
    for refusal in refusals:
        key = (refusal.cluster,) if wide else (refusal.reason, refusal.message)
        groups.setdefault(key, []).append(refusal)
    for group in groups.values():
        names = sorted(_name(found, refusal.cluster) for refusal in group)
        told = ", ".join(names) if len(names) <= 2 else f"{names[0]} and {len(names) - 1} more"
        yield told, group[0]


def _remarks(found: Evaluated, one: Scheduled) -> Iterator[str]:
    """What a table has no column for."""
    if one.kept:
        yield f"kept: {one.subscription} stays where it is, because no cluster fits"
    for short in one.shortfalls:
        yield f"short: {one.subscription}: {short.missing} of {short.wanted} replicas of {short.feed} fit nowhere"
    for move in one.moves:
        what = move.feed.rpartition("/")[2]
        where = _name(found, move.cluster)
        yield f"moved: {one.subscription}: {what} on {where} {move.before} -> {move.after}: {move.reason}"


def _name(found: Evaluated, cluster: str) -> str:
    """The name of a cluster; of one that left the fleet as the status remembers it."""
    known = found.facts.get(cluster) or (found.previous and found.previous.clusters.get(cluster))
    return known.name if known else cluster


def _explain(found: Evaluated, given: dict[str, Any]) -> None:
    """The whole story of one cluster, Subscription by Subscription; of those that are not scheduled, too."""
    wanted = given["explain"]
    clusters = [i for i, cluster in found.facts.items() if wanted in (i, cluster.name, cluster.binding)]
    if len(clusters) != 1:
        known = ", ".join(sorted(cluster.name for cluster in found.facts.values())[:8])
        raise UsageError("unknown-cluster", f"no single cluster {wanted} is in this fleet", f"there are: {known}")
    (cluster,) = clusters
    selection = Selection(options.narrow(given), found.facts, found.snapshot)
    names = [name for name in found.snapshot.subscriptions if selection.includes(Unit(name, cluster))]
    stories = [(name, _story(found, name, cluster)) for name in names]
    if given["output"] in ("json", "yaml"):
        told = [{"subscription": name, "cluster": _name(found, cluster), "story": lines} for name, lines in stories]
        terminal.emit(terminal.structured(told, given["output"]))
        return
    columns = None if given["output"] == "wide" else terminal.width() - 2
    for number, (_, (answer, *lines)) in enumerate(stories):
        terminal.emit(("\n" if number else "") + "\n".join(terminal.wrapped(answer, columns)))
        for line in lines:
            terminal.emit("\n".join(f"  {part}" for part in terminal.wrapped(line, columns)))
    if not stories:
        terminal.emit("there is no such Subscription")


def _story(found: Evaluated, subscription: str, cluster: str) -> list[str]:
    before = found.previous or FleetStatus(found.snapshot.settings.fleet)
    return list(explain(found.snapshot, found.facts, before, found.schedule, subscription, cluster).lines)


def _data(found: Evaluated, one: Scheduled) -> dict[str, Any]:
    return {
        "subscription": one.subscription,
        "placements": [
            {
                "cluster": _name(found, p.cluster),
                "clusterId": p.cluster,
                "binding": p.binding,
                "replicas": dict(p.replicas),
            }
            for p in one.placements
        ],
        "refusals": [
            {
                "cluster": _name(found, r.cluster),
                "clusterId": r.cluster,
                "reason": r.reason,
                "message": r.message,
            }
            for r in one.refusals
        ],
        "kept": one.kept,
        "shortfalls": [{"feed": s.feed, "missing": s.missing, "wanted": s.wanted} for s in one.shortfalls],
        "moves": [
            {
                "feed": m.feed,
                "cluster": _name(found, m.cluster),
                "clusterId": m.cluster,
                "before": m.before,
                "after": m.after,
                "reason": m.reason,
            }
            for m in one.moves
        ],
    }
