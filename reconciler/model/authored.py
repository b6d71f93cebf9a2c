"""What authors write: Clusternet's control kinds, strict. Field rules: contract `clusternet-apps.md` §1.

An unknown field is an error with its path, because in a file of the fleet repo it is a typo. Objects that come from a
server are never read with these types. The text below a field is its description in the JSON Schemas.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from reconciler.model.core import (
    LabelSelector,
    LabelSelectorRequirement,
    Name,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    ObjectMeta,
    PreferredSchedulingTerm,
    Strict,
    Taint,
    Toleration,
    TopologySpreadConstraint,
)
from reconciler.model.subscription import (
    DividingScheduling,
    DynamicDividing,
    Feed,
    SubGroupStrategy,
    Subscriber,
    Subscription,
    SubscriptionSpec,
)

__all__ = [
    "ClusterId",
    "DividingScheduling",
    "DynamicDividing",
    "Feed",
    "Globalization",
    "GlobalizationSpec",
    "HelmChart",
    "HelmChartSpec",
    "LabelSelector",
    "LabelSelectorRequirement",
    "Localization",
    "LocalizationSpec",
    "ManagedCluster",
    "ManagedClusterSpec",
    "Name",
    "NodeSelectorRequirement",
    "NodeSelectorTerm",
    "ObjectMeta",
    "Override",
    "OverridePolicy",
    "PreferredSchedulingTerm",
    "Priority",
    "PullSecret",
    "ServiceExport",
    "ServiceExportSpec",
    "SubGroupStrategy",
    "Subscriber",
    "Subscription",
    "SubscriptionSpec",
    "Taint",
    "Toleration",
    "TopologySpreadConstraint",
]


class Override(Strict, frozen=True, kw_only=True):
    """One entry of a Localization or Globalization; `value` is YAML or JSON text."""

    name: str = ""
    """Named in messages and by `explain`."""
    value: str
    """What is changed, as YAML or JSON text: operations, a patch, or values of the chart."""
    type: Literal["Helm", "JSONPatch", "MergePatch", "FieldJSONPatch", "FieldMergePatch"]
    """Helm merges values of a HelmChart; the others patch an object, or the text in one of its fields."""
    override_chart: bool = False
    """Patch the HelmChart itself (version, repo, options) instead of its values."""
    field_path: str | None = None
    """JSON pointer to the field whose text is patched: `/data/server.conf`. For the Field types."""
    field_format: Literal["YAML", "JSON"] | None = None
    """Format of that text. For the Field types, which need it."""


Priority = Annotated[int, Meta(ge=0, le=1000)]
OverridePolicy = Literal["ApplyNow", "ApplyLater"]


class LocalizationSpec(Strict, frozen=True, kw_only=True):
    """Overrides of one feed for the cluster that owns the namespace of the Localization."""

    override_policy: OverridePolicy = "ApplyLater"
    """Accepted as Clusternet does; here a commit takes effect as a whole, so both mean the same."""
    priority: Priority = 500
    """The higher is applied later and wins; Localizations come after all Globalizations."""
    feed: Feed | None = None
    """The object that is changed, as a Subscription names it."""
    overrides: list[Override] | None = None
    """Applied in this order."""


class Localization(Strict, frozen=True, kw_only=True):
    """Overrides for one cluster."""

    api_version: Literal["apps.clusternet.io/v1alpha1"]
    """Always `apps.clusternet.io/v1alpha1`."""
    kind: Literal["Localization"]
    """Always `Localization`."""
    metadata: ObjectMeta
    """Its namespace is the dedicated namespace of the cluster that it is for."""
    spec: LocalizationSpec
    """The object, and what changes."""


class GlobalizationSpec(LocalizationSpec, frozen=True, kw_only=True):
    """Overrides of one feed for every cluster that the affinity selects; no affinity selects all."""

    cluster_affinity: LabelSelector | None = None
    """The clusters it is for, by their labels; all when absent."""


class Globalization(Strict, frozen=True, kw_only=True):
    """Overrides for many clusters; cluster-scoped."""

    api_version: Literal["apps.clusternet.io/v1alpha1"]
    """Always `apps.clusternet.io/v1alpha1`."""
    kind: Literal["Globalization"]
    """Always `Globalization`."""
    metadata: ObjectMeta
    """Its name; a Globalization has no namespace."""
    spec: GlobalizationSpec
    """The object, the clusters, and what changes."""


class PullSecret(Strict, frozen=True, kw_only=True):
    """Where credentials of a chart repository are."""

    name: str
    """Name of the Secret."""
    namespace: str | None = None
    """Namespace of the Secret."""


class HelmChartSpec(Strict, frozen=True, kw_only=True):
    """A chart, its options, and where it goes."""

    repo: Annotated[
        str,
        Meta(pattern=r"^((https?|oci)://)?[\w\d./:@%~?#&=+\-]+$", description="A URL with http, https or oci."),
    ]
    """Where the chart is: `https://…` of a repository, `oci://…` of a registry, or a directory of the fleet repo."""
    chart_pull_secret: PullSecret | None = None
    """Credentials of the repository."""
    plain_http: Annotated[bool | None, Meta(title="plainHTTP")] = msgspec.field(name="plainHTTP", default=None)
    """Speak to an OCI registry without TLS."""
    chart: Name
    """Name of the chart."""
    version: str | None = None
    """A version or a range of versions (`^1.2`); the newest when absent."""
    create_namespace: bool | None = None
    """Create `targetNamespace` when nothing else does; it is created when absent."""
    timeout_seconds: int = 300
    """For each operation of Helm in Clusternet."""
    wait: bool | None = None
    """For Helm in Clusternet; `sync` waits for readiness of everything."""
    wait_for_job: bool | None = None
    """For Helm in Clusternet: wait for Jobs too."""
    replace: bool | None = None
    """For Helm in Clusternet: use a name again that a deleted release left in its history."""
    atomic: bool | None = None
    """For Helm in Clusternet: undo an installation that fails."""
    upgrade_atomic: bool | None = None
    """For Helm in Clusternet: undo an upgrade that fails."""
    skip_crds: bool | None = msgspec.field(name="skipCRDs", default=None)
    """Leave out the definitions in the chart's `crds` directory."""
    replace_crds: bool | None = msgspec.field(name="replaceCRDs", default=None)
    """For Helm in Clusternet: replace the definitions that the chart carries."""
    disable_hooks: bool | None = None
    """For Helm in Clusternet: run no hooks. `sync` never runs any."""
    force: bool | None = None
    """For Helm in Clusternet: replace what cannot be patched."""
    target_namespace: Name
    """Namespace of the release on each cluster."""


