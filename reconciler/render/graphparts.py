"""What all objects of Clusternet's graph are made of: the commit as it was rendered, looked up by Subscription."""

import base64
import functools
from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.model.authored import Feed, HelmChart
from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import Feeds, RenderedObject, Unit
from reconciler.model.objects import Digest, Object, ObjectKey, canonical
from reconciler.model.placement import Placement, Schedule
from reconciler.model.selectors import LabelIndex
from reconciler.model.snapshot import Resource, Snapshot, Sourced
from reconciler.render import fingerprints, graphnames
from reconciler.render.exports import exports, is_service
from reconciler.render.overrides import Overrides
from reconciler.render.shown import shown, shown_body

_CHART = (graphnames.GROUP, "HelmChart")


class Part(msgspec.Struct, frozen=True):
    """One feed of a Subscription, and what it names."""

    feed: Feed
    resource: Resource | None = None
    chart: Sourced[HelmChart] | None = None

    @property
    def key(self) -> ObjectKey:
        """The object that is meant."""
        return self.feed.object


class Commit:
    """A rendered commit. `salt` hides the values of Secrets; None shows them."""

    def __init__(
        self,
        snapshot: Snapshot,
        schedule: Schedule,
        facts: Mapping[str, ClusterFacts],
        feeds: Feeds,
        salt: bytes | None,
    ) -> None:
        self.snapshot = snapshot
        self.schedule = schedule
        self.facts = facts
        self.feeds = feeds
        self.salt = salt
        self._exports = exports(snapshot, schedule)
        self._parts: dict[str, tuple[Part, ...]] = {}
        self._texts: dict[Digest, str] = {}

    @functools.cached_property
    def overrides(self) -> Overrides:
        """All overrides, by what they change."""
        labels = LabelIndex({name: cluster.labels for name, cluster in self.facts.items()})
        return Overrides(self.snapshot, self.facts, labels)

    @functools.cached_property
    def plurals(self) -> Mapping[tuple[str, str], str]:
        """Plurals that the repo's own definitions give."""
        found = {}
        for key, resource in self.snapshot.resources.items():
            spec = resource.body.get("spec")
            if key.kind == "CustomResourceDefinition" and isinstance(spec, Mapping):
                names = spec.get("names")
                if isinstance(names, Mapping):
                    found[str(spec.get("group")), str(names.get("kind"))] = str(names.get("plural"))
        return found

    def parts(self, subscription: str) -> tuple[Part, ...]:
        """All feeds of a Subscription in their order; what follows a Service stands behind it."""
        known = self._parts.get(subscription)
        if known is None:
            known = self._parts[subscription] = tuple(self._looked_up(subscription))
        return known

    def _looked_up(self, subscription: str) -> list[Part]:
        found = []
        for named in self.snapshot.feeds[subscription]:
            key = named.feed.object
            chart = self.snapshot.charts.get(f"{key.namespace}/{key.name}") if (key.group, key.kind) == _CHART else None
            found.append(Part(named.feed, self.snapshot.resource(named), chart))
            export = self._exports.of(key) if is_service(key) else None
            if export is not None:
                feed = Feed(
                    api_version=export.api_version, kind=export.key.kind, namespace=key.namespace, name=key.name
                )
                found.append(Part(feed, export))
        return found

    def placements(self, subscription: str) -> tuple[Placement, ...]:
        """Where a Subscription goes, by binding."""
        return self.schedule.subscriptions[subscription].placements

    def uid(self, *what: str) -> str:
        """The UID of one object."""
        return graphnames.uid(self.snapshot.settings.fleet, *what)

    def uid_of(self, part: Part) -> str:
        """The UID of the Manifest or HelmChart of a feed."""
        return self.uid("HelmChart" if part.chart is not None else "Manifest", str(part.key))

    def raw(self, unit: Unit) -> Mapping[ObjectKey, str] | None:
        """What a unit delivers, as a Description holds it; None where it could not be rendered."""
        feed = self.feeds.units.get(unit)
        if feed is None:
            return None
        return {rendered.key: self._encoded(rendered) for rendered in feed.objects}

    def _encoded(self, rendered: RenderedObject) -> str:
        """An object as the hub keeps it, in Base64; each distinct one is written once."""
        known = self._texts.get(rendered.digest)
        if known is None:
            known = self._texts[rendered.digest] = encoded(graphnames.marked(shown(rendered, self.salt)))
        return known

    def secrets(self, unit: Unit) -> frozenset[str]:
        """The values of the Secrets that a unit delivers."""
        feed = self.feeds.units.get(unit)
        objects = (*feed.objects, *feed.aside) if feed is not None else ()
        return fingerprints.secret_texts(rendered.body for rendered in objects)

    def shown(self, resource: Resource) -> Object:
        """An object of the repo as it may be shown."""
        return shown_body(resource.body, resource.seal, self.salt)


def encoded(value: Any) -> str:
    """A value as Base64 of its JSON."""
    return base64.b64encode(canonical(value)).decode()


def fed(feeds: tuple[Part, ...]) -> list[dict[str, str]]:
    """Feeds as they stand in Subscription and Base."""
    return [msgspec.to_builtins(part.feed) for part in feeds]
