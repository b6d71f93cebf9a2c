"""A bare copy of a remote in the cache directory: asked, fetched into, read from, and written from.

It may be deleted at any time, damaged ones are made anew, and several runs may share one. The refs of the remote are
kept under hashed names, so that hostile, case-folding or nested branch names never collide here. A commit counts as
present only when a ref of ours names it: what a killed fetch left behind is not trusted.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from reconciler.adapters.git import objects as reading
from reconciler.adapters.git import words
from reconciler.adapters.git.copy import Copy
from reconciler.adapters.git.remote import Remote
from reconciler.adapters.git.revision import Advertised, Revision, missing
from reconciler.adapters.git.run import LONG, QUICK, Call, Git
from reconciler.adapters.processes import Ended
from reconciler.model.errors import ToolFailed, UsageError
from reconciler.model.objects import BlobId, CommitId
from reconciler.model.tree import Tree

_WIDE = 64
"""Digits of a SHA-256 id."""
_AT_ONCE = 2000
"""Refs in one fetch: more would not fit on a command line."""


def tracker(ref: str) -> str:
    """Our own ref for a ref (or commit id) of the remote."""
    return f"refs/reconciler/fetched/{hashlib.sha256(ref.encode()).hexdigest()[:20]}"


def written(ref: str) -> str:
    """Our own ref for what we last committed for a ref of the remote, pushed or not."""
    return f"refs/reconciler/written/{hashlib.sha256(ref.encode()).hexdigest()[:20]}"


class Mirror(Copy):
    """One remote and our copy of it."""

    def __init__(self, door: Git, remote: Remote, cache: Path) -> None:
        """`cache` is the cache directory of this program, made when needed."""
        super().__init__(door, cache / "git" / f"{remote.slug}.git")
        self.remote = remote
        self._ssh: Mapping[str, str] | None = None

    async def ls_remote(self, refs: Iterable[str]) -> Advertised:
        """What the remote has of these refs, in one call; `refs/heads/x/*` asks for all below. Nothing is fetched.

        Tags are peeled to their commits. Raises Unreachable, Untrusted or ToolFailed.
        """
        patterns = [name for ref in refs for name in ((ref, f"{ref}^{{}}") if ref.startswith("refs/tags/") else (ref,))]
        output = await self.talk(["ls-remote", "--symref", "--", self.remote.url, *patterns], QUICK)
        return _advertised(output.decode(errors="surrogateescape"), patterns)

    async def resolve(self, revision: Revision, advertised: Advertised) -> CommitId:
        """The commit that a revision means; UsageError, with near names, where it means none."""
        if revision.kind == "commit":
            return revision.commit or await self._expand(revision)
        commit = advertised.refs.get(revision.ref or "")
        if commit is None:
            everything = await self.ls_remote(["refs/heads/*", "refs/tags/*"])
            raise missing(revision, everything.refs, self.remote.shown)
        return commit

    async def fetch(self, wanted: Mapping[str, CommitId], *, history: bool = False) -> dict[str, CommitId]:
        """Make commits present, by ref (or by their own id), fetching only what is new.

        The answer is what each ref has now, which may be newer than what was wanted. Without `history` a ref that is
        fetched for the first time brings its last commit only.
        """
        if any(len(commit) == _WIDE for commit in wanted.values()):
            await self.widen()
        try:
            return await self._fetch(wanted, history=history)
        except ToolFailed as error:
            if words.is_of_remote(error.message) or await self.is_sound():
                return await self._fetch_by_branch(wanted, error)
        await self.forget()
        return await self._fetch(wanted, history=history)

    async def descends(self, new: CommitId, good: CommitId, ref: str) -> bool:
        """Whether `good` is `new` or an ancestor of it; the rest of the history of `ref` is fetched when needed."""
        if await self.is_known_ancestor(good, new):
            return True
        if not self.is_shallow:
            return False
        await self.fetch({ref: new}, history=True)
        return await self.is_known_ancestor(good, new)

    async def tree(self, commit: CommitId, path: str = "") -> Tree:
        """The files of a commit below a directory; UsageError when the commit has no such directory."""
        root = await reading.tree_at(self.objects, commit, path)
        if root is None:
            raise UsageError("no-such-path", f"commit {commit[:12]} has no directory {path or '/'!r}")
        listing = await reading.list_files(self.objects, root)
        return Tree(listing.files, commit, listing.skipped)

    async def blobs(self, ids: Iterable[BlobId]) -> dict[BlobId, bytes]:
        """The contents of files, by id."""
        wanted = sorted(set(ids))
        found = await self.objects.get(wanted)
        lost = [blob for blob, content in zip(wanted, found, strict=True) if content is None]
        if lost:
            hint = "the cache was deleted while it was read: run again"
            raise ToolFailed("git-objects", f"{len(lost)} files are missing, {lost[0]} first", hint)
        return {blob: content.content for blob, content in zip(wanted, found, strict=True) if content}

    async def talk(self, arguments: Sequence[str], deadline: float) -> bytes:
        """Run a call that speaks with the remote; its transport is the only one that is allowed."""
        ended = await self.try_to_talk(arguments, deadline)
        if ended.status != 0 and words.is_lost(ended.stderr):
            await self.forget()
            ended = await self.try_to_talk(arguments, deadline)
        if ended.status != 0:
            raise words.failure(arguments[0], ended.stderr)
        return ended.stdout

    async def try_to_talk(self, arguments: Sequence[str], deadline: float) -> Ended:
        """As `talk`, whatever the exit status."""
        await self.make()
        environment = {**self.here, "GIT_ALLOW_PROTOCOL": self.remote.transport, **await self._batch_mode()}
        return await self.door.run(Call(arguments, self.directory, environment=environment, deadline=deadline))

    async def _present(self, wanted: Mapping[str, CommitId]) -> dict[str, CommitId]:
        """What each ref has here: what was wanted, if we wrote it ourselves, or else what was fetched last."""
        await self.make()
        refs = list(wanted)
        found = await self.objects.get([own for ref in refs for own in (written(ref), f"{tracker(ref)}^{{commit}}")])
        pairs = zip(refs, found[::2], found[1::2], strict=True)
        held = {ref: mine if mine and mine.id == wanted[ref] else fetched for ref, mine, fetched in pairs}
        return {ref: CommitId(commit.id) for ref, commit in held.items() if commit}

    async def _fetch(self, wanted: Mapping[str, CommitId], *, history: bool) -> dict[str, CommitId]:
        now = await self._present(wanted)
        absent = [ref for ref, commit in sorted(wanted.items()) if now.get(ref) != commit]
        complete = not (history and self.is_shallow)
        if not absent and complete:
            return now
        async with self.locked():
            known = [ref for ref in (absent if complete else sorted(wanted)) if history or ref in now]
            await self._fetch_refs([] if complete else ["--unshallow"], known)
            await self._fetch_refs(["--depth=1"], [ref for ref in absent if ref not in known])
            await self.tidy()
        return await self._present(wanted)

    async def _fetch_refs(self, options: Sequence[str], refs: Sequence[str]) -> None:
        quiet = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--force"]
        for start in range(0, len(refs), _AT_ONCE):
            specs = [f"+{ref}:{tracker(ref)}" for ref in refs[start : start + _AT_ONCE]]
            await self.talk(["fetch", *quiet, *options, "--", self.remote.url, *specs], LONG)

    async def _fetch_by_branch(self, wanted: Mapping[str, CommitId], error: ToolFailed) -> dict[str, CommitId]:
        """Commits that the remote does not hand out by their id, out of the history of its branches and tags."""
        if not (words.is_unadvertised(error.message) and all(ref == commit for ref, commit in wanted.items())):
            raise error
        everything = (await self.ls_remote(["refs/heads/*", "refs/tags/*"])).refs
        await self._fetch(everything, history=True)
        for commit in wanted.values():
            if not await self.find(commit):
                message = f"{self.remote.shown} has no commit {commit[:12]} on a branch or tag"
                raise UsageError("no-such-commit", message) from error
            await self.check(["update-ref", tracker(commit), commit])
        return await self._present(wanted)

    async def _expand(self, revision: Revision) -> CommitId:
        found = await self.find(revision.name)
        if found is None:
            everything = await self.ls_remote(["refs/heads/*", "refs/tags/*"])
            await self.fetch(everything.refs, history=True)
            found = await self.find(revision.name)
        if found is None:
            raise UsageError("no-such-commit", f"{self.remote.shown} has no commit {revision.name} on a branch or tag")
        return found

    async def _batch_mode(self) -> Mapping[str, str]:
        """ssh must not ask on a terminal, unless the user has a command of his own."""
        if self.remote.transport != "ssh" or self.door.environ.keys() & {"GIT_SSH_COMMAND", "GIT_SSH"}:
            return {}
        if self._ssh is None:
            own = (await self.run(["config", "--get", "core.sshCommand"])).status == 0
            self._ssh = {} if own else {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=20"}
        return self._ssh


def _advertised(output: str, patterns: Sequence[str]) -> Advertised:
    refs: dict[str, CommitId] = {}
    default = None
    exact, below = set(patterns), tuple(p.removesuffix("*") for p in patterns if p.endswith("/*"))
    for line in output.split("\n"):  # not `splitlines`: a ref may hold a line separator of Unicode
        value, _, ref = line.partition("\t")
        if ref == "HEAD" and value.startswith("ref: "):
            default = value.removeprefix("ref: ")
        elif ref in exact or ref.startswith(below):
            refs[ref.removesuffix("^{}")] = CommitId(value)
    return Advertised(refs, default)
