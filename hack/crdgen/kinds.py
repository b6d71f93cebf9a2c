"""How each kind is served: names, scope, versions, subresources and printer columns."""

import functools
from collections.abc import Mapping

import msgspec

from reconciler.model.wire import charts, clusters, descriptions, feeds, overrides, services


class Column(msgspec.Struct, frozen=True):
    """A column of `kubectl get`."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


AGE = Column("AGE", ".metadata.creationTimestamp", "date")
CHART = (
    Column("CHART", ".spec.chart"),
    Column("VERSION", ".spec.version"),
    Column("REPO", ".spec.repo"),
    Column("STATUS", ".status.phase"),
    AGE,
)


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One definition. The last version is the one that is stored."""

    struct: type[msgspec.Struct]
    group: str
    versions: tuple[str, ...]
    plural: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    status: bool = False
    columns: tuple[Column, ...] = (AGE,)
    categories: tuple[str, ...] = ("clusternet",)
    labels: Mapping[str, str] = {}

    @property
    def name(self) -> str:
        """Name of the definition."""
        return f"{self.plural}.{self.group}"


_app = functools.partial(Kind, group="apps.clusternet.io", versions=("v1alpha1",))
_cluster = functools.partial(Kind, group="clusters.clusternet.io", versions=("v1beta1",), status=True)
_service = functools.partial(
    Kind,
    group="multicluster.x-k8s.io",
    versions=("v1alpha1", "v1beta1"),
    status=True,
    categories=(),
    # An installer compares these two and never overwrites a newer definition.
    labels={
        "multicluster.x-k8s.io/crd-schema-revision": "0",
        "multicluster.x-k8s.io/release-version": "v0.5.0",
    },
)
_CREATED = Column("Age", ".metadata.creationTimestamp", "date")

KINDS = (
    _app(struct=feeds.Subscription, plural="subscriptions", short=("sub", "subs"), status=True),
    _app(struct=feeds.Base, plural="bases"),
    _app(
        struct=descriptions.Description,
        plural="descriptions",
        short=("desc",),
        status=True,
        columns=(Column("DEPLOYER", ".spec.deployer"), Column("STATUS", ".status.phase"), AGE),
    ),
    _app(struct=overrides.Localization, plural="localizations", short=("loc", "local")),
    _app(struct=overrides.Globalization, plural="globalizations", short=("glob", "global"), namespaced=False),
    _app(struct=charts.HelmChart, plural="helmcharts", short=("chart", "charts"), status=True, columns=CHART),
    _app(struct=charts.HelmRelease, plural="helmreleases", short=("hr",), status=True, columns=CHART),
    _app(struct=feeds.Manifest, plural="manifests"),
    _app(struct=feeds.FeedInventory, plural="feedinventories", short=("finv",), columns=()),
    _cluster(
        struct=clusters.ClusterRegistrationRequest,
        plural="clusterregistrationrequests",
        short=("clsrr",),
        namespaced=False,
        columns=(Column("CLUSTER ID", ".spec.clusterId"), Column("STATUS", ".status.result"), AGE),
    ),
    _cluster(
        struct=clusters.ManagedCluster,
        plural="managedclusters",
        short=("mcls",),
        columns=(
            Column("CLUSTER ID", ".spec.clusterId"),
            Column("CLUSTER TYPE", ".spec.clusterType", priority=100),
            Column("SYNC MODE", ".spec.syncMode"),
            Column("KUBERNETES", ".status.k8sVersion"),
            Column("STATUS", ".status.conditions[?(@.type=='Ready')].status"),
            AGE,
            Column("AGENT VERSION", ".status.agentVersion", priority=100),
        ),
    ),
    _service(struct=services.ServiceExport, plural="serviceexports", short=("svcex", "svcexport"), columns=(_CREATED,)),
    _service(
        struct=services.ServiceImport,
        plural="serviceimports",
        short=("svcim", "svcimport"),
        columns=(Column("Type", ".spec.type"), Column("IP", ".spec.ips"), _CREATED),
    ),
)
