"""`clusters.clusternet.io/v1beta1`: ClusterRegistrationRequest and ManagedCluster.

Contract: `clusternet-clusters.md` §1.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, field

from reconciler.model.wire.core import Taint
from reconciler.model.wire.meta import (
    ATOMIC,
    Bytes,
    ClusterId,
    Condition,
    Float32,
    Int32,
    Int64,
    KubernetesObject,
    Quantity,
    Time,
    Wire,
)

API_VERSION = "clusters.clusternet.io/v1beta1"
SyncMode = Literal["Push", "Pull", "Dual"]


class ClusterRegistrationRequestSpec(Wire, frozen=True, kw_only=True):
    """What a child asks for."""

    cluster_id: ClusterId
    """UUID of the child; never changes."""
    cluster_labels: Mapping[str, str] | None = None
    """Labels for its ManagedCluster."""
    cluster_name: Annotated[str, Meta(max_length=30, pattern=r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")] | None = None
    """Name for its ManagedCluster."""
    cluster_namespace: Annotated[str, Meta(max_length=63, pattern=r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")] | None = None
    """Name for its dedicated namespace; generated when absent."""
    cluster_type: str | None = None
    """Such as StandardCluster or EdgeCluster."""
    sync_mode: SyncMode = "Pull"
    """Who applies feeds to the child: the hub, its own agent, or either."""


class ClusterRegistrationRequestStatus(Wire, frozen=True, kw_only=True):
    """The answer of the approver."""

    ca_certificate: Bytes | None = None
    """CA bundle of the parent, PEM."""
    dedicated_namespace: str | None = None
    """The namespace that belongs to the child."""
    error_message: str | None = None
    """Why it was not approved."""
    managed_cluster_name: str | None = None
    """Name of the ManagedCluster."""
    result: str | None = None
    """Approved or Denied."""
    token: Bytes | None = None
    """Credential of the child in the parent."""


class ClusterRegistrationRequest(KubernetesObject, frozen=True, kw_only=True):
    """A child cluster asks to be registered."""

    spec: ClusterRegistrationRequestSpec | None = None
    status: ClusterRegistrationRequestStatus | None = None


InitBaseName = Annotated[
    str,
    Meta(
        max_length=512,
        extra_json_schema={
            "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "clusterInitBaseName cannot change"}]
        },
    ),
]


class ManagedClusterSpec(Wire, frozen=True, kw_only=True):
    """Identity of a child cluster, and how it is driven."""

    cluster_id: ClusterId
    """UUID of the cluster; never changes."""
    cluster_init_base_name: InitBaseName | None = None
    """Name of the Base that initialises the cluster; once set it stays."""
    cluster_type: str | None = None
    """Such as StandardCluster or EdgeCluster."""
    sync_mode: SyncMode
    """Who applies feeds: the hub (Push), the agent in the child (Pull), or either (Dual)."""
    taints: Annotated[list[Taint], ATOMIC] | None = None
    """Subscriptions without a matching toleration are kept away."""


KeepsInitBase = Meta(
    extra_json_schema={
        "x-kubernetes-validations": [
            {
                "rule": "!has(oldSelf.clusterInitBaseName) || has(self.clusterInitBaseName)",
                "message": "clusterInitBaseName cannot be removed once it is set",
            }
        ]
    }
)


class NodeStatistics(Wire, frozen=True, kw_only=True):
    """Nodes by their Ready condition; zeros are left out."""

    lost_nodes: Int32 | None = None
    """Without a Ready condition."""
    not_ready_nodes: Int32 | None = None
    """Ready is False."""
    ready_nodes: Int32 | None = None
    """Ready is True."""
    unknown_nodes: Int32 | None = None
    """Ready is Unknown."""


class PodStatistics(Wire, frozen=True, kw_only=True):
    """Pods, counted."""

    running_pods: Int32 | None = None
    """Pods that run."""
    total_pods: Int32 | None = None
    """All pods."""


class ResourceUsage(Wire, frozen=True, kw_only=True):
    """What is used, as measured by the metrics server."""

    cpu_usage: Quantity | None = None
    """CPU in use."""
    memory_usage: Quantity | None = None
    """Memory in use."""


class ManagedClusterStatus(Wire, frozen=True, kw_only=True):
    """What was last observed of the cluster."""

    agent_version: str | None = None
    """Version of the program that observed it."""
    allocatable: Mapping[str, Quantity] | None = None
    """Sum over all nodes of what pods may use."""
    apiserver_url: str | None = field(name="apiserverURL", default=None)
    """Address of its API server."""
    app_pusher: bool | None = None
    """Whether the hub may apply feeds to it."""
    capacity: Mapping[str, Quantity] | None = None
    """Sum over all nodes."""
    cluster_cidr: str | None = field(name="clusterCIDR", default=None)
    """Addresses of its pods."""
    conditions: list[Condition] | None = None
    """Ready and ClusterInit."""
    healthz: bool | None = None
    """Whether /healthz answered 200."""
    heartbeat_frequency_seconds: Int64 | None = None
    """How often it is observed; three missed times make Ready unknown."""
    k8s_version: str | None = field(name="k8sVersion", default=None)
    """gitVersion of its API server."""
    kube_burst: Int32 | None = None
    """Burst of requests that it takes."""
    kube_qps: Float32 | None = field(name="kubeQPS", default=None)
    """Requests per second that it takes."""
    last_observed_time: Time | None = None
    """When it was observed."""
    livez: bool | None = None
    """Whether /livez answered 200."""
    node_statistics: NodeStatistics | None = None
    """Nodes by state."""
    platform: str | None = None
    """Operating system and architecture of its API server."""
    pod_statistics: PodStatistics | None = None
    """Pods by state; only with a metrics server."""
    predictor_address: str | None = None
    """Address of its predictor."""
    predictor_direct_access: bool | None = None
    """Whether the predictor is reached without the tunnel."""
    predictor_enabled: bool | None = None
    """Whether it has a predictor."""
    readyz: bool | None = None
    """Whether /readyz answered 200."""
    resource_usage: ResourceUsage | None = None
    """What is used; only with a metrics server."""
    service_cidr: str | None = field(name="serviceCIDR", default=None)
    """Addresses of its Services."""
    use_socket: bool | None = None
    """Whether the hub reaches it through the tunnel."""


class ManagedCluster(KubernetesObject, frozen=True, kw_only=True):
    """A child cluster; its namespace is the one dedicated to it."""

    spec: Annotated[ManagedClusterSpec | None, KeepsInitBase] = None
    status: ManagedClusterStatus | None = None
