"""What is not as it was, and why: no replica moves without a reason, and the reason is told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.model.placement import Move, Placement, Refusal
from reconciler.scheduling.claims import Claim, Part
from reconciler.scheduling.fleet import Fleet, Rows
from reconciler.scheduling.replicas import Scalable


def of_claim(claim: Claim, fleet: Fleet) -> tuple[Move, ...]:
    """Moves of a Dynamic Subscription; none for a feed that was nowhere before."""
    return tuple(sorted(move for part in claim.parts if part.before for move in _of_part(claim, part, fleet)))


def _of_part(claim: Claim, part: Part, fleet: Fleet) -> Iterator[Move]:
    if part.before == part.held:
        return
    feed, refused = part.feed.feed, claim.candidates.refused
    changes = _total(sum(part.before.values()), part.feed.wanted)
    here = frozenset(claim.clusters)
    lost = frozenset(c for c, n in part.before.items() if n and c not in here)
    gains = _gains(changes, lost or frozenset(c for f, c in claim.reasons if f == feed), fleet)
    for cluster in part.before.keys() | part.held.keys():
        before, after = part.before.get(cluster, 0), part.held.get(cluster, 0)
        if before == after:
            continue
        if after < before:
            reason = claim.reasons.get((feed, cluster)) or changes
            if cluster in lost:
                reason = gone(cluster, fleet, refused)
        else:
            reason = claim.reasons.get((feed, cluster)) or gains
        yield Move(feed, cluster, before, after, reason)


def of_static(
    feeds: Sequence[Scalable],
    placements: Sequence[Placement],
    before: Rows,
    fleet: Fleet,
    refused: Mapping[str, Refusal],
) -> tuple[Move, ...]:
    """Moves of a Subscription that divides by weight: it has no memory, so that its shares follow the weights."""
    now = {placement.cluster: placement.replicas for placement in placements}
    found = []
    for feed in feeds:
        old = {c: row[feed.feed] for c, row in before.items() if feed.feed in row}
        new = {c: row[feed.feed] for c, row in now.items() if feed.feed in row}
        if not old or old == new:
            continue
        changes = _total(sum(old.values()), feed.wanted)
        for cluster in sorted(old.keys() | new.keys()):
            was, has = old.get(cluster, 0), new.get(cluster, 0)
            if was != has:
                reason = changes or "the weights or the chosen clusters changed"
                reason = reason if cluster in now else gone(cluster, fleet, refused)
                found.append(Move(feed.feed, cluster, was, has, reason))
    return tuple(sorted(found))


def gone(cluster: str, fleet: Fleet, refused: Mapping[str, Refusal]) -> str:
    """Why a cluster that had replicas may have none."""
    if cluster not in fleet.facts:
        return "the cluster is gone"
    return refused[cluster].message if cluster in refused else "no subscriber selects its labels any more"


def _total(before: int, after: int) -> str:
    if before == after:
        return ""
    return f"scaled {'up' if after > before else 'down'} from {before} to {after}"


def _gains(changes: str, left: Iterable[str], fleet: Fleet) -> str:
    """Why a cluster has more: more is wanted, or others have less."""
    names = sorted(fleet.facts[c].binding if c in fleet.facts else c for c in left)
    others = f"takes over from {', '.join(names[:3])}{' and others' if len(names) > 3 else ''}" if names else ""
    return "; ".join(part for part in (changes, others) if part) or "replicas that fitted nowhere before have room now"
