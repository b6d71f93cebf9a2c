"""Whose turn it is on one cluster: a unit begins after what it depends on, and deletes before it.

What depends on a unit in the same run, and has something to delete, deletes first. A unit that shall still be there
begins its own writes all the same, because those that depend on it wait for them; only its deletes come last. Units
that delete nothing, or that nobody depends on, wait for nobody.
"""

import asyncio
from collections.abc import Iterable, Sequence

from reconciler.apply.foresee import Planned
from reconciler.apply.removal import NOT_EMPTY
from reconciler.model.dependencies import dependents
from reconciler.model.plan import Work
from reconciler.model.status import Delivered, Result, State

_BEGINS = frozenset({State.READY, State.DELIVERED, State.DRIFTED})
"""States of a unit after which those that depend on it begin."""


class Turns:
    """The units of one cluster in one run; each says when it has written, and when it is over."""

    def __init__(self, planned: Sequence[Planned], stopped: Iterable[Delivered]) -> None:
        """`stopped` are units that nothing is done to."""
        loop = asyncio.get_running_loop()
        self._written: dict[str, asyncio.Future[State]] = {
            one.work.unit.subscription: loop.create_future() for one in planned
        }
        for one in stopped:
            self._written[one.unit.subscription] = loop.create_future()
            self._written[one.unit.subscription].set_result(one.state)
        deleting = {one.work.unit.subscription: one.work.wishes.after for one in planned if _deletes(one)}
        self._first = dependents(deleting)
        self._through: dict[str, asyncio.Future[bool]] = {name: loop.create_future() for name in deleting}
        """Whether the deletes of a unit are through."""

    async def lacks(self, work: Work) -> str:
        """Wait for what a unit depends on; why it cannot begin, empty when it can."""
        for name in work.wishes.after:
            other = self._written.get(name)
            state = await other if other else None
            if state not in _BEGINS and state is not None:
                return f"waits for {name}, which is {state}"
            if state is None and name in work.waits:
                return f"waits for {name}, which {work.waits[name]}"
        return ""

    def is_last(self, subscription: str) -> bool:
        """Whether others delete before this unit may."""
        return bool(self._first.get(subscription))

    async def blocked(self, subscription: str) -> str:
        """Wait for the deletes of those that depend on a unit; why it cannot delete, empty when it can."""
        for name in self._first.get(subscription, ()):
            if not await self._through[name]:
                return f"waits for {name}, which depends on it and still has what it shall lose"
        return ""

    def written(self, subscription: str, state: State) -> None:
        """Say that a unit has written, and how it is; those that depend on it may begin. Heard once."""
        if not self._written[subscription].done():
            self._written[subscription].set_result(state)

    def deleted(self, planned: Planned, done: Delivered) -> None:
        """Say what became of a unit's deletes. Heard once."""
        through = self._through.get(planned.work.unit.subscription)
        if through is not None and not through.done():
            through.set_result(_is_through(planned, done))


def _deletes(planned: Planned) -> bool:
    return bool(planned.plan.prunes) or planned.plan.guard is not None


def _is_through(planned: Planned, done: Delivered) -> bool:
    """Nothing of it is left that uses others. Data that is asked about, and a Namespace of others, use nobody."""
    if done.guard is not None and done.guard.rule != "precious":
        return False
    results = {outcome.key: outcome for outcome in done.outcomes}
    for change in (change for wave in planned.plan.prunes for change in wave):
        outcome = results.get(change.key)
        let_be = outcome is not None and outcome.result is Result.KEPT and outcome.reason in ("", "NotOurs", NOT_EMPTY)
        if outcome is None or not (outcome.result is Result.PRUNED or let_be):
            return False
    return True