class HelmChart(Strict, frozen=True, kw_only=True):
    """A Helm chart as a feed."""

    api_version: Literal["apps.clusternet.io/v1alpha1"]
    """Always `apps.clusternet.io/v1alpha1`."""
    kind: Literal["HelmChart"]
    """Always `HelmChart`."""
    metadata: ObjectMeta
    """Its name is that of the release."""
    spec: HelmChartSpec
    """Which chart, and where it goes."""
    status: Any = None
    """Written by servers; ignored."""


ClusterId = Annotated[
    str, Meta(pattern=r"^[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$", description="A UUID: 8-4-4-4-12 digits.")
]


class ManagedClusterSpec(Strict, frozen=True, kw_only=True):
    """Identity of a child cluster and how it is driven."""

    cluster_id: ClusterId
    """The cluster's identity: a UUID that stays when name and labels change."""
    cluster_type: str | None = None
    """Which sort of cluster it is; for people."""
    cluster_init_base_name: Annotated[str, Meta(max_length=512)] | None = None
    """Written by Clusternet."""
    sync_mode: Literal["Push", "Pull", "Dual"]
    """Who writes to the cluster in Clusternet: the hub (Push), its agent (Pull), or either (Dual)."""
    taints: list[Taint] | None = None
    """Keep away Subscriptions that do not tolerate them."""


class ManagedCluster(Strict, frozen=True, kw_only=True):
    """A child cluster as an author declares it; its namespace is the cluster's dedicated namespace.

    `status` is what a server or `cluster export` wrote and is read leniently.
    """

    api_version: Literal["clusters.clusternet.io/v1beta1"]
    """Always `clusters.clusternet.io/v1beta1`."""
    kind: Literal["ManagedCluster"]
    """Always `ManagedCluster`."""
    metadata: ObjectMeta
    """Its namespace is the dedicated namespace; its labels are what selectors choose by."""
    spec: ManagedClusterSpec
    """Which cluster it is."""
    status: Mapping[str, Any] | None = None
    """Versions, capacity and health as a server or `cluster export` wrote them."""


class ServiceExportSpec(Strict, frozen=True, kw_only=True):
    """Labels and annotations for the imports (multi-cluster services, KEP-1645)."""

    exported_labels: Mapping[str, str] | None = None
    """Labels of the imports."""
    exported_annotations: Mapping[str, str] | None = None
    """Annotations of the imports."""


class ServiceExport(Strict, frozen=True, kw_only=True):
    """Exports the Service of the same name and namespace."""

    api_version: Literal["multicluster.x-k8s.io/v1alpha1", "multicluster.x-k8s.io/v1beta1"]
    """`multicluster.x-k8s.io/v1alpha1` or `v1beta1`."""
    kind: Literal["ServiceExport"]
    """Always `ServiceExport`."""
    metadata: ObjectMeta
    """Name and namespace of the Service."""
    spec: ServiceExportSpec | None = None
    """What the imports carry."""
    status: Any = None
    """Written by controllers; ignored."""
