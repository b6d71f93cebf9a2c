"""Two runs wrote status at the same time: what ours changed is laid over what theirs wrote, unit by unit."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from reconciler.model.status import FleetStatus

K = TypeVar("K")
V = TypeVar("V")


def merge(before: FleetStatus, ours: FleetStatus, theirs: FleetStatus, *, theirs_is_newer: bool) -> FleetStatus:
    """Theirs with our changes since `before`; what both changed stays as the run of the newer commit said.

    `theirs_is_newer`: their source commit descends from ours. Where neither is known to be newer, ours is, because it
    looked later.
    """
    units = _merged(before.units, ours.units, theirs.units, theirs_wins=theirs_is_newer)
    clusters = _merged(before.clusters, ours.clusters, theirs.clusters, theirs_wins=theirs_is_newer)
    rollouts = _merged(before.rollouts, ours.rollouts, theirs.rollouts, theirs_wins=theirs_is_newer)
    for unit in units:
        note = ours.clusters.get(unit.cluster) or theirs.clusters.get(unit.cluster)
        if unit.cluster not in clusters and note is not None:
            clusters[unit.cluster] = note
    commit = theirs.commit if theirs_is_newer or ours.commit == before.commit else ours.commit
    place = theirs.place if theirs_is_newer or ours.place == before.place else ours.place
    return msgspec.structs.replace(
        theirs, commit=commit, clusters=clusters, units=units, place=place, rollouts=rollouts
    )


def _merged(before: Mapping[K, V], ours: Mapping[K, V], theirs: Mapping[K, V], *, theirs_wins: bool) -> dict[K, V]:
    merged = dict(theirs)
    for key in {**before, **ours}:
        old, new = before.get(key), ours.get(key)
        if old == new or (theirs_wins and theirs.get(key) != old):
            continue
        if new is None:
            merged.pop(key, None)
        else:
            merged[key] = new
    return merged
