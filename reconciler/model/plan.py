"""What will be done to one place (a cluster, a directory, a branch) for one unit, decided before any write."""

import enum
from collections.abc import Mapping

import msgspec

from reconciler.model.feed import RenderedFeed, RenderedObject, Unit
from reconciler.model.objects import CommitId, Digest, ObjectKey

PRUNE_ANNOTATION = "reconciler.clusternet.io/prune"
"""`disabled` on an object, in the repo or on the cluster, keeps it when it leaves its feed."""


class Keep(enum.StrEnum):
    """Why an object that left the feed stays on its cluster."""

    DISABLED = "disabled"
    """The object carries the annotation `reconciler.clusternet.io/prune: disabled`."""
    ADOPTED = "adopted"
    """The object was there before us."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One object that we own at a place, as recorded after our last write of it."""

    key: ObjectKey
    api_version: str
    digest: Digest | None = None
    """Digest of what we last wrote and the server confirmed; None for an intended, unconfirmed write."""
    uid: str = ""
    """UID that the server answered; empty for an unconfirmed write, and where there are no UIDs (files)."""
    resource_version: str = ""
    """resourceVersion after our last write."""
    keep: Keep | None = None
    """What we learned at our last write about pruning it."""
    fields: str = ""
    """Fingerprint of the fields that the server says are ours; another one means that somebody took or removed one."""
    shard: int = 0
    """Which part of a record that is stored in several parts holds this entry."""


class Inventory(msgspec.Struct, frozen=True):
    """The objects that we own at a place for one unit. Widened before writes, narrowed after confirmed deletes."""

    unit: Unit
    fleet: str
    entries: Mapping[ObjectKey, Entry] = {}
    feed: Digest | None = None
    """Digest of the feed that is wholly there; None while a change is under way or failed in part."""
    commit: CommitId | None = None
    """The source commit of the last change."""
    version: str = ""
    """The place's own version of this record (a resourceVersion): the precondition of the next write."""


class Seen(msgspec.Struct, frozen=True):
    """What somebody who looked saw of one object at its place."""

    exists: bool
    drifted: bool = False
    """It is not as our last write left it, so that it deserves to be written again."""
    uid: str = ""
    resource_version: str = ""


class Evidence(msgspec.Struct, frozen=True):
    """What the guards need to know to tell what was removed on purpose from what was lost."""

    clean: bool
    """The repo has no error, so what is absent was removed."""
    subscription_known: bool
    """The repo holds the Subscription."""
    cluster_known: bool
    """The fleet facts hold the cluster."""
    placed: bool
    """The Subscription goes to at least one cluster."""
    acknowledged: frozenset[Digest] = frozenset()
    """Digests of guards that the operator has acknowledged."""
    elsewhere: frozenset[ObjectKey] = frozenset()
    """Objects that other units of the fleet deliver to the same place."""


class Work(msgspec.Struct, frozen=True):
    """What one unit shall become: its feed, or None where it is not wanted any more."""

    unit: Unit
    feed: RenderedFeed | None
    evidence: Evidence


class Action(enum.StrEnum):
    """What is to be done with one object."""

    CREATE = "create"
    CHANGE = "change"
    PRUNE = "prune"
    KEEP = "keep"
    """Left as it is although the feed no longer holds it; the reason says why."""
    UNCHANGED = "unchanged"


class Change(msgspec.Struct, frozen=True):
    """The decision about one object."""

    action: Action
    key: ObjectKey
    api_version: str
    wanted: RenderedObject | None = None
    entry: Entry | None = None
    reason: str = ""
    released: bool = False
    """A kept object that the inventory shall forget, because nobody will ask for it again."""


class Guard(msgspec.Struct, frozen=True):
    """Deletes that were held back, with the digest that acknowledges exactly these."""

    rule: str
    """`empty-feed`, `problems`, `vanished-cluster` or `unplaced`."""
    message: str
    keys: tuple[ObjectKey, ...]
    acknowledge: Digest


class Plan(msgspec.Struct, frozen=True):
    """All decisions for one unit at one place."""

    unit: Unit
    waves: tuple[tuple[Change, ...], ...]
    """Creates, changes and unchanged objects; a wave starts when the one before it has been written."""
    prunes: tuple[tuple[Change, ...], ...] = ()
    """Deletes in waves, after all writes, users before what they use."""
    kept: tuple[Change, ...] = ()
    guard: Guard | None = None
    feed: Digest | None = None

    @property
    def changes(self) -> int:
        """How many objects will be written or deleted."""
        writes = sum(change.action is not Action.UNCHANGED for wave in self.waves for change in wave)
        return writes + sum(len(wave) for wave in self.prunes)
