"""Who gets what: the answer of scheduling."""

import enum
from collections.abc import Mapping

import msgspec

from reconciler.model.snapshot import Problem

WHEN_NO_CLUSTER_FITS = "reconciler.clusternet.io/when-no-cluster-fits"
"""Annotation of a Subscription: `keep` (the default) leaves it where it was, `undeploy` takes it away."""


class Reason(enum.StrEnum):
    """Why a cluster was not chosen."""

    NOT_SELECTED = "NotSelected"
    TAINTED = "Tainted"
    DELETING = "Deleting"
    SUBGROUP = "Subgroup"
    """Its subscriber takes a number of clusters, and others came first."""
    LIMITED = "Limited"
    """`maxClusters` are chosen already."""
    NO_ROOM = "NoRoom"
    """Not one replica fits."""
    SPREAD = "Spread"
    """A topology spread constraint allows no replica there."""
    NO_SHARE = "NoShare"
    """It has room, and there were not enough replicas for all clusters."""


class Refusal(msgspec.Struct, frozen=True, order=True):
    """One cluster that a Subscription does not go to."""

    cluster: str
    """Cluster id."""
    reason: Reason
    message: str


class Placement(msgspec.Struct, frozen=True, order=True):
    """One cluster that a Subscription goes to."""

    binding: str
    """`namespace/name` of the ManagedCluster; the order of placements."""
    cluster: str
    """Cluster id."""
    replicas: Mapping[str, int] = {}
    """Replicas of this cluster by feed key (`apps/v1/Deployment/default/nginx`); empty when nothing is divided."""


class Move(msgspec.Struct, frozen=True, order=True):
    """Replicas of one feed on one cluster that are not what they were, and why."""

    feed: str
    """Feed key."""
    cluster: str
    """Cluster id."""
    before: int
    after: int
    reason: str


class Shortfall(msgspec.Struct, frozen=True, order=True):
    """Replicas of one feed that fit nowhere."""

    feed: str
    missing: int
    wanted: int


class Scheduled(msgspec.Struct, frozen=True):
    """Where one Subscription goes."""

    subscription: str
    """`namespace/name`."""
    placements: tuple[Placement, ...]
    """Sorted by binding."""
    refusals: tuple[Refusal, ...] = ()
    """Sorted by cluster id."""
    moves: tuple[Move, ...] = ()
    """What is not as in the previous placement; empty where there was none. Sorted."""
    shortfalls: tuple[Shortfall, ...] = ()
    kept: bool = False
    """No cluster fits, so that it stays where it was; problems tell of it."""


class Schedule(msgspec.Struct, frozen=True):
    """Where everything goes. A Subscription with problems is absent: it keeps what it has."""

    subscriptions: Mapping[str, Scheduled]
    problems: tuple[Problem, ...] = ()
