"""What registering a cluster needs from the fleet repo: its settings, and the feeds that the cluster will get.

The work tree is read as it lies there, up to the feeds, by the same path as every command; the cluster is added to the
fleet facts as it will be once it is registered.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.model.authored import Subscription
from reconciler.model.clusters import ClusterFacts
from reconciler.model.dependencies import After
from reconciler.model.feed import RenderedFeed
from reconciler.model.objects import Digest
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Snapshot, Sourced
from reconciler.model.status import FleetStatus
from reconciler.model.tree import Tree
from reconciler.sync import asking, previous, story
from reconciler.sync.dependencies import after_of
from reconciler.sync.options import Options
from reconciler.sync.reading import OpenWorkTree


class Prospect(msgspec.Struct, frozen=True):
    """What a cluster will get."""

    feeds: tuple[RenderedFeed, ...]
    broken: tuple[str, ...]
    """Subscriptions that cannot be rendered now: what they need is not known."""
    counted: bool = False
    """A Subscription divides replicas by its room."""


class FleetTree:
    """The fleet repo of a directory."""

    def __init__(self, library: story.Library, tree: Tree, settings: Settings) -> None:
        self.settings = settings
        self._library = library
        self._tree = tree

    async def dependencies(self) -> After:
        """What depends on what, by Subscription, without circles."""
        snapshot = await self._library.snapshot(self._tree, self.settings)
        return after_of(snapshot)

    async def prospect(self, cluster: ClusterFacts, others: Mapping[str, ClusterFacts], child: Client) -> Prospect:
        """The feeds of a cluster, scheduled beside the others of its hub, or beside those that the repo declares.

        Where clusters are chosen among others, or by their room, it gets more another day: then also all that may ever
        go there. `child` is asked what only it knows.
        """
        snapshot = await self._library.snapshot(self._tree, self.settings)
        wanted = asking.questions(snapshot, {cluster.id: cluster})
        cluster = await asking.answer(child, cluster, wanted)
        declared = {i: sourced.value for i, sourced in snapshot.clusters.items()}
        beside = declared if self.settings.clusters.source == "repo" else others
        facts = {**beside, cluster.id: cluster}
        views = [snapshot, *([_unrestricted(snapshot)] if previous.matters(snapshot) else [])]
        feeds: dict[Digest, RenderedFeed] = {}
        broken: frozenset[str] = frozenset()
        for view in views:
            found = await story.evaluate(self._library, self._tree, view, facts, FleetStatus(self.settings.fleet))
            feeds.update({feed.digest: feed for unit, feed in found.feeds.units.items() if unit.cluster == cluster.id})
            if view is snapshot:
                broken = found.feeds.broken | {name for problem in found.problems for name in problem.concerns}
        return Prospect(tuple(feeds.values()), tuple(sorted(broken)), counted=cluster.id in wanted.room)


def _unrestricted(snapshot: Snapshot) -> Snapshot:
    """The snapshot in which everything goes to every cluster that a subscriber selects."""

    def whole(sourced: Sourced[Subscription]) -> Sourced[Subscription]:
        spec = msgspec.structs.replace(
            sourced.value.spec,
            scheduling_strategy="Replication",
            scheduling_by_sub_group=None,
            dividing_scheduling=None,
        )
        return Sourced(sourced.place, msgspec.structs.replace(sourced.value, spec=spec))

    subscriptions = {name: whole(sourced) for name, sourced in snapshot.subscriptions.items()}
    return msgspec.structs.replace(snapshot, subscriptions=subscriptions)


async def fleet_tree(options: Options) -> FleetTree | None:
    """The fleet repo that the options name; None when the directory holds no fleet.yaml."""
    directory = Path(options.repo) / options.path
    if not (directory / story.SETTINGS).is_file():
        return None
    worktree = OpenWorkTree(options)
    tree = await worktree.files.tree()
    return FleetTree(worktree.library, tree, await worktree.library.settings(tree))
