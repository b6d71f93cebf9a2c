"""What becomes of one wanted object at a place that holds objects of others: write, take over, refuse, leave.

The inventory decides where it knows the object (its UID); everything else is first contact, decided by what somebody
saw of it and by the author's wishes. The same function decides before a run and, for objects that could not be looked
at yet, when their wave comes.
"""

import msgspec

from reconciler.model.applying import ADOPT, ADOPTED, APPLY, Adopt, Drift, Policy
from reconciler.model.feed import RenderedObject
from reconciler.model.inventory import Entry, Keep
from reconciler.model.plan import Action, Approach, Change, Contact, Seen
from reconciler.planning import owners, takeover
from reconciler.planning.policies import adopt_of, drift_of, policy_of, recreates

PATHS_TOLD = 8
"""Paths of drifted fields that a message names."""


def needs_look(obj: RenderedObject, entry: Entry | None) -> bool:
    """Whether nothing can be decided about an object before somebody looked: the inventory has no UID of it."""
    return (entry is None or not entry.uid) and policy_of(obj.body) is not Policy.IGNORE


def decide(obj: RenderedObject, entry: Entry | None, seen: Seen | None, approach: Approach) -> Change:
    """The decision about one wanted object. Without a look (`seen` is None) the inventory's word counts."""
    policy = policy_of(obj.body)
    change = Change(Action.UNCHANGED, obj.key, obj.api_version, obj, entry)
    if policy is Policy.IGNORE:
        reason = f"its annotation {APPLY} says {policy}"
        return _replace(change, action=Action.SKIP, reason=reason, released=entry is not None)
    if other := approach.taken.get(obj.key):
        reason = f"Subscription {other} delivers it to this cluster, and an object has one; take it out of either"
        return _replace(change, action=Action.REFUSE, reason=reason)
    change = _replace(change, recreate=recreates(obj.key, obj.body, approach))
    known = entry is not None and entry.uid and (seen is None or not seen.exists or seen.uid in ("", entry.uid))
    if known and entry is not None:
        return _known(change, entry, seen, policy, approach)
    if obj.key in approach.later:
        return _replace(change, action=Action.LATER)
    if seen is not None and seen.refused:
        return _replace(change, action=Action.REFUSE, reason=seen.refused)
    if seen is None or not seen.exists:
        unconfirmed = entry is not None and entry.digest is None
        return _replace(change, action=Action.CREATE, reason="unconfirmed" if unconfirmed else "")
    return _met(change, seen, policy, approach)


def _known(change: Change, entry: Entry, seen: Seen | None, policy: Policy, approach: Approach) -> Change:
    """An object of the inventory."""
    gone = seen is not None and not seen.exists
    if policy is Policy.IF_NOT_PRESENT and not gone and entry.digest is not None:
        return _replace(change, action=Action.SKIP, reason=f"its annotation {APPLY} says {policy}, and it is there")
    if entry.digest is None:
        return _replace(change, action=Action.CHANGE, reason="unconfirmed")
    if change.wanted is None or entry.digest != change.wanted.digest:
        return _replace(change, action=Action.CHANGE)
    if seen is None or not (gone or seen.drifted):
        if seen is not None and seen.fields:
            entry = msgspec.structs.replace(entry, fields=seen.fields, resource_version=seen.resource_version)
        return _replace(change, entry=entry)
    if drift_of(approach) is Drift.REPORT:
        return _replace(change, action=Action.REPORT, reason=_drift(seen))
    return _replace(change, action=Action.CREATE if gone else Action.CHANGE, reason="missing" if gone else "drifted")


def _met(change: Change, seen: Seen, policy: Policy, approach: Approach) -> Change:
    """An object that is there, and that the inventory does not hold (or holds another incarnation of)."""
    claim = owners.claim_of(seen.metadata, approach.manager, approach.description)
    owner, ours = seen.owner or claim.owner, seen.ours or claim.ours
    body = change.wanted.body if change.wanted else {}
    if policy is Policy.IF_NOT_PRESENT and not ours:
        return _replace(change, action=Action.SKIP, reason=f"its annotation {APPLY} says {policy}, and it is there")
    if seen.deleting:
        return _replace(change, action=Action.CREATE, reason="what has its name is being deleted")
    adopt = adopt_of(body, approach)
    always = adopt is Adopt.ALWAYS
    earlier = policy is not Policy.MERGE and bool(seen.metadata)
    patch = takeover.patch(seen.metadata, approach.manager, change.api_version, tools=always) if earlier else ()
    applied = ours and not owner and _is_applied(seen, approach.manager)
    taken = Contact(
        seen, force=always or applied, patch=patch, keep=Keep.ADOPTED if _was_before(change, seen) else None
    )
    if ours:
        return _replace(change, action=Action.CHANGE, reason="ours, although its inventory lacks it", contact=taken)
    if adopt is Adopt.NEVER or (owner and not always):
        return _replace(change, action=Action.REFUSE, reason=_refusal(owner, adopt, seen))
    taken = msgspec.structs.replace(taken, keep=Keep.ADOPTED)
    return _replace(change, action=Action.ADOPT, reason=_whose(owner, seen), contact=taken)


def _was_before(change: Change, seen: Seen) -> bool:
    """Whether an object of ours was adopted once: as the inventory began to say, or as the object itself says."""
    said = (seen.metadata.get("annotations") or {}).get(ADOPTED)
    entry = change.entry
    return bool(said) or (entry is not None and not entry.uid and entry.keep is Keep.ADOPTED)


def _is_applied(seen: Seen, manager: str) -> bool:
    entries = seen.metadata.get("managedFields") or ()
    return any(entry.get("manager") == manager and entry.get("operation") == "Apply" for entry in entries)


def _whose(owner: str, seen: Seen) -> str:
    made = owners.makers(seen.metadata)
    return f"it was of {owner}" if owner else f"it was there, written by {made}" if made else "it was there"


def _refusal(owner: str, adopt: Adopt, seen: Seen) -> str:
    whose = f"it belongs to {owner}" if owner else _whose("", seen)
    way = Adopt.ALWAYS if owner else Adopt.IF_UNOWNED
    return (
        f"{whose}, and adoption is `{adopt}`; `{ADOPT}: {way}` on the object or its Subscription, "
        f"or apply.adopt in fleet.yaml, takes it over"
    )


def _drift(seen: Seen) -> str:
    if not seen.exists:
        return "somebody deleted it"
    more = len(seen.differs) - PATHS_TOLD
    paths = ", ".join(seen.differs[:PATHS_TOLD]) + (f" and {more} more" if more > 0 else "")
    return f"somebody changed {paths}" if paths else "somebody changed it"


def _replace(change: Change, **members: object) -> Change:
    return msgspec.structs.replace(change, **members)
