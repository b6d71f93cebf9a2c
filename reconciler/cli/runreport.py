"""How a run is told: one table of clusters, then what needs attention, then one line."""

from collections.abc import Iterator
from typing import Any

import click

from reconciler.cli import terminal
from reconciler.cli.terminal import ROWS_SHOWN
from reconciler.model.plan import Guard
from reconciler.model.status import Failure, Health, Result, Tally
from reconciler.sync.report import Report, ready

HEADERS = ("CLUSTER", "OBJECTS", "CREATED", "CHANGED", "PRUNED", "SAME", "STATE", "MESSAGE")


GUARDS_SHOWN = 10


def print_report(report: Report, output: str) -> None:
    """Print a report to stdout; problems of the repo go to stderr."""
    if output in ("json", "yaml"):
        terminal.emit(terminal.structured(as_data(report), output))
        return
    if report.problems:
        from reconciler.cli import problems as problem_text

        terminal.talk(problem_text.formatted(report.problems, "text"))
    if report.rows:
        guarded = {d.guard.message for d in report.delivered if d.guard}
        rows = [_cells(row, guarded) for row in _shown(report, output)]
        terminal.emit(terminal.table(HEADERS, rows, _columns(output)))
    details = [*_failures(report, output), *_adopted(report, output), *_guards(report, output), *_rollouts(report)]
    for line in (*_folded(report, output), *details, *([""] if details else [])):
        terminal.emit(line)
    terminal.emit(_last_line(report))
    if report.unwritten is not None:
        terminal.talk_error(report.unwritten.code, report.unwritten.message, report.unwritten.hint)


def _columns(output: str) -> int | None:
    return terminal.ALL if output == "wide" else None


def _shown(report: Report, output: str) -> list[Tally]:
    """All rows, or as many as fit a screen: those that need attention first, then those where something was done."""
    rows = list(report.rows)
    if output == "wide" or len(rows) <= ROWS_SHOWN:
        return rows
    return sorted(filter(_loud, rows), key=lambda row: (ready(row), row.cluster))[:ROWS_SHOWN]


def _loud(row: Tally) -> bool:
    return not ready(row) or bool(row.created or row.changed or row.pruned or row.failed)


def _folded(report: Report, output: str) -> Iterator[str]:
    hidden = len(report.rows) - len(_shown(report, output))
    quiet = sum(not _loud(row) for row in report.rows) if hidden else 0
    told = [f"{hidden - quiet} more clusters"] if hidden > quiet else []
    told += [f"{_count(quiet, 'cluster')} unchanged"] if quiet else []
    if told:
        yield f"… {', '.join(told)} (-o wide shows all)"


def _cells(row: Tally, guarded: set[str]) -> list[str]:
    counts = [row.objects, row.created, row.changed, row.pruned, row.unchanged]
    message = "" if row.message in guarded else row.message  # what a guard says is told below, with its objects
    return [row.cluster, *(str(count) for count in counts), terminal.coloured(row.state), message]


def failures_of(report: Report) -> Iterator[tuple[str, Failure, str]]:
    """Cluster, failure and pace of every object that could not be written or is not ready."""
    for delivered in report.delivered:
        name = report.names.get(delivered.unit.cluster, delivered.unit.cluster)
        for outcome in delivered.outcomes:
            unready = outcome.health in (Health.FAILED, Health.PROGRESSING)
            if outcome.result in (Result.FAILED, Result.DRIFTED) or unready:
                reason = outcome.reason or outcome.health.value
                yield name, Failure(str(outcome.key), reason, outcome.message), outcome.pace


def _failures(report: Report, output: str) -> Iterator[str]:
    """One row per failure; the same failure of several clusters is one row, with the pace of its first cluster."""
    alike: dict[tuple[str, str], dict[str, str]] = {}
    for cluster, failure, pace in failures_of(report):
        alike.setdefault((failure.object, f"{failure.reason}: {failure.message}"), {})[cluster] = pace
    rows = [
        (where, thing, f"{why}; {pace}" if pace else why)
        for (thing, why), clusters in alike.items()
        for where, pace in zip(_where(list(clusters), output), clusters.values(), strict=False)
    ]
    shown = rows if output == "wide" else rows[:ROWS_SHOWN]
    if shown:
        yield ""
        yield terminal.table(("CLUSTER", "OBJECT", "WHY"), shown, _columns(output))
    if len(rows) > len(shown):
        yield f"… {len(rows) - len(shown)} more (-o wide shows all)"


def _adopted(report: Report, output: str) -> Iterator[str]:
    """What was there and is ours now, and whose it was."""
    rows = [
        (report.names.get(one.unit.cluster, one.unit.cluster), str(outcome.key), outcome.note or outcome.message)
        for one in report.delivered
        for outcome in one.outcomes
        if outcome.result is Result.ADOPTED
    ]
    shown = rows if output == "wide" else rows[:ROWS_SHOWN]
    if shown:
        yield ""
        yield terminal.table(("CLUSTER", "ADOPTED", "WHOSE"), shown, _columns(output))
    if len(rows) > len(shown):
        yield f"… {len(rows) - len(shown)} more (-o wide shows all)"


def _where(clusters: list[str], output: str) -> list[str]:
    if output == "wide" or len(clusters) == 1:
        return clusters
    return [f"{clusters[0]} and {len(clusters) - 1} more"]


