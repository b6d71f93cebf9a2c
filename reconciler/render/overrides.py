"""Which overrides touch an object, and in which order (contract `clusternet-apps.md` §4.1, §4.2).

Globalizations by ascending priority, then Localizations by ascending priority, ties by namespace and name; inside one
of them the order of its list. An override belongs to the object that its feed names in the repo; a Localization to the
clusters whose dedicated namespace it stands in.
"""

from collections.abc import Mapping

import msgspec

from reconciler.model.authored import Feed, Globalization, Localization, Override
from reconciler.model.clusters import ClusterFacts
from reconciler.model.objects import Digest, ObjectKey, digest_of
from reconciler.model.replicapaths import pointer
from reconciler.model.selectors import LabelIndex, keys_of
from reconciler.model.snapshot import Place, Snapshot, Sourced


class Entry(msgspec.Struct, frozen=True):
    """One entry of a Localization or Globalization."""

    place: Place
    position: int
    title: str
    """As a trace names it: `Localization fleet-east/web[0] image`."""
    override: Override


class Layer(msgspec.Struct, frozen=True):
    """One Localization or Globalization."""

    number: int
    """Position in the order in which all layers of a snapshot apply; its identity inside one render."""
    entries: tuple[Entry, ...]
    digest: Digest
    """Of what it does, whatever it is called."""
    reach: frozenset[str] | None
    """Ids of the clusters it is for; None for all."""
    looks_at: frozenset[str] = frozenset()
    """Cluster labels that `reach` depends on."""
    templated: bool = False
    """The values of its entries are templates, filled for each cluster."""
    name: str = ""
    """As messages name it: `Localization fleet-east/web`."""
    priority: int = 500
    place: Place = Place("")


class Applicable(msgspec.Struct, frozen=True):
    """The layers of one object."""

    general: tuple[Layer, ...] = ()
    """Globalizations in order."""
    local: Mapping[str, tuple[Layer, ...]] = {}
    """Localizations in order, by cluster id."""
    replicas_at: str = "/spec/replicas"
    """JSON pointer at which dividing, which comes after all layers, writes the replicas of a cluster."""

    def on(self, cluster: str) -> tuple[Layer, ...]:
        """What applies on one cluster, in order."""
        return (*self.shared_on(cluster), *self.local.get(cluster, ()))

    def shared_on(self, cluster: str) -> tuple[Layer, ...]:
        """What applies on one cluster and is no Localization of its own, in order."""
        return tuple(layer for layer in self.general if layer.reach is None or cluster in layer.reach)


TEMPLATE = "reconciler.clusternet.io/template"
"""Annotation of a Localization or Globalization whose values are templates."""


class Overrides:
    """All overrides of a snapshot by the object they change. Immutable once built."""

    def __init__(self, snapshot: Snapshot, facts: Mapping[str, ClusterFacts], labels: LabelIndex) -> None:
        """Index the snapshot's overrides over the clusters of `facts` (by cluster id), whose labels `labels` holds."""
        self._settings = snapshot.settings
        self._by_object: dict[tuple[ObjectKey, str], Applicable] = {}
        general: dict[tuple[ObjectKey, str], list[Layer]] = {}
        local: dict[tuple[ObjectKey, str], dict[str, list[Layer]]] = {}
        for number, glob in enumerate(sorted(snapshot.globalizations, key=_order)):
            if glob.value.spec.feed is not None:
                general.setdefault(_target(glob.value.spec.feed), []).append(_globalized(number, glob, labels))
        clusters: dict[str, list[str]] = {}
        for cluster in sorted(facts.values(), key=lambda cluster: cluster.id):
            clusters.setdefault(cluster.namespace, []).append(cluster.id)
        for number, loc in enumerate(sorted(snapshot.localizations, key=_order), len(snapshot.globalizations)):
            chosen = clusters.get(loc.value.metadata.namespace or "", ())
            if loc.value.spec.feed is not None and chosen:
                layer = _layer(number, loc, frozenset(chosen))
                for name in chosen:
                    local.setdefault(_target(loc.value.spec.feed), {}).setdefault(name, []).append(layer)
        for target in general.keys() | local.keys():
            by_cluster = {name: tuple(layers) for name, layers in local.get(target, {}).items()}
            at = self._replicas_at(target[1], target[0].kind)
            self._by_object[target] = Applicable(tuple(general.get(target, ())), by_cluster, at)

    def targets(self) -> Mapping[tuple[ObjectKey, str], Applicable]:
        """All objects that an override names, with their API version, and what applies to them. Not sorted."""
        return self._by_object

    def of(self, key: ObjectKey, api_version: str) -> Applicable:
        """What applies to this object anywhere."""
        known = self._by_object.get((key, api_version))
        return known or Applicable(replicas_at=self._replicas_at(api_version, key.kind))

    def _replicas_at(self, api_version: str, kind: str) -> str:
        return pointer(api_version, kind, self._settings) or "/spec/replicas"


def _order(sourced: Sourced[Globalization] | Sourced[Localization]) -> tuple[int, str, str, Place]:
    metadata = sourced.value.metadata
    return sourced.value.spec.priority, metadata.namespace or "", metadata.name, sourced.place


def _target(feed: Feed) -> tuple[ObjectKey, str]:
    return feed.object, feed.api_version


def _globalized(number: int, sourced: Sourced[Globalization], labels: LabelIndex) -> Layer:
    affinity = sourced.value.spec.cluster_affinity
    if affinity is None:
        return _layer(number, sourced, None)
    layer = _layer(number, sourced, labels.select(affinity))
    return msgspec.structs.replace(layer, looks_at=keys_of(affinity))


def _layer(number: int, sourced: Sourced[Globalization] | Sourced[Localization], reach: frozenset[str] | None) -> Layer:
    metadata, overrides = sourced.value.metadata, sourced.value.spec.overrides or ()
    name = f"{sourced.value.kind} {'/'.join(part for part in (metadata.namespace, metadata.name) if part)}"
    entries = tuple(
        Entry(sourced.place, i, f"{name}[{i}] {override.name}".rstrip(), override)
        for i, override in enumerate(overrides)
    )
    templated = (metadata.annotations or {}).get(TEMPLATE) == "jinja2"
    does = [
        [entry.type, entry.override_chart, entry.value, entry.field_path, entry.field_format] for entry in overrides
    ]
    return Layer(
        number,
        entries,
        digest_of([does, templated]),
        reach,
        templated=templated,
        name=name,
        priority=sourced.value.spec.priority,
        place=sourced.place,
    )
