"""Objects that two Subscriptions would deliver to one cluster.

The first Subscription by name delivers; the other one's units there are not rendered, so that they keep what they have.
"""

from collections.abc import Iterable, Mapping

import msgspec

from reconciler.model.objects import ObjectKey
from reconciler.model.placement import Schedule
from reconciler.model.snapshot import Problem, Snapshot


class Contested(msgspec.Struct, frozen=True):
    """The units that must not be rendered, and why."""

    lost: Mapping[str, frozenset[str]]
    """Cluster ids by Subscription."""
    problems: tuple[Problem, ...] = ()


def contested(snapshot: Snapshot, schedule: Schedule) -> Contested:
    """Find every object that is delivered twice. Only objects that several Subscriptions name are looked at."""
    claims: dict[ObjectKey, list[tuple[str, int]]] = {}
    for name in sorted(schedule.subscriptions):
        for position, named in enumerate(snapshot.feeds[name]):
            claims.setdefault(named.feed.object, []).append((name, position))
    lost: dict[str, frozenset[str]] = {}
    problems: list[Problem] = []
    for key, claim in claims.items():
        if len({name for name, _ in claim}) > 1:
            problems.extend(_disputes(key, claim, snapshot, schedule, lost))
    return Contested(lost, tuple(problems))


def _disputes(
    key: ObjectKey,
    claim: list[tuple[str, int]],
    snapshot: Snapshot,
    schedule: Schedule,
    lost: dict[str, frozenset[str]],
) -> list[Problem]:
    owner: dict[str, str] = {}
    problems = []
    for name, position in claim:
        clusters = {placement.cluster: placement.binding for placement in schedule.subscriptions[name].placements}
        disputed = frozenset(cluster for cluster in clusters if owner.setdefault(cluster, name) != name)
        if disputed:
            lost[name] = lost.get(name, frozenset()) | disputed
            others = ", ".join(sorted({owner[cluster] for cluster in disputed}))
            message = f"{key} is delivered to {some(clusters[c] for c in disputed)} by the Subscription {others} too"
            hint = f"Let one Subscription deliver it; until then {others} does."
            place = snapshot.subscriptions[name].place
            where = place.within(*snapshot.feeds[name][position].field)
            problems.append(Problem(place, where, "delivered-twice", message, hint, concerns=(name,)))
    return problems


def some(bindings: Iterable[str]) -> str:
    """The first clusters by binding, and how many more there are."""
    names = sorted(set(bindings))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
