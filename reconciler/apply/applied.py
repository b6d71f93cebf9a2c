"""One server-side apply of one object: by its UID, by first contact, or after it was deleted to be made anew.

Carries out what the planner decided. Where the server says that the object is another one than the plan knows, somebody
looks again and the same pure function decides again.
"""

import re
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from reconciler.adapters.kube.answers import NO_MATCH
from reconciler.adapters.kube.client import Client, Written
from reconciler.apply import drift
from reconciler.apply.contact import Meeting
from reconciler.model.applying import PROPAGATION, RECREATE, Propagation
from reconciler.model.errors import ApiError
from reconciler.model.inventory import Entry
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import WRITES, Approach, Change
from reconciler.planning.policies import PRECIOUS, annotations_of

IMMUTABLE = "Immutable"
"""Our reason for a change of a field that never changes."""
TRIES = 4
"""So often somebody looks again at an object that others write at the same moment."""
_FIXED = re.compile(
    r"immutable|may not (be )?change|cannot (be )?change|updates to .{0,200}forbidden|can not be changed|"
    r"pod updates may not|is not allowed to change",
    re.IGNORECASE,
)


Gone = Callable[[ObjectKey, str, str], Awaitable[bool]]
"""Wait until an object (key, path of its collection, UID) is gone; whether it is."""


class Applied(msgspec.Struct, frozen=True):
    """What an apply did. Without `written` nothing was: the decision was taken again, and it was not to write."""

    change: Change
    path: str
    """Of the collection."""
    written: Written | None
    replaced: bool = False
    first: bool = False
    """It was a first contact."""


class Hand(msgspec.Struct, frozen=True):
    """With what objects are written."""

    cluster: Client
    approach: Approach
    subscription: str
    gone: Gone | None = None
    """Without it nobody can wait for a delete, and nothing is made anew."""
    propagation: Propagation = Propagation.BACKGROUND


async def apply(hand: Hand, change: Change, live: Mapping[ObjectKey, Object]) -> Applied:
    """Write one object. Raises ApiError with the server's words, and Unreachable."""
    collection, path = await _paths(hand, change)
    for _ in range(TRIES):
        if change.action not in WRITES:
            return Applied(change, collection, None)
        try:
            return await _once(hand, change, (collection, path), live.get(change.key))
        except ApiError as error:
            if not _is_another(error):
                raise
            last = error
        change = await Meeting(hand.cluster, hand.approach).again(msgspec.structs.replace(change, entry=None))
    raise last


async def _paths(hand: Hand, change: Change) -> tuple[str, str]:
    key = change.key
    resource = await hand.cluster.resource(change.api_version, key.kind)
    if resource.namespaced and not key.namespace:
        raise ApiError(400, "NoNamespace", f"{key.kind} objects live in a namespace, and {key.name} names none")
    return resource.path(key.namespace), resource.path(key.namespace, key.name)


async def _once(hand: Hand, change: Change, paths: tuple[str, str], live: Object | None) -> Applied:
    if change.wanted is None:
        raise AssertionError(f"{change.action} of {change.key} has no object")
    collection, path = paths
    manager, contact = hand.approach.manager, change.contact
    uid = contact.seen.uid if contact else change.entry.uid if change.entry else ""
    if contact and contact.patch:
        await hand.cluster.json_patch(path, contact.patch, manager)
    try:
        body = drift.sent(change, live, hand.approach, hand.subscription, uid)
        force = contact.force if contact else bool(uid)
        written = await hand.cluster.apply(path, body, manager, force=force)
    except ApiError as error:
        if not is_immutable(error) or not uid:
            raise
        written = await _replace(hand, change, paths, (uid, error))
        return Applied(change, collection, written, replaced=True)
    return Applied(change, collection, written, first=not uid)


async def _replace(hand: Hand, change: Change, paths: tuple[str, str], why: tuple[str, ApiError]) -> Written:
    """Delete the object and make it anew, where its author allows that."""
    uid, error = why
    if not change.recreate or hand.gone is None or change.wanted is None:
        raise ApiError(error.status, IMMUTABLE, f"{error.message}; {_way_out(change)}")
    collection, path = paths
    word = annotations_of(change.wanted.body).get(PROPAGATION)
    propagation = Propagation(word) if word in set(Propagation) else hand.propagation
    try:
        left = await hand.cluster.delete(path, uid=uid, propagation=propagation)
    except ApiError as gone:
        if gone.status != 404:
            raise
        left = None
    if left is not None and not await hand.gone(change.key, collection, uid):
        raise ApiError(409, "NotGone", f"{change.key} is deleted to be made anew, and is not gone yet")
    anew = msgspec.structs.replace(change, entry=None, contact=None)
    body = drift.sent(anew, None, hand.approach, hand.subscription)
    return await hand.cluster.apply(path, body, hand.approach.manager)


def _way_out(change: Change) -> str:
    if (change.key.group, change.key.kind) in PRECIOUS:
        return f"a {change.key.kind} is never deleted to be made anew, because what it holds would be lost"
    return f"`{RECREATE}: enabled` on it, or apply.recreate in fleet.yaml, lets it be deleted and made anew"


def is_immutable(error: ApiError) -> bool:
    """Whether a refusal says that a field never changes; servers tell it by words only."""
    return error.status in (403, 422) and error.reason != "Forbidden" and bool(_FIXED.search(error.message))


def _is_another(error: ApiError) -> bool:
    """A precondition that failed: the object that we knew is gone or was written since, or another has its name."""
    if error.reason in (NO_MATCH, "Terminating"):
        return False
    gone = error.status == 409 and not error.message.startswith("Apply failed with")
    return gone or (error.status == 422 and "metadata.uid" in error.message)


def unconfirmed(change: Change) -> Entry:
    """The entry of an object that is about to be written."""
    entry = change.entry or Entry(change.key, change.api_version)
    keep = change.contact.keep if change.contact and change.contact.keep else entry.keep
    return msgspec.structs.replace(entry, api_version=change.api_version, digest=None, keep=keep)
