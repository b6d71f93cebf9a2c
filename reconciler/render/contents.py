"""What one Subscription delivers, and how it differs between clusters.

Clusters that get the same share objects, digests and reads: the cost follows distinct renders, not clusters. What one
cluster's own Localizations change is replaced in what the others get.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.feed import Read, ReadOf, RenderedFeed, RenderedObject, Unit
from reconciler.model.objects import Digest, ObjectKey, digest_of
from reconciler.model.placement import Placement
from reconciler.model.snapshot import Problem
from reconciler.render.assembly import Named, Variant, assembled, digest_of_objects
from reconciler.render.charts import ChartSubject
from reconciler.render.feeds import LookedUp
from reconciler.render.ground import Ground
from reconciler.render.rendering import Rendering
from reconciler.render.subject import Subject


class Contents:
    """The objects of one Subscription and what was rendered of them so far."""

    def __init__(self, name: str, ground: Ground) -> None:
        """Look up the Subscription's feeds. Those that the snapshot does not hold stand in `missing`, by position."""
        self._name = name
        self._ground = ground
        self.found = LookedUp(name, ground)
        self.missing = self.found.missing
        self.subjects = self.found.subjects
        """Objects that no template changes, in order of their keys: the order of feeds means nothing."""
        self.makers = self.found.makers
        """Charts and templates, by the key of their feed."""
        applicables = [one.applicable for one in (*self.subjects.values(), *self.makers.values())]
        layers = {layer.number: layer for applicable in applicables for layer in applicable.general}
        self._reaches = list(dict.fromkeys(layer.reach for layer in layers.values() if layer.reach is not None))
        self._looks_at = sorted(frozenset().union(*(layer.looks_at for layer in layers.values())))
        self._local = _localized(self.subjects)
        self._variants: dict[Any, Variant] = {}
        self._objects: dict[Digest, tuple[RenderedObject, ...]] = {}
        self._reads: dict[Any, tuple[Read, ...]] = {}
        self._problems: dict[Problem, None] = {}
        self.faults: dict[Problem, list[str]] = {}
        """What was found on some clusters, with the bindings of those."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was found while rendering, once each."""
        unread = (
            found for maker in self.makers.values() if isinstance(maker, ChartSubject) for found in maker.unread()
        )
        return tuple(dict.fromkeys((*self._problems, *unread)))

    def ask(self, placement: Placement) -> None:
        """Ask for what one cluster needs from programs outside."""
        for maker in self.makers.values():
            maker.ask(placement.cluster)

    def variant(self, placement: Placement) -> Variant:
        """What one cluster gets, from memory where another gets the same."""
        signature = self._signature(placement)
        variant = self._variants.get(signature)
        if variant is None:
            variant = self._variants[signature] = self._render(placement)
        for fault in variant.faults:
            self.faults.setdefault(fault, []).append(placement.binding)
        own = self._local.get(placement.cluster)
        if own:
            reads = self._asked(variant.reads, placement.cluster)
            return self._replaced(msgspec.structs.replace(variant, reads=reads), placement, own)
        return self._labelled(signature, variant, placement.cluster)

    def feed(self, placement: Placement, variant: Variant) -> RenderedFeed | None:
        """The feed of one cluster; None where an error stopped an object."""
        if variant.objects is None:
            return None
        unit = Unit(self._name, placement.cluster)
        return RenderedFeed(unit, variant.objects, variant.digest, variant.reads, variant.aside)

    def _signature(self, placement: Placement) -> tuple[Any, ...]:
        """Equal for clusters that get the same but for their own Localizations."""
        cluster, spaces = placement.cluster, self._ground.spaces
        return (
            *placement.replicas.values(),
            *[cluster in reach for reach in self._reaches],
            *[maker.variant(cluster) for maker in self.makers.values()],
            *[spaces.elsewhere(space, cluster, self._name) for space in spaces.wanted_by(self._name)],
        )

    def _render(self, placement: Placement) -> Variant:
        cluster, replicas, values = placement.cluster, placement.replicas, self._ground.filling.values
        made = {
            key: subject.rendering(subject.applicable.shared_on(cluster), replicas.get(subject.feed), values)
            for key, subject in self.subjects.items()
        }
        made |= {key: maker.rendering(cluster, replicas.get(maker.feed)) for key, maker in self.makers.items()}
        for rendering in made.values():
            self._problems.update(dict.fromkeys(rendering.problems))
        spaces = {space: self._elsewhere(space, cluster) for space in self._ground.spaces.wanted_by(self._name)}
        reads = tuple(self._questions(made, replicas, spaces))
        named = Named(self.found.place, self.found.fields)
        variant = assembled(made, [space for space, other in spaces.items() if not other], named, reads)
        if variant.objects is None:
            return variant
        return msgspec.structs.replace(variant, objects=self._objects.setdefault(variant.digest, variant.objects))

    def _elsewhere(self, space: str, cluster: str) -> str:
        return self._ground.spaces.elsewhere(space, cluster, self._name)

    def _questions(
        self, made: Mapping[ObjectKey, Rendering], replicas: Mapping[str, int], spaces: Mapping[str, str]
    ) -> Iterator[Read]:
        """What was asked; the overrides of subjects stand at `_first_override`, in order."""
        yield from self.found.reads
        if replicas:
            yield Read(ReadOf.PLACEMENT, self._name, digest_of(replicas))
        for rendering in made.values():
            yield from rendering.reads
        for space, other in spaces.items():
            yield Read(ReadOf.CHART, f"Namespace {space}", other)

    def _replaced(self, variant: Variant, placement: Placement, own: list[tuple[int, Subject]]) -> Variant:
        """The variant with the objects that the Localizations of one cluster change."""
        cluster, replicas, values = placement.cluster, placement.replicas, self._ground.filling.values
        objects, reads, whole = list(variant.objects or ()), list(variant.reads), variant.objects is not None
        first = len(self.found.reads) + bool(replicas)
        for position, subject in own:
            rendering = subject.rendering(subject.applicable.on(cluster), replicas.get(subject.feed), values)
            self._problems.update(dict.fromkeys(rendering.problems))
            reads[first + position] = rendering.reads[0]
            if rendering.objects is None:
                whole = False
            elif whole:
                objects[variant.at[subject.resource.key]] = rendering.objects[0]
        if not whole:
            return msgspec.structs.replace(variant, objects=None)
        digest = digest_of_objects(objects, variant.aside)
        shared = self._objects.get(digest)
        if shared is None:
            shared = self._objects[digest] = tuple(objects)
        return msgspec.structs.replace(variant, objects=shared, digest=digest, reads=tuple(reads))

    def _labelled(self, signature: Any, variant: Variant, cluster: str) -> Variant:
        """The variant with what affinities asked of this cluster, from memory where another answers the same."""
        if not self._looks_at:
            return variant
        labels = self._ground.facts[cluster].labels
        memory = (signature, tuple(labels.get(key) for key in self._looks_at))
        reads = self._reads.get(memory)
        if reads is None:
            reads = self._reads[memory] = self._asked(variant.reads, cluster)
        return msgspec.structs.replace(variant, reads=reads)

    def _asked(self, reads: tuple[Read, ...], cluster: str) -> tuple[Read, ...]:
        """The reads, and the labels of the cluster that affinities looked at."""
        if not self._looks_at:
            return reads
        labels = self._ground.facts[cluster].labels
        answer = tuple(labels.get(key) for key in self._looks_at)
        return (*reads, Read(ReadOf.CLUSTER, ",".join(self._looks_at), digest_of(answer)))


def _localized(subjects: Mapping[ObjectKey, Subject]) -> dict[str, list[tuple[int, Subject]]]:
    """The objects that each cluster's own Localizations change, with their positions."""
    localized: dict[str, list[tuple[int, Subject]]] = {}
    for position, subject in enumerate(subjects.values()):
        for cluster in subject.applicable.local:
            localized.setdefault(cluster, []).append((position, subject))
    return localized
