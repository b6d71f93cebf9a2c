"""`apps.clusternet.io/v1alpha1`, what goes where: Subscription, Base, Manifest, FeedInventory.

Contract: `clusternet-apps.md` §1.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, field

from reconciler.model.wire.core import (
    Affinity,
    PreferredSchedulingTerm,
    ResourceRequirements,
    Toleration,
    TopologySpreadConstraint,
)
from reconciler.model.wire.meta import (
    ATOMIC_MAP,
    REQUIRED,
    ClusterId,
    Int32,
    Int64,
    KubernetesObject,
    LabelSelector,
    Template,
    Wire,
)

API_VERSION = "apps.clusternet.io/v1alpha1"


class Feed(Wire, frozen=True, kw_only=True):
    """A reference to one object."""

    api_version: str
    """Group and version of the object."""
    kind: str
    """Kind of the object."""
    name: str
    """Name of the object."""
    namespace: str | None = None
    """Namespace of the object; absent when it is cluster-scoped."""


class SubGroupStrategy(Wire, frozen=True, kw_only=True):
    """How many clusters of a group are picked."""

    min_clusters: Annotated[Int32, Meta(ge=0)] | None = None
    """Exactly so many clusters."""


class Subscriber(Wire, frozen=True, kw_only=True):
    """A group of clusters."""

    cluster_affinity: Annotated[LabelSelector, ATOMIC_MAP]
    """Selects ManagedClusters by their labels; the empty selector selects all."""
    sub_group_strategy: SubGroupStrategy | None = None
    """How many of the group; with schedulingBySubGroup."""
    weight: Annotated[Int32, Meta(ge=0)] | None = None
    """Share of each matching cluster in Static dividing."""


class DynamicDividing(Wire, frozen=True, kw_only=True):
    """Dividing by free capacity."""

    max_clusters: Int32 | None = None
    """The most clusters."""
    min_clusters: Int32 | None = None
    """The fewest clusters."""
    preferred_clusters: list[PreferredSchedulingTerm] | None = None
    """Clusters that are preferred."""
    strategy: Annotated[Literal["Spread", "Binpack"], REQUIRED] = "Spread"
    """Over many clusters, or as few as possible."""
    topology_spread_constraints: list[TopologySpreadConstraint] | None = None
    """How evenly over topologies."""


class DividingScheduling(Wire, frozen=True, kw_only=True):
    """How replicas are divided over clusters."""

    dynamic_dividing: DynamicDividing | None = None
    """Details of Dynamic."""
    type: Annotated[Literal["Static", "Dynamic"], REQUIRED] = "Static"
    """By weight, or by free capacity."""


class SubscriptionSpec(Wire, frozen=True, kw_only=True):
    """Which feeds go to which clusters."""

    cluster_tolerations: list[Toleration] | None = None
    """Taints of clusters that are tolerated."""
    dividing_scheduling: DividingScheduling | None = None
    """Details of Dividing."""
    feeds: list[Feed]
    """The objects that are delivered."""
    preemption_policy: Literal["PreemptLowerPriority", "PreemptNever"] = "PreemptLowerPriority"
    """Whether it may displace Subscriptions of lower priority."""
    priority: Int32 | None = None
    """Order in the scheduling queue."""
    scheduler_name: str = "default"
    """The scheduler that takes care of it."""
    scheduling_by_sub_group: bool | None = None
    """Whether every subscriber is a group of its own."""
    scheduling_strategy: Literal["Replication", "Dividing"] = "Replication"
    """The same to every cluster, or replicas divided over clusters."""
    subscribers: list[Subscriber]
    """The clusters."""


class ReplicaStatus(Wire, frozen=True, kw_only=True):
    """Counters of a workload; zeros are left out."""

    active: Int32 | None = None
    """Pods of a Job that run."""
    available_replicas: Int32 | None = None
    """Ready for long enough."""
    current_replicas: Int32 | None = None
    """Of the current revision."""
    failed: Int32 | None = None
    """Pods of a Job that failed."""
    observed_generation: Int64 | None = None
    """The generation that was observed."""
    ready_replicas: Int32 | None = None
    """Ready."""
    replicas: Int32 | None = None
    """All."""
    succeeded: Int32 | None = None
    """Pods of a Job that succeeded."""
    unavailable_replicas: Int32 | None = None
    """Still missing."""
    updated_replicas: Int32 | None = None
    """Of the newest revision."""


class FeedStatus(Wire, frozen=True, kw_only=True):
    """The state of one feed."""

    available: bool | None = None
    """Whether a status was observed."""
    replica_status: ReplicaStatus | None = None
    """Counters of a workload."""


class FeedStatusPerCluster(FeedStatus, frozen=True, kw_only=True):
    """The state of one feed in one cluster."""

    cluster_id: ClusterId | None = None
    """UUID of the cluster."""
    cluster_name: Annotated[str, Meta(max_length=30, pattern=r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")] | None = None
    """Name of the cluster."""


class AggregatedStatus(Feed, frozen=True, kw_only=True):
    """The state of one feed over all clusters."""

    feed_status_details: list[FeedStatusPerCluster] | None = None
    """By cluster, in the order of bindingClusters."""
    feed_status_summary: FeedStatus | None = None
    """Summed up."""


class SubscriptionStatus(Wire, frozen=True, kw_only=True):
    """Where the feeds went, and what became of them."""

    aggregated_statuses: list[AggregatedStatus] | None = None
    """State of each feed."""
    binding_clusters: list[str] | None = None
    """`namespace/name` of the ManagedClusters, sorted."""
    completed_releases: int | None = None
    """Clusters that have it."""
    desired_releases: int | None = None
    """Clusters that shall have it."""
    replicas: Mapping[str, list[Int32]] | None = None
    """Replicas by feed, in the order of bindingClusters."""
    spec_hash: Int64 | None = None
    """Hash of the spec that was scheduled."""


class Subscription(KubernetesObject, frozen=True, kw_only=True):
    """Delivers feeds to clusters."""

    spec: SubscriptionSpec | None = None
    status: SubscriptionStatus | None = None


class BaseSpec(Wire, frozen=True, kw_only=True):
    """The feeds of one Subscription for one cluster."""

    feeds: list[Feed]
    """Copied from the Subscription."""


class Base(KubernetesObject, frozen=True, kw_only=True):
    """What one cluster gets from one Subscription, before overrides."""

    spec: BaseSpec | None = None


class Manifest(KubernetesObject, frozen=True, kw_only=True):
    """Keeps an object in the parent without making it there."""

    template: Template
    """The object."""


class ReplicaRequirements(Wire, frozen=True, kw_only=True):
    """What one replica needs."""

    affinity: Affinity | None = None
    """Where it may run."""
    node_selector: Mapping[str, str] | None = None
    """Labels that its node must have."""
    resources: ResourceRequirements | None = None
    """Resources of one replica, summed over its containers."""
    tolerations: list[Toleration] | None = None
    """Taints of nodes that it tolerates."""


class FeedOrder(Feed, frozen=True, kw_only=True):
    """A feed with its replicas."""

    desired_replicas: Int32 | None = None
    """Replicas in all clusters together."""
    replica_json_path: str | None = field(name="replicaJsonPath", default=None)
    """JSON pointer to the field that holds the replicas."""
    replica_requirements: ReplicaRequirements | None = None
    """What one replica needs."""


class FeedInventorySpec(Wire, frozen=True, kw_only=True):
    """The feeds of a Subscription with their replicas."""

    feeds: list[FeedOrder]
    """In the order of the Subscription."""


class FeedInventory(KubernetesObject, frozen=True, kw_only=True):
    """What the feeds of the Subscription of the same name need."""

    spec: FeedInventorySpec | None = None
