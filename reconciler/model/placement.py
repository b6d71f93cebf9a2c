"""Who gets what: the answer of scheduling."""

import enum
from collections.abc import Mapping

import msgspec

from reconciler.model.snapshot import Problem


class Reason(enum.StrEnum):
    """Why a cluster was not chosen."""

    NOT_SELECTED = "NotSelected"
    TAINTED = "Tainted"
    DELETING = "Deleting"


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


class Scheduled(msgspec.Struct, frozen=True):
    """Where one Subscription goes."""

    subscription: str
    """`namespace/name`."""
    placements: tuple[Placement, ...]
    """Sorted by binding."""
    refusals: tuple[Refusal, ...] = ()
    """Sorted by cluster id."""


class Schedule(msgspec.Struct, frozen=True):
    """Where everything goes. A Subscription with problems is absent: it keeps what it has."""

    subscriptions: Mapping[str, Scheduled]
    problems: tuple[Problem, ...] = ()
