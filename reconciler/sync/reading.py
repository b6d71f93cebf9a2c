"""The path for commands that only read: the work tree of a local repo, or a commit of any remote, up to the feeds."""

import contextlib
from pathlib import Path

from reconciler.adapters.cache import Cache
from reconciler.adapters.git.remote import is_repo
from reconciler.adapters.git.run import Git
from reconciler.adapters.git.worktree import WorkTree
from reconciler.model.objects import CommitId
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Snapshot
from reconciler.model.status import FleetStatus
from reconciler.model.tree import Tree
from reconciler.sync import previous, story
from reconciler.sync.clients import Clients
from reconciler.sync.options import Options
from reconciler.sync.reach import reaching
from reconciler.sync.repo import REMEMBERED, Repo, opened
from reconciler.sync.tools import Tools
from reconciler.sync.worklist import Evaluated


async def evaluated(options: Options) -> Evaluated:
    """Read, schedule and render. A path without --branch, --tag or --commit means its work tree as it lies there."""
    if is_work_tree(options):
        worktree = OpenWorkTree(options)
        return await _evaluate(options, worktree.library, await worktree.files.tree())
    async with opened(options) as repo:
        commit = await repo.fetch(await repo.heads(None))
        library = story.Library(repo.tools)
        return await _evaluate(options, library, await repo.mirror.tree(commit, options.path))


def is_work_tree(options: Options) -> bool:
    """Whether files are read as they lie there; a bare repo has commits only."""
    repo = Path(options.repo)
    return options.revision.kind == "head" and repo.is_dir() and ((repo / ".git").exists() or not is_repo(repo))


async def snapshot_of(options: Options) -> Snapshot:
    """What the work tree of a local repo says."""
    worktree = OpenWorkTree(options)
    tree = await worktree.files.tree()
    return await worktree.library.snapshot(tree, await worktree.library.settings(tree))


async def _evaluate(options: Options, library: story.Library, tree: Tree) -> Evaluated:
    settings = await library.settings(tree)
    snapshot = await library.snapshot(tree, settings)
    async with contextlib.aclosing(Clients()) as clients, reaching(options, settings, clients) as reach:
        facts = await reach.facts(snapshot)
    return await story.evaluate(library, tree, snapshot, facts, FleetStatus(settings.fleet))


class OpenWorkTree:
    """A work tree with what is remembered of it; remembered apart from commits, as no remote is known."""

    def __init__(self, options: Options) -> None:
        self.files = WorkTree(Git(options.environment), Path(options.repo) / options.path)
        cache = Cache(options.cache, "worktrees", REMEMBERED)
        self.library = story.Library(Tools(self.files, cache, options.environment, options.offline))


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
