"""The path for commands that only read: the work tree of a local repo, or a commit of any remote, up to the feeds."""

import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from reconciler.adapters.cache import Cache
from reconciler.adapters.git.remote import is_repo
from reconciler.adapters.git.run import Git
from reconciler.adapters.git.worktree import WorkTree
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import Unreachable, UsageError
from reconciler.model.objects import CommitId
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Snapshot
from reconciler.model.status import FleetStatus
from reconciler.model.tree import Tree
from reconciler.sync import previous, story
from reconciler.sync.clients import Clients
from reconciler.sync.events import Tell, unheard
from reconciler.sync.options import Options
from reconciler.sync.reach import pull_secret, reaching
from reconciler.sync.repo import REMEMBERED, Repo, opened
from reconciler.sync.tools import Tools
from reconciler.sync.worklist import Evaluated


class Ground(msgspec.Struct, frozen=True):
    """What a reading command stands on: a tree, and what is known of the clusters."""

    library: story.Library
    tree: Tree
    snapshot: Snapshot
    facts: Mapping[str, ClusterFacts]
    before: Callable[[], Awaitable[FleetStatus]]
    """The status that earlier runs wrote; read only where it matters."""

    @property
    def nothing(self) -> FleetStatus:
        """The status of a fleet that nothing was delivered to."""
        return FleetStatus(self.snapshot.settings.fleet)

    async def evaluated(self, *, history: bool = False) -> Evaluated:
        """Schedule and render, onto what earlier runs placed where that makes a difference; with `history` always."""
        asks = history or previous.matters(self.snapshot)
        status = await self.before() if asks else self.nothing
        found = await self.over(self.facts, status)
        if not asks and any(not one.placements for one in found.schedule.subscriptions.values()):
            status = await self.before()
            return await self.over(self.facts, status) if status.units else found
        return found

    async def over(self, facts: Mapping[str, ClusterFacts], status: FleetStatus) -> Evaluated:
        """Schedule and render over other facts, or onto another status."""
        return await story.evaluate(self.library, self.tree, self.snapshot, facts, status)


async def evaluated(options: Options, tell: Tell = unheard, *, history: bool = False) -> Evaluated:
    """Read, schedule and render. A path without --branch, --tag or --commit means its work tree as it lies there.

    `history`: tell also what was placed before where that changes nothing.
    """
    async with grounded(options, tell) as ground:
        return await ground.evaluated(history=history)


@contextlib.asynccontextmanager
async def grounded(options: Options, tell: Tell = unheard) -> AsyncIterator[Ground]:
    """Read a tree and ask who the clusters are."""
    if is_work_tree(options):
        worktree = OpenWorkTree(options)
        yield await worktree.ground(await worktree.files.tree(), tell)
        return
    async with opened(options) as repo:
        heads = await repo.heads(None)
        library = story.Library(repo.tools)
        tree = await repo.mirror.tree(await repo.fetch(heads), options.path)
        settings = await library.settings(tree)

        async def before() -> FleetStatus:
            return await previous.read(repo, settings, await repo.status_head(settings, heads))

        yield await _ground(options, library, tree, before, tell)


async def _ground(
    options: Options, library: story.Library, tree: Tree, before: Callable[[], Awaitable[FleetStatus]], tell: Tell
) -> Ground:
    snapshot = await library.snapshot(tree, await library.settings(tree))
    return Ground(library, tree, snapshot, await _facts(options, snapshot, tell), before)


async def _facts(options: Options, snapshot: Snapshot, tell: Tell) -> Mapping[str, ClusterFacts]:
    """What is known of the clusters; with --offline nobody is asked, and files say it that `cluster export` wrote."""
    if options.offline:
        if snapshot.settings.clusters.source == "parent" and not snapshot.clusters:
            what = "clusters come from a parent, which --offline does not ask, and the repo holds no export of them"
            raise UsageError("no-export", what, "reconciler cluster export")
        return {i: sourced.value for i, sourced in snapshot.clusters.items()}
    try:
        async with contextlib.aclosing(Clients()) as clients, reaching(options, snapshot.settings, clients) as reach:
            return await reach.facts(snapshot, tell)
    except Unreachable as error:
        if not any(cluster.value.exported for cluster in snapshot.clusters.values()):
            raise
        hint = "--offline goes by what `reconciler cluster export` wrote into the repo"
        raise Unreachable(error.code, error.message, hint) from error


def is_work_tree(options: Options) -> bool:
    """Whether files are read as they lie there; a bare repo has commits only."""
    repo = Path(options.repo)
    return options.revision.kind == "head" and repo.is_dir() and ((repo / ".git").exists() or not is_repo(repo))


async def snapshot_of(options: Options) -> Snapshot:
    """What the work tree of a local repo says."""
    worktree = OpenWorkTree(options)
    tree = await worktree.files.tree()
    return await worktree.library.snapshot(tree, await worktree.library.settings(tree))


class OpenWorkTree:
    """A work tree with what is remembered of it; remembered apart from commits, as no remote is known."""

    def __init__(self, options: Options) -> None:
        self.git = Git(options.environment)
        self.files = WorkTree(self.git, Path(options.repo) / options.path)
        self.cache = Cache(options.cache, "worktrees", REMEMBERED)
        secrets = functools.partial(pull_secret, options)
        tools = Tools(self.files, self.cache, options.environment, options.offline, secrets=secrets)
        self.library = story.Library(tools)
        self._options = options

    async def ground(self, tree: Tree, tell: Tell = unheard) -> Ground:
        """What a command stands on that reads `tree`, which `files` answered last."""
        settings = await self.library.settings(tree)
        local = functools.partial(previous.local, self.git, self._options, settings)
        return await _ground(self._options, self.library, tree, local, tell)


async def status_of(options: Options) -> FleetStatus:
    """The status that the last runs wrote; one ls-remote, and a fetch only when the branch moved."""
    async with opened(options) as repo:
        heads = await repo.heads(None)
        commit = await repo.fetch(heads)
        settings = await _settings(repo, commit)
        head = await repo.status_head(settings, heads)
        return await previous.read(repo, settings, head)


async def _settings(repo: Repo, commit: CommitId) -> Settings:
    """The settings of a commit; while it is broken, those of the last good one, whose status is still to be seen."""
    library = story.Library(repo.tools)
    try:
        return await library.settings(await repo.mirror.tree(commit, repo.path))
    except story.BrokenRepo:
        last = repo.last()
        if last is None:
            raise
        return last.settings
