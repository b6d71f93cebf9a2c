"""What becomes of the objects that left a feed: deleted, kept for a reason, held by a guard, or let go.

Objects that another unit delivers, that ask to stay or that were there before us are kept and forgotten; a Namespace or
definition with objects of others in it is kept and stays ours. The rest is deleted, as far as no guard holds it.
"""

from collections.abc import Iterable, Iterator

import msgspec

from reconciler.model.applying import ON_REMOVAL, PROPAGATION, PRUNE, Propagation
from reconciler.model.feed import RenderedFeed, Unit
from reconciler.model.inventory import Entry, Inventory, Keep
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import Action, Change, Evidence, Guard
from reconciler.planning import guards, order


class Pruning(msgspec.Struct, frozen=True):
    """The decision about everything that left a feed."""

    prunes: tuple[tuple[Change, ...], ...]
    kept: tuple[Change, ...]
    guard: Guard | None
    acknowledged: frozenset[ObjectKey]
    """Those of the prunes that the operator acknowledged by name."""


def pruning(unit: Unit, feed: RenderedFeed | None, inventory: Inventory, evidence: Evidence) -> Pruning:
    """Decide about every object of the inventory that the feed lacks. A feed of None: the unit is not wanted."""
    wanted = {obj.key for obj in feed.objects} if feed else set()
    left = [entry for key, entry in inventory.entries.items() if key not in wanted]
    kept = list(_kept(left, evidence))
    staying = {change.key for change in kept}
    doomed = {entry.key: entry for entry in left if entry.key not in staying}
    orphaned = feed is None and is_orphan(inventory, evidence)
    held, acknowledged = _guarded(unit, feed, doomed, evidence, orphaned=orphaned)
    if held:
        kept += [_change(Action.KEEP, doomed.pop(key), held.rule) for key in held.keys]
    if orphaned:
        kept += [_change(Action.KEEP, e, f"{ON_REMOVAL}: orphan", released=True) for e in doomed.values()]
        doomed = {}
    return Pruning(
        order.prune_waves(_change(Action.PRUNE, entry) for entry in doomed.values()),
        tuple(sorted(kept, key=lambda change: change.key)),
        held,
        acknowledged & doomed.keys(),
    )


def is_orphan(inventory: Inventory, evidence: Evidence) -> bool:
    """Whether the objects of a unit stay when it goes; a Subscription that is gone said so while it was there."""
    return evidence.orphan if evidence.subscription_known else inventory.orphan and evidence.guarded


def _guarded(
    unit: Unit, feed: RenderedFeed | None, doomed: Iterable[ObjectKey], evidence: Evidence, *, orphaned: bool
) -> tuple[Guard | None, frozenset[ObjectKey]]:
    """The guard that holds, and what was acknowledged. One that holds everything is asked first, and only once."""
    keys = tuple(doomed)
    if not evidence.guarded:
        return None, frozenset(keys)
    whole = guards.guard(unit, feed, keys, evidence)
    if whole:
        return (None, frozenset(keys)) if whole.acknowledge in evidence.acknowledged else (whole, frozenset())
    some = None if orphaned else guards.precious(unit, keys)
    if some and some.acknowledge in evidence.acknowledged:
        return None, frozenset(some.keys)
    return some, frozenset()


def _kept(left: list[Entry], evidence: Evidence) -> Iterator[Change]:
    spaces = {key.namespace for key in evidence.elsewhere}
    groups = {key.group for key in evidence.elsewhere if order.is_custom(key)}
    for entry in left:
        key = entry.key
        if key in evidence.elsewhere:
            yield _change(Action.KEEP, entry, "delivered by another Subscription", released=True)
        elif entry.keep is Keep.DISABLED:
            yield _change(Action.KEEP, entry, f"{PRUNE}: disabled", released=True)
        elif entry.keep is Keep.ADOPTED:
            yield _change(Action.KEEP, entry, "it was there before", released=True)
        elif _holds(key, spaces, groups):
            yield _change(Action.KEEP, entry, "holds objects of another Subscription")


def _holds(key: ObjectKey, spaces: set[str], groups: set[str]) -> bool:
    if key.kind == "Namespace" and not key.group:
        return key.name in spaces
    return key.kind == "CustomResourceDefinition" and key.name.partition(".")[2] in groups


def _change(action: Action, entry: Entry, reason: str = "", *, released: bool = False) -> Change:
    return Change(action, entry.key, entry.api_version, None, entry, reason, released)


def propagation_of(obj: Object) -> Propagation | None:
    """How the dependents of an object shall be deleted with it, where it says so."""
    said = ((obj.get("metadata") or {}).get("annotations") or {}).get(PROPAGATION)
    return Propagation(said) if said in set(Propagation) else None
