"""What became of it: per object, unit, cluster, Subscription and fleet."""

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
    CHANGED = "changed"
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


class State(enum.StrEnum):
    """The state of a unit, worst last where several are folded."""

    READY = "Ready"
    DELIVERED = "Delivered"
    """Written; nobody watches readiness (directory, branch, `--no-wait`)."""
    SUSPENDED = "Suspended"
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
