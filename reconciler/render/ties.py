"""Overrides of one priority that set one field differently on a cluster: only their names say which one wins."""

from collections.abc import Iterable, Iterator

import msgspec

from reconciler.model.objects import canonical
from reconciler.model.snapshot import Problem, Severity
from reconciler.render.effects import Done, Met, Path, shown

_HINT = "Give one of them a higher priority, so that the order is meant."


class _Setting(msgspec.Struct, frozen=True):
    """What one override leaves at one place."""

    met: Met
    done: Done
    value: bytes


def ties(done: Iterable[Done]) -> Iterator[Problem]:
    """A warning for every override that another one of its priority contradicts. `done` are in order, of one object."""
    groups: dict[tuple[int, frozenset[str] | None], dict[int, list[Done]]] = {}
    for one in done:
        layer = one.met.layer
        # Localizations meet where their namespaces are the same, and nowhere else
        local = one.met.clusters if layer.name.startswith("Localization ") else None
        groups.setdefault((layer.priority, local), {}).setdefault(layer.number, []).append(one)
    for group in groups.values():
        if len(group) > 1:
            yield from _among(group)


def _among(group: dict[int, list[Done]]) -> Iterator[Problem]:
    settings: dict[Path, list[_Setting]] = {}
    for entries in group.values():
        own = {
            path: _Setting(one.met, one, canonical(value))
            for one in entries
            for path, value in one.effects.sets.items()
        }
        for path, setting in own.items():
            settings.setdefault(path, []).append(setting)
    told: set[int] = set()
    for path in sorted(settings):
        rivals = [*_above(path, settings), *settings[path]]
        if len({rival.met.layer.number for rival in rivals}) > 1:
            yield from _clashes(path, rivals, told)


def _above(path: Path, settings: dict[Path, list[_Setting]]) -> Iterator[_Setting]:
    """Settings of whole parts of the object that the path lies in."""
    for depth in range(len(path)):
        yield from settings.get(path[:depth], ())


def _clashes(path: Path, rivals: list[_Setting], told: set[int]) -> Iterator[Problem]:
    owners: dict[str, _Setting] = {}
    known: set[tuple[frozenset[str], bytes]] = set()
    for setting in sorted(rivals, key=lambda rival: rival.met.layer.number):
        layer, clusters = setting.met.layer, setting.met.clusters
        if (clusters, setting.value) in known:
            continue
        known.add((clusters, setting.value))
        other = next((owners[cluster] for cluster in clusters if cluster in owners), None)
        if other is None:
            owners.update(dict.fromkeys(clusters, setting))
        elif other.met.layer.number != layer.number and other.value != setting.value and layer.number not in told:
            told.add(layer.number)
            yield _problem(path, setting, other)


def _problem(path: Path, winner: _Setting, loser: _Setting) -> Problem:
    layer = loser.met.layer
    entry = winner.done.entry
    message = (
        f"{layer.name} ({layer.place.path}) has the same priority {layer.priority} and sets {shown(path)} too; "
        "this one wins only because its name comes later"
    )
    field = entry.place.within("spec", "overrides", entry.position, "value")
    return Problem(entry.place, field, "override-tie", message, _HINT, Severity.WARNING)
