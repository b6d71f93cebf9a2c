"""The status of a fleet as commits on an orphan branch: its reader and its writer.

Every write stands on the commit that was read and is pushed only onto that one. When another run was faster, its status
is read and our changes are laid over it, so no run loses another's status. The branch carries the fleet's id and is
never the source.
"""

import asyncio
import datetime
import random

import msgspec

from reconciler.adapters.git.mirror import Mirror
from reconciler.adapters.git.push import Rejection, Update, push
from reconciler.adapters.git.revision import branch_ref
from reconciler.adapters.git.write import Draft, author_of, commit
from reconciler.model.errors import Refused, ToolFailed, UsageError
from reconciler.model.objects import CommitId
from reconciler.model.settings import Settings
from reconciler.model.status import FleetStatus
from reconciler.planning import fold, statusfiles, statusmerge

ATTEMPTS = 30
"""Pushes that are tried: in a race of ten runs somebody wins each round."""
_PAUSE, _LONGEST = 0.05, 2.0
"""Seconds between attempts, doubled each time; the real pause is a random part of it."""


async def read(mirror: Mirror, settings: Settings, head: CommitId | None) -> FleetStatus:
    """The status at a commit of the branch, as `ls_remote` told it; an empty one for a branch that is not there yet.

    UsageError when the branch holds something else, or the status of another fleet.
    """
    if head is None:
        return FleetStatus(settings.fleet)
    ref = branch_ref(settings.status.branch)
    head = (await mirror.fetch({ref: head}))[ref]
    tree = await mirror.tree(head)
    truth = {path: blob for path, blob in tree.files.items() if statusfiles.is_truth(path)}
    contents = await mirror.blobs(truth.values())
    status = statusfiles.decode({path: contents[blob] for path, blob in truth.items()})
    return msgspec.structs.replace(checked(status, settings), version=head)


def checked(status: FleetStatus, settings: Settings) -> FleetStatus:
    """A status that is this fleet's; UsageError for one of another."""
    if status.fleet != settings.fleet:
        branch = settings.status.branch
        what = f"branch {branch!r} holds the status of fleet {status.fleet!r}, not of {settings.fleet!r}"
        hint = f"put back `fleet: {status.fleet}`, or name another branch under status.branch of fleet.yaml"
        raise UsageError("other-fleet", what, hint)
    return status


async def write(
    mirror: Mirror,
    settings: Settings,
    before: FleetStatus,
    after: FleetStatus,
    source: CommitId,
    now: datetime.datetime,
) -> FleetStatus:
    """Write what differs as one commit, or nothing. The answer is the status that is on the branch now.

    Raises Refused when other runs were faster every time, ToolFailed when the remote does not take the branch.
    """
    ref = branch_ref(settings.status.branch)
    base, ours, pause = before, after, _PAUSE
    for _ in range(ATTEMPTS):
        files = statusfiles.changed_files(base, ours)
        if not files:
            return base
        draft = Draft(ref, CommitId(base.version) or None, files, _message(settings, base, ours, source))
        new, rejection = await _try(mirror, draft, now)
        if rejection is None:
            return msgspec.structs.replace(ours, version=new or "")
        if not rejection.conflict:
            raise ToolFailed("status-rejected", f"branch {settings.status.branch!r}: {rejection.reason}")
        await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - only keeps racing runs apart
        pause = min(pause * 2, _LONGEST)
        base = await read(mirror, settings, (await mirror.ls_remote([ref])).refs.get(ref))
        ours = await _over(mirror, before, after, base)
    raise Refused("status-contested", f"other runs were faster {ATTEMPTS} times", "run again")


async def _try(mirror: Mirror, draft: Draft, now: datetime.datetime) -> tuple[CommitId | None, Rejection | None]:
    onto, ref = draft.onto, draft.branch
    if onto and (await mirror.fetch({ref: onto}))[ref] != onto:
        return None, Rejection(conflict=True, reason="moved since it was read")
    (new,) = await commit(mirror, [draft], await author_of(mirror, now))
    return new, (await push(mirror, [Update(ref, onto, new)])).get(ref)


async def _over(mirror: Mirror, before: FleetStatus, after: FleetStatus, theirs: FleetStatus) -> FleetStatus:
    newer = False
    if after.commit and theirs.commit and theirs.commit != after.commit:
        newer = await mirror.is_known_ancestor(after.commit, theirs.commit)
    return statusmerge.merge(before, after, theirs, theirs_is_newer=newer)


def _message(settings: Settings, base: FleetStatus, status: FleetStatus, source: CommitId) -> str:
    changed = [unit for unit in {**base.units, **status.units} if base.units.get(unit) != status.units.get(unit)]
    good = sum(unit.state in fold.SETTLED for unit in status.units.values())
    return (
        f"Status: {good} of {len(status.units)} deliveries good\n\n"
        f"{len(changed)} deliveries changed.\n\nSource-Commit: {source}\nFleet: {settings.fleet}\n"
    )
