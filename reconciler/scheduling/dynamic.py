"""The answer for a Dynamic Subscription, once all of them have taken what they get."""

from collections.abc import Iterator

from reconciler.model.placement import Placement, Reason, Refusal, Scheduled, Shortfall
from reconciler.scheduling import moves
from reconciler.scheduling.claims import Claim
from reconciler.scheduling.fleet import Fleet


def answer(claim: Claim, fleet: Fleet) -> Scheduled:
    """Placements with replicas, refusals with reasons, moves and what is missing."""
    chosen = _chosen(claim)
    feeds = [(part.feed.feed, part.held) for part in claim.parts]
    placements = tuple(
        Placement(whole.binding, whole.cluster, {feed: held.get(whole.cluster, 0) for feed, held in feeds})
        if feeds
        else whole
        for whole in fleet.whole
        if whole.cluster in chosen
    )
    reasons = {**claim.candidates.refused, **dict(_unchosen(claim, chosen, fleet))}
    short = tuple(sorted(Shortfall(p.feed.feed, p.missing, p.feed.wanted) for p in claim.parts if p.missing > 0))
    return Scheduled(
        claim.name, placements, fleet.refusals(chosen, reasons), moves.of_claim(claim, fleet), shortfalls=short
    )


def _chosen(claim: Claim) -> frozenset[str]:
    """Clusters with replicas. Where none has any: those chosen before, so that scaling to 0 undeploys nothing.

    Without a feed that has replicas to place, all candidates up to `maxClusters`, those that were chosen before first.
    """
    if held := claim.held():
        return frozenset(held)
    bound = [cluster for cluster in claim.clusters if cluster in claim.before]
    if any(part.feed.wanted for part in claim.parts) or (claim.parts and bound):
        return frozenset(bound[: claim.dynamic.max_clusters])
    order = claim.ranked(claim.clusters)
    order.sort(key=lambda cluster: cluster not in claim.before)
    return frozenset(order[: claim.dynamic.max_clusters])


def _unchosen(claim: Claim, chosen: frozenset[str], fleet: Fleet) -> Iterator[tuple[str, Refusal]]:
    rest = [cluster for cluster in claim.clusters if cluster not in chosen]
    if not rest:
        return
    most = claim.dynamic.max_clusters
    limited = most is not None and len(chosen) >= most
    rooms = [part.pods.rooms(rest) for part in claim.parts]
    other = _other(claim, fleet, limited=limited)
    for at, cluster in enumerate(rest):
        if rooms and not any(room[at] for room in rooms):
            short = claim.parts[0].pods.short_of(cluster)
            yield cluster, fleet.refused(Reason.NO_ROOM, f"not one replica fits: {short}")[cluster]
        else:
            yield cluster, other[cluster]


def _other(claim: Claim, fleet: Fleet, *, limited: bool) -> dict[str, Refusal]:
    """Why a cluster with room has no replicas."""
    if limited:
        return fleet.refused(Reason.LIMITED, f"maxClusters is {claim.dynamic.max_clusters}, and others come first")
    if any(part.missing > 0 for part in claim.parts) and claim.dynamic.topology_spread_constraints:
        return fleet.refused(Reason.SPREAD, "the topology spread constraints allow no replica there")
    return fleet.refused(Reason.NO_SHARE, "it has room, but all replicas are on other clusters")
