"""What authors write: Clusternet's control kinds, strict. Field rules: contract `clusternet-apps.md` §1.

An unknown field is an error with its path, because in a file of the fleet repo it is a typo. Objects that come from a
server are never read with these types.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from reconciler.model.objects import ObjectKey, group_of


class _Strict(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True, omit_defaults=True
):
    pass


Name = Annotated[str, Meta(min_length=1, max_length=253)]


class ObjectMeta(_Strict, frozen=True, kw_only=True):
    """Metadata as authors may commit it; server-set members are accepted (exported objects) and ignored."""

    name: Name
    namespace: str | None = None
    labels: Mapping[str, str] | None = None
    annotations: Mapping[str, str] | None = None
    finalizers: list[str] | None = None
    creation_timestamp: Any = None
    generation: Any = None
    managed_fields: Any = None
    owner_references: Any = None
    resource_version: Any = None
    self_link: Any = None
    uid: Any = None


class LabelSelectorRequirement(_Strict, frozen=True, kw_only=True):
    """One term of a label selector (Kubernetes `metav1.LabelSelectorRequirement`)."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: list[str] | None = None


class LabelSelector(_Strict, frozen=True, kw_only=True):
    """Kubernetes `metav1.LabelSelector`: all terms must hold; an empty selector matches everything."""

    match_labels: Mapping[str, str] | None = None
    match_expressions: list[LabelSelectorRequirement] | None = None


class Toleration(_Strict, frozen=True, kw_only=True):
    """Kubernetes `core/v1` Toleration, matched against the taints of a ManagedCluster."""

    key: str | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None


class Taint(_Strict, frozen=True, kw_only=True):
    """Kubernetes `core/v1` Taint."""

    key: Name
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
    time_added: str | None = None


class Feed(_Strict, frozen=True, kw_only=True):
    """A reference to one object of the fleet repo. Omit `namespace` for cluster-scoped objects."""

    api_version: Name
    kind: Name
    namespace: str | None = None
    name: Name

    @property
    def key(self) -> str:
        """Clusternet's feed key (contract §1.1): `apps/v1/Deployment/default/nginx`, `v1/Namespace/foo`."""
        return "/".join(part for part in (self.api_version, self.kind, self.namespace, self.name) if part)

    @property
    def object(self) -> ObjectKey:
        """The object that is meant. Its `apiVersion` must be the feed's as well."""
        return ObjectKey(group_of(self.api_version), self.kind, self.namespace or "", self.name)


class SubGroupStrategy(_Strict, frozen=True, kw_only=True):
    """How many clusters of this subscriber's group are picked (Clusternet's *min* means exactly)."""

    min_clusters: Annotated[int, Meta(ge=0)] = 0


class Subscriber(_Strict, frozen=True, kw_only=True):
    """One group of clusters of a Subscription."""

    cluster_affinity: LabelSelector
    weight: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    """Static dividing only, per matching cluster."""
    sub_group_strategy: SubGroupStrategy | None = None


