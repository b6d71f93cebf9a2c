"""Whose turn it is: from rollouts, facts, targets, statuses, memory and the time to a timetable of one Subscription.

A pure function: who may be changed now, and what everybody else waits for. A group begins when all groups before it
have passed, have soaked, and its approval, windows and places allow it. A cluster that was not well before the rollout
came to it uses up no budget; one that has the change already is never touched.
"""

import datetime
import enum
from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from reconciler.model import duration
from reconciler.model.objects import Digest, digest_of
from reconciler.model.rollout import Rollout
from reconciler.model.status import RolloutStatus, State, Turn, UnitStatus
from reconciler.planning import fold, windows
from reconciler.planning.rolloutgroups import Members

BROKEN = frozenset({State.PROGRESSING, State.FAILED, State.UNREACHABLE})
"""States of a cluster that was not well; the guard of a `Held` one says nothing about its health."""
FAILED = frozenset({State.FAILED, State.UNREACHABLE})


class Standing(enum.StrEnum):
    """Where one cluster stands in a rollout."""

    DONE = "done"
    """It has what it shall have, and is well."""
    LEFT = "left"
    """It is suspended, or its Subscription has problems: nobody waits for it."""
    EXCUSED = "excused"
    """It has the change and is not well, as it was not before."""
    ON_ITS_WAY = "on its way"
    FAILED = "failed"
    DUE = "due"
    WAITS = "waits"
    HALTED = "halted"


TOUCHED = frozenset({Standing.ON_ITS_WAY, Standing.FAILED, Standing.EXCUSED})
"""Clusters that the rollout came to and that are not done: every run tries them again."""
OPEN = frozenset({Standing.DUE, Standing.WAITS, Standing.HALTED})
"""Clusters that still have what they had."""


class Asked(msgspec.Struct, frozen=True):
    """What is known of one Subscription under a rollout; clusters are ids."""

    subscription: str
    rollout: Rollout
    groups: tuple[Members, ...]
    targets: Mapping[str, Digest | None]
    """The feed that each cluster shall have; None where its objects shall go."""
    statuses: Mapping[str, UnitStatus]
    memory: RolloutStatus | None = None
    skipped: frozenset[str] = frozenset()


class Slot(msgspec.Struct, frozen=True):
    """One cluster in the timetable."""

    cluster: str
    group: str
    standing: Standing
    why: str = ""
    """What it waits for, in words."""
    until: datetime.datetime | None = None
    """When the wait is over by itself; None where something else must happen."""


class Stage(msgspec.Struct, frozen=True):
    """One group in the timetable."""

    members: Members
    slots: tuple[Slot, ...]
    passed: bool
    touched: bool
    """The rollout has changed one of its clusters."""
    soaks: bool = False
    """A later group waits until this one has been well for long enough: its clusters are looked at meanwhile."""

    @property
    def name(self) -> str:
        """The name of the group."""
        return self.members.group.name

    def count(self, standing: Standing) -> int:
        """How many of its clusters stand so."""
        return sum(slot.standing is standing for slot in self.slots)


class Halt(msgspec.Struct, frozen=True):
    """The failures that stop a rollout, and what a revert would take back."""

    group: str
    budget: int
    failed: tuple[str, ...]
    has_it: tuple[Turn, ...]
    """Clusters that got the change, with the commit that they had before."""


class Timetable(msgspec.Struct, frozen=True):
    """Who is to be changed now, and what the others wait for."""

    asked: Asked
    target: Digest
    stages: tuple[Stage, ...]
    halt: Halt | None = None

    def slots(self) -> Iterator[Slot]:
        """All clusters in the order of the rollout."""
        for stage in self.stages:
            yield from stage.slots

    @property
    def due(self) -> tuple[str, ...]:
        """Clusters whose turn it is now."""
        return tuple(slot.cluster for slot in self.slots() if slot.standing is Standing.DUE)

    @property
    def watched(self) -> tuple[str, ...]:
        """Clusters that soak: to be looked at again before a later group begins."""
        soaking = (stage for stage in self.stages if stage.soaks)
        return tuple(s.cluster for stage in soaking for s in stage.slots if s.standing is Standing.DONE)

    @property
    def wake(self) -> datetime.datetime | None:
        """When somebody's wait ends by itself."""
        return min((slot.until for slot in self.slots() if slot.until), default=None)

    @property
    def finished(self) -> bool:
        """Every cluster has what it shall have."""
        return all(slot.standing in (Standing.DONE, Standing.LEFT) for slot in self.slots())


class _Gate(msgspec.Struct, frozen=True):
    """Why clusters may not begin."""

    why: str
    until: datetime.datetime | None = None


def timetable(asked: Asked, now: datetime.datetime) -> Timetable:
    """The timetable of one Subscription at `now` (with a zone)."""
    turns = turns_of(asked)
    standings = {c: _standing(asked, c, turns.get(c)) for members in asked.groups for c in members.clusters}
    halt = _halt(asked, standings)
    closed = _closed(asked, halt)
    stages = []
    for members in asked.groups:
        mine = {cluster: standings[cluster] for cluster in members.clusters}
        gate = closed or _gate(asked, members, now)
        stage = _stage(members, mine, gate, touched=not turns.keys().isdisjoint(mine))
        stages.append(stage)
        closed = closed or _after(asked, stage, now)
    return Timetable(asked, target_of(asked.targets), _with_soaks(stages), halt)


