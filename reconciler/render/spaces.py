"""Namespaces that charts want made: each is delivered to a cluster by one Subscription only.

A Subscription that delivers the namespace as a feed comes first, then the first one by name whose chart wants it.
"""

from collections.abc import Mapping

from reconciler.model.placement import Schedule
from reconciler.model.snapshot import Snapshot
from reconciler.render.kinds import chart_named_by

_GIVEN = frozenset({"default"})


class Spaces:
    """Who delivers which namespace where. Grows while Subscriptions are rendered in order of their names."""

    def __init__(self, snapshot: Snapshot, schedule: Schedule) -> None:
        self._wanted: Mapping[str, tuple[str, ...]] = _wanted(snapshot)
        charted = {space for spaces in self._wanted.values() for space in spaces}
        self._delivered: dict[str, dict[str, str]] = {space: {} for space in charted}
        for name in sorted(schedule.subscriptions if charted else ()):
            for feed in (named.feed for named in snapshot.feeds[name]):
                if feed.kind == "Namespace" and feed.api_version == "v1" and feed.name in charted:
                    for placement in schedule.subscriptions[name].placements:
                        self._delivered[feed.name].setdefault(placement.cluster, name)

    def wanted_by(self, subscription: str) -> tuple[str, ...]:
        """The namespaces that the charts of a Subscription go to, without those that every cluster has."""
        return self._wanted.get(subscription, ())

    def elsewhere(self, space: str, cluster: str, subscription: str) -> str:
        """The other Subscription that delivers a namespace to a cluster, or nothing."""
        owner = self._delivered[space].get(cluster, "")
        return owner if owner != subscription else ""

    def made(self, space: str, cluster: str, subscription: str) -> None:
        """Remember that a Subscription delivers a namespace to a cluster."""
        self._delivered[space].setdefault(cluster, subscription)


def _wanted(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    wanted = {}
    for name, feeds in snapshot.feeds.items():
        charts = (chart_named_by(named.feed, snapshot) for named in feeds)
        spaces = {chart.value.spec.target_namespace for chart in charts if chart is not None}
        spaces = {space for space in spaces if space not in _GIVEN and not space.startswith("kube-")}
        if spaces:
            wanted[name] = tuple(sorted(spaces))
    return wanted
