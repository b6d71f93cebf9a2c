"""What registering a cluster needs from the fleet repo: its settings, and the feeds that the cluster will get.

The work tree is read as it lies there, up to the feeds, by the same path as every command; the cluster is added to the
fleet facts as it will be once it is registered.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import RenderedFeed
from reconciler.model.settings import Settings
from reconciler.model.status import FleetStatus
from reconciler.model.tree import Tree
from reconciler.sync import story
from reconciler.sync.options import Options
from reconciler.sync.reading import OpenWorkTree


class Prospect(msgspec.Struct, frozen=True):
    """What a cluster will get."""

    feeds: tuple[RenderedFeed, ...]
    broken: tuple[str, ...]
    """Subscriptions that cannot be rendered now: what they need is not known."""


class FleetTree:
    """The fleet repo of a directory."""

    def __init__(self, library: story.Library, tree: Tree, settings: Settings) -> None:
        self.settings = settings
        self._library = library
        self._tree = tree

    async def prospect(self, cluster: ClusterFacts, others: Mapping[str, ClusterFacts]) -> Prospect:
        """The feeds of a cluster, scheduled beside the others of its hub, or beside those that the repo declares."""
        snapshot = await self._library.snapshot(self._tree, self.settings)
        declared = {i: sourced.value for i, sourced in snapshot.clusters.items()}
        beside = declared if self.settings.clusters.source == "repo" else others
        facts = {**beside, cluster.id: cluster}
        found = await story.evaluate(self._library, self._tree, snapshot, facts, FleetStatus(self.settings.fleet))
        feeds = (feed for unit, feed in found.feeds.units.items() if unit.cluster == cluster.id)
        concerned = {name for problem in found.problems for name in problem.concerns}
        return Prospect(tuple(feeds), tuple(sorted(found.feeds.broken | concerned)))


async def fleet_tree(options: Options) -> FleetTree | None:
    """The fleet repo that the options name; None when the directory holds no fleet.yaml."""
    directory = Path(options.repo) / options.path
    if not (directory / story.SETTINGS).is_file():
        return None
    worktree = OpenWorkTree(options)
    tree = await worktree.files.tree()
    return FleetTree(worktree.library, tree, await worktree.library.settings(tree))