def target_of(targets: Mapping[str, Digest | None]) -> Digest:
    """One digest for what clusters shall have. Those from which all goes leave it in the end, so they never count."""
    return digest_of(sorted((cluster, target) for cluster, target in targets.items() if target))


def turns_of(asked: Asked) -> dict[str, Turn]:
    """The turns of this very change, by cluster: those of an earlier target do not count."""
    turns = asked.memory.turns if asked.memory else ()
    return {turn.cluster: turn for turn in turns if turn.target == (asked.targets.get(turn.cluster) or "")}


def is_done(status: UnitStatus | None, target: Digest | None) -> bool:
    """Whether a unit has what it shall have and is well; one that is to go is done when its status has gone."""
    return status is None if target is None else fold.settled(status, target)


def _standing(asked: Asked, cluster: str, turn: Turn | None) -> Standing | None:
    """Where a cluster stands; None while it still has what it had."""
    target, status = asked.targets[cluster], asked.statuses.get(cluster)
    if cluster in asked.skipped:
        return Standing.LEFT
    if is_done(status, target):
        return Standing.DONE
    if turn is None:
        return Standing.EXCUSED if status is not None and target is not None and status.feed == target else None
    if turn.before in BROKEN:
        return Standing.EXCUSED
    return Standing.FAILED if status is not None and status.state in FAILED else Standing.ON_ITS_WAY


def _halt(asked: Asked, standings: Mapping[str, Standing | None]) -> Halt | None:
    for members in asked.groups:
        failed = tuple(cluster for cluster in members.clusters if standings[cluster] is Standing.FAILED)
        if len(failed) > members.budget:
            has_it = tuple(sorted(turns_of(asked).values(), key=lambda turn: turn.cluster))
            return Halt(members.group.name, members.budget, failed, has_it)
    return None


def _closed(asked: Asked, halt: Halt | None) -> _Gate | None:
    """What holds all groups."""
    if halt is not None:
        return _Gate(halted(halt))
    return _Gate("paused") if asked.rollout.paused else None


def halted(halt: Halt) -> str:
    """Why a rollout has halted, in words."""
    return f"halted: {len(halt.failed)} failed in group {halt.group}, {halt.budget} may"


def _stage(members: Members, standings: Mapping[str, Standing | None], gate: _Gate | None, *, touched: bool) -> Stage:
    counts = Counter(standings.values())
    pending = [cluster for cluster, standing in standings.items() if standing is None]
    places = 0 if gate else max(0, members.at_once - counts[Standing.ON_ITS_WAY])
    due = frozenset(pending[:places])
    gate = gate or _Gate(f"waits: {members.at_once} at a time in group {members.group.name}")
    waits = Standing.HALTED if gate.why.startswith("halted") else Standing.WAITS
    slots = []
    for cluster, known in standings.items():
        if known is not None or cluster in due:
            slots.append(Slot(cluster, members.group.name, known or Standing.DUE))
        else:
            slots.append(Slot(cluster, members.group.name, waits, gate.why, gate.until))
    through = not pending and not counts[Standing.ON_ITS_WAY] and counts[Standing.FAILED] <= members.budget
    return Stage(members, tuple(slots), through, touched)


def _gate(asked: Asked, members: Members, now: datetime.datetime) -> _Gate | None:
    """What this group waits for when all groups before it are through."""
    group = members.group
    if group.approval and group.name not in _approved(asked):
        return _Gate(f"waits for approval of group {group.name}")
    opens = windows.opening(group.windows, now)
    return _Gate(f"waits for the window of group {group.name}", opens) if opens else None


def _approved(asked: Asked) -> frozenset[str]:
    """Groups that were approved for this very change."""
    memory = asked.memory
    return frozenset(memory.approved) if memory and memory.target == target_of(asked.targets) else frozenset()


def _after(asked: Asked, stage: Stage, now: datetime.datetime) -> _Gate | None:
    """What groups after this one wait for, on its account."""
    if not stage.passed:
        return _Gate(f"waits for group {stage.name}")
    until = soaked(asked, stage, now)
    return _Gate(f"waits while group {stage.name} soaks", until) if until > now else None


def soaked(asked: Asked, stage: Stage, now: datetime.datetime) -> datetime.datetime:
    """When a group that has passed has soaked; `now` where nothing of it was changed."""
    if not stage.touched:
        return now
    return passed_at(asked, stage, now) + datetime.timedelta(seconds=duration.seconds(stage.members.group.soak))


def passed_at(asked: Asked, stage: Stage, now: datetime.datetime) -> datetime.datetime:
    """When a run first saw that a group has passed: this one, where none did before."""
    known, target = asked.memory.passed if asked.memory else (), group_target(asked, stage.members)
    found = (one.at for one in known if (one.group, one.target) == (stage.name, target))
    return next(found, now.astimezone(datetime.UTC).replace(microsecond=0))


def group_target(asked: Asked, members: Members) -> Digest:
    """One digest for what the clusters of a group shall have."""
    return target_of({cluster: asked.targets[cluster] for cluster in members.clusters})


def _with_soaks(stages: list[Stage]) -> tuple[Stage, ...]:
    found = []
    for number, stage in enumerate(stages):
        later = stages[number + 1 :]
        waited = any(slot.standing in OPEN for other in later for slot in other.slots)
        soak = duration.seconds(stage.members.group.soak) > 0
        begun = any(other.touched for other in later)
        soaks = soak and stage.passed and stage.touched and waited and not begun
        found.append(msgspec.structs.replace(stage, soaks=soaks))
    return tuple(found)
