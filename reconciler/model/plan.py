"""What will be done to one place (a cluster, a directory, a branch) for one unit, decided before any write."""

import enum
from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.model.applying import Wishes
from reconciler.model.applysettings import Apply
from reconciler.model.feed import RenderedFeed, RenderedObject, Unit
from reconciler.model.inventory import Entry, Keep
from reconciler.model.objects import Digest, Object, ObjectKey


class Seen(msgspec.Struct, frozen=True):
    """What somebody who looked saw of one object at its place."""

    exists: bool
    drifted: bool = False
    """It is not as our last write left it, so that it deserves to be written again."""
    uid: str = ""
    resource_version: str = ""
    owner: str = ""
    """Who else says that it is theirs: another Subscription, fleet or tool, in words; empty when nobody does."""
    ours: bool = False
    """Our field manager has written it, although the inventory does not hold it."""
    deleting: bool = False
    """It waits for its finalizers."""
    metadata: Object = {}
    """As the server answered it, of an object that is met for the first time."""
    differs: tuple[str, ...] = ()
    """Paths of the fields in which a drifted object differs; empty when nobody compared."""
    fields: str = ""
    """Fingerprint of the fields that are ours now, when the server would change nothing."""
    refused: str = ""
    """The server's words, when whoever applies the object may not look at it."""


class Approach(msgspec.Struct, frozen=True):
    """How a unit meets what is at its place already: the settings, the wishes of its Subscription, and who we are."""

    manager: str
    """Our field manager."""
    description: str
    """The Description that our objects name as their owner."""
    apply: Apply = Apply()
    wishes: Wishes = Wishes()
    later: frozenset[ObjectKey] = frozenset()
    """Objects that nobody can look at yet: their namespace or definition comes in the same delivery."""
    taken: Mapping[ObjectKey, str] = {}
    """Objects that another Subscription of this fleet delivers here, and its name."""


class Contact(msgspec.Struct, frozen=True):
    """How an object is taken that is there, and that the inventory does not hold."""

    seen: Seen
    force: bool = False
    """Fields that others own are taken too; otherwise the server refuses them in its words."""
    patch: tuple[Mapping[str, Any], ...] = ()
    """JSON patch that makes fields of kubectl and earlier tools ours, before our own are written."""
    keep: Keep | None = None


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
    orphan: bool = False
    """The Subscription says that its objects stay when it goes; of one that is gone the inventory remembers it."""
    empty: bool = False
    """The repo holds no Subscription at all: perhaps it is read at the wrong place."""
    guarded: bool = True
    """False for what stands elsewhere by now, so that deleting it here loses nothing."""


class Work(msgspec.Struct, frozen=True):
    """What one unit shall become: its feed, or None where it is not wanted any more."""

    unit: Unit
    feed: RenderedFeed | None
    evidence: Evidence
    wishes: Wishes = Wishes()
    waits: Mapping[str, str] = {}
    """Of the Subscriptions in `wishes.after` those that nothing shows to be ready, and why; a run may still do so."""


class Action(enum.StrEnum):
    """What is to be done with one object."""

    CREATE = "create"
    ADOPT = "adopt"
    """It is there and not ours, and is taken over."""
    CHANGE = "change"
    REPLACE = "replace"
    """Deleted and made anew, because an immutable field changes and the author allows it."""
    REFUSE = "refuse"
    """It is there and stays somebody else's; the reason says whose."""
    REPORT = "report"
    """Somebody else changed it, and the author asked only to be told."""
    SKIP = "skip"
    """The author asked that it is not written; the reason says how."""
    LATER = "later"
    """Its namespace or definition comes in the same plan: decided when its wave comes."""
    PRUNE = "prune"
    KEEP = "keep"
    """Left as it is although the feed no longer holds it; the reason says why."""
    UNCHANGED = "unchanged"


WRITES = frozenset({Action.CREATE, Action.ADOPT, Action.CHANGE, Action.REPLACE, Action.LATER})
"""Decisions after which an object is written."""


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
    awaits: tuple[ObjectKey, ...] = ()
    """Objects of earlier waves that must be ready before this one is written."""
    contact: Contact | None = None
    """Of an object that is there and is met for the first time."""
    recreate: bool = False
    """It may be deleted and made anew when an immutable field changes."""

    @property
    def adopted(self) -> bool:
        """Whether the object was there before us."""
        known = self.contact or (self.entry if self.entry and self.entry.uid else None)
        return known is not None and known.keep is Keep.ADOPTED


class Guard(msgspec.Struct, frozen=True):
    """Deletes that were held back, with the digest that acknowledges exactly these."""

    rule: str
    """`vanished-cluster`, `empty-feed`, `empty-repo`, `problems`, `unplaced`, `precious` or `budget`."""
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
    charts: Mapping[str, Digest] | None = None
    """What the inventory shall say of charts when all of this is done; None leaves what it says."""
    acknowledged: frozenset[ObjectKey] = frozenset()
    """Deletes that the operator has acknowledged by their names; they use up no budget."""
    orphan: bool = False
    """What the inventory shall remember of `on-removal`."""

    @property
    def changes(self) -> int:
        """How many objects will be written or deleted."""
        writes = sum(change.action in WRITES for wave in self.waves for change in wave)
        return writes + sum(len(wave) for wave in self.prunes)