def _guards(report: Report, output: str) -> Iterator[str]:
    held = [delivered for delivered in report.delivered if delivered.guard is not None]
    shown = held if output == "wide" else held[:GUARDS_SHOWN]
    for delivered in shown:
        name = report.names.get(delivered.unit.cluster, delivered.unit.cluster)
        yield from ("", *_guard(f"{delivered.unit.subscription} on {name}", delivered.guard, output))
    if len(held) > len(shown):
        yield f"\n… {len(held) - len(shown)} more deliveries are held (-o wide shows all)"
    if held:
        yield ""
    if report.acknowledges_all:
        yield f"to delete all of these: --acknowledge {report.acknowledges_all}"
    if held:
        also = "A commit says the same with a line at the end of its message: Reconciler-Acknowledge: DIGEST"
        yield from terminal.wrapped(also, _columns(output) or terminal.width())


def _rollouts(report: Report) -> Iterator[str]:
    """Rollouts that halted, and what was prepared to take them back."""
    for table in report.rollouts:
        if table.halt is not None:
            from reconciler.cli import rolloutview

            head, *more = rolloutview.halt_lines(table.halt, lambda cluster: report.names.get(cluster, cluster))
            yield from ("", f"{table.asked.subscription} {head}", *more)
    for one in report.reverted:
        yield from terminal.wrapped(f"{terminal.INDENT}{one.branch} {one.message}", terminal.width())


def _guard(where: str, guard: Guard | None, output: str) -> Iterator[str]:
    if guard is None:
        return
    marker = f"held[{guard.rule}]"
    head, *more = terminal.wrapped(f"{marker}: {where}: {guard.message}", _columns(output) or terminal.width())
    yield head.replace(marker, click.style(marker, fg="yellow", bold=True))
    yield from more
    keys = guard.keys if output == "wide" else guard.keys[:ROWS_SHOWN]
    yield from (f"{terminal.INDENT}would delete {key}" for key in keys)
    if len(guard.keys) > len(keys):
        yield f"{terminal.INDENT}… {len(guard.keys) - len(keys)} more (-o wide shows all)"
    purpose = "to delete these" if guard.keys else "to forget it and leave there what is there"
    yield f"{terminal.INDENT}{purpose}: --acknowledge {guard.acknowledge}"


def _last_line(report: Report) -> str:
    short = report.source[:12]
    if report.nothing_new:
        return f"{report.fleet}: {report.reference} is at {short}; nothing to do"
    parts = [f"{report.fleet}: {report.reference} at {short}: {_written(report)}"]
    if attention := sum(not ready(row) for row in report.rows):
        need = "needs" if attention == 1 else "need"
        parts.append(f"{attention} of {_count(len(report.rows), 'cluster')} {need} attention")
    if report.problems:
        parts.append(f"{_count(len(report.problems), 'problem')} in the repo")
    if report.status:
        parts.append(f"status {report.status[:12]}")
    return "\n".join(terminal.wrapped(", ".join(parts), terminal.width()))


def _written(report: Report) -> str:
    counts = {
        "create": sum(row.created for row in report.rows),
        "change": sum(row.changed for row in report.rows),
        "prune": sum(row.pruned for row in report.rows),
    }
    if not any(counts.values()):
        return "nothing to write" if report.dry_run else "nothing written"
    if report.dry_run:
        return ", ".join(f"{count} to {verb}" for verb, count in counts.items() if count)
    return ", ".join(f"{count} {verb}d" for verb, count in counts.items() if count)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _problems(report: Report) -> list[dict[str, Any]]:
    if not report.problems:
        return []
    from reconciler.cli import problems as problem_text

    return problem_text.records(report.problems)


def as_data(report: Report) -> dict[str, Any]:
    """The report for machines: complete, and stable in its names."""
    return {
        "fleet": report.fleet,
        "reference": report.reference,
        "commit": report.source,
        "statusCommit": report.status or None,
        "statusError": report.unwritten and report.unwritten.message,
        "nothingNew": report.nothing_new,
        "dryRun": report.dry_run,
        "exitCode": int(report.exit_code),
        "acknowledgesAll": report.acknowledges_all,
        "clusters": list(report.rows),
        "units": [
            {
                "cluster": report.names.get(d.unit.cluster, d.unit.cluster),
                "clusterId": d.unit.cluster,
                "subscription": d.unit.subscription,
                "state": d.state,
                "message": d.message,
                "feed": d.feed,
                "objects": [
                    {
                        "object": str(o.key),
                        "result": o.result,
                        "health": o.health,
                        "reason": o.reason,
                        "message": o.message or o.note,
                        "pace": o.pace,
                    }
                    for o in d.outcomes
                ],
                "guard": d.guard,
            }
            for d in report.delivered
        ],
        "halted": [
            {
                "subscription": table.asked.subscription,
                "group": table.halt.group,
                "failed": [report.names.get(cluster, cluster) for cluster in table.halt.failed],
                "wouldRevert": [
                    {"cluster": report.names.get(turn.cluster, turn.cluster), "from": report.source, "to": turn.was}
                    for turn in table.halt.has_it
                ],
            }
            for table in report.rollouts
            if table.halt is not None
        ],
        "reverted": list(report.reverted),
        "problems": _problems(report),
    }
