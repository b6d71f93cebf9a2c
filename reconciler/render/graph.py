"""A rendered commit as the objects that Clusternet would make of it, with its names, labels and owners.

For those who compare with a running hub, or hand a fleet over to one. Contract `clusternet-apps.md` §3; the worked set
of §3.10 is a test. Nothing of it is written anywhere.
"""

from collections.abc import Callable, Iterator

from reconciler.model.feed import Unit
from reconciler.model.objects import Object
from reconciler.render.graphcluster import dedicated
from reconciler.render.graphhub import feed_inventory, stored, subscription
from reconciler.render.graphparts import Commit

__all__ = ["Commit", "graph"]


def graph(commit: Commit, wanted: Callable[[Unit], bool]) -> Iterator[Object]:
    """All objects that have to do with the wanted units: what the hub stores, then by Subscription and cluster."""
    chosen = {}
    for name in sorted(commit.schedule.subscriptions):
        placements = [p for p in commit.placements(name) if wanted(Unit(name, p.cluster))]
        if placements:
            chosen[name] = placements
    yield from stored(commit, chosen)
    for name, placements in chosen.items():
        yield subscription(commit, name)
        inventory = feed_inventory(commit, name)
        if inventory is not None:
            yield inventory
        for placement in placements:
            yield from dedicated(commit, name, placement)
