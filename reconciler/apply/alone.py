"""One cluster, one run: what is to be written is written under the Lease, or not at all.

A cluster to which nothing is written takes no Lease. After waiting for another run everything is foreseen anew, because
what was read may be old. The Lease is given back when the last unit has written, before anybody waits for readiness.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.apply import inventory as inventories
from reconciler.apply.foresee import Foreseen, Planned, stopped
from reconciler.apply.lease import Held, Leases, Where, unless_lost
from reconciler.apply.options import Options
from reconciler.model.errors import ReconcilerError

Again = Callable[[], Awaitable[Foreseen]]
"""Foresee the same units anew."""


class Alone:
    """The right to write to a cluster; without a Lease where none is needed, or allowed."""

    def __init__(self, decided: Foreseen, held: Held | None = None, leases: Leases | None = None) -> None:
        self.decided = decided
        self._held = held
        self._leases = leases
        self._writing = len(decided.planned)

    @contextlib.asynccontextmanager
    async def until_lost(self) -> AsyncIterator[None]:
        """Run a block for as long as nobody else takes the Lease; raises Refused, or Unreachable, then."""
        try:
            async with unless_lost(self._held):
                yield
        finally:
            await self._release()

    async def written(self) -> None:
        """One more unit will write nothing any more."""
        self._writing -= 1
        if self._writing <= 0:
            await self._release()

    async def _release(self) -> None:
        if self._held is not None and self._leases is not None:
            held, self._held = self._held, None
            await self._leases.done(held)


async def alone(client: Client, cluster: str, decided: Foreseen, options: Options, again: Again | None = None) -> Alone:
    """Take the Lease of a cluster (by id) where something is to be written; units that may not are stopped."""
    leases = options.leases
    if leases is None or options.dry_run or not any(_writes(planned, options) for planned in decided.planned):
        return Alone(decided)
    where = Where(options.fleet, cluster, options.namespace)
    try:
        held, waited = await leases.take(client, where, options.warn)
    except ReconcilerError as error:
        return Alone(_without_writers(decided, options, error))
    if waited and again is not None:
        try:
            decided = await again()
        except BaseException:
            if held is not None:
                await leases.done(held)
            raise
    return Alone(decided, held, leases)


def _writes(planned: Planned, options: Options) -> bool:
    """Whether anything is to be written, the inventory alone included."""
    plan, inventory = planned.plan, planned.inventory
    forgotten = any(change.released for change in plan.kept)
    return plan.changes > 0 or forgotten or inventories.is_elsewhere(inventory, options.inventory_kind)


def _without_writers(decided: Foreseen, options: Options, error: ReconcilerError) -> Foreseen:
    writers = tuple(planned for planned in decided.planned if _writes(planned, options))
    return msgspec.structs.replace(
        decided,
        planned=tuple(planned for planned in decided.planned if not _writes(planned, options)),
        stopped=(*decided.stopped, *(stopped(planned.work.unit, error) for planned in writers)),
    )
