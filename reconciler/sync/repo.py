"""The fleet repo as a run sees it: its mirror, what is remembered of it, and the commit that was asked for.

Most runs find nothing new and end here, so what only the others need is imported when they need it.
"""

import contextlib
import functools
import hashlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from reconciler import __version__
from reconciler.adapters.cache import Cache
from reconciler.adapters.git import remote
from reconciler.adapters.git.mirror import Mirror
from reconciler.adapters.git.revision import branch_ref
from reconciler.adapters.git.run import Git
from reconciler.model.errors import UsageError
from reconciler.model.objects import CommitId, Digest
from reconciler.model.settings import Settings, StatusTo
from reconciler.sync.clients import Clients
from reconciler.sync.options import Options
from reconciler.sync.tools import Tools

if TYPE_CHECKING:
    from reconciler.apply.lease import Leases

REMEMBERED = f"{__version__}+3"
"""Version of what the cache holds; the number goes up when a file is parsed to something else than before."""


class LastRun(msgspec.Struct, frozen=True):
    """What is remembered of the last run with the same command line; may be lost at any time."""

    source: CommitId
    status: CommitId | None
    """Head of the status branch after it."""
    settings: Settings
    facts: Digest
    """Digest of the clusters as they were listed. What children say of their room is no part of it: it never rests."""
    settled: bool
    """Nothing failed, was held back, is still to become ready, or found no room."""
    proof: str = ""
    """A file that must still be there: the index of the directory that was delivered into."""


class Heads(msgspec.Struct, frozen=True):
    """What the remotes have now."""

    commit: CommitId
    status: CommitId | None
    asked: StatusTo
    """Which status branch was asked for."""


class Repo:
    """One fleet repo, open for the length of a run or of a program."""

    def __init__(self, options: Options, door: Git, fleet: remote.Remote) -> None:
        self._options = options
        self._door = door
        self.remote = fleet
        self.mirror = Mirror(door, fleet, options.cache)
        self.cache = Cache(options.cache, fleet.slug, REMEMBERED)
        secrets = functools.partial(_pull_secret, options)
        self.tools = Tools(self.mirror, self.cache, options.environment, options.offline, secrets=secrets)
        self.revision = options.revision
        self.path = options.path
        self.trusted = options.trusted
        self.asked: CommitId | None = None
        """The commit that the last look found."""
        self.default: str | None = None
        """The branch that the remote's HEAD names."""
        self.clients = Clients()
        self._leases: Leases | None = None
        self._mirrors = {fleet.url: self.mirror}

    @property
    def source_branch(self) -> str | None:
        """The full ref of the branch that is synced, where it is one."""
        return self.default if self.revision.kind == "head" else self.revision.ref

    @property
    def leases(self) -> "Leases":
        """The Leases of clusters that this program holds."""
        from reconciler.apply.lease import Leases

        if self._leases is None:
            self._leases = Leases(keep=self._options.stays, timeout=self._options.lease_timeout)
        return self._leases

    async def close(self) -> None:
        """Give back what is held, end all children, close all connections."""
        if self._leases is not None:
            await self._leases.aclose()
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
        ref, asked = self.revision.ref, settings.status if settings else StatusTo()
        branch = branch_ref(asked.branch)
        elsewhere = asked.repo is not None
        advertised = await self.mirror.ls_remote([*([ref] if ref else []), *([] if elsewhere else [branch])])
        self.default = advertised.default or self.default
        commit = await self.mirror.resolve(self.revision, advertised)
        if elsewhere:
            advertised = await self.other(asked.repo).ls_remote([branch])
        self.asked = commit
        return Heads(commit, advertised.refs.get(branch), asked)

    async def fetch(self, heads: Heads) -> CommitId:
        """Make the source commit present; the answer may be newer than what was advertised."""
        ref = self.revision.ref or heads.commit
        now = await self.mirror.fetch({ref: heads.commit})
        return heads.commit if self.revision.kind == "commit" else now.get(ref, heads.commit)

    async def status_head(self, settings: Settings, heads: Heads) -> CommitId | None:
        """Head of the status branch that the settings name; asked again where the last settings named another."""
        ref = branch_ref(settings.status.branch)
        if self.source_branch == ref and settings.status.repo is None:
            what = f"{settings.status.branch!r} is the branch that is synced, so it cannot hold the status"
            raise UsageError("status-is-source", what, "name another one under status.branch in fleet.yaml")
        if heads.asked == settings.status:
            return heads.status
        return (await self.heads(settings)).status

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


async def _pull_secret(options: Options, settings: Settings, namespace: str, name: str) -> Mapping[str, str] | None:
    from reconciler.sync.reach import pull_secret

    return await pull_secret(options, settings, namespace, name)
