"""What is proposed for one unit: the decisions, what they were based on, and what the server said to a rehearsal.

Nothing was written to find it out. Holds no object: a live one is known by identity, version and who wrote it.
"""

import enum
from collections.abc import Mapping

import msgspec

from reconciler.model.feed import RenderedObject
from reconciler.model.objects import Digest, ObjectKey
from reconciler.model.status import Delivered


class Look(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A live object when somebody looked; without a UID there was none."""

    uid: str = ""
    """Its UID."""
    resource_version: str = ""
    """Its resourceVersion."""
    written: Digest | None = None
    """Fingerprint of who wrote which fields and when, statuses aside: a status that moves is no change."""


class Verdict(enum.StrEnum):
    """What came of trying one write as a dry run of the server."""

    ACCEPTED = "accepted"
    REPLACED = "replaced"
    """A field of it never changes: it would be deleted and made anew, as its author allows."""
    REFUSED = "refused"
    UNTRIED = "untried"
    """It could not be tried; the message says why."""


class Trial(msgspec.Struct, frozen=True, omit_defaults=True):
    """The server's answer to one write that was only tried; `message` is its own words, never a body."""

    verdict: Verdict
    """What came of it."""
    reason: str = ""
    """The server's CamelCase reason."""
    message: str = ""
    """The server's words."""


class DueHook(msgspec.Struct, frozen=True):
    """One object that is made around the plan, at a moment in Helm's words: `pre-install`, `post-upgrade`."""

    event: str
    object: RenderedObject


class Proposal(msgspec.Struct, frozen=True):
    """One unit: what would become of it, and what that rests on."""

    delivered: Delivered
    """As a dry run tells it; its plan is None for a unit that cannot be planned or stays as it is."""
    version: str = ""
    """The place's own version of the inventory that was read; empty where there is none."""
    looks: Mapping[ObjectKey, Look] = {}
    """Objects that would be written or deleted, as far as somebody looked at them."""
    trials: Mapping[ObjectKey, Trial] = {}
    hooks: tuple[DueHook, ...] = ()
    """In the order in which they are made."""
