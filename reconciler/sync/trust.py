"""Whether a commit may be delivered: signed as the last good one asked for, and descending from it.

The keys are those of the last good commit, so that a commit cannot bring its own. What the last good commit was is
remembered here, or said by the status; a fleet that was never synced trusts the keys of its first commit.
"""

from reconciler.adapters.git import signatures
from reconciler.model.errors import ReconcilerError, Untrusted
from reconciler.model.objects import CommitId
from reconciler.model.settings import Settings, Signatures
from reconciler.model.status import FleetStatus
from reconciler.sync.repo import Repo
from reconciler.sync.story import Library


async def check(repo: Repo, library: Library, commit: CommitId, settings: Settings, status: FleetStatus) -> bool:
    """Whether this commit hands on other keys than it was checked with; the status must then remember it as good.

    Untrusted, with the reason, for a commit that must not be delivered.
    """
    last = repo.last()
    good = last.source if last else status.commit
    if good in (None, commit):
        keys = settings.signatures
    elif last is not None:
        keys = last.settings.signatures
    else:
        keys = await _keys(repo, library, good, settings)
    hands_on = settings.signatures != keys
    if not (keys.ssh or keys.gpg):
        return hands_on
    await signatures.verify(repo.mirror, commit, keys)
    if good and not await repo.mirror.descends(commit, good, repo.revision.ref or commit):
        what = f"commit {commit[:12]} does not descend from the last good one, {good[:12]}"
        raise Untrusted("history-rewritten", what, "restore the history, or delete the status branch and the cache")
    return hands_on


async def _keys(repo: Repo, library: Library, good: CommitId, settings: Settings) -> Signatures:
    try:
        await repo.mirror.fetch({good: good})
        return (await library.settings(await repo.mirror.tree(good, repo.path))).signatures
    except ReconcilerError:
        # The last good commit cannot be had any more: a rewritten history, which `descends` then tells.
        return settings.signatures
