"""Who set which field of an object on a cluster: the way that rendering took, told moment by moment.

Nothing of this is kept while rendering: the way of one object is walked again when somebody asks. Applying the changes
of all moments in order, to nothing, gives the object; every leaf of it was set by one of them.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from reconciler.model.feed import Unit
from reconciler.model.inflation import Seal
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.placement import Placement
from reconciler.model.snapshot import Place, Resource, Severity, Snapshot
from reconciler.render.chartobjects import namespace_object
from reconciler.render.charts import ChartSubject
from reconciler.render.contents import Contents
from reconciler.render.ground import Ground
from reconciler.render.overrides import Applicable, Entry, Layer
from reconciler.render.stages import Share, stages
from reconciler.render.templated import TemplatedSubject
from reconciler.render.tracecharts import Origin, charted


class Sort(enum.StrEnum):
    """What kind of thing changed the object."""

    FILE = "file"
    TEMPLATE = "template"
    KUSTOMIZATION = "kustomization"
    CHART = "chart"
    OVERRIDE = "override"
    DIVISION = "division"
    REMOVAL = "removal"


class Moment(msgspec.Struct, frozen=True):
    """One thing that happened to an object, and the object after it."""

    sort: Sort
    place: Place
    title: str
    body: Object
    entry: Entry | None = None
    priority: int | None = None
    fault: str = ""
    """Why the way ends here, with an object that cannot be rendered."""


class Chain(msgspec.Struct, frozen=True):
    """The whole way of one object on one cluster, the last moment being what is delivered."""

    unit: Unit
    key: ObjectKey
    moments: tuple[Moment, ...]
    origin: Origin | None = None
    """Of an object that a chart made: which chart, with which values."""
    reads: tuple[str, ...] = ()
    """Variables that its template looked at."""
    seal: Seal | None = None
    """Of an encrypted object."""


def trace(ground: Ground, unit: Unit, placement: Placement, key: ObjectKey) -> Chain | None:
    """The way of one object; None when the unit does not deliver it. `ground` holds all answers that it needs."""
    contents = Contents(unit.subscription, ground)
    subject, maker = contents.subjects.get(key), contents.makers.get(key)
    where = contents.found.place
    if subject is not None:
        first = _source(ground.snapshot, unit, subject.resource)
        layers = subject.applicable.on(unit.cluster)
        share = _share(placement, subject.feed, where, subject.applicable)
        moments = tuple(_moments(subject.resource, first, layers, share, ground))
        return Chain(unit, key, moments, seal=subject.resource.seal)
    if isinstance(maker, TemplatedSubject):
        return _templated(ground, unit, placement, maker)
    for one in contents.makers.values():
        if isinstance(one, ChartSubject):
            origin = charted(ground, one, unit.cluster, key)
            if origin is not None:
                made = Moment(Sort.CHART, origin.place, origin.title, origin.body)
                return Chain(unit, key, (made,), origin)
            if _makes_namespace(one, unit.cluster, key):
                title = "namespace of the HelmChart, made because nothing else delivers it (createNamespace)"
                made = Moment(Sort.CHART, one.sourced.place, title, namespace_object(key.name).body)
                return Chain(unit, key, (made,))
    return None


def _makes_namespace(chart: ChartSubject, cluster: str, key: ObjectKey) -> bool:
    return (key.kind, key.group) == ("Namespace", "") and chart.rendering(cluster, None).namespace == key.name


def named(contents: Contents) -> Iterator[ObjectKey]:
    """The objects that a Subscription delivers, but those that charts make."""
    yield from contents.subjects
    for key, maker in contents.makers.items():
        if isinstance(maker, TemplatedSubject):
            yield key


def _templated(ground: Ground, unit: Unit, placement: Placement, maker: TemplatedSubject) -> Chain | None:
    subject = maker.subject(unit.cluster)
    filled = ground.filling.layers(maker.applicable.on(unit.cluster), unit.cluster)
    if subject is None or filled.layers is None:
        return None
    path, reads = maker.resource.template, tuple[str, ...]()
    first = _source(ground.snapshot, unit, maker.resource)
    if path:
        answer = ground.filling.answer(path, ground.snapshot.templates[path].text, unit.cluster)
        reads = answer.reads if answer is not None else ()
        first = Sort.TEMPLATE, f"template {path}"
    share = _share(placement, maker.feed, ground.snapshot.subscriptions[unit.subscription].place, maker.applicable)
    moments = _moments(subject.resource, first, filled.layers, share, ground)
    return Chain(unit, maker.resource.key, tuple(moments), reads=reads)


def _source(snapshot: Snapshot, unit: Unit, resource: Resource) -> tuple[Sort, str]:
    for feed in snapshot.feeds[unit.subscription]:
        if feed.via and feed.feed.object == resource.key:
            return Sort.KUSTOMIZATION, f"kustomization {feed.via}"
    return Sort.FILE, str(resource.key)


def _share(placement: Placement, feed: str, where: Place, applicable: Applicable) -> Share | None:
    replicas = placement.replicas.get(feed)
    return None if replicas is None else Share(replicas, where, applicable.replicas_at)


def _moments(
    resource: Resource, first: tuple[Sort, str], layers: Sequence[Layer], share: Share | None, ground: Ground
) -> Iterator[Moment]:
    priorities = {found.place: found.value.spec.priority for found in ground.snapshot.globalizations}
    priorities |= {found.place: found.value.spec.priority for found in ground.snapshot.localizations}
    way = stages(resource, layers, share, ground.filling.values)
    start = next(way)
    yield Moment(first[0], start.place, first[1], start.body)
    for entry in (entry for layer in layers for entry in layer.entries):
        stage = next(way, None)
        if stage is None:  # an error ended the way before
            return
        fault = next((found.message for found in stage.findings if found.severity is Severity.ERROR), "")
        yield Moment(Sort.OVERRIDE, stage.place, stage.title, stage.body, entry, priorities.get(entry.place), fault)
    for stage in way:
        sort = Sort.DIVISION if share is not None and stage.place == share.place else Sort.REMOVAL
        fault = next((found.message for found in stage.findings if found.severity is Severity.ERROR), "")
        yield Moment(sort, stage.place, stage.title, stage.body, fault=fault)


def changes(before: Any, after: Any) -> Mapping[tuple[str, ...], Any]:
    """What a moment did: the outermost values that it set, by path; `GONE` where it removed one."""
    return {path: at(after, path) for path in _differing(before, after, ())}


class _Gone(enum.Enum):
    GONE = "gone"


GONE = _Gone.GONE
"""Stands for a value that is not there."""


def at(body: Any, path: tuple[str, ...]) -> Any:
    """The value at a path; `GONE` where there is none."""
    for step in path:
        if isinstance(body, Mapping) and step in body:
            body = body[step]
        elif isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        else:
            return GONE
    return body


def replayed(moments: Sequence[Moment]) -> Any:
    """What comes of applying the changes of all moments to nothing."""
    body: Any = GONE
    before: Any = GONE
    for moment in moments:
        for path, value in changes(before, moment.body).items():
            body = _with(body, path, value)
        before = moment.body
    return body


def sources(moments: Sequence[Moment]) -> Mapping[tuple[str, ...], Moment]:
    """Which moment set each leaf of the object last."""
    found: dict[tuple[str, ...], Moment] = {}
    before: Any = GONE
    for moment in moments:
        for path, value in changes(before, moment.body).items():
            for known in [leaf for leaf in found if leaf[: len(path)] == path or path[: len(leaf)] == leaf]:
                del found[known]
            if value is not GONE:
                found.update(dict.fromkeys(leaves(value, path), moment))
        before = moment.body
    if moments:
        for leaf in leaves(moments[-1].body, ()):
            if leaf not in found:  # a container that was emptied: what emptied it changed something below it
                found[leaf] = moments[-1]
    return found


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of all scalars and empty containers."""
    if isinstance(value, Mapping) and value:
        for key, member in value.items():
            yield from leaves(member, (*path, key))
    elif isinstance(value, list) and value:
        for position, item in enumerate(value):
            yield from leaves(item, (*path, str(position)))
    else:
        yield path


def _differing(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if before is after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            yield from _differing(before.get(key, GONE), after.get(key, GONE), (*path, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for position, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differing(old, new, (*path, str(position)))
    elif type(before) is not type(after) or before != after:
        yield path


def _with(body: Any, path: tuple[str, ...], value: Any) -> Any:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(body, list):
        return [_with(item, rest, value) if str(place) == step else item for place, item in enumerate(body)]
    members = dict(body)
    inner = _with(members.get(step, GONE), rest, value)
    if inner is GONE:
        members.pop(step, None)
    else:
        members[step] = inner
    return members
