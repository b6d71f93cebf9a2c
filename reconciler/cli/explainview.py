"""What `explain` shows: a field and its steps for people, everything for machines."""

from collections.abc import Iterator
from typing import Any

import click
import msgspec

from reconciler.render.fieldnames import dotted
from reconciler.render.pointer import pointer
from reconciler.render.trace import GONE
from reconciler.sync.explaining import Change, Explained, Leaf, Step

_INDENT = "  "
_SHORT = 7
"""Digits of a commit."""
_MOST = 12
"""Changes of one step that are listed; more are counted."""


def text(found: Explained, columns: int) -> str:
    """The answer for people, in so many columns."""
    return "\n".join(line.rstrip() for line in _lines(found, columns))


def _lines(found: Explained, columns: int) -> Iterator[str]:
    yield f"{found.cluster}: {click.style(found.object, bold=True)} of {found.subscription}"
    if found.field:
        yield from _fitted(f"{dotted(found.field)} = {_told(found.value)}", columns, "")
    for number, step in enumerate(found.steps):
        yield ""
        yield from _step(step, "" if found.field else f"{number + 1} ", found, columns)
    if found.values:
        yield ""
        yield "values of the chart:"
    for step in found.values:
        yield ""
        yield from _step(step, "", found, columns)
    if found.reads:
        yield ""
        who = "the templates of the chart read" if found.steps[0].sort == "chart" else "the template reads"
        yield from _fitted(f"{who}: {', '.join(found.reads)}", columns, _INDENT)
    if found.leaves:
        yield ""
        yield "fields, each with the step that set it last:"
    for leaf in found.leaves:
        yield from _leaf(leaf, columns)
    if any(step.sort == "division" for step in found.steps):
        yield ""
        for line in found.schedule:
            yield from _fitted(line, columns, _INDENT)


def _step(step: Step, mark: str, found: Explained, columns: int) -> Iterator[str]:
    yield from _fitted(f"{mark}{click.style(str(step.spot), fg='cyan')}{_authored(step)}", columns, _INDENT)
    yield from (f"{_INDENT}{line}" for line in _fitted(_title(step), columns - len(_INDENT), _INDENT))
    if found.field and step not in found.values:
        for change in step.changes:
            yield from _change(change, columns, named=False)
        return
    listed = step.changes if step.changes[:1] and step.changes[0].path else ()
    for change in listed[:_MOST]:
        yield from _change(change, columns, named=True)
    if len(listed) > _MOST:
        yield f"{_INDENT}{len(listed) - _MOST} more"


def _title(step: Step) -> str:
    parts = [step.title]
    if step.priority is not None:
        parts.append(f"priority {step.priority}")
    if step.operations:
        plural = "s" if len(step.operations) > 1 else ""
        parts.append(f"operation{plural} {', '.join(str(number) for number in step.operations)}")
    return ", ".join(parts) + (f": {step.note}" if step.note else "")


def _authored(step: Step) -> str:
    known = step.spot.authored
    if known is None:
        return ""
    if not known.commit:
        return "  not committed"
    return f"  {known.commit[:_SHORT]} {known.author}"


def _change(change: Change, columns: int, *, named: bool) -> Iterator[str]:
    name = f"{dotted(change.path)}: " if named else ""
    told = _told(change.after) if change.before is GONE else f"{_told(change.before)} -> {_told(change.after)}"
    if change.after is GONE:
        told = f"{_told(change.before)} -> removed"
    yield from (f"{_INDENT}{line}" for line in _fitted(name + told, columns - len(_INDENT), _INDENT))


def _told(value: Any) -> str:
    """A value on one line: text without quotes where it is plain, everything else as JSON."""
    if value is GONE:
        return "nothing"
    if isinstance(value, str) and value and value.isprintable() and value.strip() == value:
        return value
    encoded = msgspec.json.encode(value).decode()
    return encoded if len(encoded) <= 300 else f"{encoded[:297]}..."


def _fitted(line: str, columns: int, indent: str) -> list[str]:
    """A line, folded where it does not fit; words stay whole where they can."""
    plain = click.unstyle(line)
    if len(plain) <= columns:
        return [line]
    import textwrap

    return textwrap.wrap(plain, columns, subsequent_indent=indent, break_on_hyphens=False)


def _leaf(leaf: Leaf, columns: int) -> Iterator[str]:
    """A field with the number of its step."""
    yield from _fitted(f"{leaf.step + 1:>2}  {dotted(leaf.path)} = {_told(leaf.value)}", columns, _INDENT * 3)


def data(found: Explained) -> dict[str, Any]:
    """Everything, for machines; fields are JSON pointers, and what is not there has no member."""
    told: dict[str, Any] = {
        "cluster": found.cluster,
        "subscription": found.subscription,
        "object": found.object,
        "field": pointer(found.field),
        **({} if found.value is GONE else {"value": found.value}),
        "steps": [_record(step) for step in found.steps],
        "schedule": list(found.schedule),
    }
    if found.leaves:
        told["fields"] = {pointer(leaf.path): leaf.step for leaf in found.leaves}
    if found.values:
        told["values"] = [_record(step) for step in found.values]
    if found.reads:
        told["reads"] = list(found.reads)
    return told


def _record(step: Step) -> dict[str, Any]:
    known = step.spot.authored
    record: dict[str, Any] = {"sort": step.sort, "title": step.title, "file": step.spot.path}
    if step.spot.line:
        record |= {"line": step.spot.line, "column": step.spot.column}
    if known is not None and known.commit:
        record |= {"commit": known.commit, "author": known.author, "summary": known.summary}
    if step.priority is not None:
        record["priority"] = step.priority
    if step.operations:
        record["operations"] = list(step.operations)
    if step.note:
        record["note"] = step.note
    record["changes"] = [
        {
            "field": pointer(change.path),
            **({} if change.before is GONE else {"before": change.before}),
            **({} if change.after is GONE else {"after": change.after}),
        }
        for change in step.changes
    ]
    return record
