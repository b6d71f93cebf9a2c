"""What people see: tables that fit 80 columns, colour only on a terminal, errors with their hint.

kubectl's look: upper-case headers, columns by two spaces, no lines.
"""

import os
import shutil
import signal
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
import msgspec

from reconciler.model.status import State
from reconciler.sync.events import Event, Level

WIDTH = 80
ROWS_SHOWN = 40
"""Rows of a table that fit a screen; what needs no attention is folded into one line beyond that."""
MIN_LAST = 24
"""Columns that words need beside a row; with fewer they stand below it."""
MIN_FOLDED = 12
SEPARATOR = "  "
INDENT = "    "
ALL = 10_000
"""Columns of a table that shall not be wrapped (`-o wide`)."""

COLOURS = {
    State.READY: "green",
    State.DELIVERED: "green",
    State.SUSPENDED: "blue",
    State.WAITING: "blue",
    State.DRIFTED: "yellow",
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
    return redrawn() and not os.environ.get("NO_COLOR")


def redrawn() -> bool:
    """Whether stdout is a screen that may be cleared."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Columns of the terminal, 80 where there is none."""
    return max(60, shutil.get_terminal_size((WIDTH, 24)).columns) if sys.stdout.isatty() else WIDTH


def emit(text: str) -> None:
    """Data to stdout; colour codes are dropped where they do not belong."""
    try:
        click.echo(text, color=None if colourful() else False)
    except BrokenPipeError:
        # The reader of a pipe went away (`| head`): end as the shell expects, and flush nothing more into it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(128 + signal.SIGPIPE) from None


def talk(text: str) -> None:
    """Talk to stderr."""
    click.echo(text, err=True, color=None if interactive() and not os.environ.get("NO_COLOR") else False)


def warn(event: Event) -> None:
    """Tell warnings of a command that reads; everything else it does in silence."""
    if event.level >= Level.WARNING:
        talk(f"warning: {event.cluster + ': ' if event.cluster else ''}{event.text}")


def talk_error(code: str, message: str, hint: str, *, word: str = "error") -> None:
    """What went wrong, and what to do about it; wrapped on a terminal, one line each elsewhere."""
    columns = shutil.get_terminal_size((WIDTH, 24)).columns if interactive() else None
    head = wrapped(f"{word}[{code}]: {message}", columns)
    marker = f"{word}[{code}]"
    head[0] = head[0].replace(marker, click.style(marker, fg="red", bold=True), 1)
    talk("\n".join(head + (wrapped(f"{INDENT}{hint}", columns) if hint else [])))


def wrapped(text: str, columns: int | None) -> list[str]:
    """A text in lines of at most this many columns, indented from the second on; names and paths stay whole."""
    if columns is None:
        return text.splitlines() or [""]
    lines = []
    for line in text.splitlines() or [""]:
        lines += textwrap.wrap(
            line, columns, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False
        ) or [""]
    return lines


def coloured(state: State) -> str:
    """A state in its colour."""
    return click.style(state.value, fg=COLOURS[state])


def replicas(counts: Mapping[str, int]) -> str:
    """Replicas by feed key, told by kind and name where there are several."""
    names = [key.rpartition("/")[2] for key in counts]
    told = names if len(set(names)) == len(names) else list(counts)
    return ", ".join(f"{name}={count}" for name, count in zip(told, counts.values(), strict=True))


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], columns: int | None = None) -> str:
    """A table in `columns` (default: those of the terminal). The last column is for words.

    Words are wrapped to what is left of the line, or follow below their row where too little is left; without any,
    their column is left out. Only a name that cannot fit at all is folded.
    """
    room = columns or width()
    cells = [list(row) for row in rows]
    widths = _widths([list(headers), *cells], room)
    left = room - sum(widths) - len(SEPARATOR) * len(widths)
    beside = left >= _needed([row[-1] for row in cells])
    lines = _lines([*headers[:-1], headers[-1] if beside and any(row[-1] for row in cells) else ""], widths, left)
    for row in cells:
        if beside or not row[-1]:
            lines += _lines(row, widths, left)
        else:
            lines += _lines([*row[:-1], ""], widths, left)
            below = textwrap.wrap(click.unstyle(row[-1]), room - len(INDENT), break_on_hyphens=False)
            lines += [INDENT + line for line in below]
    return "\n".join(lines)


def _needed(words: Sequence[str]) -> int:
    """Columns that a last column takes at the least: room for its longest word, and for some lines of talk."""
    plain = [click.unstyle(text) for text in words]
    longest = max((len(word) for text in plain for word in text.split()), default=0)
    return max(longest, min(MIN_LAST, max(map(len, plain), default=0)))


def _widths(cells: Sequence[Sequence[str]], room: int) -> list[int]:
    """Widths of all columns but the last; the widest gives way where they do not fit together."""
    widths = [max(len(click.unstyle(row[i])) for row in cells) for i in range(len(cells[0]) - 1)]
    while sum(widths) + len(SEPARATOR) * (len(widths) - 1) > room and max(widths) > MIN_FOLDED:
        widths[widths.index(max(widths))] -= 1
    return widths


def _lines(row: Sequence[str], widths: Sequence[int], last: int) -> list[str]:
    folded = [_folded(cell, w) for cell, w in zip(row, widths, strict=False)]
    folded.append(_fitted(row[-1], last))
    height = max(len(cell) for cell in folded)
    lines = []
    for number in range(height):
        parts = [cell[number] if number < len(cell) else "" for cell in folded]
        padded = [part + " " * (w - len(click.unstyle(part))) for part, w in zip(parts, [*widths, 0], strict=True)]
        lines.append(SEPARATOR.join(padded).rstrip())
    return lines


def _folded(cell: str, columns: int) -> list[str]:
    plain = click.unstyle(cell)
    if len(plain) <= columns:
        return [cell]
    return [plain[start : start + columns] for start in range(0, len(plain), columns)]


def _fitted(words: str, columns: int) -> list[str]:
    if len(click.unstyle(words)) <= columns:
        return [words]
    return textwrap.wrap(click.unstyle(words), max(columns, 1), break_on_hyphens=False) or [""]


def structured(value: Any, output: str) -> str:
    """A value as `json` or `yaml` text for stdout."""
    plain = msgspec.to_builtins(value)
    if output == "json":
        return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()
    import yaml

    return yaml.dump(plain, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True).rstrip("\n")
