"""Who gives way when a Subscription of higher priority misses replicas.

Only Dynamic Subscriptions of lower priority give way: the lowest priority first, then the later name; the last feed
first. They give no more than is needed, and are scheduled after, so that what they lose goes to other clusters.
"""

from collections.abc import Iterator, Sequence

from reconciler.scheduling.capacity import Ledger
from reconciler.scheduling.claims import Claim, Part
from reconciler.scheduling.nodes import UNLIMITED
from reconciler.scheduling.placing import Facts, add, fitting, opened

Victim = tuple[Claim, Part]


def preempt(claim: Claim, later: Sequence[Claim], ledger: Ledger, facts: Facts) -> None:
    """Place what the claim still misses where others give way. `later` are claims in the order of scheduling."""
    lower = [one for one in later if one.priority < claim.priority]
    if not claim.preempts or not lower:
        return
    for part in claim.parts:
        if part.missing <= 0:
            continue
        victims = _victims(lower)
        able = {cluster: _room_without(part, cluster, victims.get(cluster, ()), ledger) for cluster in claim.clusters}
        claim.open = opened(claim, {cluster: min(room, part.missing) for cluster, room in able.items()})
        rooms = {cluster: able[cluster] for cluster in claim.open}
        wanted = {c: n for c, n in fitting(claim, part, rooms, facts).items() if n} if victims else {}
        for cluster, count in wanted.items():
            for loser, less in _give_way(part, cluster, count, victims.get(cluster, ()), ledger):
                loser.reasons[less, cluster] = f"gives way to {claim.name} of priority {claim.priority}"
        add(part, wanted)


def _victims(lower: Sequence[Claim]) -> dict[str, list[Victim]]:
    """Who holds replicas on each cluster, in the order of giving way."""
    found: dict[str, list[Victim]] = {}
    last_first = list(reversed(lower))
    for one in sorted(last_first, key=lambda claim: claim.priority):
        for part in reversed(one.parts):
            for cluster in part.held:
                found.setdefault(cluster, []).append((one, part))
    return found


def _room_without(part: Part, cluster: str, victims: Sequence[Victim], ledger: Ledger) -> int:
    """Replicas that would fit if all of them gave way."""
    state = ledger.at[cluster]
    for _, victim in victims:
        victim.pods.change(cluster, -victim.held[cluster])
    room = part.pods.room(cluster)
    ledger.at[cluster] = state
    return room if room < UNLIMITED else part.missing


def _give_way(
    part: Part, cluster: str, count: int, victims: Sequence[Victim], ledger: Ledger
) -> Iterator[tuple[Claim, str]]:
    """Take from the victims until so many replicas fit; whose feed has less now."""
    for loser, victim in victims:
        if part.pods.room(cluster) >= count:
            return
        less = _least(part, cluster, count, victim, ledger)
        victim.pods.change(cluster, -less)
        victim.move(cluster, -less)
        yield loser, victim.feed.feed


def _least(part: Part, cluster: str, count: int, victim: Part, ledger: Ledger) -> int:
    """The fewest replicas of the victim that make enough room; all when all do not."""
    low, high = 1, victim.held[cluster]
    state = ledger.at[cluster]
    while low < high:
        middle = (low + high) // 2
        victim.pods.change(cluster, -middle)
        enough = part.pods.room(cluster) >= count
        ledger.at[cluster] = state
        low, high = (low, middle) if enough else (middle + 1, high)
    return low
