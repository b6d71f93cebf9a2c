"""The fleet repo as a run sees it: its mirror, what is remembered of it, and the commit that was asked for."""

import contextlib
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from reconciler import __version__
from reconciler.adapters.cache import Cache
from reconciler.adapters.git import remote, signatures
from reconciler.adapters.git.mirror import Mirror
from reconciler.adapters.git.revision import Advertised, branch_ref
from reconciler.adapters.git.run import Git
from reconciler.model.errors import ReconcilerError, Untrusted, UsageError
from reconciler.model.objects import CommitId, Digest
from reconciler.model.settings import Settings, Signatures
from reconciler.model.status import FleetStatus
from reconciler.sync import statusbranch
from reconciler.sync.options import Options
from reconciler.sync.reach import Clients
from reconciler.sync.story import Library


class LastRun(msgspec.Struct, frozen=True):
    """What is remembered of the last run with the same command line; may be lost at any time."""

    source: CommitId
    status: CommitId | None
    """Head of the status branch after it."""
    settings: Settings
    facts: Digest
    """Digest of the fleet facts that it scheduled over."""
    settled: bool
    """Nothing failed, was held back or is still to become ready."""


class Heads(msgspec.Struct, frozen=True):
    """What the remotes have now."""

    source: Advertised
    commit: CommitId
    status: CommitId | None


class Repo:
    """One fleet repo, open for the length of a run or of a program."""

    def __init__(self, options: Options, door: Git, fleet: remote.Remote) -> None:
        self._options = options
        self._door = door
        self.remote = fleet
        self.mirror = Mirror(door, fleet, options.cache)
        self.cache = Cache(options.cache, fleet.slug, __version__)
        self.library = Library(self.mirror, self.cache)
        self.revision = options.revision
        self.asked: CommitId | None = None
        """The commit that the last look found."""
        self.default: str | None = None
        """The branch that the remote's HEAD names."""
        self.clients = Clients()
        self._mirrors = {fleet.url: self.mirror}

    @property
    def source_branch(self) -> str | None:
        """The full ref of the branch that is synced, where it is one."""
        return self.default if self.revision.kind == "head" else self.revision.ref

    async def close(self) -> None:
        """End all children, close all connections."""
        await self.clients.aclose()
        for mirror in self._mirrors.values():
            await mirror.close()

    def other(self, repo: str | None) -> Mirror:
        """The mirror of another repo that the settings name; of the fleet repo itself for None."""
        if repo is None:
            return self.mirror
        named = remote.parse(repo, self.remote.path or Path.cwd())
        if named.url not in self._mirrors:
            self._mirrors[named.url] = Mirror(self._door, named, self._options.cache)
        return self._mirrors[named.url]

    async def heads(self, settings: Settings | None) -> Heads:
        """Source and status heads: one ls-remote, a second one only where status has a repo of its own."""
        ref = self.revision.ref
        branch = branch_ref(settings.status.branch if settings else Settings(fleet="x").status.branch)
        elsewhere = settings is not None and settings.status.repo is not None
        advertised = await self.mirror.ls_remote([*([ref] if ref else []), *([] if elsewhere else [branch])])
        self.default = advertised.default or self.default
        commit = await self.mirror.resolve(self.revision, advertised)
        if elsewhere and settings is not None:
            status = (await self.other(settings.status.repo).ls_remote([branch])).refs.get(branch)
        else:
            status = advertised.refs.get(branch)
        return Heads(advertised, commit, status)

    async def fetch(self, heads: Heads) -> CommitId:
        """Make the source commit present; the answer may be newer than what was advertised."""
        ref = self.revision.ref or heads.commit
        now = await self.mirror.fetch({ref: heads.commit})
        return heads.commit if self.revision.kind == "commit" else now.get(ref, heads.commit)

    async def status(self, settings: Settings, head: CommitId | None) -> FleetStatus:
        """The status that earlier runs left, empty for a new fleet."""
        if self.source_branch == branch_ref(settings.status.branch) and settings.status.repo is None:
            raise UsageError("status-is-source", f"{settings.status.branch} cannot be both source and status branch")
        return await statusbranch.read(self.other(settings.status.repo), settings, head)

    async def check_trust(self, commit: CommitId, settings: Settings, good: FleetStatus) -> None:
        """Refuse a commit that is not signed as the last good commit's settings ask; Untrusted says why.

        The keys are those of the last good commit, so that a commit cannot bring its own; a fleet that was never
        synced trusts the keys of its first commit.
        """
        last = self.last()
        anchor = last.source if last else good.commit
        keys = settings.signatures if anchor in (None, commit) else await self._keys(anchor, settings)
        if not (keys.ssh or keys.gpg):
            return
        await signatures.verify(self.mirror, commit, keys)
        if anchor and not await self.mirror.descends(commit, anchor, self.revision.ref or commit):
            raise Untrusted(
                "history-rewritten", f"commit {commit[:12]} does not descend from the last good one, {anchor[:12]}"
            )

    async def _keys(self, anchor: CommitId, settings: Settings) -> Signatures:
        last = self.last()
        if last and last.source == anchor:
            return last.settings.signatures
        try:
            await self.mirror.fetch({anchor: anchor})
            tree = await self.mirror.tree(anchor, self._options.path)
            return (await self.library.settings(tree)).signatures
        except ReconcilerError:
            # The last good commit cannot be had any more: a rewritten history, which `descends` then tells.
            return settings.signatures

    def last(self) -> LastRun | None:
        """What is remembered of the last run of the same kind."""
        return self.cache.record(self._name, LastRun)

    def keep(self, run: LastRun) -> None:
        """Remember a run."""
        self.cache.keep(self._name, run)

    @property
    def _name(self) -> str:
        options = self._options
        which = (
            str(self.revision),
            options.path,
            str(options.directory and options.directory.resolve()),
            options.narrow,
        )
        return "sync-" + hashlib.sha256(msgspec.json.encode(which)).hexdigest()[:16]


@contextlib.asynccontextmanager
async def opened(options: Options) -> AsyncIterator[Repo]:
    """Open the fleet repo of a command line."""
    repo = Repo(options, Git(options.environment), remote.parse(options.repo, Path.cwd()))
    try:
        yield repo
    finally:
        await repo.close()
