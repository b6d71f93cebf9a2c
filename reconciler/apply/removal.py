"""The deletes of one plan, wave by wave: a wave starts when the one before it is really gone.

Namespaces and definitions are looked into right before their delete, when all our own objects are out of them: one that
holds what is not ours stays, and stays in the inventory. An object leaves the inventory when its end is confirmed.
"""

from collections.abc import Callable, Sequence

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.adapters.kube.resources import Resource
from reconciler.apply import namespacecontents
from reconciler.apply.gather import all_of
from reconciler.apply.namespacecontents import Contents
from reconciler.apply.prune import Leaving, Pruned, Pruner
from reconciler.apply.wait import Watches
from reconciler.apply.write import Done
from reconciler.model.applying import PRUNE
from reconciler.model.errors import ApiError, ReconcilerError
from reconciler.model.inventory import Entry, Keep
from reconciler.model.objects import ObjectKey
from reconciler.model.plan import Change
from reconciler.model.status import Outcome, Result
from reconciler.planning.plan import keep_of

WAITING = "Waiting"
"""Our reason for a delete that waits for another one."""
_NAMESPACES = Resource("v1", "namespaces", namespaced=False)
NOT_EMPTY = "NotEmpty"
"""Our reason for a Namespace or definition that holds what is not ours."""


class Ground(msgspec.Struct, frozen=True):
    """What deletes of one unit need to know beside the plan."""

    pruner: Pruner
    looking: Client
    """Our own connection, which sees whole namespaces."""
    watches: Watches
    known: frozenset[str]
    """UIDs in all inventories of the fleet on this cluster."""
    going: frozenset[str]
    """UIDs of what this run deletes on this cluster."""
    wait: bool
    deadline: float
    """Of the loop's clock."""


class Removal:
    """The deletes of one unit; entries and outcomes are those of whoever carries out its plan."""

    def __init__(self, ground: Ground, entries: dict[ObjectKey, Entry], note: Callable[[Outcome], None]) -> None:
        self._ground = ground
        self._entries = entries
        self._note = note

    async def run(self, waves: Sequence[Sequence[Change]], stopped: str) -> None:
        """Delete; `stopped` says why nothing is deleted."""
        leaving: list[Leaving] = []
        for wave in waves:
            if leaving and not stopped:
                await self._confirm(leaving)
                stopped = next((f"waits for {one.key}" for one in leaving if one.key in self._entries), "")
            if stopped:
                for change in wave:
                    self._note(Outcome(change.key, Result.KEPT, message=stopped, reason=WAITING))
                continue
            for one in await all_of(self._prune(change) for change in wave):
                leaving += [one.leaving] if one.leaving else []
                if one.done.outcome.result in (Result.FAILED, Result.SKIPPED):
                    stopped = f"not pruned: {one.done.outcome.key} failed"
        if leaving and self._ground.wait and not stopped:
            await self._confirm(leaving)

    async def _prune(self, change: Change) -> Pruned:
        pruned = await self._staying(change) or await self._ground.pruner.prune(change)
        if pruned.done.entry is None:
            self._entries.pop(change.key, None)
        self._note(pruned.done.outcome)
        return pruned

    async def _confirm(self, leaving: Sequence[Leaving]) -> None:
        for key in await self._ground.watches.gone(leaving, self._ground.deadline):
            self._entries.pop(key, None)
            self._note(Outcome(key, Result.PRUNED))

    async def _staying(self, change: Change) -> Pruned | None:
        """Why a container is not deleted; None when it may go, and for everything else."""
        try:
            match change.key.group, change.key.kind:
                case "", "Namespace":
                    if await self._asks_to_stay(change.key):
                        return _kept(change, f"{PRUNE}: disabled", "")
                case "apiextensions.k8s.io", "CustomResourceDefinition":
                    pass
                case _:
                    return None
            found = await self._contents(change.key)
        except ReconcilerError as error:
            reason = error.reason if isinstance(error, ApiError) else type(error).__name__
            return Pruned(Done(Outcome(change.key, Result.FAILED, message=error.message, reason=reason), change.entry))
        if not found.foreign:
            return None
        return _kept(change, f"holds what is not ours: {found.said}", NOT_EMPTY)

    async def _asks_to_stay(self, key: ObjectKey) -> bool:
        try:
            live = await self._ground.looking.get(_NAMESPACES.path(name=key.name))
        except ApiError as error:
            if error.status != 404:
                raise
            return False
        return keep_of(live) is Keep.DISABLED

    async def _contents(self, key: ObjectKey) -> Contents:
        """What is in it after everything that this run deletes is out of it."""
        found = await self._look(key)
        if found.foreign or not found.leaving:
            return found
        await self._ground.watches.gone(found.leaving, self._ground.deadline)
        found = await self._look(key)
        late = tuple(str(one.key) for one in found.leaving)
        return Contents(tuple(sorted((*found.foreign, *late))))

    async def _look(self, key: ObjectKey) -> Contents:
        ground = self._ground
        if key.kind == "Namespace":
            return await namespacecontents.of_namespace(ground.looking, key.name, ground.known, ground.going)
        return await namespacecontents.of_definition(ground.looking, key.name, ground.going)


def _kept(change: Change, message: str, reason: str) -> Pruned:
    """It stays; without a reason of ours it is let go of as well."""
    return Pruned(
        Done(Outcome(change.key, Result.KEPT, message=message, reason=reason), change.entry if reason else None)
    )
