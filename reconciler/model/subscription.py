"""What authors write of who gets what: Subscription and Feed, strict. Rules: contract `clusternet-apps.md` §1.2."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from reconciler.model.core import (
    LabelSelector,
    Name,
    ObjectMeta,
    PreferredSchedulingTerm,
    Strict,
    Toleration,
    TopologySpreadConstraint,
)
from reconciler.model.objects import ObjectKey, group_of


class Feed(Strict, frozen=True, kw_only=True):
    """A reference to one object of the fleet repo. Omit `namespace` for cluster-scoped objects."""

    api_version: Name
    """`apiVersion` of the object, exactly as its file says."""
    kind: Name
    """Kind of the object."""
    namespace: str | None = None
    """Namespace of the object, also when it is `default`; absent for cluster-scoped kinds."""
    name: Name
    """Name of the object."""

    @property
    def key(self) -> str:
        """Clusternet's feed key (contract §1.1): `apps/v1/Deployment/default/nginx`, `v1/Namespace/foo`."""
        return "/".join(part for part in (self.api_version, self.kind, self.namespace, self.name) if part)

    @property
    def object(self) -> ObjectKey:
        """The object that is meant. Its `apiVersion` must be the feed's as well."""
        return ObjectKey(group_of(self.api_version), self.kind, self.namespace or "", self.name)


class SubGroupStrategy(Strict, frozen=True, kw_only=True):
    """How many clusters of this subscriber's group are picked (Clusternet's *min* means exactly)."""

    min_clusters: Annotated[int, Meta(ge=0)] = 0
    """So many clusters of the group, the best ones first."""


class Subscriber(Strict, frozen=True, kw_only=True):
    """One group of clusters of a Subscription."""

    cluster_affinity: LabelSelector
    """Selects ManagedClusters by their labels; the empty selector `{}` selects all."""
    weight: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    """Static dividing only, per matching cluster; weights of several matching subscribers add up."""
    sub_group_strategy: SubGroupStrategy | None = None
    """How many clusters of this group; with `schedulingBySubGroup` only."""


class DynamicDividing(Strict, frozen=True, kw_only=True):
    """Dividing by capacity."""

    strategy: Literal["Spread", "Binpack"] = "Spread"
    """Spread divides in proportion to free room; Binpack fills the fullest cluster that still fits."""
    topology_spread_constraints: list[TopologySpreadConstraint] | None = None
    """How evenly over the values of a cluster label."""
    preferred_clusters: list[PreferredSchedulingTerm] | None = None
    """Clusters that are taken before others."""
    min_clusters: Annotated[int, Meta(ge=0)] | None = None
    """Clusters that get at least one replica, where so many have room."""
    max_clusters: Annotated[int, Meta(ge=1)] | None = None
    """Clusters that get replicas at most."""


class DividingScheduling(Strict, frozen=True, kw_only=True):
    """How replicas are divided over clusters."""

    type: Literal["Static", "Dynamic"] = "Static"
    """Static divides by the weights of the subscribers, Dynamic by free capacity."""
    dynamic_dividing: DynamicDividing | None = None
    """Details of Dynamic."""


class SubscriptionSpec(Strict, frozen=True, kw_only=True):
    """Which feeds go to which clusters."""

    scheduler_name: str = "default"
    """The scheduler that takes care of it; one with another name is left to that scheduler."""
    scheduling_by_sub_group: bool | None = None
    """Whether each subscriber is a group of its own, of which `subGroupStrategy` takes so many clusters."""
    scheduling_strategy: Literal["Replication", "Dividing"] = "Replication"
    """Replication gives every cluster the same; Dividing divides the replicas of its feeds over the clusters."""
    dividing_scheduling: DividingScheduling | None = None
    """Details of Dividing."""
    priority: int | None = None
    """Subscriptions of higher priority are served first where room is short."""
    preemption_policy: Literal["PreemptLowerPriority", "PreemptNever"] | None = None
    """Whether it may take room from Subscriptions of lower priority; it may when absent."""
    subscribers: list[Subscriber]
    """The clusters: all that any of them selects."""
    cluster_tolerations: list[Toleration] | None = None
    """Taints of ManagedClusters that it tolerates."""
    feeds: list[Feed]
    """The objects that are delivered; their order means nothing."""


class Subscription(Strict, frozen=True, kw_only=True):
    """Delivers feeds to clusters."""

    api_version: Literal["apps.clusternet.io/v1alpha1"]
    """Always `apps.clusternet.io/v1alpha1`."""
    kind: Literal["Subscription"]
    """Always `Subscription`."""
    metadata: ObjectMeta
    """Name, namespace and annotations."""
    spec: SubscriptionSpec
    """What goes where."""
    status: Any = None
    """Written by servers; ignored."""
