"""The status of earlier runs: remembered, when the branch has not moved since, otherwise read from the branch."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from reconciler.adapters.git import localbranch
from reconciler.adapters.git.run import Git
from reconciler.model.objects import CommitId, digest_of
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Snapshot
from reconciler.model.status import ClusterNote, FleetStatus, RolloutStatus, UnitStatus
from reconciler.planning import statusfiles
from reconciler.sync import asking, statusbranch
from reconciler.sync.options import Options
from reconciler.sync.repo import Repo


class Remembered(msgspec.Struct, frozen=True):
    """A status as the cache holds it: a list of units, read several times faster than a file per cluster."""

    version: str
    fleet: str
    commit: CommitId | None
    clusters: Mapping[str, ClusterNote]
    units: tuple[UnitStatus, ...]
    place: str
    rollouts: Mapping[str, RolloutStatus] = {}


async def read(repo: Repo, settings: Settings, head: CommitId | None) -> FleetStatus:
    """The status at the head of the status branch. Raises as `statusbranch.read`."""
    known = repo.cache.record(_name(settings), Remembered) if head else None
    if known is not None and (known.version, known.fleet) == (head, settings.fleet):
        units = {unit.unit: unit for unit in known.units}
        return FleetStatus(known.fleet, known.commit, known.clusters, units, known.place, known.version, known.rollouts)
    status = await statusbranch.read(repo.other(settings.status.repo), settings, head)
    remember(repo, settings, status)
    return status


def matters(snapshot: Snapshot) -> bool:
    """Whether what was placed before can change where something goes, even while clusters fit everything.

    Dividing by capacity keeps replicas where they are, and a choice among clusters keeps the chosen ones.
    """
    for sourced in snapshot.subscriptions.values():
        spec = sourced.value.spec
        if spec.scheduling_by_sub_group or asking.divides_by_room(spec):
            return True
    return False


async def local(git: Git, options: Options, settings: Settings) -> FleetStatus:
    """The status as the repo around a work tree knows it; an empty one where it does not. Nothing is fetched.

    UsageError as `statusbranch.read`.
    """
    nothing, top = FleetStatus(settings.fleet), Path(options.repo)
    if settings.status.repo is not None:
        return nothing
    head = await localbranch.newest(git, top, settings.status.branch)
    if head is None:
        return nothing
    found = statusfiles.decode(await localbranch.files(git, top, head, statusfiles.is_truth))
    return msgspec.structs.replace(statusbranch.checked(found, settings), version=head)


def remember(repo: Repo, settings: Settings, status: FleetStatus) -> None:
    """Remember a status that is on the branch."""
    if status.version:
        units = tuple(status.units.values())
        known = Remembered(
            status.version, status.fleet, status.commit, status.clusters, units, status.place, status.rollouts
        )
        repo.cache.keep(_name(settings), known)


def _name(settings: Settings) -> str:
    return f"status-{digest_of(settings.status)[:12]}"
