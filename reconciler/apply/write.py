"""One object onto a cluster by server-side apply, and what the answer says about whose it is and how it is.

What we hold a UID of is ours: written with force, and for that incarnation only. First contact is without force, so
that a field of somebody else is refused in the server's words instead of taken.
"""

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from reconciler.adapters.kube.answers import NO_MATCH
from reconciler.adapters.kube.client import Client, Written
from reconciler.apply import ownership
from reconciler.model.errors import ApiError, ReconcilerError, Unreachable
from reconciler.model.feed import RenderedFeed
from reconciler.model.inventory import Entry, Keep
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import Change
from reconciler.model.status import Health, Outcome, Result
from reconciler.planning.health import Assessor
from reconciler.planning.plan import keep_of
from reconciler.planning.pruning import propagation_of
from reconciler.planning.waves import wave_of

EXPECTED_SECONDS = 15.0
"""How long we wait for a namespace or kind that this delivery itself brings, or until what had its name is gone."""
TERMINATING = "Terminating"
"""Our reason for an object that is being deleted."""
_AGAIN_SECONDS = 0.25


class Pending(msgspec.Struct, frozen=True):
    """An object that was written and is not ready yet; the path is that of its collection."""

    key: ObjectKey
    path: str
    health: Health
    message: str
    version: str = ""
    """resourceVersion after our write; empty when this run did not write it."""


class Done(msgspec.Struct, frozen=True):
    """What became of one object: the outcome, and the entry for the inventory (None: it is not there)."""

    outcome: Outcome
    entry: Entry | None
    pending: Pending | None = None


class Expected(msgspec.Struct, frozen=True):
    """What one delivery brings, so that a refusal for the lack of it is worth waiting for."""

    namespaces: frozenset[str] = frozenset()
    kinds: frozenset[tuple[str, str]] = frozenset()
    definitions: Mapping[tuple[str, str], str] = {}
    """Names of the definitions of these kinds."""

    def covers(self, key: ObjectKey) -> bool:
        """Whether the namespace or the kind of an object is among it."""
        return key.namespace in self.namespaces or (key.group, key.kind) in self.kinds


def expected_of(feeds: Iterable[RenderedFeed]) -> Expected:
    """The namespaces and kinds that feeds define."""
    objects = [obj for feed in feeds for obj in feed.objects]
    spaces = frozenset(obj.key.name for obj in objects if obj.key.kind == "Namespace" and not obj.key.group)
    found = ((defined(obj.body), obj.key.name) for obj in objects if obj.key.kind == "CustomResourceDefinition")
    definitions = {kind: name for kind, name in found if kind}
    return Expected(spaces, frozenset(definitions), definitions)


def defined(definition: Object) -> tuple[str, str] | None:
    """Group and kind that a CustomResourceDefinition defines; None when it does not say."""
    spec = definition.get("spec") or {}
    group, kind = spec.get("group"), (spec.get("names") or {}).get("kind")
    return (group, kind) if group and kind else None


class Writing(msgspec.Struct, frozen=True):
    """What holds for every object of the unit that is written."""

    fleet: str
    owned_by: str
    """The Description that objects name as their owner."""
    expected: Expected
    known: frozenset[str]
    """UIDs in any inventory of the fleet on this cluster."""
    health: Assessor


