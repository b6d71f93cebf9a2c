"""Proposals as a plan file, and what moved between two of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from reconciler.model.feed import RenderedObject
from reconciler.model.objects import Digest
from reconciler.model.plan import Action, Change, Guard
from reconciler.model.planfile import Held, PlanFile, PlannedHook, PlannedObject, PlannedUnit
from reconciler.model.proposal import DueHook, Look, Proposal

QUIET = frozenset({Action.UNCHANGED})
"""Decisions that a plan only counts."""


def units(proposals: Iterable[Proposal]) -> tuple[PlannedUnit, ...]:
    """The units of a plan file, by cluster and Subscription."""
    made = (_unit(proposal) for proposal in proposals)
    return tuple(sorted(made, key=lambda unit: (unit.cluster, unit.subscription)))


def _unit(proposal: Proposal) -> PlannedUnit:
    told, decided = proposal.delivered, proposal.delivered.plan
    waves = decided.waves if decided else ()
    return PlannedUnit(
        subscription=told.unit.subscription,
        cluster=told.unit.cluster,
        state=told.state,
        message="" if told.guard else told.message,
        inventory=proposal.version,
        waves=_waves(waves, proposal),
        prunes=_waves(decided.prunes if decided else (), proposal),
        kept=tuple(_object(change, proposal) for change in decided.kept) if decided else (),
        hooks=tuple(map(_hook, proposal.hooks)),
        held=_held(told.guard),
        unchanged=sum(change.action in QUIET for wave in waves for change in wave),
    )


def _waves(waves: Iterable[Sequence[Change]], proposal: Proposal) -> tuple[tuple[PlannedObject, ...], ...]:
    made = (tuple(_object(c, proposal) for c in wave if c.action not in QUIET) for wave in waves)
    return tuple(wave for wave in made if wave)


def _object(change: Change, proposal: Proposal) -> PlannedObject:
    key = change.key
    return PlannedObject(
        action=change.action,
        api_version=change.api_version,
        kind=key.kind,
        name=key.name,
        namespace=key.namespace,
        digest=digest(change.wanted),
        reason=change.reason,
        awaits=tuple(map(str, change.awaits)),
        live=proposal.looks.get(key),
        server=proposal.trials.get(key),
    )


def _hook(due: DueHook) -> PlannedHook:
    key, version = due.object.key, due.object.api_version
    return PlannedHook(
        event=due.event,
        api_version=version,
        kind=key.kind,
        name=key.name,
        namespace=key.namespace,
        digest=digest(due.object),
    )


def digest(wanted: RenderedObject | None) -> Digest | None:
    """Digest of what is written, where it tells nothing of a Secret's values."""
    if wanted is None or (wanted.seal is None and wanted.key.kind == "Secret" and not wanted.key.group):
        return None
    return wanted.digest


def _held(guard: Guard | None) -> Held | None:
    return Held(guard.rule, guard.message, tuple(map(str, guard.keys)), guard.acknowledge) if guard else None


def moved(then: PlanFile, now: PlanFile) -> tuple[str, ...]:
    """Everything in a plan that is not so any more, in words; empty when it can be carried out as it stands."""
    return (*_foundations(then, now), *_units(then, now))


def _foundations(then: PlanFile, now: PlanFile) -> Iterator[str]:
    if _release(then.tool) != _release(now.tool):
        yield f"the plan was made by version {then.tool}, this is {now.tool}"
    for what, before, after in (("fleet", then.fleet, now.fleet), ("place", then.place, now.place)):
        if before != after:
            yield f"{what}: {before!r} in the plan, {after!r} now"
    for cluster in sorted(then.clusters.keys() | now.clusters.keys()):
        known, name = then.clusters.get(cluster), now.clusters.get(cluster)
        if known is None:
            yield f"cluster {name} ({cluster}) has joined the fleet"
        elif name is None:
            yield f"cluster {known} ({cluster}) is no longer in the fleet"
        elif known != name:
            yield f"cluster {known} ({cluster}) is named {name} now"


def _release(version: str) -> tuple[str, ...]:
    """What must be equal of two versions: patches decide alike."""
    return tuple(version.split(".")[:2])


def _units(then: PlanFile, now: PlanFile) -> Iterator[str]:
    before = {(unit.cluster, unit.subscription): unit for unit in then.units}
    after = {(unit.cluster, unit.subscription): unit for unit in now.units}
    for key in sorted(before.keys() | after.keys()):
        where = f"{key[1]} on {then.clusters.get(key[0], now.clusters.get(key[0], key[0]))}"
        old, new = before.get(key), after.get(key)
        if new is None:
            yield f"{where}: nothing is to be done any more"
        elif old is None:
            yield f"{where}: is to be delivered now, and is not in the plan"
        else:
            yield from (f"{where}: {what}" for what in _unit_moved(old, new))


def _unit_moved(old: PlannedUnit, new: PlannedUnit) -> Iterator[str]:
    if (old.state, old.message) != (new.state, new.message):
        yield f"was {_state(old)}, is {_state(new)}"
    if old.inventory != new.inventory:
        yield "its inventory changed: another run wrote to it"
    if old.held != new.held:
        yield "other deletes are held back"
    if old.hooks != new.hooks:
        yield "other hooks are due"
    elsewhere = {str(one): (number, one) for number, one in _numbered(old)}
    here = {str(one): (number, one) for number, one in _numbered(new)}
    for name in sorted(elsewhere.keys() | here.keys()):
        if name not in here:
            yield f"{name}: {elsewhere[name][1].action} in the plan, nothing now"
        elif name not in elsewhere:
            yield f"{name}: nothing in the plan, {here[name][1].action} now"
        else:
            yield from (f"{name}: {what}" for what in _object_moved(elsewhere[name], here[name]))


def _state(unit: PlannedUnit) -> str:
    return f"{unit.state} ({unit.message})" if unit.message else unit.state.value


def _numbered(unit: PlannedUnit) -> Iterator[tuple[tuple[str, int], PlannedObject]]:
    parts: Mapping[str, Iterable[Sequence[PlannedObject]]] = {
        "wave": unit.waves,
        "prune wave": unit.prunes,
        "kept": (unit.kept,),
    }
    for what, waves in parts.items():
        for number, wave in enumerate(waves, 1):
            yield from (((what, number), one) for one in wave)


def _object_moved(
    old: tuple[tuple[str, int], PlannedObject], new: tuple[tuple[str, int], PlannedObject]
) -> Iterator[str]:
    (before, then), (after, now) = old, new
    if then.action is not now.action:
        yield f"{then.action} in the plan, {now.action} now"
    elif before != after:
        yield f"{' '.join(map(str, before))} in the plan, {' '.join(map(str, after))} now"
    if then.digest != now.digest or then.api_version != now.api_version:
        yield "renders to something else"
    if bare(then) != bare(now) and then.action is now.action and before == after:
        yield f"for another reason: {then.reason or 'none'} in the plan, {now.reason or 'none'} now"
    yield from _live_moved(then.live, now.live)


def bare(one: PlannedObject) -> PlannedObject:
    """What was decided, without what it was decided from."""
    return msgspec.structs.replace(one, digest=None, live=None, server=None, api_version="")


def _live_moved(old: Look | None, new: Look | None) -> Iterator[str]:
    if old is None or new is None or old == new:
        return
    if not old.uid:
        yield "somebody made it since"
    elif not new.uid:
        yield "somebody deleted it since"
    elif old.uid != new.uid:
        yield "another object has its name by now"
    elif old.written != new.written:
        yield "somebody changed it since"
