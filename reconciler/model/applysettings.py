"""Sections of `fleet.yaml` about writing to clusters: adoption, drift, fields of others, deletes, health, tenants."""

from typing import Annotated

from msgspec import Meta

from reconciler.model.applying import Adopt, Drift, Propagation
from reconciler.model.setting import Setting

Pointer = Annotated[str, Meta(pattern=r"^(/([^~/]|~[01])*)+$", description="A JSON pointer (RFC 6901).")]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Duration = Annotated[
    str, Meta(pattern=r"^([0-9]+(ms|s|m|h))+$", description="A duration as kubectl takes it: `90s`, `1h30m`.")
]


class IgnoreFields(Setting, frozen=True, kw_only=True):
    """Fields that others own: written when the object is made, and left alone afterwards."""

    fields: tuple[Pointer, ...]
    """JSON pointers: `/spec/replicas`. A `*` stands for every item of a list and every member of a map."""
    api_version: str | None = None
    """Only objects of this `apiVersion`; of every one when absent."""
    kind: str | None = None
    """Only objects of this kind; of every one when absent."""
    namespace: str | None = None
    """Only objects in this namespace."""
    name: str | None = None
    """Only objects of this name; `*` and `?` as in a shell."""
    subscriptions: tuple[str, ...] = ()
    """Only objects that these Subscriptions deliver (`namespace/name`)."""


class Apply(Setting, frozen=True, kw_only=True):
    """How objects are written to clusters."""

    adopt: Adopt = Adopt.IF_UNOWNED
    """What becomes of an object that is there and not ours."""
    drift: Drift = Drift.CORRECT
    """What `--check-drift` does about an object that somebody else changed."""
    recreate: bool = False
    """Whether an object is deleted and made anew when an immutable field of it changes."""
    ignore: tuple[IgnoreFields, ...] = ()
    """Fields that others own, a HorizontalPodAutoscaler's replicas for one."""
    wave_timeout: Duration = "5m"
    """How long objects of one wave may take to be ready before the next one."""


class DeleteBudget(Setting, frozen=True, kw_only=True):
    """How many objects a run deletes without a question. Both must be exceeded for small places not to be held."""

    objects: Count
    """So many are never too many."""
    percent: Percent
    """So many of those that are there are never too many."""


class Prune(Setting, frozen=True, kw_only=True):
    """How objects are deleted from clusters, and how many at once without a question."""

    per_cluster: DeleteBudget = DeleteBudget(objects=20, percent=50)
    """On one cluster."""
    per_fleet: DeleteBudget = DeleteBudget(objects=100, percent=20)
    """On all clusters together."""
    propagation: Propagation = Propagation.BACKGROUND
    """How the dependents of an object are deleted with it."""


class HealthRule(Setting, frozen=True, kw_only=True):
    """When objects of one kind are ready, as CEL expressions over the object (`status.phase == 'Ready'`)."""

    api_version: str
    """`apiVersion` of the kind."""
    kind: str
    """The kind."""
    current: str
    """True when an object is ready."""
    in_progress: str | None = None
    """True while it is on its way."""
    failed: str | None = None
    """True when it will not get ready by itself."""


class Tenant(Setting, frozen=True, kw_only=True):
    """As whom the Subscriptions of one namespace are applied. Exactly one of both is given."""

    service_account: str | None = None
    """`namespace/name` of a ServiceAccount in the clusters."""
    user: str | None = None
    """A user of the clusters."""
    groups: tuple[str, ...] = ()
    """Groups beside those that Kubernetes adds for a ServiceAccount."""
