"""What commits say to a run by their trailers: `Reconciler-Acknowledge: DIGEST`, `Reconciler-Approve: …`.

Read are the commits between the one that the status names and the one that is delivered, the latter included. Where
commits must be signed, only those that are count.
"""

import contextlib

import msgspec

from reconciler.adapters.git import signatures
from reconciler.adapters.git.mirror import Mirror
from reconciler.adapters.git.objects import straight_line
from reconciler.model.errors import Untrusted
from reconciler.model.objects import CommitId, Digest
from reconciler.model.settings import Signatures
from reconciler.model.status import FleetStatus
from reconciler.sync.repo import Repo

ACKNOWLEDGE = "Reconciler-Acknowledge"
"""Does the deletes that a guard held back; the value is the guard's digest."""
_PREFIX = "reconciler-"
_FEW = 20
_UNTIL_HERE = ("--max-count=1000",)
"""A trailer stands in what was committed since the last run; so many commits are far more than that."""


class Trailer(msgspec.Struct, frozen=True):
    """One line at the end of a commit's message."""

    commit: CommitId
    key: str
    """As the commit spells it in lower and upper case, but for our own, which are as they are named here."""
    value: str


async def trailers(
    mirror: Mirror, since: CommitId | None, head: CommitId, keys: Signatures | None = None
) -> tuple[Trailer, ...]:
    """The trailers of ours of all commits after `since` up to `head`, oldest first; of `head` alone without `since`.

    With `keys`, those of commits that one of them signed. Raises Unreachable and ToolFailed.
    """
    found = _read(await _log(mirror, since, head))
    if keys is None or not (keys.ssh or keys.gpg):
        return found
    trusted = {commit for commit in {one.commit for one in found} if await _is_signed(mirror, commit, keys)}
    return tuple(one for one in found if one.commit in trusted)


async def acknowledged(repo: Repo, before: FleetStatus, head: CommitId, keys: Signatures) -> frozenset[Digest]:
    """The digests that commits acknowledge. History is fetched only where something is held."""
    if before.commit and any(unit.guard for unit in before.units.values()):
        await repo.mirror.descends(head, before.commit, repo.revision.ref or head)
    told = await trailers(repo.mirror, before.commit, head, keys)
    return frozenset(Digest(one.value) for one in told if one.key == ACKNOWLEDGE)


async def _log(mirror: Mirror, since: CommitId | None, head: CommitId) -> str:
    """Commits with their trailers. Where the history is not here, or was rewritten, the head alone counts.

    A few commits in a row that say nothing to us, as most do, are read without a child of git's.
    """
    if since is not None and since != head:
        line = await straight_line(mirror.objects, since, head, _FEW)
        if line is not None and not any(_PREFIX.encode() in message.lower() for message in line):
            return ""
    pretty = "--format=%H%x00%(trailers:only,unfold)%x00"
    if since is not None and since != head and await mirror.is_known_ancestor(since, head):
        span = [f"{since}..{head}"]
    else:
        span = ["--max-count=1", head]
    return (await mirror.check(["log", "--reverse", *_UNTIL_HERE, pretty, *span, "--"])).decode(errors="replace")


def _read(log: str) -> tuple[Trailer, ...]:
    found = []
    words = log.split("\0")  # which no message can hold, so that nobody forges the commit of a trailer
    for commit, text in zip(words[::2], words[1::2], strict=False):
        for line in text.splitlines():
            key, colon, value = line.partition(":")
            if colon and key.lower().startswith(_PREFIX):
                found.append(Trailer(CommitId(commit.strip()), _named(key), value.strip()))
    return tuple(found)


def _named(key: str) -> str:
    """Git compares keys without regard to case."""
    return "-".join(word.capitalize() for word in key.strip().split("-"))


async def _is_signed(mirror: Mirror, commit: CommitId, keys: Signatures) -> bool:
    with contextlib.suppress(Untrusted):
        return bool(await signatures.verify(mirror, commit, keys))
    return False
