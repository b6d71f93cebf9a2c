"""Rollouts of `fleet.yaml`: names, parts, selectors and windows that can be, and what they apply to."""

import fnmatch
import zoneinfo
from collections.abc import Iterator
from typing import Final

from reconciler.model.rollout import Group, Rollout
from reconciler.model.selectors import selects
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Place, Problem
from reconciler.source import hints, layout
from reconciler.source.gather import Gathered
from reconciler.source.rules import problem
from reconciler.source.subscriptions import selector_faults

_PLACE: Final = Place(layout.SETTINGS_PATH)
Path = tuple[str | int, ...]


def settings_problems(settings: Settings) -> Iterator[Problem]:
    """What is wrong with rollouts, whatever they apply to."""
    names: set[str] = set()
    for index, rollout in enumerate(settings.rollouts):
        path: Path = ("rollouts", index)
        if rollout.name in names:
            yield _contradicts((*path, "name"), f"two rollouts are named '{rollout.name}'", "Choose another name.")
        names.add(rollout.name)
        if not rollout.groups:
            hint = "Add a group, or remove the rollout."
            yield _contradicts((*path, "groups"), f"the rollout '{rollout.name}' has no groups", hint)
        yield from _groups(rollout, path)


def _groups(rollout: Rollout, path: Path) -> Iterator[Problem]:
    names: set[str] = set()
    for index, group in enumerate(rollout.groups):
        here = (*path, "groups", index)
        if group.name in names:
            message = f"two groups of the rollout '{rollout.name}' are named '{group.name}'"
            yield _contradicts((*here, "name"), message, "Choose another name.")
        names.add(group.name)
        yield from _parts(group, here)
        for field, message, hint in selector_faults(group.clusters, (*here, "clusters")):
            yield problem("invalid-selector", _PLACE, field, message, hint)
        yield from _windows(group, here)


def _parts(group: Group, path: Path) -> Iterator[Problem]:
    for member, text in (("atOnce", group.at_once), ("maxFailures", group.max_failures)):
        number = int(text.rstrip("%"))
        if text.endswith("%") and number > 100:
            yield _contradicts((*path, member), f"'{text}' is more than all clusters", "Write at most `100%`.")
        elif member == "atOnce" and not number:
            hint = "Write at least `1`; `paused: true` stops a rollout."
            yield _contradicts((*path, member), f"with '{text}' at once nothing would ever be changed", hint)


def _windows(group: Group, path: Path) -> Iterator[Problem]:
    for index, window in enumerate(group.windows):
        try:
            zoneinfo.ZoneInfo(window.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            where = (*path, "windows", index, "timeZone")
            hint = hints.did_you_mean(window.time_zone, zoneinfo.available_timezones())
            yield problem("rollout-window", _PLACE, where, f"there is no time zone '{window.time_zone}'", hint)


def unused(gathered: Gathered) -> Iterator[Problem]:
    """Rollouts of no Subscription, and groups without clusters. Clusters that a parent has are not known here."""
    known = gathered.subscriptions
    declared = gathered.settings.clusters.source == "repo" and not gathered.broken
    for index, rollout in enumerate(gathered.settings.rollouts):
        for number, pattern in enumerate(rollout.subscriptions):
            if not fnmatch.filter(known, pattern) and not gathered.broken:
                message = f"the rollout '{rollout.name}' names no Subscription with '{pattern}'"
                where = ("rollouts", index, "subscriptions", number)
                yield problem("rollout-unused", _PLACE, where, message, hints.did_you_mean(pattern, known))
        for number, group in enumerate(rollout.groups if declared else ()):
            if not any(selects(group.clusters, cluster.value.labels) for cluster in gathered.clusters):
                message = f"group '{group.name}' of the rollout '{rollout.name}' selects no cluster"
                yield problem("rollout-unused", _PLACE, ("rollouts", index, "groups", number, "clusters"), message)


def _contradicts(path: Path, message: str, hint: str) -> Problem:
    return problem("rollout-contradicts", _PLACE, path, message, hint)
