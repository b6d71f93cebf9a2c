"""`multicluster.x-k8s.io`: ServiceExport and ServiceImport, the same schema in v1alpha1 and v1beta1 (KEP-1645)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, field

from reconciler.model.wire.meta import ATOMIC, Condition, Int32, KubernetesObject, Wire, keyed_by

Conditions = Annotated[list[Condition], keyed_by("type")]


class ServiceExportSpec(Wire, frozen=True, kw_only=True):
    """What the imports shall carry."""

    exported_annotations: Mapping[str, str] | None = None
    """Annotations for the imports."""
    exported_labels: Mapping[str, str] | None = None
    """Labels for the imports."""


class ServiceExportStatus(Wire, frozen=True, kw_only=True):
    """What became of the export."""

    conditions: Conditions | None = None
    """Valid, Ready and Conflict."""


class ServiceExport(KubernetesObject, frozen=True, kw_only=True):
    """Exports the Service of the same name and namespace to the other clusters."""

    spec: ServiceExportSpec | None = None
    status: ServiceExportStatus | None = None


class ServicePort(Wire, frozen=True, kw_only=True):
    """A port of the imported service."""

    app_protocol: str | None = None
    """Protocol of the application."""
    name: str | None = None
    """DNS label, unique in the import; optional when it is the only port."""
    port: Int32
    """The port."""
    protocol: str | None = None
    """TCP, UDP or SCTP; TCP when absent."""


class ClientIPConfig(Wire, frozen=True, kw_only=True):
    """Affinity by client address."""

    timeout_seconds: Int32 | None = None
    """For how long a client stays."""


class SessionAffinityConfig(Wire, frozen=True, kw_only=True):
    """Details of session affinity."""

    client_ip: ClientIPConfig | None = field(name="clientIP", default=None)
    """By client address."""


class ServiceImportSpec(Wire, frozen=True, kw_only=True):
    """The service as the clusters see it."""

    internal_traffic_policy: str | None = None
    """Cluster or Local."""
    ip_families: Annotated[list[str], Meta(max_length=2)] | None = None
    """Families of the addresses."""
    ips: Annotated[list[str], Meta(max_length=2)] | None = None
    """Addresses of the imported service; none when headless."""
    ports: Annotated[list[ServicePort], ATOMIC]
    """Ports of the imported service."""
    session_affinity: str | None = None
    """ClientIP or None."""
    session_affinity_config: SessionAffinityConfig | None = None
    """Details of session affinity."""
    traffic_distribution: str | None = None
    """Preference for where traffic goes."""
    type: Literal["ClusterSetIP", "Headless"]
    """Whether the service has an address of its own."""


class ClusterStatus(Wire, frozen=True, kw_only=True):
    """A cluster that exports the service."""

    cluster: str
    """Name of the cluster."""


class ServiceImportStatus(Wire, frozen=True, kw_only=True):
    """Where the service comes from."""

    clusters: Annotated[list[ClusterStatus], keyed_by("cluster")] | None = None
    """The clusters that export it."""
    conditions: Conditions | None = None
    """Ready."""


class ServiceImport(KubernetesObject, frozen=True, kw_only=True):
    """A service of the cluster set, imported into this namespace."""

    spec: ServiceImportSpec | None = None
    status: ServiceImportStatus | None = None
