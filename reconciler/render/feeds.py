"""The feeds of a Subscription looked up: objects, charts and templates, with the exports that follow its Services."""

from collections.abc import Iterator

from reconciler.model.feed import Read, ReadOf
from reconciler.model.objects import ObjectKey, digest_of
from reconciler.model.snapshot import NamedFeed, Resource
from reconciler.render.charts import ChartSubject
from reconciler.render.exports import is_service
from reconciler.render.ground import Ground
from reconciler.render.kinds import chart_named_by
from reconciler.render.overrides import Applicable
from reconciler.render.subject import Subject
from reconciler.render.templated import TemplatedSubject

Maker = ChartSubject | TemplatedSubject
"""What makes other objects on other clusters, so that it must be asked for each of them."""


class LookedUp:
    """What the feeds of one Subscription name."""

    def __init__(self, name: str, ground: Ground) -> None:
        """Look up all feeds. Those that the snapshot does not hold stand in `missing`, by position."""
        self.missing: list[int] = []
        self.subjects: dict[ObjectKey, Subject] = {}
        """Objects that are the same text on every cluster, by key."""
        self.makers: dict[ObjectKey, Maker] = {}
        """Charts and templates, by the key of their feed."""
        self.fields: dict[ObjectKey, tuple[str | int, ...]] = {}
        """Where the Subscription names each feed, inside its document."""
        self._ground = ground
        self.place = ground.snapshot.subscriptions[name].place
        feeds = ground.snapshot.feeds[name]
        self.reads = [Read(ReadOf.SUBSCRIPTION, name, digest_of(sorted(named.feed.key for named in feeds)))]
        for position, named in enumerate(feeds):
            self.fields.setdefault(named.feed.object, self.place.within(*named.field))
            if not (self._chart(named) or self._resource(named)):
                self.missing.append(position)
        self.subjects = dict(sorted(self.subjects.items()))
        self.makers = dict(sorted(self.makers.items()))
        self.reads.sort()

    def _chart(self, named: NamedFeed) -> bool:
        sourced = chart_named_by(named.feed, self._ground.snapshot)
        if sourced is None:
            return False
        applicable = self._ground.overrides.of(named.feed.object, named.feed.api_version)
        self.reads.append(Read(ReadOf.OBJECT, named.feed.key, digest_of(sourced.value)))
        self.makers[named.feed.object] = ChartSubject(named.feed.key, sourced, applicable, self._ground.charts)
        return True

    def _resource(self, named: NamedFeed) -> bool:
        resource = self._ground.snapshot.resource(named)
        if resource is None:
            return False
        self.reads.append(Read(ReadOf.OBJECT, named.feed.key, resource.digest))
        for one in (resource, *self._following(named, resource)):
            applicable = self._ground.overrides.of(one.key, one.api_version)
            if one.template or _templated(applicable):
                ground = self._ground
                subject = TemplatedSubject(one, applicable, self.place, ground.files, ground.filling)
                self.makers[one.key] = subject
            else:
                self.subjects[one.key] = Subject(one, applicable, self.place)
        return True

    def _following(self, named: NamedFeed, resource: Resource) -> Iterator[Resource]:
        if is_service(resource.key):
            export = self._ground.exports.of(resource.key)
            self.reads.append(Read(ReadOf.EXPORTS, named.feed.key, export.digest if export else ""))
            if export:
                yield export


def _templated(applicable: Applicable) -> bool:
    layers = (layer for layers in (applicable.general, *applicable.local.values()) for layer in layers)
    return any(layer.templated for layer in layers)
