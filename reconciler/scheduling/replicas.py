"""Which feeds have replicas to divide (contract `clusternet-apps.md` §3.6), and the placements that result.

Deployments, ReplicaSets and StatefulSets with `spec.replicas` are divided; everything else goes whole to every cluster.
"""

from collections.abc import Mapping, Sequence

from reconciler.model.placement import Placement
from reconciler.model.snapshot import Snapshot
from reconciler.scheduling.divide import divide

_DIVIDED = frozenset(
    {
        ("apps/v1", "Deployment"),
        ("apps/v1beta1", "Deployment"),
        ("apps/v1beta2", "Deployment"),
        ("extensions/v1beta1", "Deployment"),
        ("apps/v1", "ReplicaSet"),
        ("extensions/v1beta1", "ReplicaSet"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1beta1", "StatefulSet"),
        ("apps/v1beta2", "StatefulSet"),
        ("extensions/v1beta1", "StatefulSet"),
    }
)


def totals(subscription: str, snapshot: Snapshot) -> dict[str, int]:
    """Replicas to divide by feed key; overrides are not asked. A feed without `spec.replicas` is not in it."""
    found = {}
    for named in snapshot.feeds[subscription]:
        feed = named.feed
        resource = snapshot.resource(named) if (feed.api_version, feed.kind) in _DIVIDED else None
        if resource is None:
            continue
        spec = resource.body.get("spec")
        wanted = spec.get("replicas") if isinstance(spec, dict) else None
        if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted >= 0:
            found[feed.key] = wanted
    return found


def divided(
    placements: Sequence[Placement], weights: Sequence[int], wanted: Mapping[str, int]
) -> tuple[Placement, ...]:
    """The placements, each with its share of every total. Precondition: a weight is positive, or nothing is wanted."""
    if not wanted or not placements:
        return tuple(placements)
    by_total = {total: divide(total, weights) for total in set(wanted.values())}
    return tuple(
        Placement(placement.binding, placement.cluster, {feed: by_total[total][i] for feed, total in wanted.items()})
        for i, placement in enumerate(placements)
    )
