"""What is to be done at one place for one unit, from the feed, the inventory and what somebody saw.

Digests decide: an object whose digest the inventory has is not written, and nothing is read for it. What left the feed
is pruned, unless a guard holds it back or a reason of its own keeps it. Clusters, directories and branches are planned
alike.
"""

from collections.abc import Iterator, Mapping

from reconciler.model.applying import PRUNE
from reconciler.model.feed import RenderedFeed, RenderedObject, Unit
from reconciler.model.inventory import Entry, Inventory, Keep
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import Action, Change, Evidence, Plan, Seen
from reconciler.planning import order
from reconciler.planning.guards import guard


def plan(
    unit: Unit,
    feed: RenderedFeed | None,
    inventory: Inventory,
    seen: Mapping[ObjectKey, Seen],
    evidence: Evidence,
) -> Plan:
    """Decide about every object of the feed and of the inventory.

    A feed of None means that the unit is not wanted any more. Objects that `seen` lacks are as the inventory says.
    """
    wanted = {obj.key: obj for obj in feed.objects} if feed else {}
    writes = [_write(obj, inventory.entries.get(key), seen.get(key)) for key, obj in wanted.items()]
    left = [entry for key, entry in inventory.entries.items() if key not in wanted]
    kept = list(_kept(left, evidence))
    staying = {change.key for change in kept}
    doomed = [entry for entry in left if entry.key not in staying]
    held = guard(unit, feed, (entry.key for entry in doomed), evidence)
    if held:
        kept += [_change(Action.KEEP, entry, held.rule) for entry in doomed]
        doomed = []
    return Plan(
        unit=unit,
        waves=order.waves(writes),
        prunes=order.prune_waves(_change(Action.PRUNE, entry) for entry in doomed),
        kept=tuple(sorted(kept, key=lambda change: change.key)),
        guard=held,
        feed=feed.digest if feed else None,
    )


def keep_of(obj: Object) -> Keep | None:
    """Whether an object, wanted or live, asks not to be pruned."""
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    return Keep.DISABLED if annotations.get(PRUNE) == "disabled" else None


def _write(obj: RenderedObject, entry: Entry | None, seen: Seen | None) -> Change:
    action, reason = _decide(obj, entry, seen)
    return Change(action, obj.key, obj.api_version, obj, entry, reason)


def _decide(obj: RenderedObject, entry: Entry | None, seen: Seen | None) -> tuple[Action, str]:
    if entry is None:
        return Action.CREATE, ""
    if entry.digest is None:
        return (Action.CHANGE if entry.uid else Action.CREATE), "unconfirmed"
    if entry.digest != obj.digest:
        return Action.CHANGE, ""
    if seen is not None and not seen.exists:
        return Action.CREATE, "missing"
    if seen is not None and seen.drifted:
        return Action.CHANGE, "drifted"
    return Action.UNCHANGED, ""


def _kept(left: list[Entry], evidence: Evidence) -> Iterator[Change]:
    """What stays for a reason of its own, guards aside.

    An object that another unit delivers now is that unit's; a namespace or definition with objects of others in it is
    still ours, but cannot go before they do.
    """
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
