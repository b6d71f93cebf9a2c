"""What charts of two Subscriptions would deliver to one cluster: objects, or one Helm release.

Known only when charts are rendered. As with other feeds the first Subscription by name delivers, and the units of the
other one are left as they are. The cost follows distinct renders and what is disputed.
"""

from collections.abc import Container, Iterator, Mapping

import msgspec

from reconciler.model.feed import Read, RenderedFeed, Unit
from reconciler.model.objects import ObjectKey
from reconciler.model.placement import Schedule
from reconciler.model.snapshot import Problem, Snapshot
from reconciler.render.assembly import RELEASE_HINT, Variant, chart, counted, digest_of_objects
from reconciler.render.contested import some


class Disputes(msgspec.Struct, frozen=True):
    """The units that must not be delivered, and why."""

    units: frozenset[Unit]
    problems: tuple[Problem, ...]


class _Claim(msgspec.Struct, frozen=True):
    subscription: str
    feed: ObjectKey
    clusters: frozenset[str]


class Claims:
    """What every rendered unit with charts delivers."""

    def __init__(self, snapshot: Snapshot, schedule: Schedule) -> None:
        self._snapshot = snapshot
        self._schedule = schedule
        self._units: dict[str, dict[int, tuple[Mapping[ObjectKey, ObjectKey], list[str]]]] = {}
        self._spaces: dict[ObjectKey, list[Unit]] = {}

    def add(self, unit: Unit, variant: Variant) -> None:
        """Remember a unit. Claims are shared by units that get the same."""
        if variant.claims:
            known = self._units.setdefault(unit.subscription, {})
            known.setdefault(id(variant.claims), (variant.claims, []))[1].append(unit.cluster)
        for space in variant.spaces:
            self._spaces.setdefault(ObjectKey("", "Namespace", "", space), []).append(unit)

    def yielded(self, lost: Container[Unit]) -> Mapping[Unit, Mapping[ObjectKey, str]]:
        """Namespaces that units make for their charts and a chart elsewhere delivers itself, with its Subscription."""
        owner: dict[tuple[ObjectKey, str], str] = {}
        for name, variants in self._units.items():
            for claims, clusters in variants.values():
                for key in claims.keys() & self._spaces.keys():
                    owner |= {(key, cluster): name for cluster in clusters if Unit(name, cluster) not in lost}
        found: dict[Unit, dict[ObjectKey, str]] = {}
        for key, units in self._spaces.items():
            for unit in units:
                other = owner.get((key, unit.cluster), unit.subscription)
                if other != unit.subscription:
                    found.setdefault(unit, {})[key] = other
        return found

    def disputes(self) -> Disputes:
        """What is claimed twice on a cluster."""
        lost: set[Unit] = set()
        clashes: dict[tuple[str, ObjectKey, str], dict[ObjectKey, set[str]]] = {}
        for key, claims in self._by_key():
            owner: dict[str, str] = {}
            for claim in claims:
                for cluster in claim.clusters:
                    first = owner.setdefault(cluster, claim.subscription)
                    if first != claim.subscription:
                        lost.add(Unit(claim.subscription, cluster))
                        told = clashes.setdefault((claim.subscription, claim.feed, first), {})
                        told.setdefault(key, set()).add(cluster)
        return Disputes(frozenset(lost), tuple(self._told(clashes)))

    def _by_key(self) -> Iterator[tuple[ObjectKey, list[_Claim]]]:
        """What several Subscriptions claim, in order, with their claims by name."""
        claimed: dict[ObjectKey, dict[tuple[str, ObjectKey], set[str]]] = {}
        for name, variants in self._units.items():
            for claims, clusters in variants.values():
                for key, feed in claims.items():
                    claimed.setdefault(key, {}).setdefault((name, feed), set()).update(clusters)
        for name in self._schedule.subscriptions if claimed else ():
            for feed in (named.feed.object for named in self._snapshot.feeds[name]):
                if feed in claimed:
                    placed = {placement.cluster for placement in self._schedule.subscriptions[name].placements}
                    claimed[feed].setdefault((name, feed), set()).update(placed)
        for key in sorted(claimed):
            if len({name for name, _ in claimed[key]}) > 1:
                yield key, [_Claim(*of, frozenset(on)) for of, on in sorted(claimed[key].items())]

    def _told(self, clashes: Mapping[tuple[str, ObjectKey, str], Mapping[ObjectKey, set[str]]]) -> Iterator[Problem]:
        for (name, feed, first), keys in sorted(clashes.items()):
            releases = [key for key in keys if key.kind == "Release"]
            bindings = {p.cluster: p.binding for p in self._schedule.subscriptions[name].placements}
            where = some(bindings[cluster] for clusters in keys.values() for cluster in clusters)
            place = self._snapshot.subscriptions[name].place
            field = next(named.field for named in self._snapshot.feeds[name] if named.feed.object == feed)
            if releases:
                release = f"{releases[0].namespace}/{releases[0].name}"
                message = (
                    f"{chart(feed)} is the Helm release {release} on {where}, as a chart of the Subscription {first} is"
                )
                rule, hint = "release-twice", RELEASE_HINT
            else:
                message = (
                    f"{counted(list(keys))} of {chart(feed)} goes to {where}; the Subscription {first} delivers it too"
                )
                rule, hint = "delivered-twice", f"Let one Subscription deliver it; until then {first} does."
            yield Problem(place, place.within(*field), rule, message, hint, concerns=(name,))


def without(feed: RenderedFeed, spaces: Mapping[ObjectKey, str]) -> RenderedFeed:
    """A feed without namespaces that other Subscriptions deliver."""
    objects = tuple(found for found in feed.objects if found.key not in spaces)
    told = {f"Namespace {key.name}": other for key, other in spaces.items()}
    reads = tuple(Read(read.of, read.subject, told.get(read.subject, read.digest)) for read in feed.reads)
    return RenderedFeed(feed.unit, objects, digest_of_objects(objects, feed.aside), reads, feed.aside)
