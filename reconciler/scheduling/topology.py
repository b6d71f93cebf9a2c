"""Topology spread constraints over labels of clusters: how many replicas each domain may get.

A domain is one value of the key among the clusters that may get replicas. As for pods on nodes, a constraint holds for
replicas that are added: those that are there stay. One constraint is solved at once, several together step by step.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from reconciler.model.authored import LabelSelector, TopologySpreadConstraint
from reconciler.model.clusters import ClusterFacts
from reconciler.model.selectors import LabelIndex
from reconciler.scheduling.spread import share

MOST_STEPS = 10_000
"""Replicas that several constraints together let in at a time; what is more is told as missing."""

Rooms = Mapping[str, int]
"""By cluster id, in order of ties."""
Fill = Callable[[int, Rooms], dict[str, int]]
"""Divides replicas over clusters that no constraint tells apart."""


class Constraint(msgspec.Struct, frozen=True):
    """One constraint, and the domain of every cluster that has one."""

    skew: int
    domains: Mapping[str, str]
    minimum: int = 1
    """With fewer domains the least filled one counts as empty."""

    def counts(self, held: Mapping[str, int]) -> dict[str, int]:
        """Replicas by domain."""
        found = dict.fromkeys(self.domains.values(), 0)
        for cluster, count in held.items():
            if cluster in self.domains:
                found[self.domains[cluster]] += count
        return found

    def least(self, counts: Mapping[str, int]) -> int:
        """Replicas of the least filled domain."""
        return min(counts.values()) if len(counts) >= self.minimum else 0

    def allowed(self, counts: Mapping[str, int]) -> frozenset[str]:
        """Domains that may get one replica more."""
        least = self.least(counts)
        return frozenset(domain for domain, count in counts.items() if count + 1 - least <= self.skew)


def constraint(one: TopologySpreadConstraint, clusters: Sequence[str], facts: Mapping[str, ClusterFacts]) -> Constraint:
    """A constraint over these clusters; one without the label has no domain."""
    key = one.topology_key
    domains = {c: facts[c].labels[key] for c in clusters if key in facts[c].labels}
    return Constraint(one.max_skew, domains, one.min_domains or 1)


def concerns(selector: LabelSelector | None, labels: Mapping[str, str]) -> bool:
    """Whether a constraint with this selector holds for pods with these labels."""
    return selector is None or bool(LabelIndex({"pods": labels}).select(selector))


def placed(
    amount: int, rooms: Rooms, held: Mapping[str, int], constraints: Sequence[Constraint], fill: Fill
) -> dict[str, int]:
    """Replicas to add by cluster, at most `amount`; clusters without a domain get none."""
    if not constraints:
        return fill(amount, rooms)
    inside = {c: room for c, room in rooms.items() if all(c in one.domains for one in constraints)}
    cells: dict[tuple[str, ...], dict[str, int]] = {}
    for cluster, room in inside.items():
        cells.setdefault(tuple(one.domains[cluster] for one in constraints), {})[cluster] = room
    if not cells:
        return {}
    if len(constraints) == 1:
        amounts = _levelled(amount, cells, held, constraints[0])
    else:
        amounts = _stepwise(amount, cells, held, constraints)
    added: dict[str, int] = {}
    for cell, count in amounts.items():
        added |= fill(count, cells[cell])
    return added


def _levelled(
    amount: int, cells: Mapping[tuple[str, ...], Rooms], held: Mapping[str, int], one: Constraint
) -> dict[tuple[str, ...], int]:
    """All domains are raised to within the skew of the highest level that the replicas reach; the rest goes by room."""
    counts = one.counts(held)
    most = {d: counts[d] + min(amount, sum(cells.get((d,), {}).values())) for d in counts}
    low, high = one.least(counts) + one.skew, min(most.values()) + one.skew
    if len(counts) < one.minimum:
        high = low

    def needed(level: int) -> int:
        return sum(max(0, min(level - one.skew, most[d]) - counts[d]) for d in counts)

    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if needed(middle) <= amount else (low, middle - 1)
    floor = {d: max(counts[d], low - one.skew if len(counts) >= one.minimum else 0) for d in counts}
    spare = [max(0, min(most[d], low) - floor[d]) for d in counts]
    more = share(amount - sum(floor[d] - counts[d] for d in counts), spare)
    return {(d,): floor[d] - counts[d] + extra for d, extra in zip(counts, more, strict=True) if (d,) in cells}


def _stepwise(
    amount: int, cells: Mapping[tuple[str, ...], Rooms], held: Mapping[str, int], constraints: Sequence[Constraint]
) -> dict[tuple[str, ...], int]:
    """One replica at a time to the allowed domains with the fewest, then with the most room."""
    counts = [one.counts(held) for one in constraints]
    room = {cell: min(amount, sum(inside.values())) for cell, inside in cells.items()}
    given = dict.fromkeys(cells, 0)
    for _ in range(min(amount, MOST_STEPS)):
        may = [one.allowed(number) for one, number in zip(constraints, counts, strict=True)]
        open_cells = [
            cell
            for cell in cells
            if room[cell] > given[cell] and all(d in domains for domains, d in zip(may, cell, strict=True))
        ]
        if not open_cells:
            break
        best = min(
            open_cells,
            key=lambda cell: (sum(n[d] for n, d in zip(counts, cell, strict=True)), given[cell] - room[cell]),
        )
        given[best] += 1
        for number, domain in zip(counts, best, strict=True):
            number[domain] += 1
    return given