class Writer:
    """Writes objects of one unit. After the cluster was lost once, the rest is not tried any more."""

    def __init__(self, cluster: Client, unit: Writing) -> None:
        self._cluster = cluster
        self._manager = ownership.field_manager(unit.fleet)
        self._owned_by = unit.owned_by
        self._expected = unit.expected
        self._known = unit.known
        self._assess = unit.health.assess
        self.lost: Unreachable | None = None

    async def write(self, change: Change) -> Done:
        """Create or change one object; a refusal is an outcome. Untrusted is raised: nothing else will work either."""
        entry = change.entry or Entry(change.key, change.api_version)
        unconfirmed = msgspec.structs.replace(entry, api_version=change.api_version, digest=None)
        if self.lost:
            return Done(_failed(change.key, Result.SKIPPED, self.lost), unconfirmed)
        try:
            path, written, first = await self._apply_when_possible(change, entry)
        except ApiError as error:
            return Done(_failed(change.key, Result.FAILED, _discreet(change, error)), unconfirmed)
        except Unreachable as error:
            self.lost = error
            return Done(_failed(change.key, Result.FAILED, error), unconfirmed)
        return self._confirmed(change, entry, written, path, first=first)

    async def _apply_when_possible(self, change: Change, entry: Entry) -> tuple[str, Written, bool]:
        """Apply; again, while what it needs is coming, or what had its name is going."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + EXPECTED_SECONDS
        while True:
            try:
                return _staying(change.key, await self._apply(change, entry))
            except ApiError as error:
                coming = _lacks_something(error) and self._expected.covers(change.key)
                if not (coming or error.reason == TERMINATING) or clock() >= deadline:
                    raise
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _apply(self, change: Change, entry: Entry) -> tuple[str, Written, bool]:
        """The collection's path, the answer, and whether it was a first contact."""
        if change.wanted is None:
            raise AssertionError(f"{change.action} of {change.key} has no object")
        key, wanted, hidden = change.key, change.wanted.body, change.wanted.seal is not None
        resource = await self._cluster.resource(change.api_version, key.kind)
        if resource.namespaced and not key.namespace:
            raise ApiError(400, "NoNamespace", f"{key.kind} objects live in a namespace, and {key.name} names none")
        path, one = resource.path(key.namespace), resource.path(key.namespace, key.name)
        if entry.uid:
            ours = ownership.body(wanted, self._owned_by, entry.uid, hidden=hidden)
            try:
                return path, await self._cluster.apply(one, ours, self._manager, force=True), False
            except ApiError as error:
                if not _is_another(error):
                    raise
        ours = ownership.body(wanted, self._owned_by, hidden=hidden)
        return path, await self._cluster.apply(one, ours, self._manager), True

    def _confirmed(self, change: Change, entry: Entry, written: Written, path: str, *, first: bool) -> Done:
        obj = written.object
        metadata = obj["metadata"]
        uid, version = metadata["uid"], metadata["resourceVersion"]
        mark = ownership.mark_of(metadata, self._manager)
        adopted = first and not written.created and not mark.alone and uid not in self._known
        keep = keep_of(obj) or (Keep.ADOPTED if adopted or (entry.keep is Keep.ADOPTED and not first) else None)
        digest = change.wanted.digest if change.wanted else None
        confirmed = Entry(change.key, change.api_version, digest, uid, version, keep, mark.fields, entry.shard)
        confirmed = msgspec.structs.replace(
            confirmed,
            wave=wave_of(change.wanted.body) if change.wanted else entry.wave,
            propagation=propagation_of(obj),
        )
        health, message = self._assess(obj)
        result = Result.CREATED if written.created else Result.CHANGED
        if entry.resource_version == version:
            result = Result.UNCHANGED
        waiting = None if health is Health.CURRENT else Pending(change.key, path, health, message, version)
        return Done(Outcome(change.key, result, health, message), confirmed, waiting)


def _staying(key: ObjectKey, applied: tuple[str, Written, bool]) -> tuple[str, Written, bool]:
    """An object that is being deleted takes any write, and loses it."""
    if "deletionTimestamp" in applied[1].object["metadata"]:
        raise ApiError(409, TERMINATING, f"{key} is being deleted, so that what is written to it is lost")
    return applied


def _discreet(change: Change, error: ApiError) -> ApiError:
    """A refusal without the server's words, which may quote what is encrypted in the repo.

    Those about Secrets hold no values already.
    """
    if change.wanted is None or change.wanted.seal is None or change.key.kind == "Secret":
        return error
    message = f"{change.key} was refused; the server's words are withheld, because the object is encrypted in the repo"
    return ApiError(error.status, error.reason, message)


def _failed(key: ObjectKey, result: Result, error: ReconcilerError) -> Outcome:
    reason = error.reason if isinstance(error, ApiError) else type(error).__name__
    return Outcome(key, result, message=error.message, reason=reason)


def _lacks_something(error: ApiError) -> bool:
    """The namespace or the kind is missing. The server names a missing namespace like any other missing object."""
    return error.reason == NO_MATCH or (error.status == 404 and error.message.startswith('namespaces "'))


def _is_another(error: ApiError) -> bool:
    """A UID precondition that failed: the object that we knew is gone, or another one has its name by now."""
    gone = error.status == 409 and not error.message.startswith("Apply failed with")
    return gone or (error.status == 422 and "metadata.uid" in error.message)
