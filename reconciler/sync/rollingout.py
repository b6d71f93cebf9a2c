"""What rollouts leave of a run's work: what is due now is done, the rest waits and is told why.

A run goes on as long as something is due without waiting for time or a person: every batch is delivered, its status
written, and the timetable asked again. Units under no rollout, and retries, belong to the first batch.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence

import msgspec

from reconciler.model.errors import Exit
from reconciler.model.feed import Unit
from reconciler.model.plan import Work
from reconciler.model.status import Delivered, FleetStatus, RolloutStatus, State
from reconciler.planning import rolloutmemory
from reconciler.planning.rollout import OPEN, Asked, Slot, Standing, Timetable, timetable
from reconciler.planning.rolloutmemory import Moment
from reconciler.sync.rolloutasking import Asking
from reconciler.sync.worklist import Evaluated

Approvals = Mapping[str, frozenset[str]]
"""By Subscription the groups that somebody approved since the last run, for just what is to be rolled out."""


class Batch(msgspec.Struct, frozen=True):
    """What is delivered next, and what waits."""

    works: tuple[Work, ...]
    waiting: tuple[Delivered, ...]
    before: FleetStatus
    """The status, without the units that are to be looked at although they are done."""
    rollouts: Mapping[str, RolloutStatus]
    """What is remembered once this batch is begun."""
    later: bool
    """A batch before it was delivered in the same run."""
    tables: tuple[Timetable, ...]

    @property
    def wake(self) -> datetime.datetime | None:
        """When a wait ends by itself."""
        return min((table.wake for table in self.tables if table.wake), default=None)


class Rolling:
    """The rollouts of one run."""

    def __init__(
        self, evaluated: Evaluated, previous: FleetStatus, works: Sequence[Work], now: Callable[[], datetime.datetime]
    ) -> None:
        self._evaluated = evaluated
        self._asking = Asking(evaluated, previous)
        self._works = {work.unit: work for work in works}
        self._good = previous.commit
        self._now = now
        self._looked: set[Unit] = set()
        self._tried: set[Unit] = set()

    def tables(self, status: FleetStatus) -> tuple[Timetable, ...]:
        """The timetables of all Subscriptions under a rollout."""
        now = self._now()
        return tuple(timetable(asked, now) for asked in self._asking.everything(status))

    def first(self, status: FleetStatus) -> Batch:
        """Everything that needs no turn, and everybody whose turn it is."""
        tables = self.tables(status)
        held = {
            Unit(table.asked.subscription, s.cluster) for table in tables for s in table.slots() if s.standing in OPEN
        }
        return self._batch(tables, status, [unit for unit in self._works if unit not in held])

    def next(self, status: FleetStatus) -> Batch:
        """Those whose turn it is after another batch; without works when nobody's is."""
        return self._batch(self.tables(status), status)

    def asks(self, batch: Batch) -> Callable[[Unit], bool]:
        """Which units a place may ask about beside a batch: none that waits, and of a later batch none at all."""
        works, waiting = {work.unit for work in batch.works}, {row.unit for row in batch.waiting}
        return lambda unit: unit in works or (not batch.later and unit not in waiting)

    def seen(self, status: FleetStatus, approvals: Approvals | None = None) -> FleetStatus:
        """A status with what is to be remembered after a look at it."""
        moment, approvals = self._moment(), approvals or {}
        kept = {
            asked.subscription: memory
            for asked in self._asking.everything(status)
            if (memory := rolloutmemory.seen(asked, moment, approvals.get(asked.subscription, ())))
        }
        return status if kept == status.rollouts else msgspec.structs.replace(status, rollouts=kept)

    def _batch(self, tables: tuple[Timetable, ...], status: FleetStatus, others: Sequence[Unit] | None = None) -> Batch:
        watched = {Unit(t.asked.subscription, c) for t in tables for c in t.watched} & self._works.keys() - self._looked
        due = [unit for table in tables for unit in self._due(table, watched)]
        begun = {table.asked.subscription: self._begun(table.asked, due) for table in tables}
        self._looked |= {*watched, *due}
        self._tried.update(due)
        chosen = {*(others or ()), *due, *watched}
        waiting = [self._row(t, s) for t in tables for s in t.slots() if s.standing in OPEN]
        units = {unit: one for unit, one in status.units.items() if unit not in watched}
        return Batch(
            tuple(work for unit, work in self._works.items() if unit in chosen),
            tuple(row for row in waiting if row.unit in self._works and row.unit not in chosen),
            msgspec.structs.replace(status, units=units) if watched else status,
            {name: memory for name, memory in begun.items() if memory is not None},
            others is None,
            tables,
        )

    def _due(self, table: Timetable, watched: set[Unit]) -> list[Unit]:
        """Whose turn it is; nobody's while a group that soaked has still to be looked at."""
        subscription = table.asked.subscription
        if any(unit.subscription == subscription for unit in watched):
            return []
        units = [Unit(subscription, cluster) for cluster in table.due]
        return [unit for unit in units if unit in self._works and unit not in self._tried]

    def _begun(self, asked: Asked, due: Sequence[Unit]) -> RolloutStatus | None:
        clusters = [unit.cluster for unit in due if unit.subscription == asked.subscription]
        return rolloutmemory.begun(asked, clusters, self._moment()) if clusters else asked.memory

    def _moment(self) -> Moment:
        return Moment(self._now(), self._evaluated.commit, self._good)

    @staticmethod
    def _row(table: Timetable, slot: Slot) -> Delivered:
        why = f"{slot.why} until {_shown(slot.until)}" if slot.until else slot.why or "waits for the next run"
        code = Exit.REFUSED if slot.standing is Standing.HALTED else Exit.OK
        status = table.asked.statuses.get(slot.cluster)
        unit = Unit(table.asked.subscription, slot.cluster)
        return Delivered(unit, State.WAITING, feed=status.feed if status else None, message=why, exit_code=code)


def _shown(when: datetime.datetime) -> str:
    return when.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%MZ")
