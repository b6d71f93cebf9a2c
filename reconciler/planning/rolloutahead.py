"""How a rollout would go on: the timetable played forward, with clusters that fail where somebody asks what then.

Assumed is that everybody approves, that nothing is paused for ever, and that a cluster needs no time. What comes out is
therefore the earliest moment of every step, and the farthest that a failure can reach.
"""

import datetime
import math
from collections.abc import Collection, Sequence

import msgspec

from reconciler.model.objects import CommitId
from reconciler.model.status import State, UnitStatus
from reconciler.planning import rolloutmemory
from reconciler.planning.rollout import OPEN, Asked, Halt, Standing, Timetable, timetable
from reconciler.planning.rolloutmemory import Moment

_NO_COMMIT = CommitId("")


class Step(msgspec.Struct, frozen=True):
    """Clusters that are changed together."""

    at: datetime.datetime
    group: str
    clusters: tuple[str, ...]
    failed: tuple[str, ...] = ()
    assumed: str = ""
    """What somebody must have done until then."""


class Ahead(msgspec.Struct, frozen=True):
    """The rest of a rollout."""

    steps: tuple[Step, ...]
    last: Timetable
    """The timetable when nothing goes on any more."""

    @property
    def halt(self) -> Halt | None:
        """What stopped it."""
        return self.last.halt

    @property
    def touched(self) -> int:
        """Clusters that were changed on the way."""
        return len({cluster for step in self.steps for cluster in step.clusters})

    @property
    def failed(self) -> tuple[str, ...]:
        """Those of them that failed, in their order."""
        return tuple(cluster for step in self.steps for cluster in step.failed)

    @property
    def spared(self) -> int:
        """Clusters that keep what they have."""
        return sum(slot.standing in OPEN for slot in self.last.slots())


def ahead(asked: Asked, now: datetime.datetime, failing: Collection[str] = ()) -> Ahead:
    """Play a rollout forward from `now`; the clusters of `failing` fail when their turn comes."""
    asked, assumed, steps = _arrived(asked, failing), "", []
    while True:
        table = timetable(asked, now)
        if table.due:
            group = next(slot.group for slot in table.slots() if slot.standing is Standing.DUE)
            failed = tuple(cluster for cluster in table.due if cluster in failing)
            steps.append(Step(now, group, table.due, failed, assumed))
            asked, assumed = _changed(asked, table.due, failing, now), ""
        elif (allowed := _allowed(asked, table, now)) is not None:
            asked, assumed = allowed
        elif table.wake is not None:
            asked, now = _looked(asked, now), table.wake
        else:
            return Ahead(tuple(steps), table)


def chosen(clusters: Sequence[str], percent: int) -> frozenset[str]:
    """So many percent of the clusters, at least one, spread evenly over their order."""
    count = min(len(clusters), max(1, math.ceil(len(clusters) * percent / 100)))
    return frozenset(clusters[number * len(clusters) // count] for number in range(count))


def _arrived(asked: Asked, failing: Collection[str]) -> Asked:
    """Those on their way arrive."""
    table = timetable(asked, datetime.datetime.fromtimestamp(0, datetime.UTC))
    underway = [slot.cluster for slot in table.slots() if slot.standing is Standing.ON_ITS_WAY]
    return _with_statuses(asked, underway, failing)


def _changed(asked: Asked, due: Sequence[str], failing: Collection[str], now: datetime.datetime) -> Asked:
    memory = rolloutmemory.begun(asked, due, Moment(now, _NO_COMMIT))
    after = _with_statuses(msgspec.structs.replace(asked, memory=memory), due, failing)
    return _looked(after, now)


def _looked(asked: Asked, now: datetime.datetime) -> Asked:
    return msgspec.structs.replace(asked, memory=rolloutmemory.seen(asked, Moment(now, _NO_COMMIT)))


def _with_statuses(asked: Asked, clusters: Sequence[str], failing: Collection[str]) -> Asked:
    statuses = dict(asked.statuses)
    for cluster in clusters:
        target = asked.targets[cluster]
        if cluster in failing:
            statuses[cluster] = UnitStatus(asked.subscription, cluster, State.FAILED)
        elif target is None:
            statuses.pop(cluster, None)
        else:
            statuses[cluster] = UnitStatus(asked.subscription, cluster, State.READY, feed=target)
    return msgspec.structs.replace(asked, statuses=statuses)


def _allowed(asked: Asked, table: Timetable, now: datetime.datetime) -> tuple[Asked, str] | None:
    """What goes on when people do what is waited for: resume, approve."""
    if table.halt is not None or table.finished:
        return None
    if asked.rollout.paused:
        rollout = msgspec.structs.replace(asked.rollout, paused=False)
        return msgspec.structs.replace(asked, rollout=rollout), "when resumed"
    for stage in table.stages:
        group = stage.members.group
        first = next((slot for slot in stage.slots if slot.standing is Standing.WAITS), None)
        if first is not None:
            if first.why != f"waits for approval of group {group.name}":
                return None
            memory = rolloutmemory.seen(asked, Moment(now, _NO_COMMIT), (group.name,))
            return msgspec.structs.replace(asked, memory=memory), "when approved"
    return None
