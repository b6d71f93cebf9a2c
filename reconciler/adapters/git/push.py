"""Pushes commits, each ref on condition that it still is what we read. Nothing on a remote is ever overwritten."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from reconciler.adapters.git import words
from reconciler.adapters.git.mirror import Mirror
from reconciler.adapters.git.run import LONG
from reconciler.model.objects import CommitId

_AT_ONCE = 1000
_LINE = re.compile(r"^(?P<flag>[ +\-*!=])\t[^\t]*:(?P<ref>[^\t]+)\t(?P<summary>.*)$", re.MULTILINE)
_REASON = re.compile(r"\((?P<reason>[^()]*(\([^()]*\)[^()]*)*)\)\s*$")
_CONFLICT = re.compile(
    r"stale info|fetch first|non-fast-forward|failed to update ref|cannot lock ref|incorrect old value|"
    r"reference already exists|failed to lock|remote ref updated",
    re.IGNORECASE,
)
_TOLD = re.compile(r"^remote: *(?P<words>\S.*?)\s*$", re.MULTILINE)


class Update(msgspec.Struct, frozen=True):
    """One ref that shall move."""

    ref: str
    old: CommitId | None
    """What it must be now; None when it must not be there."""
    new: CommitId


class Rejection(msgspec.Struct, frozen=True):
    """Why a ref did not move."""

    conflict: bool
    """Somebody else moved it first: read again, and try again."""
    reason: str
    """The remote's own words."""


async def push(mirror: Mirror, updates: Sequence[Update], *, atomic: bool = False) -> Mapping[str, Rejection]:
    """Move refs of the remote; the answer holds those that did not move. With `atomic` all move or none.

    Raises Unreachable, Untrusted or ToolFailed when the remote took no decision at all.
    """
    rejections: dict[str, Rejection] = {}
    for start in range(0, len(updates), _AT_ONCE):
        rejections.update(await _push(mirror, updates[start : start + _AT_ONCE], atomic=atomic))
    return rejections


async def _push(mirror: Mirror, updates: Sequence[Update], *, atomic: bool) -> Mapping[str, Rejection]:
    options = ["--porcelain", "--no-verify", "--recurse-submodules=no", *(["--atomic"] if atomic else [])]
    leases = [f"--force-with-lease={update.ref}:{update.old or ''}" for update in updates]
    specs = [f"{update.new}:{update.ref}" for update in updates]
    ended = await mirror.try_to_talk(["push", *options, *leases, "--", mirror.remote.url, *specs], LONG)
    decided = {line["ref"]: line for line in _LINE.finditer(ended.stdout.decode(errors="replace"))}
    if ended.status != 0 and not any(line["flag"] == "!" for line in decided.values()):
        raise words.failure("push", ended.stderr)
    told = words.masked("; ".join(match["words"] for match in _TOLD.finditer(ended.stderr)))
    return {ref: _rejection(line["summary"], told) for ref, line in decided.items() if line["flag"] == "!"}


def _rejection(summary: str, told: str) -> Rejection:
    match = _REASON.search(summary)
    reason = match["reason"] if match else summary
    conflict = _CONFLICT.search(reason) is not None
    return Rejection(conflict, f"{reason}: {told}" if told and not conflict else reason)
