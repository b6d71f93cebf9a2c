"""One object off a cluster: deleted only in the incarnation that is ours, and never without being sure of that.

With a UID in the inventory the server checks it, and nothing is read before. Without one (a write that was never
confirmed) the object is looked at first and deleted only when it carries our field manager, names this unit as its
owner, and nobody else wrote it before us.
"""

import msgspec

from reconciler.adapters.kube.answers import NO_MATCH
from reconciler.adapters.kube.client import Client
from reconciler.adapters.kube.resources import Resource
from reconciler.apply import ownership
from reconciler.apply.write import TERMINATING, Done
from reconciler.model.applying import Propagation
from reconciler.model.errors import ApiError, Unreachable
from reconciler.model.inventory import Entry
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import Change
from reconciler.model.status import Health, Outcome, Result


class Leaving(msgspec.Struct, frozen=True):
    """An object that is deleted and waits for its finalizers; the path is that of its collection."""

    key: ObjectKey
    path: str
    uid: str


class Pruned(msgspec.Struct, frozen=True):
    """What became of a delete: done, or under way."""

    done: Done
    leaving: Leaving | None = None


class Pruner:
    """Deletes objects of one unit. After the cluster was lost once, the rest is not tried any more."""

    def __init__(
        self, cluster: Client, fleet: str, owned_by: str, propagation: Propagation = Propagation.BACKGROUND
    ) -> None:
        """`propagation` is for objects that do not say themselves how their dependents are deleted."""
        self._cluster = cluster
        self._manager = ownership.field_manager(fleet)
        self._owned_by = owned_by
        self._propagation = propagation
        self.lost: Unreachable | None = None

    async def prune(self, change: Change) -> Pruned:
        """Delete one object; a refusal is an outcome, and the entry stays."""
        entry = change.entry
        if entry is None:
            raise AssertionError(f"{change.key} is pruned, but the inventory does not hold it")
        if self.lost:
            return Pruned(Done(_outcome(entry.key, Result.SKIPPED, self.lost.message, "Unreachable"), entry))
        try:
            return await self._delete(entry)
        except ApiError as error:
            return Pruned(Done(_outcome(entry.key, Result.FAILED, error.message, error.reason), entry))
        except Unreachable as error:
            self.lost = error
            return Pruned(Done(_outcome(entry.key, Result.FAILED, error.message, "Unreachable"), entry))

    async def _delete(self, entry: Entry) -> Pruned:
        key = entry.key
        resource = await self._served(entry)
        if resource is None:
            return _gone(key)
        uid = entry.uid
        try:
            if not uid:
                live = await self._cluster.get(resource.path(key.namespace, key.name))
                if not self._is_ours(live):
                    return _not_ours(key, "somebody else made it")
                uid = live["metadata"]["uid"]
            how = entry.propagation or self._propagation
            left = await self._cluster.delete(resource.path(key.namespace, key.name), uid=uid, propagation=how.value)
        except ApiError as error:
            if error.status == 409:
                return _not_ours(key, "another object has its name by now")
            if error.status != 404:
                raise
            return await self._missing(entry, error)
        if left is None:
            return _gone(key)
        finalizers = ", ".join(left["metadata"].get("finalizers") or ()) or "its end"
        message = f"is being deleted, waits for {finalizers}"
        outcome = Outcome(key, Result.KEPT, Health.PROGRESSING, message, TERMINATING)
        return Pruned(Done(outcome, entry), Leaving(key, resource.path(key.namespace), uid))

    async def _served(self, entry: Entry) -> Resource | None:
        """Where to delete; None when the server serves the kind in no version, so that there are none of it."""
        try:
            return await self._cluster.resource(entry.api_version, entry.key.kind)
        except ApiError as error:
            if error.reason != NO_MATCH:
                raise
        return await self._cluster.any_version(entry.api_version, entry.key.kind)

    async def _missing(self, entry: Entry, error: ApiError) -> Pruned:
        """A 404 means gone, unless it is the version that is no longer served."""
        if error.reason != NO_MATCH:
            return _gone(entry.key)
        other = await self._cluster.any_version(entry.api_version, entry.key.kind)
        if other is None or other.api_version == entry.api_version:
            return _gone(entry.key)
        return await self._delete(msgspec.structs.replace(entry, api_version=other.api_version))

    def _is_ours(self, live: Object) -> bool:
        metadata = live["metadata"]
        named = (metadata.get("annotations") or {}).get(ownership.OWNER) == self._owned_by
        return named and ownership.mark_of(metadata, self._manager).alone


def _gone(key: ObjectKey) -> Pruned:
    return Pruned(Done(Outcome(key, Result.PRUNED), None))


def _not_ours(key: ObjectKey, why: str) -> Pruned:
    return Pruned(Done(_outcome(key, Result.KEPT, f"not deleted: {why}", "NotOurs"), None))


def _outcome(key: ObjectKey, result: Result, message: str, reason: str) -> Outcome:
    return Outcome(key, result, message=message, reason=reason)
