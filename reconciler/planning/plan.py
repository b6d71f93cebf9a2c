"""What is to be done at one place for one unit, from the feed, the inventory and what somebody saw.

Digests decide: an object whose digest the inventory has is not written, and nothing is read for it; what the inventory
lacks is met for the first time, where others may have objects too (`contact`). What left the feed is pruned, unless a
guard holds it back or a reason of its own keeps it. Clusters, directories and branches are planned alike.
"""

from collections.abc import Mapping

from reconciler.model.applying import PRUNE
from reconciler.model.feed import RenderedFeed, RenderedObject, Unit
from reconciler.model.inventory import Entry, Inventory, Keep
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import Action, Approach, Change, Evidence, Plan, Seen
from reconciler.planning import contact, waves
from reconciler.planning.pruning import is_orphan, pruning


def plan(
    unit: Unit,
    feed: RenderedFeed | None,
    inventory: Inventory,
    seen: Mapping[ObjectKey, Seen],
    evidence: Evidence,
    approach: Approach | None = None,
) -> Plan:
    """Decide about every object of the feed and of the inventory.

    A feed of None means that the unit is not wanted any more. Objects that `seen` lacks are as the inventory says.
    Without an approach nobody else has objects at the place: it is a directory or a branch of ours.
    """
    writes = [_write(obj, inventory.entries.get(obj.key), seen.get(obj.key), approach) for obj in _wanted(feed)]
    left = pruning(unit, feed, inventory, evidence)
    return Plan(
        unit=unit,
        waves=waves.arranged(writes),
        prunes=left.prunes,
        kept=left.kept,
        guard=left.guard,
        feed=feed.digest if feed else None,
        acknowledged=left.acknowledged,
        orphan=is_orphan(inventory, evidence),
    )


def keep_of(obj: Object) -> Keep | None:
    """Whether an object, wanted or live, asks not to be pruned."""
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    return Keep.DISABLED if annotations.get(PRUNE) == "disabled" else None


def _wanted(feed: RenderedFeed | None) -> tuple[RenderedObject, ...]:
    return feed.objects if feed else ()


def _write(obj: RenderedObject, entry: Entry | None, seen: Seen | None, approach: Approach | None) -> Change:
    if approach is not None:
        return contact.decide(obj, entry, seen, approach)
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
