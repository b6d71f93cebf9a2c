"""`reconciler whatif`: what a change of the fleet would do to the deliveries of a commit, before it happens."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click
import msgspec

from reconciler.cli import fleetchanges, options, terminal
from reconciler.model.errors import Exit
from reconciler.model.snapshot import Severity
from reconciler.planning.whatif import Difference, Outcome, UnitChange, applied, compared, foreseen
from reconciler.sync import reading
from reconciler.sync.worklist import Evaluated

_NAMED = 2
"""Objects that a row names; more are counted."""


@click.command()
@options.repository
@click.option("--add", metavar="FILE", multiple=True, help="The ManagedClusters of a file join.")
@click.option("--remove", metavar="CLUSTER", multiple=True, help="A cluster leaves: its ManagedCluster is deleted.")
@click.option("--lose", metavar="CLUSTER", multiple=True, help="A cluster stops answering, and is tainted for it.")
@click.option("--label", nargs=2, metavar="CLUSTER KEY=VALUE", multiple=True, help="A label is set (KEY- removes it).")
@click.option(
    "--taint",
    nargs=2,
    metavar="CLUSTER KEY=VALUE:EFFECT",
    multiple=True,
    help="A taint comes (KEY:EFFECT- removes it).",
)
@click.option(
    "--capacity",
    nargs=2,
    metavar="CLUSTER RESOURCE=AMOUNT",
    multiple=True,
    help="Room changes: cpu=-50%, memory=+8Gi, cpu=4.",
)
@options.offline
@options.output("text", "wide", "json", "yaml")
def whatif(**given: Any) -> None:
    """Show what a change of the fleet would do to the deliveries of REPO; nothing is changed.

    The same commit is scheduled and rendered over the clusters as they are and as they would be: moved replicas, new,
    lost and changed objects, minimums that break, exports left without a Service. All changes count together. Exits 1
    when something would change, 0 when nothing would.
    """
    before, difference = asyncio.run(_asked(given))
    if given["output"] in ("json", "yaml"):
        terminal.emit(terminal.structured(_data(difference), given["output"]))
    else:
        _show(difference, wide=given["output"] == "wide")
    if any(problem.severity is Severity.ERROR for problem in before.problems):
        terminal.talk("the repo has problems: reconciler check shows them")
        raise click.exceptions.Exit(int(Exit.PROBLEMS))
    if not difference.nothing:
        raise click.exceptions.Exit(int(Exit.DIFFERS))


async def _asked(given: dict[str, Any]) -> tuple[Evaluated, Difference]:
    async with reading.grounded(options.reading(given), terminal.warn) as ground:
        changes = fleetchanges.parsed(given, ground.facts)
        before = await ground.evaluated()
        status = foreseen(before.previous or ground.nothing, before.schedule, before.facts, before.commit)
        after = await ground.over(applied(ground.facts, changes), status)
        return before, compared(_outcome(before), _outcome(after))


def _outcome(found: Evaluated) -> Outcome:
    return Outcome(found.snapshot, found.facts, found.schedule, found.feeds, found.problems)


def _show(difference: Difference, *, wide: bool) -> None:
    if difference.nothing:
        terminal.emit("nothing changes")
        return
    rows = [
        (change.subscription, change.cluster, _replicas(change), _objects(change, wide=wide))
        for change in difference.units
    ]
    shown = rows if wide else rows[: terminal.ROWS_SHOWN]
    if shown:
        headers = ("SUBSCRIPTION", "CLUSTER", "REPLICAS", "OBJECTS")
        terminal.emit(terminal.table(headers, shown, terminal.ALL if wide else None))
    if len(rows) > len(shown):
        terminal.emit(f"… {len(rows) - len(shown)} more rows (-o wide shows all)")
    if difference.broken or difference.exports:
        terminal.emit("")
    for word, lines in (("broken", difference.broken), ("export", difference.exports)):
        for line in lines:
            head, *more = terminal.wrapped(f"{word}: {line}", None if wide else terminal.width())
            terminal.emit("\n".join([head.replace(word, click.style(word, fg="yellow", bold=True), 1), *more]))
    terminal.emit("\n" + "\n".join(terminal.wrapped(_summary(difference), terminal.width())))


def _replicas(change: UnitChange) -> str:
    """`web 3 -> 1`; the feed is named where there are several."""
    feeds = {**change.before, **change.after}
    if not feeds:
        return "-"
    told = []
    for feed in feeds:
        was, now = change.before.get(feed), change.after.get(feed)
        name = f"{feed.rpartition('/')[2]} " if len(feeds) > 1 else ""
        told.append(f"{name}{_count(was)} -> {_count(now)}" if was != now else f"{name}{_count(now)}")
    return ", ".join(told)


def _count(replicas: int | None) -> str:
    return "0" if replicas is None else str(replicas)


def _objects(change: UnitChange, *, wide: bool) -> str:
    groups: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("new", change.new),
        ("lost", change.lost),
        ("changed", change.changed),
    )
    return "; ".join(_group(word, names, wide=wide) for word, names in groups if names) or "-"


def _group(word: str, names: tuple[str, ...], *, wide: bool) -> str:
    return f"{word} {', '.join(names)}" if wide or len(names) <= _NAMED else f"{len(names)} {word}"


def _summary(difference: Difference) -> str:
    parts = [f"{len(difference.units)} of {difference.deliveries} deliveries change"]
    if difference.moved:
        parts.append(f"{difference.moved} {'replica moves' if difference.moved == 1 else 'replicas move'}")
    counts = {
        "new": _sum(change.new for change in difference.units),
        "lost": _sum(change.lost for change in difference.units),
        "changed": _sum(change.changed for change in difference.units),
    }
    told = [f"{count} {word}" for word, count in counts.items() if count]
    if told:
        parts.append(f"objects: {', '.join(told)}")
    return "; ".join(parts)


def _sum(groups: Iterable[tuple[str, ...]]) -> int:
    return sum(map(len, groups))


def _data(difference: Difference) -> Mapping[str, Any]:
    return {
        "changes": not difference.nothing,
        "movedReplicas": difference.moved,
        "deliveries": list(_units(difference)),
        "brokenMinimums": list(difference.broken),
        "exports": list(difference.exports),
    }


def _units(difference: Difference) -> Iterator[dict[str, Any]]:
    for change in difference.units:
        told = msgspec.structs.asdict(change)
        replicas = {"before": dict(told.pop("before")), "after": dict(told.pop("after"))}
        objects = {word: list(told.pop(word)) for word in ("new", "lost", "changed")}
        yield {"clusterId": told.pop("cluster_id"), **told, "replicas": replicas, "objects": objects}
