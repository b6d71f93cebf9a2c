"""A plan as a file: what one run would do to every cluster, so that another run does exactly that or nothing.

It holds identities, digests and preconditions, no object and nothing that was made from the values of a Secret: not
even a digest, because whoever reads the file could try values against it.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from reconciler.model.objects import CommitId, Digest
from reconciler.model.plan import Action
from reconciler.model.proposal import Look, Trial
from reconciler.model.status import State

FORMAT = "reconciler.clusternet.io/plan.v1"
"""The format of the file; another one is never read."""


class _Part(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", forbid_unknown_fields=True):
    pass


class Asked(_Part, frozen=True):
    """What the command line narrowed the plan to; everything when it is empty."""

    clusters: tuple[str, ...] = ()
    """Names or ids of clusters."""
    subscriptions: tuple[str, ...] = ()
    """`namespace/name`, or a bare name."""
    selector: str = ""
    """Label selector over clusters."""
    check_drift: bool = False
    """Whether every place was looked at, also where nothing is new."""
    acknowledged: tuple[Digest, ...] = ()
    """Digests of held deletes that were acknowledged: applying the plan needs no further word about them."""


class PlannedObject(_Part, frozen=True, kw_only=True):
    """What becomes of one object."""

    action: Action
    """The decision about it."""
    api_version: str
    """`apiVersion`."""
    kind: str
    """Its kind."""
    name: str
    """Its name."""
    namespace: str = ""
    """Its namespace; absent for cluster-scoped objects."""
    digest: Digest | None = None
    """Digest of what is written; absent for deletes, and for Secrets that are not encrypted in the repo."""
    reason: str = ""
    """Why, where the action does not say it."""
    awaits: tuple[str, ...] = ()
    """Objects of earlier waves that must be ready before."""
    live: Look | None = None
    """The object as it is on its cluster; an empty one where there is none, absent where nobody looked."""
    server: Trial | None = None
    """What the server said to a dry run."""

    def __str__(self) -> str:
        group = self.api_version.rpartition("/")[0]
        kind = f"{self.kind}.{group}" if group else self.kind
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


class PlannedHook(_Part, frozen=True, kw_only=True):
    """One hook of a chart that is due before or after the objects of its unit."""

    event: str
    """The moment, in Helm's words: `pre-install`, `post-upgrade`."""
    api_version: str
    """`apiVersion`."""
    kind: str
    """Its kind."""
    name: str
    """Its name."""
    namespace: str = ""
    """Its namespace; absent for cluster-scoped objects."""
    digest: Digest | None = None
    """Digest of what is made; absent for Secrets."""


class Held(_Part, frozen=True):
    """Deletes that are held back; the plan does not do them."""

    rule: str
    """The guard's rule."""
    message: str
    """Why."""
    objects: tuple[str, ...]
    """What would be deleted."""
    acknowledge: Digest
    """`plan --acknowledge` with this digest plans exactly these deletes."""


class PlannedUnit(_Part, frozen=True, kw_only=True):
    """One Subscription on one cluster."""

    subscription: str
    """`namespace/name`."""
    cluster: str
    """Cluster id."""
    state: State
    """What a run without failures comes to; anything but `Ready` and `Delivered` is left as it is, or in part."""
    message: str = ""
    """Why, for a unit that is left as it is."""
    inventory: str = ""
    """Version of its inventory on the cluster; absent where there is none."""
    waves: tuple[tuple[PlannedObject, ...], ...] = ()
    """What is written, or left for a reason, in waves. Unchanged objects are not listed."""
    prunes: tuple[tuple[PlannedObject, ...], ...] = ()
    """What is deleted after all writes, in waves."""
    kept: tuple[PlannedObject, ...] = ()
    """What left the feed and stays."""
    hooks: tuple[PlannedHook, ...] = ()
    """Hooks that are due, in their order. They are not tried beforehand."""
    held: Held | None = None
    """Deletes that a guard holds back."""
    unchanged: int = 0
    """How many objects stay as they are."""


class PlanFile(_Part, frozen=True, kw_only=True):
    """The whole of a plan file. `reconciler apply` refuses it when anything in it is not so any more."""

    format: Literal["reconciler.clusternet.io/plan.v1"]
    """Of this file."""
    tool: str
    """Version of the reconciler that made it."""
    fleet: str
    """The fleet's id."""
    commit: CommitId
    """The source commit that is delivered."""
    reference: str
    """What the commit was asked for as: a branch, tag or commit."""
    path: str = ""
    """Directory of the repo that holds the fleet."""
    place: str
    """Where it is delivered to: `clusters`, `directory` or `branches PREFIX`."""
    asked: Asked = Asked()
    """What the plan was narrowed to."""
    clusters: Mapping[str, str] = {}
    """Names of all clusters of the fleet by id."""
    units: tuple[PlannedUnit, ...] = ()
    """By cluster and Subscription. Units that the status tells are done are not listed."""
