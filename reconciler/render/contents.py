"""What one Subscription delivers, and how it differs between clusters.

Clusters that get the same share objects, digests and reads: the cost follows distinct renders, not clusters.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import Read, ReadOf, RenderedFeed, RenderedObject, Unit
from reconciler.model.objects import Digest, ObjectKey, digest_bytes, digest_of
from reconciler.model.placement import Placement
from reconciler.model.snapshot import Problem, Snapshot
from reconciler.render.exports import Exports, is_service
from reconciler.render.overrides import Overrides
from reconciler.render.subject import Rendering, Subject


class _Variant(msgspec.Struct, frozen=True):
    """What some clusters get; no objects where an error stopped one of them."""

    objects: tuple[RenderedObject, ...] | None
    digest: Digest
    reads: tuple[Read, ...]


class Contents:
    """The objects of one Subscription and what was rendered of them so far."""

    def __init__(self, name: str, snapshot: Snapshot, overrides: Overrides, exports: Exports) -> None:
        """Look up the Subscription's objects. Feeds that the snapshot does not hold stand in `missing`, by position."""
        self._name = name
        self._values = snapshot.values
        self._found = _Objects(name, snapshot, overrides, exports)
        self.missing = self._found.missing
        self.subjects = self._found.subjects
        """By object, in order of their keys: the order of feeds in a Subscription means nothing."""
        layers = {layer.number: layer for subject in self.subjects.values() for layer in subject.applicable.general}
        self._reaches = list(dict.fromkeys(layer.reach for layer in layers.values() if layer.reach is not None))
        self._looks_at = sorted(frozenset().union(*(layer.looks_at for layer in layers.values())))
        self._localized = frozenset().union(*(subject.applicable.local for subject in self.subjects.values()))
        self._variants: dict[Any, _Variant] = {}
        self._objects: dict[Digest, tuple[RenderedObject, ...]] = {}
        self._reads: dict[Any, tuple[Read, ...]] = {}
        self.problems: dict[Problem, None] = {}
        """What was found while rendering, once each."""

    def feed(self, placement: Placement, facts: ClusterFacts) -> RenderedFeed | None:
        """What one cluster gets, from memory where another gets the same. None where an error stopped an object."""
        signature = self._signature(placement)
        variant = self._variants.get(signature)
        if variant is None:
            variant = self._variants[signature] = self._render(placement)
        if variant.objects is None:
            return None
        reads = self._asked(signature, variant, facts.labels) if self._looks_at else variant.reads
        return RenderedFeed(Unit(self._name, placement.cluster), variant.objects, variant.digest, reads)

    def _signature(self, placement: Placement) -> tuple[Any, ...]:
        """Equal for clusters that get the same: dividing, Localizations, and which Globalizations reach it."""
        cluster = placement.cluster
        own = cluster if cluster in self._localized else ""
        return own, *placement.replicas.values(), *[cluster in reach for reach in self._reaches]

    def _render(self, placement: Placement) -> _Variant:
        cluster, replicas = placement.cluster, placement.replicas
        renderings = [
            subject.rendering(cluster, replicas.get(subject.feed), self._values) for subject in self.subjects.values()
        ]
        for rendering in renderings:
            self.problems.update(dict.fromkeys(rendering.problems))
        objects = tuple(rendering.object for rendering in renderings if rendering.object is not None)
        reads = tuple(self._questions(renderings, replicas))
        if len(objects) < len(renderings):
            return _Variant(None, Digest(""), reads)
        digest = digest_bytes("".join(rendered.digest for rendered in objects).encode())
        return _Variant(self._objects.setdefault(digest, objects), digest, reads)

    def _questions(self, renderings: list[Rendering], replicas: Mapping[str, int]) -> Iterator[Read]:
        yield from self._found.reads
        if replicas:
            yield Read(ReadOf.PLACEMENT, self._name, digest_of(replicas))
        for rendering in renderings:
            yield rendering.overrides

    def _asked(self, signature: Any, variant: _Variant, labels: Mapping[str, str]) -> tuple[Read, ...]:
        """The reads of a variant, and the labels of the cluster that affinities looked at."""
        answer = tuple(labels.get(key) for key in self._looks_at)
        reads = self._reads.get((signature, answer))
        if reads is None:
            looked = Read(ReadOf.CLUSTER, ",".join(self._looks_at), digest_of(answer))
            reads = self._reads[signature, answer] = (*variant.reads, looked)
        return reads


class _Objects:
    """The feeds of a Subscription looked up, with the exports that follow its Services."""

    def __init__(self, name: str, snapshot: Snapshot, overrides: Overrides, exports: Exports) -> None:
        self.missing: list[int] = []
        self.subjects: dict[ObjectKey, Subject] = {}
        sourced = snapshot.subscriptions[name]
        feeds = snapshot.feeds[name]
        self.reads = [Read(ReadOf.SUBSCRIPTION, name, digest_of(sorted(named.feed.key for named in feeds)))]
        for position, named in enumerate(feeds):
            feed, resource = named.feed, snapshot.resource(named)
            if resource is None:
                self.missing.append(position)
                continue
            self.reads.append(Read(ReadOf.OBJECT, feed.key, resource.digest))
            found = [resource]
            if is_service(resource.key):
                export = exports.of(resource.key)
                self.reads.append(Read(ReadOf.EXPORTS, feed.key, export.digest if export else ""))
                found += [export] if export else []
            for one in found:
                self.subjects[one.key] = Subject(one, overrides.of(one.key, one.api_version), sourced.place)
        self.subjects = dict(sorted(self.subjects.items()))
        self.reads.sort()
