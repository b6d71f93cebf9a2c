"""What holds for one delivery to one cluster, and what is told while it runs."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.apply.allowance import Allowance
from reconciler.apply.digestkey import Keys
from reconciler.apply.inventoryform import Kind
from reconciler.apply.lease import Leases
from reconciler.apply.unseal import Open
from reconciler.model.applysettings import Apply, Prune
from reconciler.model.feed import Unit
from reconciler.model.objects import CommitId
from reconciler.model.status import Outcome
from reconciler.planning.health import Assessor

AsTenant = Callable[[str], Awaitable[Client]]
"""The connection that applies Subscriptions of a namespace to this cluster; raises what opening one raises."""

IsNewer = Callable[[CommitId], Awaitable[bool]]
Warn = Callable[[str], None]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a delivery; durations in seconds."""

    fleet: str
    commit: CommitId
    namespace: str = "reconciler-system"
    """Where the inventories are kept."""
    wait: bool = True
    """Wait until what was written is ready."""
    timeout: float = 300.0
    """For waiting: for readiness, and for finalizers of what is deleted."""
    check_drift: bool = False
    """Look at every object that we own, not only at our inventory."""
    dry_run: bool = False
    """Decide, and write nothing."""
    inventory_kind: Kind = "ConfigMap"
    """As what the inventories are kept; those of the other kind are moved when they are written."""
    keys: Keys = msgspec.field(default_factory=Keys)
    """Of digests of Secrets in inventories."""
    leases: Leases | None = None
    """What keeps two runs apart on a cluster; None where only the inventories' preconditions do."""
    is_newer: IsNewer | None = None
    """Whether a commit that was delivered is newer than ours; None when ours was asked for by its name."""
    warn: Warn = lambda _: None
    """Where a warning about the cluster goes."""
    newer: asyncio.Event | None = None
    """When it is set, there is something newer to do, and nobody waits for readiness any more."""
    open: Open | None = None
    """How encrypted objects become plaintext."""
    apply: Apply = Apply()
    prune: Prune = Prune()
    health: Assessor = Assessor()
    """How objects are, by the rules of the fleet."""
    allowance: Allowance | None = None
    """How many deletes all clusters of the run together may do; None where only the cluster's own budget counts."""
    as_tenant: AsTenant | None = None
    """As whom Subscriptions are applied; None for ourselves."""


class Event(msgspec.Struct, frozen=True):
    """One object is done, for progress on a terminal."""

    unit: Unit
    outcome: Outcome
    planned: int
    """How many objects the unit's plan writes and deletes."""
