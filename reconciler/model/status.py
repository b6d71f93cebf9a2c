"""What became of it: per object, unit, cluster, Subscription and fleet."""

import datetime
import enum
from collections.abc import Mapping

import msgspec

from reconciler.model.errors import Exit
from reconciler.model.feed import Unit
from reconciler.model.objects import CommitId, Digest, ObjectKey
from reconciler.model.plan import Guard, Plan


class Result(enum.StrEnum):
    """What happened to one object."""

    CREATED = "created"
    ADOPTED = "adopted"
    """It was there and not ours, and is written by us now; the message says whose it was."""
    CHANGED = "changed"
    REPLACED = "replaced"
    """Deleted and made anew, because an immutable field changed."""
    DRIFTED = "drifted"
    """Somebody changed it, and it was left so, because its author asked to be told only."""
    LEFT = "left"
    """Not written, because its author asked for that; the message says how."""
    UNCHANGED = "unchanged"
    PRUNED = "pruned"
    KEPT = "kept"
    SKIPPED = "skipped"
    """Not tried, because something before it failed or the run was stopped."""
    FAILED = "failed"


class Health(enum.StrEnum):
    """kstatus' words. UNKNOWN where there is no cluster behind the delivery, or nobody looked."""

    CURRENT = "current"
    PROGRESSING = "progressing"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Outcome(msgspec.Struct, frozen=True):
    """What happened to one object. `message` is the server's own words, never a body."""

    key: ObjectKey
    result: Result
    health: Health = Health.UNKNOWN
    message: str = ""
    reason: str = ""
    """The server's CamelCase reason (`Invalid`, `Forbidden`, `Conflict`), or ours."""
    note: str = ""
    """What people should know beside it: whose an adopted object was."""
    pace: str = ""
    """Whether anything still moved when a wait ended; for people, and no part of the status, which has no times."""


class State(enum.StrEnum):
    """The state of a unit, worst last where several are folded."""

    READY = "Ready"
    DELIVERED = "Delivered"
    """Written; nobody watches readiness (directory, branch, `--no-wait`)."""
    SUSPENDED = "Suspended"
    WAITING = "Waiting"
    """A rollout has not come to it yet: what was there stays. Told of runs; a status keeps the state before it."""
    DRIFTED = "Drifted"
    """Somebody changed objects, and they were left so, because the author asked to be told only."""
    PROGRESSING = "Progressing"
    HELD = "Held"
    """A guard holds deletes back, or the Subscription has problems: what was there stays."""
    FAILED = "Failed"
    UNREACHABLE = "Unreachable"


class Delivered(msgspec.Struct, frozen=True):
    """What became of one unit at one place: what every way of delivering (cluster, directory, branch) answers."""

    unit: Unit
    state: State
    outcomes: tuple[Outcome, ...] = ()
    feed: Digest | None = None
    """The feed that is wholly there now; None when something failed, was held back or was not tried."""
    message: str = ""
    guard: Guard | None = None
    """Deletes that were held back."""
    exit_code: Exit = Exit.OK
    """What an error that stopped the unit asks for, where its state says less (lost race, refused credential)."""
    plan: Plan | None = None
    """What was decided; told by a dry run only."""
    orphan: bool | None = None
    """What the place remembers of `on-removal` now; None when it was not told."""


class _Record(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    pass


class Failure(_Record, frozen=True, order=True):
    """One object that could not be written, or is not ready."""

    object: str
    reason: str
    message: str


class UnitStatus(_Record, frozen=True):
    """One Subscription on one cluster. Holds nothing that changes when nothing happened."""

    subscription: str
    cluster: str
    """Cluster id."""
    state: State
    commit: CommitId | None = None
    """The commit that last changed this unit."""
    feed: Digest | None = None
    """The feed that is there; absent when it is not wholly there, so that the next run tries again."""
    objects: int = 0
    message: str = ""
    guard: Digest | None = None
    """What acknowledges the guard that holds this unit."""
    replicas: Mapping[str, int] = {}
    failures: tuple[Failure, ...] = ()
    orphan: bool = False
    """The place remembers that the objects stay when the Subscription goes."""
    after: tuple[str, ...] = ()
    """What the Subscription depends on (`depends-on`), for the order in which both are deleted."""

    @property
    def unit(self) -> Unit:
        """The key of this status."""
        return Unit(self.subscription, self.cluster)


class ClusterNote(_Record, frozen=True):
    """What status remembers of a cluster: enough to notice that it vanished, or was renamed."""

    id: str
    name: str
    namespace: str
    message: str = ""


class Turn(_Record, frozen=True):
    """One cluster that a rollout has begun to change."""

    cluster: str
    """Cluster id."""
    target: str
    """Digest of the feed that it was to get; empty where its objects were to go."""
    before: State | None = None
    """Its state before the rollout came to it; absent where nothing was there."""
    was: CommitId | None = None
    """The commit that had last changed it until then."""


class Passed(_Record, frozen=True):
    """A group of a rollout whose clusters all have the change and are well."""

    group: str
    target: Digest
    """Of what its clusters were to get."""
    at: datetime.datetime
    """When the run that saw it looked; UTC, whole seconds."""


class RolloutStatus(_Record, frozen=True):
    """A rollout under way: gone when every cluster has what it shall have."""

    rollout: str
    """Its name in `fleet.yaml`."""
    target: Digest
    """Of what all its clusters shall have; another one begins anew."""
    commit: CommitId
    """The commit that began it."""
    good: CommitId | None = None
    """The commit that the fleet had before it: what a revert goes back to."""
    turns: tuple[Turn, ...] = ()
    """Clusters that it has touched, by id."""
    passed: tuple[Passed, ...] = ()
    """Groups that are through, in their order."""
    approved: tuple[str, ...] = ()
    """Groups that somebody approved, sorted."""
    halted: str = ""
    """Why it goes on with no further cluster."""


class FleetStatus(_Record, frozen=True):
    """The whole status of a fleet; the value that every backend reads and writes."""

    fleet: str
    commit: CommitId | None = None
    """The last source commit that changed something here: the last good one."""
    clusters: Mapping[str, ClusterNote] = {}
    """By cluster id."""
    units: Mapping[Unit, UnitStatus] = {}
    place: str = ""
    """What the units were delivered to, in the words of whoever delivers; another place holds none of them."""
    version: str = ""
    """The backend's own version of this value (a commit id): the precondition of the next write."""
    rollouts: Mapping[str, RolloutStatus] = {}
    """Rollouts under way, by Subscription (`namespace/name`)."""


class Tally(msgspec.Struct, frozen=True):
    """Counts of one run for one cluster: the row of the table."""

    cluster: str
    """Cluster name."""
    objects: int = 0
    created: int = 0
    changed: int = 0
    pruned: int = 0
    unchanged: int = 0
    failed: int = 0
    state: State = State.DELIVERED
    message: str = ""
