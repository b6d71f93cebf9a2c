"""What a run must know of other runs of its fleet: who holds a cluster, and which commits are newer than its own."""

import asyncio

import msgspec

from reconciler.apply.lease import Leases
from reconciler.apply.options import IsNewer
from reconciler.model.errors import ReconcilerError
from reconciler.model.objects import CommitId
from reconciler.model.status import FleetStatus
from reconciler.sync.repo import Repo


class Beside(msgspec.Struct, frozen=True):
    """Other runs."""

    leases: Leases | None = None
    is_newer: IsNewer | None = None
    """Whether a commit is newer than the one of this run; None when the user asked for that one by its name."""


def beside(repo: Repo, commit: CommitId, previous: FleetStatus) -> Beside:
    """What a run of a commit must know; `previous` is the status that was there when the commit was found."""
    asked_for = repo.revision.kind in ("tag", "commit")
    return Beside(repo.leases, None if asked_for else _Newer(repo, commit, previous).ask)


class _Newer:
    """Answers from what is known; asks the remote once for each other commit, and fetches history only when it moved.

    A commit that the status told of when ours was the head of the branch is not newer than ours.
    """

    def __init__(self, repo: Repo, commit: CommitId, previous: FleetStatus) -> None:
        self._repo = repo
        self._commit = commit
        older = {commit, previous.commit, *(unit.commit for unit in previous.units.values())}
        self._known = {one: False for one in older if one}
        self._asking = asyncio.Lock()

    async def ask(self, commit: CommitId) -> bool:
        """Whether a commit descends from ours. False when nobody can tell."""
        async with self._asking:
            if commit not in self._known:
                try:
                    self._known[commit] = await self._descends(commit)
                except ReconcilerError:
                    self._known[commit] = False
        return self._known[commit]

    async def _descends(self, commit: CommitId) -> bool:
        mirror, ref = self._repo.mirror, self._repo.source_branch
        if ref is None or await mirror.is_known_ancestor(commit, self._commit):
            return False
        now = (await mirror.ls_remote([ref])).refs.get(ref)
        if now is None or now == self._commit:
            return False
        await mirror.fetch({ref: now}, history=True)
        return await mirror.is_known_ancestor(self._commit, commit)
