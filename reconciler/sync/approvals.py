"""Approvals of groups of a rollout, as trailers of commits: `Reconciler-Approve: namespace/name group [digest]`.

With a digest an approval holds for just what it names. Without one it holds for what its own commit says: it counts
when it came after the rollout was first seen, or stands in the very commit that is delivered.
"""

from collections.abc import Mapping, Sequence

from reconciler.model.objects import CommitId
from reconciler.model.settings import Signatures
from reconciler.model.status import FleetStatus
from reconciler.planning.rollout import Standing, Timetable
from reconciler.sync.repo import Repo
from reconciler.sync.trailers import Trailer, trailers

APPROVE = "Reconciler-Approve"
SHOWN = 12
"""Characters of a digest in a trailer."""


async def approved(
    repo: Repo, head: CommitId, keys: Signatures, before: FleetStatus, tables: Sequence[Timetable]
) -> Mapping[str, frozenset[str]]:
    """By Subscription the groups that were approved since the status. History is read only where somebody waits.

    Where commits must be signed, an approval counts in a signed commit only. Raises as `trailers`.
    """
    asking = [table for table in tables if _awaits(table)]
    if not asking:
        return {}
    if before.commit:
        await repo.mirror.descends(head, before.commit, repo.revision.ref or head)
    told = [one for one in await trailers(repo.mirror, before.commit, head, keys) if one.key == APPROVE]
    return {table.asked.subscription: _groups(table, told, head) for table in asking}


def _awaits(table: Timetable) -> bool:
    return any(
        stage.members.group.approval and any(slot.standing is Standing.WAITS for slot in stage.slots)
        for stage in table.stages
    )


def _groups(table: Timetable, told: Sequence[Trailer], head: CommitId) -> frozenset[str]:
    memory = table.asked.memory
    under_way = memory is not None and memory.target == table.target
    found = set()
    for trailer in told:
        subscription, group, digest = (*trailer.value.split(), "", "", "")[:3]
        holds = (
            len(digest) >= SHOWN and table.target.startswith(digest) if digest else under_way or trailer.commit == head
        )
        if subscription == table.asked.subscription and holds:
            found.add(group)
    return frozenset(found)
