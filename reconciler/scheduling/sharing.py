"""The room of the fleet, shared by the Subscriptions of one run.

The ledger tells of the fleet as this schedule leaves it: what runs and stays is taken off already, what is held and
does not run yet is taken off, what runs and goes is given back. Everybody is brought to what it keeps before anybody
grows, so that no Subscription loses its place to one that comes earlier in the order, priority apart.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.model.placement import Scheduled
from reconciler.model.snapshot import Problem
from reconciler.scheduling import dynamic, trouble
from reconciler.scheduling.capacity import Ledger
from reconciler.scheduling.claims import Claim
from reconciler.scheduling.fleet import Fleet
from reconciler.scheduling.placing import grow
from reconciler.scheduling.preemption import preempt
from reconciler.scheduling.replicas import Scalable

Amounts = tuple[Scalable, Mapping[str, int]]
"""A feed and its replicas by cluster id."""
Answer = tuple[Scheduled | None, tuple[Problem, ...]]


def share_out(claims: Sequence[Claim], fixed: Iterable[Amounts], fleet: Fleet, ledger: Ledger) -> Iterator[Answer]:
    """Schedule the claims, which come in the order in which they take room."""
    for claim in claims:
        claim.begin(fleet)
    _account([*fixed, *((p.feed, p.held) for claim in claims for p in claim.parts)], fleet, ledger)
    blind = {claim.name for claim in claims if _blind(claim, ledger)}
    unsure = {claim.name: tuple(_unknown(claim, fleet, ledger)) for claim in claims if claim.name not in blind}
    for at, claim in enumerate(claims):
        if claim.name not in blind:
            grow(claim, fleet.facts)
            preempt(claim, claims[at + 1 :], ledger, fleet.facts)
    if any(claim.reasons for claim in claims):
        # whoever gave way may have left room that somebody earlier in the order could not take then
        for claim in claims:
            if claim.name not in blind:
                grow(claim, fleet.facts)
    for claim in claims:
        if claim.name in blind:
            yield None, (trouble.all_unknown(claim.name, claim.sourced),)
            continue
        answer = dynamic.answer(claim, fleet)
        problems = [trouble.unknown(claim.sourced, unsure[claim.name])] if unsure[claim.name] else []
        if answer.shortfalls:
            problems.append(trouble.short(claim.sourced, answer.shortfalls))
        yield answer, tuple(problems)


def _account(amounts: Sequence[Amounts], fleet: Fleet, ledger: Ledger) -> None:
    """Make the ledger tell of the fleet with these replicas. A feed that two deliver to one cluster runs there once."""
    wanted: dict[str, list[Amounts]] = {}
    for one in amounts:
        wanted.setdefault(one[0].feed, []).append(one)
    running = {c.id: c.running for c in fleet.clusters if c.running and c.nodes is not None}
    for cluster, runs in running.items():
        for feed, count in sorted(runs.items()):
            here = max((held.get(cluster, 0) for _, held in wanted.get(feed, ())), default=count)
            if here < count:
                ledger.pods(wanted[feed][0][0].need).change(cluster, here - count)
    for scalable, held in amounts:
        pods = ledger.pods(scalable.need)
        for cluster, count in held.items():
            more = count - running.get(cluster, _NOTHING).get(scalable.feed, 0) if cluster in ledger.at else 0
            if more > 0:
                pods.change(cluster, more)


_NOTHING: Mapping[str, int] = {}


def _blind(claim: Claim, ledger: Ledger) -> bool:
    """Whether replicas are to be placed and no capacity is known."""
    return any(part.missing > 0 for part in claim.parts) and ledger.unknown.issuperset(claim.clusters)


def _unknown(claim: Claim, fleet: Fleet, ledger: Ledger) -> Iterator[str]:
    """Candidates of unknown capacity, where that matters."""
    if ledger.unknown and any(part.missing > 0 for part in claim.parts):
        yield from (fleet.facts[c].binding for c in claim.clusters if c in ledger.unknown)
