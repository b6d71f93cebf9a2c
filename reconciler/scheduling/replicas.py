"""Which feeds have replicas to divide, how many, and what one replica asks for.

Kinds and paths are those of `model/replicapaths.py`; everything else goes whole to every chosen cluster. The number is
what the file says: overrides are not asked, and an object that a template makes for each cluster has none before.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from reconciler.model import replicapaths
from reconciler.model.authored import Feed
from reconciler.model.objects import Object
from reconciler.model.placement import Placement
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Snapshot
from reconciler.scheduling.divide import divide
from reconciler.scheduling.requirements import NOTHING, Requirements, of_pod

_MOST = 2**31 - 1
"""A larger number is none that an API server takes."""


class Scalable(msgspec.Struct, frozen=True):
    """A feed with replicas."""

    feed: str
    """Feed key."""
    wanted: int
    need: Requirements
    labels: Object
    """Labels of its pods."""


def path_of(api_version: str, kind: str, settings: Settings) -> str | None:
    """JSON pointer to the replicas of a kind; None when it has none to divide."""
    return replicapaths.pointer(api_version, kind, settings)


class Feeds:
    """Scalable feeds of a snapshot; each object is looked at once."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Nothing is looked at yet."""
        self._snapshot = snapshot
        self._known: dict[tuple[str, Feed], Scalable | None] = {}
        self._needs: dict[Requirements, Requirements] = {}

    def of(self, subscription: str) -> tuple[Scalable, ...]:
        """The feeds of a Subscription that have replicas, in its order."""
        found: dict[str, Scalable] = {}
        for named in self._snapshot.feeds.get(subscription, ()):
            at = (named.via, named.feed)
            if at not in self._known:
                resource = self._snapshot.resource(named)
                whole = resource is None or resource.template
                self._known[at] = None if whole or resource is None else self._scalable(named.feed, resource.body)
            scalable = self._known[at]
            if scalable is not None:
                found.setdefault(scalable.feed, scalable)
        return tuple(found.values())

    def _scalable(self, feed: Feed, body: Object) -> Scalable | None:
        path = replicapaths.found(feed.api_version, feed.kind, self._snapshot.settings)
        wanted = None if path is None else at(body, path.path)
        if path is None or not isinstance(wanted, int) or isinstance(wanted, bool) or not 0 <= wanted <= _MOST:
            return None
        template = at(body, path.template) if path.template else None
        need = NOTHING if template is None else of_pod(template)
        metadata = template.get("metadata") if isinstance(template, dict) else None
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        need = self._needs.setdefault(need, need)
        return Scalable(feed.key, wanted, need, labels if isinstance(labels, dict) else {})


def at(body: Object, pointer: str) -> Any:
    """What a JSON pointer points at; None when that is not there. Members of objects only, not items of lists."""
    value: Any = body
    for part in pointer.split("/")[1:]:
        value = value.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
    return value


def divided(
    placements: Sequence[Placement], weights: Sequence[int], feeds: Sequence[Scalable], order: Sequence[int]
) -> tuple[Placement, ...]:
    """The placements, each with its share of every feed by weight; ties go by `order`, positions of placements.

    Precondition: a weight is positive, or there are no feeds.
    """
    if not feeds or not placements:
        return tuple(placements)
    by_total = {total: _in_order(total, weights, order) for total in {feed.wanted for feed in feeds}}
    return tuple(
        Placement(placement.binding, placement.cluster, {feed.feed: by_total[feed.wanted][i] for feed in feeds})
        for i, placement in enumerate(placements)
    )


def _in_order(total: int, weights: Sequence[int], order: Sequence[int]) -> dict[int, int]:
    shares = divide(total, [weights[position] for position in order])
    return dict(zip(order, shares, strict=True))
