"""What we own at a place, as recorded there: widened before the first write, narrowed after confirmed deletes."""

import enum
from collections.abc import Mapping

import msgspec

from reconciler.model.applying import Propagation
from reconciler.model.feed import Unit
from reconciler.model.objects import CommitId, Digest, ObjectKey


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
    wave: int = 0
    """The wave in which the object was written last, so that it is deleted in the reverse order."""
    propagation: Propagation | None = None
    """How its dependents are deleted with it, where it says so itself."""


class Inventory(msgspec.Struct, frozen=True):
    """The objects that we own at a place for one unit. Widened before writes, narrowed after confirmed deletes."""

    unit: Unit
    fleet: str
    entries: Mapping[ObjectKey, Entry] = {}
    feed: Digest | None = None
    """Digest of the feed that is wholly there; None while a change is under way or failed in part."""
    commit: CommitId | None = None
    """The source commit of the last change."""
    charts: Mapping[str, Digest] = {}
    """By `namespace/name` of the HelmChart: digest of its objects and hooks when its last phase was completed."""
    orphan: bool = False
    """The Subscription said that its objects stay when it goes (`on-removal: orphan`)."""
    version: str = ""
    """The place's own version of this record (a resourceVersion): the precondition of the next write."""
