"""Progress and logs on stderr: a live line on a terminal, log lines where nobody watches and for a run that stays."""

import contextlib
import os
import sys
from collections.abc import Iterator, MutableMapping
from typing import Any

import click

from reconciler.cli.terminal import interactive, talk
from reconciler.sync.events import Event, Level, Tell

_FACES = {Level.DEBUG: "bright_black", Level.INFO: "green", Level.WARNING: "yellow", Level.ERROR: "red"}


@contextlib.contextmanager
def watch_progress(*, verbose: int, quiet: bool, log: str, once: bool) -> Iterator[Tell]:
    """Show events until the block ends.

    A run that stays logs every step; a single run shows a live line on a terminal and is silent elsewhere, unless
    `verbose` asks for the log.
    """
    level = Level.ERROR if quiet else Level.DEBUG if verbose > 1 else Level.INFO
    if not once or verbose or log == "json":
        yield _logger(level, log)
    elif quiet or not interactive():
        yield _above(Level.ERROR if quiet else Level.WARNING, _line)
    else:
        with _live() as tell:
            yield tell


def _above(level: Level, show: Tell) -> Tell:
    def tell(event: Event) -> None:
        if event.level >= level:
            show(event)

    return tell


def _line(event: Event) -> None:
    where = f"{event.cluster}: " if event.cluster else ""
    talk(f"{click.style(event.step, fg=_FACES[event.level])} {where}{event.text}")


def _logger(level: Level, log: str) -> Tell:
    import structlog

    fmt = "iso" if log == "json" else "%H:%M:%S" if interactive() else "%Y-%m-%dT%H:%M:%SZ"
    stamp = structlog.processors.TimeStamper(fmt=fmt, utc=log == "json" or not interactive())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            stamp,
            structlog.processors.JSONRenderer() if log == "json" else _as_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logger = structlog.get_logger()

    def tell(event: Event) -> None:
        named = {"cluster": event.cluster} if event.cluster else {}
        counted = {"done": event.done, "total": event.total} if event.total else {}
        logger.log(int(event.level), event.text, step=event.step, **named, **counted)

    return tell


def _as_line(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:  # noqa: ARG001 - structlog's signature
    """`time step cluster: text`, the step in the colour of the level; on a terminal without the date."""
    face = _FACES[Level[event["level"].upper()]]
    step = f"{event['step']:<8}"
    if interactive() and not os.environ.get("NO_COLOR"):
        step = click.style(step, fg=face)
    elif event["level"] in ("warning", "error"):
        step = f"{event['level'].upper()} {step}"
    counted = f" ({event['done']}/{event['total']})" if "total" in event else ""
    where = f"{event['cluster']}: " if "cluster" in event else ""
    return f"{event['timestamp']} {step} {where}{event['event']}{counted}"


@contextlib.contextmanager
def _live() -> Iterator[Tell]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", style="bold", markup=False),
        BarColumn(bar_width=20, complete_style="green", finished_style="green"),
        TextColumn("{task.fields[text]}", markup=False, table_column=rest),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        task = progress.add_task("start", total=None, text="")

        def tell(event: Event) -> None:
            where = f"{event.cluster}: " if event.cluster else ""
            if event.level >= Level.WARNING:
                progress.console.print(f"{event.step} ", style=_FACES[event.level], end="", markup=False)
                progress.console.print(f"{where}{event.text}", markup=False)
                return
            text = f"{event.done}/{event.total} {where}{event.text}" if event.total else where + event.text
            progress.update(task, description=event.step, text=text, completed=event.done, total=event.total or None)

        yield tell
