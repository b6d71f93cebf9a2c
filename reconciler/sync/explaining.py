"""What `explain` answers, as values: the steps that made a field or an object, each with its place and author.

Values of Secrets are fingerprints here already, so that whoever prints this cannot tell them.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

import msgspec

from reconciler.model.errors import UsageError
from reconciler.model.objects import Object
from reconciler.model.snapshot import Place
from reconciler.render.fieldnames import dotted
from reconciler.render.fingerprints import concealed
from reconciler.render.shown import shown_body
from reconciler.render.trace import GONE, Moment, Sort, at, changes, leaves, sources
from reconciler.render.tracecharts import Origin, ValueStep
from reconciler.render.traceops import inside, operations
from reconciler.sync.options import Options
from reconciler.sync.reading import Ground
from reconciler.sync.spots import Spot, Wanted, spots
from reconciler.sync.tracing import Traced

Path = tuple[str, ...]


class Change(msgspec.Struct, frozen=True):
    """One field, or value of a chart, before and after a step; `GONE` where it is not there."""

    path: Path
    before: Any
    after: Any


class Step(msgspec.Struct, frozen=True):
    """One step of the way."""

    sort: str
    title: str
    spot: Spot
    changes: tuple[Change, ...]
    priority: int | None = None
    operations: tuple[int, ...] = ()
    note: str = ""


class Leaf(msgspec.Struct, frozen=True):
    """A field of the object, and the step that set it last."""

    path: Path
    value: Any
    step: int


class Explained(msgspec.Struct, frozen=True):
    """The whole answer."""

    cluster: str
    subscription: str
    object: str
    field: Path
    value: Any
    steps: tuple[Step, ...]
    leaves: tuple[Leaf, ...]
    """Of the whole object, when no field was asked for."""
    schedule: tuple[str, ...]
    values: tuple[Step, ...] = ()
    """Of an object that a chart made: who set which value of the chart."""
    reads: tuple[str, ...] = ()
    """Values that the templates of the chart read, or variables that a template looked at."""


async def explained(ground: Ground, options: Options, traced: Traced, field: Path, veil: bytes | None) -> Explained:
    """The answer for one field, or for all of an object. UsageError when the object never had such a field."""
    chain = traced.chain
    moments = [
        msgspec.structs.replace(moment, body=shown_body(moment.body, chain.seal, veil)) for moment in chain.moments
    ]
    told = list(_moments(moments, field))
    if field and not told:
        raise _no_such_field(moments[-1].body, field)
    origin = chain.origin
    value_steps = list(_value_steps(origin, traced, veil)) if origin is not None else []
    value_steps = [*_default_step(origin, value_steps), *value_steps] if origin is not None else []
    wanted = [_wanted(moment, before, traced, field) for moment, before, _ in told]
    wanted += [_wanted_value(step, found) for step, found in value_steps]
    places = await spots(ground, options, wanted)
    steps = tuple(
        _step(moment, before, found, spot, traced, field)
        for (moment, before, found), spot in zip(told, places, strict=False)
    )
    values = tuple(
        Step("values" if not step.entry or not step.entry.override.override_chart else "chart", step.title, spot, found)
        for (step, found), spot in zip(value_steps, places[len(told) :], strict=True)
    )
    return Explained(
        cluster=traced.cluster.name,
        subscription=chain.unit.subscription,
        object=str(chain.key),
        field=field,
        value=at(moments[-1].body, field),
        steps=steps,
        leaves=() if field else tuple(_leaves(moments, [moment for moment, _, _ in told])),
        schedule=traced.schedule,
        values=values,
        reads=_reads(traced),
    )


def _moments(moments: Sequence[Moment], field: Path) -> Iterator[tuple[Moment, Any, tuple[Change, ...]]]:
    """The moments that changed a field, or anything, with the body before and what changed."""
    before: Any = GONE
    found: tuple[Change, ...]
    for moment in moments:
        if field:
            old, new = at(before, field), at(moment.body, field)
            found = () if not changes(old, new) else (Change(field, old, new),)
        else:
            found = tuple(Change(path, at(before, path), new) for path, new in changes(before, moment.body).items())
        if found or moment.fault:
            yield moment, before, found
        before = moment.body


def _no_such_field(body: Object, field: Path) -> UsageError:
    known = {dotted(leaf[: count + 1]) for leaf in leaves(body) for count in range(len(leaf))}
    near = get_close_matches(dotted(field), sorted(known), n=1)
    hint = f"did you mean {near[0]}?" if near else "without a field, explain lists all"
    return UsageError("no-such-field", f"the object has no {dotted(field)}", hint)


def _wanted(moment: Moment, before: Any, traced: Traced, field: Path) -> Wanted:
    entry = moment.entry
    if entry is None:
        if moment.sort is Sort.DIVISION:
            return Wanted(moment.place, ("spec", "subscribers"))
        own = field if moment.sort in (Sort.FILE, Sort.TEMPLATE) else ()
        return Wanted(moment.place, _indexed(moment.body, own))
    changed = operations(entry, before, traced.values, field) if field else ()
    inner = inside(entry, changed, traced.values, field)
    return Wanted(moment.place, ("spec", "overrides", entry.position, "value"), entry.override.value, inner)


def _wanted_value(step: ValueStep, found: Sequence[Change]) -> Wanted:
    if step.entry is None:
        return Wanted(step.place, _common([change.path for change in found]))
    path = found[0].path if len(found) == 1 else ()
    inner = path[1:] if path[:1] in (("values",), ("chart",)) else path
    where = ("spec", "overrides", step.entry.position, "value")
    return Wanted(step.place, where, step.entry.override.value, inner)


def _common(paths: Sequence[Path]) -> Path:
    """The path that is meant, where it is one."""
    return paths[0] if len(paths) == 1 else ()


def _indexed(body: Any, path: Path) -> tuple[str | int, ...]:
    """A path as a document has it, with numbers for places in lists."""
    steps: list[str | int] = []
    for step in path:
        steps.append(int(step) if isinstance(body, list) else step)
        body = at(body, (step,))
    return tuple(steps)


def _step(moment: Moment, before: Any, found: tuple[Change, ...], spot: Spot, traced: Traced, field: Path) -> Step:
    entry = moment.entry
    changed = operations(entry, before, traced.values, field) if entry is not None and field else ()
    note = traced.division if moment.sort is Sort.DIVISION else ""
    if moment.sort is Sort.CHART and traced.chain.origin is not None:
        note = traced.chain.origin.file
    if moment.fault:
        note = f"it cannot be applied, and nothing is delivered: {moment.fault}"
    return Step(moment.sort.value, moment.title, spot, found, moment.priority, changed, note)


def _value_steps(origin: Origin, traced: Traced, veil: bytes | None) -> Iterator[tuple[ValueStep, tuple[Change, ...]]]:
    for old, new in pairwise(origin.steps):
        hidden = [concealed(step.values, traced.secrets, veil) for step in (old, new)]
        found = [Change(path, at(hidden[0], path), at(hidden[1], path)) for path in changes(old.values, new.values)]
        found += [
            Change(("chart", *path), at(old.chart, path), at(new.chart, path)) for path in changes(old.chart, new.chart)
        ]
        if found:
            yield new, tuple(found)


def _default_step(
    origin: Origin, steps: Sequence[tuple[ValueStep, tuple[Change, ...]]]
) -> Iterator[tuple[ValueStep, tuple[Change, ...]]]:
    """What the chart itself says of the values that are changed later."""
    first: dict[Path, Any] = {}
    for _, found in steps:
        for change in found:
            if change.path[0] != "chart" and change.before is not GONE:
                first.setdefault(change.path, change.before)
    if first:
        place = Place(origin.defaults or "values.yaml of the chart")
        step = ValueStep(place, "defaults of the chart", {}, {})
        yield step, tuple(Change(path, GONE, value) for path, value in sorted(first.items()))


def _leaves(moments: Sequence[Moment], told: Sequence[Moment]) -> Iterator[Leaf]:
    numbers: Mapping[int, int] = {id(moment): number for number, moment in enumerate(told)}
    body = moments[-1].body
    for path, moment in sorted(sources(moments).items(), key=lambda found: _order(found[0])):
        yield Leaf(path, at(body, path), numbers.get(id(moment), 0))


def _order(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((int(step), "") if step.isdecimal() else (-1, step) for step in path)


def _reads(traced: Traced) -> tuple[str, ...]:
    origin = traced.chain.origin
    if origin is None:
        return tuple(sorted(traced.chain.reads))
    return ("all values",) if origin.reads_everything else tuple(sorted(origin.reads))
