"""Overrides that might as well not be there: a later one sets all that they set, wherever they apply."""

from collections.abc import Iterator, Sequence

from reconciler.model.snapshot import Problem, Severity
from reconciler.render.effects import Done, Path

_HINT = "Remove it, or give it a higher priority than the other one."
_MOST = 64
"""Later overrides of one place that are compared; beyond them a shadow may go untold."""


def shadowed(done: Sequence[Done]) -> Iterator[Problem]:
    """A warning for every entry that one later entry wholly hides. `done` are in order, of one object."""
    if any(one.effects.looks for one in done):
        return
    shifts = any(one.effects.shifts for one in done)
    later = _Later()
    for one in reversed(done):
        sure = one.effects.steady and one.effects.sets and not (shifts and any(map(_indexed, one.effects.sets)))
        other = later.hiding(one) if sure else None
        if other is not None:
            yield _problem(one, other)
        later.add(one)


def _indexed(path: Path) -> bool:
    return any(part.isdigit() for part in path)


class _Later:
    """The entries that come later, by what they set."""

    def __init__(self) -> None:
        self._there: dict[tuple[Path, frozenset[str]], list[Done]] = {}
        self._general: dict[Path, list[Done]] = {}

    def add(self, one: Done) -> None:
        general = one.met.layer.name.startswith("Globalization ")
        for path in one.effects.sets:
            places = self._there.setdefault((path, one.met.clusters), [])
            for found in (places, self._general.setdefault(path, [])) if general else (places,):
                if len(found) < _MOST:
                    found.append(one)

    def hiding(self, one: Done) -> Done | None:
        """A later entry that sets all that this one sets, on all its clusters."""
        path = min(one.effects.sets)
        for depth in range(len(path), 0, -1):
            at = path[:depth]
            candidates: list[Done] = [*self._there.get((at, one.met.clusters), ()), *self._general.get(at, ())]
            for other in candidates:
                if _covers(other, one) and one.met.clusters <= other.met.clusters:
                    return other
        return None


def _covers(other: Done, one: Done) -> bool:
    sets = other.effects.sets
    return all(any(path[:depth] in sets for depth in range(len(path), 0, -1)) for path in one.effects.sets)


def _problem(one: Done, other: Done) -> Problem:
    entry, hiding = one.entry, other.entry
    message = f"{hiding.title} ({hiding.place.path}) comes later and sets all of this again, so it changes nothing"
    field = entry.place.within("spec", "overrides", entry.position, "value")
    return Problem(entry.place, field, "override-shadowed", message, _HINT, Severity.WARNING)
