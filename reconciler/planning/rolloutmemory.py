"""What status remembers of a rollout: whom it touched and how they were, which groups passed, who approved.

Equal before and after a run in which nothing happened, so that nothing is written then. The only times in it are those
at which groups passed, for a soak counts from there.
"""

import datetime
from collections.abc import Collection

import msgspec

from reconciler.model.objects import CommitId
from reconciler.model.status import Passed, RolloutStatus, Turn
from reconciler.planning.rollout import (
    BROKEN,
    Asked,
    Standing,
    group_target,
    halted,
    passed_at,
    target_of,
    timetable,
    turns_of,
)


class Moment(msgspec.Struct, frozen=True):
    """The run that looks."""

    now: datetime.datetime
    commit: CommitId
    """Its source commit."""
    good: CommitId | None = None
    """The commit that the status told of before."""


def begun(asked: Asked, clusters: Collection[str], moment: Moment) -> RolloutStatus:
    """The memory once the rollout has come to these clusters: how each was before is written down.

    One that is still ill of an earlier target keeps the state that it had before that.
    """
    memory = _of_this_target(asked, moment)
    turns = {turn.cluster: turn for turn in memory.turns}
    for cluster in clusters:
        status, earlier = asked.statuses.get(cluster), turns.get(cluster)
        target = asked.targets[cluster] or ""
        if earlier is not None and (status is None or status.state in BROKEN or status.feed is None):
            turns[cluster] = msgspec.structs.replace(earlier, target=target)
        else:
            before, was = (status.state, status.commit) if status else (None, None)
            turns[cluster] = Turn(cluster, target, before, was)
    return msgspec.structs.replace(memory, turns=_sorted(turns.values()))


def seen(asked: Asked, moment: Moment, approved: Collection[str] = ()) -> RolloutStatus | None:
    """The memory after a look at the statuses; None when every cluster has what it shall have."""
    table = timetable(asked, moment.now)
    if table.finished:
        return None
    memory = _of_this_target(asked, moment)
    current = turns_of(asked)
    done = {slot.cluster for slot in table.slots() if slot.standing in (Standing.DONE, Standing.LEFT)}
    turns = [t for t in memory.turns if t.cluster in asked.targets and (t.cluster not in done or t.cluster in current)]
    passed = [
        Passed(stage.name, group_target(asked, stage.members), passed_at(asked, stage, moment.now))
        for stage in table.stages
        if stage.passed and stage.touched
    ]
    return msgspec.structs.replace(
        memory,
        turns=_sorted(turns),
        passed=tuple(passed),
        approved=tuple(sorted({*memory.approved, *approved})),
        halted=halted(table.halt) if table.halt else "",
    )


def _of_this_target(asked: Asked, moment: Moment) -> RolloutStatus:
    """The memory; begun anew, but for whom it touched, where something else is to be rolled out."""
    target, memory = target_of(asked.targets), asked.memory
    if memory is None:
        return RolloutStatus(asked.rollout.name, target, moment.commit, moment.good)
    if memory.target == target:
        return msgspec.structs.replace(memory, rollout=asked.rollout.name)
    return msgspec.structs.replace(memory, target=target, commit=moment.commit, approved=(), halted="")


def _sorted(turns: Collection[Turn]) -> tuple[Turn, ...]:
    return tuple(sorted(turns, key=lambda turn: turn.cluster))
