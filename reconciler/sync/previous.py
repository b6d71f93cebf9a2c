"""The status of earlier runs: remembered, when the branch has not moved since, otherwise read from the branch."""

from collections.abc import Mapping

import msgspec

from reconciler.model.objects import CommitId, digest_of
from reconciler.model.settings import Settings
from reconciler.model.status import ClusterNote, FleetStatus, UnitStatus
from reconciler.sync import statusbranch
from reconciler.sync.repo import Repo


class Remembered(msgspec.Struct, frozen=True):
    """A status as the cache holds it: a list of units, read several times faster than a file per cluster."""

    version: str
    fleet: str
    commit: CommitId | None
    clusters: Mapping[str, ClusterNote]
    units: tuple[UnitStatus, ...]
    place: str


async def read(repo: Repo, settings: Settings, head: CommitId | None) -> FleetStatus:
    """The status at the head of the status branch. Raises as `statusbranch.read`."""
    known = repo.cache.record(_name(settings), Remembered) if head else None
    if known is not None and (known.version, known.fleet) == (head, settings.fleet):
        units = {unit.unit: unit for unit in known.units}
        return FleetStatus(known.fleet, known.commit, known.clusters, units, known.place, known.version)
    status = await statusbranch.read(repo.other(settings.status.repo), settings, head)
    remember(repo, settings, status)
    return status


def remember(repo: Repo, settings: Settings, status: FleetStatus) -> None:
    """Remember a status that is on the branch."""
    if status.version:
        units = tuple(status.units.values())
        known = Remembered(status.version, status.fleet, status.commit, status.clusters, units, status.place)
        repo.cache.keep(_name(settings), known)


def _name(settings: Settings) -> str:
    return f"status-{digest_of(settings.status)[:12]}"
