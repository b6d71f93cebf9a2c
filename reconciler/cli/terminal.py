"""What people see: tables that fit 80 columns, colour only on a terminal, errors with their hint.

kubectl's look: upper-case headers, columns by two spaces, no lines. The last column takes what is left and is wrapped.
"""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec

from reconciler.model.status import State

WIDTH = 80
ROWS_SHOWN = 40
"""Rows of a table that fit a screen; what needs no attention is folded into one line beyond that."""
MIN_LAST = 16

COLOURS = {
    State.READY: "green",
    State.DELIVERED: "green",
    State.SUSPENDED: "blue",
    State.PROGRESSING: "yellow",
    State.HELD: "yellow",
    State.FAILED: "red",
    State.UNREACHABLE: "red",
}


def interactive() -> bool:
    """Whether somebody watches: progress is shown, colours are used."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def colourful() -> bool:
    """Whether stdout may be coloured (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Columns of the terminal, 80 where there is none."""
    return max(60, shutil.get_terminal_size((WIDTH, 24)).columns) if sys.stdout.isatty() else WIDTH


def emit(text: str) -> None:
    """Data to stdout; colour codes are dropped where they do not belong."""
    click.echo(text, color=None if colourful() else False)


def talk(text: str) -> None:
    """Talk to stderr."""
    click.echo(text, err=True, color=None if interactive() and not os.environ.get("NO_COLOR") else False)


def coloured(state: State) -> str:
    """A state in its colour."""
    return click.style(state.value, fg=COLOURS[state])


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], columns: int | None = None) -> str:
    """A table whose last column is wrapped to what is left of the line."""
    cells = [list(headers), *(list(row) for row in rows)]
    widths = [max(len(click.unstyle(row[i])) for row in cells) for i in range(len(headers) - 1)]
    left = sum(widths) + 2 * len(widths)
    last = max(MIN_LAST, (columns or width()) - left)
    return "\n".join(line for row in cells for line in _lines(row, widths, last))


def _lines(row: Sequence[str], widths: Sequence[int], last: int) -> list[str]:
    first = "".join(cell + " " * (w - len(click.unstyle(cell)) + 2) for cell, w in zip(row, widths, strict=False))
    final = row[-1]
    if len(click.unstyle(final)) <= last:
        return [(first + final).rstrip()]
    wrapped = textwrap.wrap(click.unstyle(final), last) or [""]
    indent = " " * (sum(widths) + 2 * len(widths))
    return [(first + wrapped[0]).rstrip(), *(indent + line for line in wrapped[1:])]


def structured(value: Any, output: str) -> str:
    """A value as `json` or `yaml` text for stdout."""
    plain = msgspec.to_builtins(value)
    if output == "json":
        return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()
    import yaml

    return yaml.dump(plain, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True).rstrip("\n")
