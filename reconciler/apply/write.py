"""One object onto a cluster by server-side apply, and what the answer says about whose it is and how it is.

What we hold a UID of is ours: written with force, and for that incarnation only. How an object is met that is there and
that the inventory lacks, the plan says; else a field of somebody else is refused in the server's words.
"""

import asyncio
from collections.abc import Mapping

import msgspec

from reconciler.adapters.kube.answers import NO_MATCH
from reconciler.adapters.kube.client import Client, Written
from reconciler.apply import ownership
from reconciler.apply.applied import Applied, Gone, Hand, apply, unconfirmed
from reconciler.apply.expected import Expected
from reconciler.model.applying import Propagation
from reconciler.model.errors import ApiError, ReconcilerError, Unreachable
from reconciler.model.inventory import Entry, Keep
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import Action, Approach, Change
from reconciler.model.status import Health, Outcome, Result
from reconciler.planning import foreseen
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


class Writing(msgspec.Struct, frozen=True):
    """What holds for every object of the unit that is written."""

    fleet: str
    owned_by: str
    """The Description that objects name as their owner."""
    expected: Expected
    known: frozenset[str]
    """UIDs in any inventory of the fleet on this cluster."""
    health: Assessor
    approach: Approach | None = None
    """How objects of others are met; without one, as the defaults of the settings say."""
    subscription: str = ""
    gone: Gone | None = None
    """How one waits for a delete; without it nothing is made anew."""
    propagation: Propagation = Propagation.BACKGROUND


class Writer:
    """Writes objects of one unit. After the cluster was lost once, the rest is not tried any more."""

    def __init__(self, cluster: Client, unit: Writing) -> None:
        approach = unit.approach or Approach(ownership.field_manager(unit.fleet), unit.owned_by)
        self._hand = Hand(cluster, approach, unit.subscription, unit.gone, unit.propagation)
        self._expected = unit.expected
        self._known = unit.known
        self._assess = unit.health.assess
        self.lost: Unreachable | None = None

    async def write(self, change: Change, live: Mapping[ObjectKey, Object] = {}) -> Done:
        """Create or change one object; a refusal is an outcome. Untrusted is raised: nothing else will work either.

        `live` holds objects of which some fields are left alone.
        """
        entry = unconfirmed(change)
        if self.lost:
            return Done(_failed(change.key, Result.SKIPPED, self.lost), entry)
        try:
            applied = await self._apply_when_possible(change, live)
        except ApiError as error:
            return Done(_failed(change.key, Result.FAILED, _discreet(change, error)), entry)
        except Unreachable as error:
            self.lost = error
            return Done(_failed(change.key, Result.FAILED, error), entry)
        if applied.written is None:
            return Done(foreseen.outcome(applied.change), None)
        return self._confirmed(applied, applied.written, applied.change.entry or entry)

    async def _apply_when_possible(self, change: Change, live: Mapping[ObjectKey, Object]) -> Applied:
        """Apply; again, while what it needs is coming, or what had its name is going."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + EXPECTED_SECONDS
        while True:
            try:
                return _staying(await apply(self._hand, change, live))
            except ApiError as error:
                coming = _lacks_something(error) and self._expected.covers(change.key)
                if not (coming or error.reason == TERMINATING) or clock() >= deadline:
                    raise
            await asyncio.sleep(_AGAIN_SECONDS)

    def _confirmed(self, applied: Applied, written: Written, entry: Entry) -> Done:
        change, obj = applied.change, written.object
        metadata = obj["metadata"]
        uid, version = metadata["uid"], metadata["resourceVersion"]
        mark = ownership.mark_of(metadata, self._hand.approach.manager)
        confirmed = Entry(
            change.key,
            change.api_version,
            change.wanted.digest if change.wanted else None,
            uid,
            version,
            self._keep(applied, written, entry) or keep_of(obj),
            mark.fields,
            entry.shard,
            wave=wave_of(change.wanted.body) if change.wanted else entry.wave,
            propagation=propagation_of(obj),
        )
        health, message = self._assess(obj)
        result = _result(applied, written)
        if entry.resource_version == version and result is Result.CHANGED:
            result = Result.UNCHANGED
        waiting = None if health is Health.CURRENT else Pending(change.key, applied.path, health, message, version)
        note = change.reason if result is Result.ADOPTED else ""
        return Done(Outcome(change.key, result, health, message, note=note), confirmed, waiting)

    def _keep(self, applied: Applied, written: Written, entry: Entry) -> Keep | None:
        """Whether the object was there before us, and stays when it leaves its feed."""
        if applied.change.contact:
            return applied.change.contact.keep
        if not applied.first:
            return Keep.ADOPTED if entry.keep is Keep.ADOPTED and not applied.replaced else None
        metadata = written.object["metadata"]
        alone = ownership.mark_of(metadata, self._hand.approach.manager).alone
        known = metadata["uid"] in self._known
        return None if written.created or alone or known else Keep.ADOPTED


def _result(applied: Applied, written: Written) -> Result:
    if applied.replaced:
        return Result.REPLACED
    if applied.change.action is Action.ADOPT:
        return Result.ADOPTED
    return Result.CREATED if written.created else Result.CHANGED


def _staying(applied: Applied) -> Applied:
    """An object that is being deleted takes any write, and loses it."""
    if applied.written and "deletionTimestamp" in applied.written.object["metadata"]:
        key = applied.change.key
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
