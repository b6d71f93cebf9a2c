"""Adding the replicas that a claim misses: which clusters may get some, how many each, and `minClusters` at the end.

Nothing here takes a replica from a cluster, with one exception: `minClusters` asks for more clusters than have some.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from reconciler.model.clusters import ClusterFacts
from reconciler.scheduling import topology
from reconciler.scheduling.claims import Claim, Part
from reconciler.scheduling.nodes import UNLIMITED
from reconciler.scheduling.spread import share
from reconciler.scheduling.topology import Constraint, Rooms

Facts = Mapping[str, ClusterFacts]


def grow(claim: Claim, facts: Facts) -> None:
    """Place what is missing as far as there is room."""
    if any(part.missing > 0 for part in claim.parts):
        claim.open = _open(claim)
        for part in claim.parts:
            if part.missing > 0:
                add(part, fitting(claim, part, rooms(claim, part), facts))
    _reach_minimum(claim, facts)


def rooms(claim: Claim, part: Part) -> dict[str, int]:
    """Replicas of a feed that fit on each cluster that may get some; what has no bound takes all that is missing."""
    found = zip(claim.open, part.pods.rooms(claim.open), strict=True)
    return {cluster: room if room < UNLIMITED else part.missing for cluster, room in found}


def add(part: Part, added: Mapping[str, int]) -> None:
    """Put replicas on clusters, and take their room."""
    held, change = part.held, part.pods.change
    for cluster, count in added.items():
        if count:
            held[cluster] = held.get(cluster, 0) + count
            change(cluster, count)


def fitting(claim: Claim, part: Part, room: Rooms, facts: Facts) -> dict[str, int]:
    """What is missing, divided over the room: under all constraints, then the rest without those that are wishes."""

    def fill(amount: int, inside: Rooms) -> dict[str, int]:
        return _filled(claim, amount, inside)

    hard, wished = _constraints(claim, part, facts)
    first = topology.placed(part.missing, room, part.held, (*hard, *wished), fill)
    left = part.missing - sum(first.values())
    if not left or not wished:
        return first
    held = {c: part.held.get(c, 0) + first.get(c, 0) for c in part.held.keys() | first.keys()}
    rest = {c: most - first.get(c, 0) for c, most in room.items()}
    more = topology.placed(left, rest, held, hard, fill)
    return {c: first.get(c, 0) + more.get(c, 0) for c in room if c in first or c in more}


def _filled(claim: Claim, amount: int, room: Rooms) -> dict[str, int]:
    """The most preferred clusters first; among equals as the strategy says."""
    added: dict[str, int] = {}
    for tier in claim.tiers(room):
        have = [room[cluster] for cluster in tier]
        shares = _packed(amount, have) if claim.dynamic.strategy == "Binpack" else share(amount, have)
        added.update(zip(tier, shares, strict=True))
        amount -= sum(shares)
        if not amount:
            break
    return added


def _packed(amount: int, room: Sequence[int]) -> list[int]:
    """The least room that takes a replica is filled first; ties by position."""
    shares = [0] * len(room)
    for position in sorted(range(len(room)), key=lambda at: room[at]):
        shares[position] = min(amount, room[position])
        amount -= shares[position]
        if not amount:
            break
    return shares


def _open(claim: Claim) -> Sequence[str]:
    """Candidates that may get replicas: all, or those that have some and the best others up to `maxClusters`."""
    if claim.dynamic.max_clusters is None:
        return claim.clusters
    total = dict.fromkeys(claim.clusters, 0)
    for part in claim.parts:
        if part.missing > 0:
            for cluster, room in zip(claim.clusters, part.pods.rooms(claim.clusters), strict=True):
                total[cluster] += min(room, part.missing)
    return opened(claim, total)


def opened(claim: Claim, total: Mapping[str, int]) -> Sequence[str]:
    """Candidates that may get replicas where so many of the missing ones fit on each."""
    most = claim.dynamic.max_clusters
    if most is None:
        return claim.clusters
    held = claim.held()
    free = max(0, most - len(held))
    wanted = sum(part.missing for part in claim.parts if part.missing > 0)
    new = [cluster for cluster in claim.clusters if total[cluster] and cluster not in held]
    if len(new) > free:
        wanted -= min(wanted, sum(total[cluster] for cluster in held))
        new = _chosen(claim, new, total, free, wanted)
    chosen = {*held, *new}
    return [cluster for cluster in claim.clusters if cluster in chosen]


def _chosen(claim: Claim, new: list[str], total: Mapping[str, int], free: int, wanted: int) -> list[str]:
    """So many of the new clusters: the most preferred, then the roomiest; Binpack as many of the fullest as will do."""
    roomy = sorted(new, key=lambda c: (-claim.scores.get(c, 0), -total[c]))
    if claim.dynamic.strategy == "Spread" or not free:
        return roomy[:free]
    full = sorted(new, key=lambda c: (-claim.scores.get(c, 0), total[c]))
    small = [0, *accumulate(total[c] for c in full)]
    large = [0, *accumulate(total[c] for c in roomy)]
    for first in range(free, 0, -1):
        if small[first] + large[free - first] >= wanted:
            others = [c for c in roomy if c not in set(full[:first])]
            if small[first] + sum(total[c] for c in others[: free - first]) >= wanted:
                return [*full[:first], *others[: free - first]]
    return roomy[:free]


def _constraints(claim: Claim, part: Part, facts: Facts) -> tuple[list[Constraint], list[Constraint]]:
    """Those that must hold for a feed, and those that are wishes."""
    hard: list[Constraint] = []
    wished: list[Constraint] = []
    for one in claim.dynamic.topology_spread_constraints or ():
        if topology.concerns(one.label_selector, part.feed.labels):
            to = hard if one.when_unsatisfiable == "DoNotSchedule" else wished
            to.append(topology.constraint(one, claim.open, facts))
    return hard, wished


def _reach_minimum(claim: Claim, facts: Facts) -> None:
    """One replica each for more clusters, taken from where the most are, until `minClusters` have some."""
    least = claim.dynamic.min_clusters or 0
    total = claim.held()
    if len(total) >= least:
        return
    claim.open = claim.clusters
    for cluster in claim.ranked(c for c in claim.open if c not in total):
        if len(total) >= least:
            return
        for part in claim.parts:
            donors = claim.ranked(c for c in claim.clusters if c in part.held)
            donor = max(reversed(donors), key=total.__getitem__, default=None)
            if donor and total[donor] > 1 and part.pods.room(cluster) and _allowed(claim, part, donor, cluster, facts):
                _hand_over(claim, part, donor, cluster)
                total = claim.held()
                break


def _allowed(claim: Claim, part: Part, donor: str, taker: str, facts: Facts) -> bool:
    """Whether the constraints that must hold allow a replica to go over."""
    for one in _constraints(claim, part, facts)[0]:
        if taker not in one.domains:
            return False
        counts = one.counts(part.held)
        if donor in one.domains:
            counts[one.domains[donor]] -= 1
        if one.domains[taker] not in one.allowed(counts):
            return False
    return True


def _hand_over(claim: Claim, part: Part, donor: str, taker: str) -> None:
    part.move(donor, -1)
    part.pods.change(donor, -1)
    add(part, {taker: 1})
    for cluster in (donor, taker):
        claim.reasons.setdefault((part.feed.feed, cluster), f"minClusters is {claim.dynamic.min_clusters}")