class NodeSelectorRequirement(_Strict, frozen=True, kw_only=True):
    """One term of a node selector (Kubernetes `core/v1`), matched against a ManagedCluster."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: list[str] | None = None


class NodeSelectorTerm(_Strict, frozen=True, kw_only=True):
    """Kubernetes `core/v1` NodeSelectorTerm: all terms must hold; one without any matches nothing."""

    match_expressions: list[NodeSelectorRequirement] | None = None
    """Over the labels of the ManagedCluster."""
    match_fields: list[NodeSelectorRequirement] | None = None
    """Over `metadata.name`, the name of the ManagedCluster."""


class PreferredSchedulingTerm(_Strict, frozen=True, kw_only=True):
    """Clusters that are taken before others; weights of all terms that match a cluster add up."""

    weight: Annotated[int, Meta(ge=1, le=100)]
    preference: NodeSelectorTerm


class TopologySpreadConstraint(_Strict, frozen=True, kw_only=True):
    """How unevenly replicas may be spread over the values of a label of ManagedClusters."""

    max_skew: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    topology_key: Name
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]
    label_selector: LabelSelector | None = None
    """Feeds that it holds for, by the labels of their pods; absent for all."""
    min_domains: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    match_label_keys: list[str] | None = None
    node_affinity_policy: Literal["Honor", "Ignore"] | None = None
    node_taints_policy: Literal["Honor", "Ignore"] | None = None


class DynamicDividing(_Strict, frozen=True, kw_only=True):
    """Dividing by capacity."""

    strategy: Literal["Spread", "Binpack"] = "Spread"
    topology_spread_constraints: list[TopologySpreadConstraint] | None = None
    preferred_clusters: list[PreferredSchedulingTerm] | None = None
    min_clusters: Annotated[int, Meta(ge=0)] | None = None
    """Clusters that get at least one replica, where so many have room."""
    max_clusters: Annotated[int, Meta(ge=1)] | None = None
    """Clusters that get replicas at most."""


class DividingScheduling(_Strict, frozen=True, kw_only=True):
    """How replicas are divided over clusters."""

    type: Literal["Static", "Dynamic"] = "Static"
    dynamic_dividing: DynamicDividing | None = None


class SubscriptionSpec(_Strict, frozen=True, kw_only=True):
    """Which feeds go to which clusters."""

    scheduler_name: str = "default"
    scheduling_by_sub_group: bool | None = None
    scheduling_strategy: Literal["Replication", "Dividing"] = "Replication"
    dividing_scheduling: DividingScheduling | None = None
    priority: int | None = None
    preemption_policy: Literal["PreemptLowerPriority", "PreemptNever"] | None = None
    subscribers: list[Subscriber]
    cluster_tolerations: list[Toleration] | None = None
    feeds: list[Feed]


class Subscription(_Strict, frozen=True, kw_only=True):
    """Delivers feeds to clusters."""

    api_version: Literal["apps.clusternet.io/v1alpha1"]
    kind: Literal["Subscription"]
    metadata: ObjectMeta
    spec: SubscriptionSpec
    status: Any = None


class Override(_Strict, frozen=True, kw_only=True):
    """One entry of a Localization or Globalization; `value` is YAML or JSON text."""

    name: str = ""
    value: str
    type: Literal["Helm", "JSONPatch", "MergePatch", "FieldJSONPatch", "FieldMergePatch"]
    override_chart: bool = False
    field_path: str | None = None
    field_format: Literal["YAML", "JSON"] | None = None


Priority = Annotated[int, Meta(ge=0, le=1000)]
OverridePolicy = Literal["ApplyNow", "ApplyLater"]


class LocalizationSpec(_Strict, frozen=True, kw_only=True):
    """Overrides of one feed for the cluster that owns the namespace of the Localization."""

    override_policy: OverridePolicy = "ApplyLater"
    priority: Priority = 500
    feed: Feed | None = None
    overrides: list[Override] | None = None


class Localization(_Strict, frozen=True, kw_only=True):
    """Overrides for one cluster."""

    api_version: Literal["apps.clusternet.io/v1alpha1"]
    kind: Literal["Localization"]
    metadata: ObjectMeta
    spec: LocalizationSpec


class GlobalizationSpec(LocalizationSpec, frozen=True, kw_only=True):
    """Overrides of one feed for every cluster that the affinity selects; no affinity selects all."""

    cluster_affinity: LabelSelector | None = None


class Globalization(_Strict, frozen=True, kw_only=True):
    """Overrides for many clusters; cluster-scoped."""

    api_version: Literal["apps.clusternet.io/v1alpha1"]
    kind: Literal["Globalization"]
    metadata: ObjectMeta
    spec: GlobalizationSpec


class PullSecret(_Strict, frozen=True, kw_only=True):
    """Where credentials of a chart repository are."""

    name: str
    namespace: str | None = None


class HelmChartSpec(_Strict, frozen=True, kw_only=True):
    """A chart, its options, and where it goes."""

    repo: Annotated[
        str,
        Meta(pattern=r"^((https?|oci)://)?[\w\d./:@%~?#&=+\-]+$", description="A URL with http, https or oci."),
    ]
    chart_pull_secret: PullSecret | None = None
    plain_http: Annotated[bool | None, Meta(title="plainHTTP")] = msgspec.field(name="plainHTTP", default=None)
    chart: Name
    version: str | None = None
    create_namespace: bool | None = None
    timeout_seconds: int = 300
    wait: bool | None = None
    wait_for_job: bool | None = None
    replace: bool | None = None
    atomic: bool | None = None
    upgrade_atomic: bool | None = None
    skip_crds: bool | None = msgspec.field(name="skipCRDs", default=None)
    replace_crds: bool | None = msgspec.field(name="replaceCRDs", default=None)
    disable_hooks: bool | None = None
    force: bool | None = None
    target_namespace: Name


class HelmChart(_Strict, frozen=True, kw_only=True):
    """A Helm chart as a feed."""

    api_version: Literal["apps.clusternet.io/v1alpha1"]
    kind: Literal["HelmChart"]
    metadata: ObjectMeta
    spec: HelmChartSpec
    status: Any = None


ClusterId = Annotated[
    str, Meta(pattern=r"^[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$", description="A UUID: 8-4-4-4-12 digits.")
]


class ManagedClusterSpec(_Strict, frozen=True, kw_only=True):
    """Identity of a child cluster and how it is driven."""

    cluster_id: ClusterId
    cluster_type: str | None = None
    cluster_init_base_name: Annotated[str, Meta(max_length=512)] | None = None
    sync_mode: Literal["Push", "Pull", "Dual"]
    taints: list[Taint] | None = None


class ManagedCluster(_Strict, frozen=True, kw_only=True):
    """A child cluster as an author declares it; its namespace is the cluster's dedicated namespace.

    `status` is what a server or `cluster export` wrote and is read leniently.
    """

    api_version: Literal["clusters.clusternet.io/v1beta1"]
    kind: Literal["ManagedCluster"]
    metadata: ObjectMeta
    spec: ManagedClusterSpec
    status: Mapping[str, Any] | None = None


class ServiceExportSpec(_Strict, frozen=True, kw_only=True):
    """Labels and annotations for the imports (multi-cluster services, KEP-1645)."""

    exported_labels: Mapping[str, str] | None = None
    exported_annotations: Mapping[str, str] | None = None


class ServiceExport(_Strict, frozen=True, kw_only=True):
    """Exports the Service of the same name and namespace."""

    api_version: Literal["multicluster.x-k8s.io/v1alpha1", "multicluster.x-k8s.io/v1beta1"]
    kind: Literal["ServiceExport"]
    metadata: ObjectMeta
    spec: ServiceExportSpec | None = None
    status: Any = None
