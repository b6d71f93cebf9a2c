"""Helm values that a chart never reads: most often a name that is misspelt."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model.inflation import ChartAnswer
from reconciler.model.snapshot import Problem, Severity
from reconciler.render.pointer import pointer, tokens
from reconciler.render.values import ChartStages

_HINT = "Correct the name of the value, or remove it."
_Path = tuple[str, ...]


def unread(stages: ChartStages, answer: ChartAnswer) -> Iterator[Problem]:
    """A warning for every entry that sets values which the chart neither reads nor has a default for.

    Nothing where the chart hands all values on, or where it is not known what it reads.
    """
    if answer.reads_everything or not answer.reads:
        return
    reads = {path for text in answer.reads if (path := tokens(text)) is not None}
    around = {path[:depth] for path in reads for depth in range(len(path))}
    for before, stage in zip(stages.stages, stages.stages[1:], strict=False):
        unknown = [
            path
            for path in _new(before.values, stage.values, ())
            if path not in around and not _read(path, reads) and not _defaulted(path, answer.defaults)
        ]
        if unknown:
            shown = ", ".join(pointer(path) for path in unknown[:3]) + (" …" if len(unknown) > 3 else "")
            message = f"the chart never reads {shown}"
            where = stage.place.within("spec", "overrides", stage.position, "value")
            yield Problem(stage.place, where, "value-unread", message, _HINT, Severity.WARNING)


def _new(before: Any, after: Any, at: _Path) -> Iterator[_Path]:
    """The leaves that are there now and were not before, or had another value."""
    if before is after:
        return
    if not isinstance(after, Mapping) or not after:
        if at:
            yield at
        return
    for key in sorted(after):
        old = before.get(key) if isinstance(before, Mapping) else None
        if old is not after[key] or (isinstance(before, Mapping) and key not in before):
            yield from _new(old, after[key], (*at, key))


def _read(path: _Path, reads: set[_Path]) -> bool:
    """Whether it, or a part that it belongs to, is read; `global` reaches every subchart."""
    if path[0] in ("global", "tags"):
        return True
    return any(path[:depth] in reads for depth in range(1, len(path) + 1))


def _defaulted(path: _Path, defaults: Any) -> bool:
    """Whether the chart's own values have a place for it: the value itself, or an open mapping or list above it."""
    for depth, key in enumerate(path):
        if not isinstance(defaults, Mapping) or (depth and not defaults):
            return True
        if key not in defaults:
            return False
        defaults = defaults[key]
    return True
