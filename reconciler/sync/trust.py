"""Whether a commit may be delivered: signed as the last good one asked for, and descending from it.

The keys are those of the last good commit, so that a commit cannot bring its own. What the last good commit was is
remembered here, or said by the status; a fleet that was never synced trusts the keys of its first commit, or those
that the operator hands over.
"""

import contextlib

from reconciler.adapters.git import signatures
from reconciler.model.errors import ReconcilerError, Unreachable, Untrusted, UsageError
from reconciler.model.objects import CommitId
from reconciler.model.settings import Settings, Signatures
from reconciler.model.status import FleetStatus
from reconciler.sync.repo import Repo
from reconciler.sync.story import SETTINGS, BrokenRepo, Library


async def check(repo: Repo, library: Library, commit: CommitId, settings: Settings, status: FleetStatus) -> bool:
    """Whether this commit hands on other keys than it was checked with; the status must then remember it as good.

    Untrusted, with the reason, for a commit that must not be delivered.
    """
    last = repo.last()
    good = last.source if last else status.commit
    if last is None and repo.trusted is not None:
        # What the status says is written by whoever may push; the operator's own keys are not.
        await signatures.verify(repo.mirror, commit, repo.trusted)
        return False
    if good in (None, commit):
        keys = settings.signatures
    elif last is not None:
        keys = last.settings.signatures
    else:
        keys = await _keys(repo, library, good, settings)
    if keys.ssh or keys.gpg:
        await _verify(repo, library, commit, keys, good)
    return settings.signatures != keys


async def _verify(repo: Repo, library: Library, commit: CommitId, keys: Signatures, good: CommitId | None) -> None:
    """Follow the keys from the last good commit to this one.

    A commit between hands on its keys when it is signed by those before; one that is not counts for nothing, so that a
    later commit with a good signature mends it.
    """
    if good:
        if not await repo.mirror.descends(commit, good, repo.revision.ref or commit):
            what = f"commit {commit[:12]} does not descend from the last good one, {good[:12]}"
            raise Untrusted("history-rewritten", what, "restore the history, or delete the status branch and the cache")
        for changed in await repo.mirror.changes(good, commit, f"{repo.path}/{SETTINGS}".lstrip("/")):
            if changed != commit and (keys.ssh or keys.gpg):
                keys = await _handed_on(repo, library, changed, keys)
    if keys.ssh or keys.gpg:
        await signatures.verify(repo.mirror, commit, keys)


async def _handed_on(repo: Repo, library: Library, commit: CommitId, keys: Signatures) -> Signatures:
    with contextlib.suppress(BrokenRepo, UsageError, Untrusted):
        handed = (await library.settings(await repo.mirror.tree(commit, repo.path))).signatures
        if handed != keys:
            await signatures.verify(repo.mirror, commit, keys)
            return handed
    return keys


async def _keys(repo: Repo, library: Library, good: CommitId, settings: Settings) -> Signatures:
    try:
        await repo.mirror.fetch({good: good})
        return (await library.settings(await repo.mirror.tree(good, repo.path))).signatures
    except Unreachable:
        raise
    except ReconcilerError:
        # The last good commit cannot be had any more: a rewritten history, which `descends` then tells.
        return settings.signatures
