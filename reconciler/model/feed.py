"""What rendering makes: for every Subscription and cluster the objects, their digests, and what was read."""

import enum
from collections.abc import Mapping

import msgspec

from reconciler.model.inflation import Role, Seal
from reconciler.model.objects import Digest, Object, ObjectKey
from reconciler.model.snapshot import Problem


class Unit(msgspec.Struct, frozen=True, order=True):
    """The unit of work: one Subscription on one cluster. What a Description is on Clusternet's wire."""

    subscription: str
    """`namespace/name`."""
    cluster: str
    """Cluster id."""


class RenderedObject(msgspec.Struct, frozen=True):
    """One object as it shall be on a cluster. Shared by all clusters that get the same."""

    key: ObjectKey
    api_version: str
    body: Object
    """Of an encrypted object what the file holds: names and structure in clear, values encrypted."""
    digest: Digest
    role: Role = Role.OBJECT
    seal: Seal | None = None
    chart: str = ""
    """`namespace/name` of the HelmChart that makes it; empty for objects of files."""


class ReadOf(enum.StrEnum):
    """What kind of question a render asked."""

    SUBSCRIPTION = "subscription"
    PLACEMENT = "placement"
    OBJECT = "object"
    OVERRIDES = "overrides"
    EXPORTS = "exports"
    CLUSTER = "cluster"
    CHART = "chart"
    TEMPLATE = "template"


class Read(msgspec.Struct, frozen=True, order=True):
    """One question of a render and the digest of its answer; a question without an answer has an empty digest.

    A unit can only have changed if one of its reads now has another digest.
    """

    of: ReadOf
    subject: str
    digest: str


class RenderedFeed(msgspec.Struct, frozen=True):
    """The feed of one unit. `objects` and `reads` are shared between units that render the same."""

    unit: Unit
    objects: tuple[RenderedObject, ...]
    digest: Digest
    """Of the objects, and of the hooks that are aside; tests are not part of it."""
    reads: tuple[Read, ...] = ()
    aside: tuple[RenderedObject, ...] = ()
    """Hooks of charts, which run around a delivery to clusters, and tests, which are only shown."""


class Feeds(msgspec.Struct, frozen=True):
    """All feeds of a commit."""

    units: Mapping[Unit, RenderedFeed]
    """Sorted by unit. A unit that could not be rendered is absent: it keeps what it has."""
    problems: tuple[Problem, ...] = ()
    broken: frozenset[str] = frozenset()
    """Subscriptions (`namespace/name`) that exist in the repo and could not be rendered for at least one cluster."""

    def __repr__(self) -> str:
        return f"Feeds({len(self.units)} units)"
