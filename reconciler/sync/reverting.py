"""The way back from a halted rollout, prepared as a commit on a branch of the fleet repo.

The commit stands on the one that was delivered and gives back every file below the fleet's directory as the last good
commit had it. It is pushed, never merged: that stays with people. Its message holds the evidence.
"""

import datetime
import tempfile
from pathlib import Path

from reconciler.adapters.git.mirror import Mirror
from reconciler.adapters.git.push import Update, push
from reconciler.adapters.git.revision import branch_ref
from reconciler.adapters.git.run import Call
from reconciler.adapters.git.write import author_of
from reconciler.model.errors import UsageError
from reconciler.model.objects import CommitId
from reconciler.model.status import FleetStatus
from reconciler.sync import previous, story
from reconciler.sync.options import Options
from reconciler.sync.repo import Repo, opened
from reconciler.sync.report import Reverted

FAILURES_SHOWN = 20


async def of_subscription(options: Options, subscription: str, now: datetime.datetime) -> Reverted:
    """Prepare the revert of the rollout of one Subscription that is under way. UsageError where none is."""
    async with opened(options) as repo:
        heads = await repo.heads(None)
        head = await repo.fetch(heads)
        settings = await story.Library(repo.tools).settings(await repo.mirror.tree(head, options.path))
        status = await previous.read(repo, settings, await repo.status_head(settings, heads))
        named = [name for name in status.rollouts if subscription in (name, name.partition("/")[2])]
        if len(named) != 1:
            known = ", ".join(status.rollouts)
            hint = f"under way: {known}" if known else "only what is being rolled out is reverted"
            raise UsageError("no-rollout", f"no rollout of {subscription} is under way", hint)
        return await prepare(repo, head, status, named[0], now)


async def prepare(
    repo: Repo, head: CommitId, status: FleetStatus, subscription: str, now: datetime.datetime
) -> Reverted:
    """Make the commit and push it to its branch; where the remote does not take it, say how to.

    UsageError when no commit before the rollout is known, or nothing differs from it.
    """
    good, mirror = status.rollouts[subscription].good, repo.mirror
    if good is None:
        raise UsageError("no-good-commit", f"{subscription}: the status knows no commit before this rollout")
    branch = f"reconciler/revert-{head[:12]}"
    ref = branch_ref(branch)
    there = (await mirror.ls_remote([ref])).refs.get(ref)
    if there is not None:
        return Reverted(subscription, branch, there, "is there already")
    if not await mirror.descends(head, good, repo.revision.ref or head):
        raise UsageError("no-good-commit", f"{good[:12]}, which was good, is no ancestor of {head[:12]}")
    commit = await _commit(mirror, head, good, repo.path, _message(status, subscription, head, good), now)
    rejected = (await push(mirror, [Update(ref, None, commit)])).get(ref)
    if rejected is None:
        return Reverted(subscription, branch, commit, f"takes back what changed since {good[:12]}; merge it to go back")
    how = f"git fetch {mirror.directory} {commit}, and push that to {branch} yourself"
    return Reverted(subscription, branch, commit, f"the remote does not take it ({rejected.reason}): {how}")


async def _commit(
    mirror: Mirror, head: CommitId, good: CommitId, path: str, message: str, now: datetime.datetime
) -> CommitId:
    changed = await mirror.check(["diff-tree", "-r", "-z", "--no-renames", head, good, *(["--", path] if path else [])])
    fields = changed.decode(errors="surrogateescape").split("\0")
    lines = [
        f"{modes.split()[1]} {modes.split()[3]}\t{name}\0"
        for modes, name in zip(fields[::2], fields[1::2], strict=False)
    ]
    if not lines:
        raise UsageError("nothing-to-revert", f"{head[:12]} has the files of {good[:12]}")
    who = await author_of(mirror, now)
    author = {"GIT_AUTHOR_NAME": who.name, "GIT_AUTHOR_EMAIL": who.email}
    author |= {"GIT_COMMITTER_NAME": who.name, "GIT_COMMITTER_EMAIL": who.email}
    with tempfile.TemporaryDirectory() as scratch:
        own = {**mirror.here, **author, "GIT_INDEX_FILE": str(Path(scratch) / "index")}

        async def git(*arguments: str, stdin: bytes | None = None) -> str:
            call = Call(arguments, mirror.directory, environment=own, stdin=stdin)
            return (await mirror.door.check(call)).decode().strip()

        await git("read-tree", head)
        await git("update-index", "-z", "--index-info", stdin="".join(lines).encode(errors="surrogateescape"))
        tree = await git("write-tree")
        return CommitId(await git("commit-tree", tree, "-p", head, stdin=message.encode()))


def _message(status: FleetStatus, subscription: str, head: CommitId, good: CommitId) -> str:
    """The evidence: why it halted, and what failed where, without any object's content."""
    memory = status.rollouts[subscription]
    lines = [f"Revert the rollout of {subscription}", "", f"Gives back the files of {good}."]
    lines += [f"The rollout {memory.rollout} {memory.halted}." if memory.halted else "It was under way.", ""]
    failures = []
    for turn in memory.turns:
        unit = next(
            (u for k, u in status.units.items() if (k.subscription, k.cluster) == (subscription, turn.cluster)), None
        )
        note = status.clusters.get(turn.cluster)
        if unit is not None and unit.failures:
            failures += [
                f"- {note.name if note else turn.cluster}: {f.object}: {f.reason}: {f.message}" for f in unit.failures
            ]
        elif unit is not None and unit.message:
            failures.append(f"- {note.name if note else turn.cluster}: {unit.state}: {unit.message}")
    lines += failures[:FAILURES_SHOWN]
    if len(failures) > FAILURES_SHOWN:
        lines.append(f"- and {len(failures) - FAILURES_SHOWN} more")
    return "\n".join([*lines, "", f"Reverts: {head}", ""])
