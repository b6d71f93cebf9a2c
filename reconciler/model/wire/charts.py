"""`apps.clusternet.io/v1alpha1`, Helm: HelmChart and HelmRelease. Contract: `clusternet-apps.md` §1.7 and §1.8."""

from typing import Annotated, Literal

from msgspec import Meta, field

from reconciler.model.wire.meta import Bytes, Int32, KubernetesObject, Wire


class ChartPullSecret(Wire, frozen=True, kw_only=True):
    """A Secret with `username` and `password`."""

    name: str | None = None
    """Name of the Secret."""
    namespace: str | None = None
    """Namespace of the Secret."""


class HelmOptions(Wire, frozen=True, kw_only=True):
    """A chart and how it is installed."""

    atomic: bool | None = None
    """Undo an installation that fails."""
    chart: str
    """Name of the chart."""
    chart_pull_secret: ChartPullSecret | None = None
    """Credentials of the repository."""
    create_namespace: bool = True
    """Create the target namespace."""
    disable_hooks: bool | None = None
    """Run no hooks."""
    force: bool | None = None
    """Replace what cannot be patched."""
    plain_http: bool | None = field(name="plainHTTP", default=None)
    """Pull from an OCI registry without TLS."""
    replace: bool | None = None
    """Use a name again that a deleted release left in its history."""
    replace_crds: bool | None = field(name="replaceCRDs", default=None)
    """Replace the definitions that the chart carries."""
    repo: Annotated[str, Meta(pattern=r"^(https?|oci)?://[-\w.~:/?#\[\]@!$&'()*+,;=%]+$")]
    """Address of the repository: http, https or oci."""
    skip_crds: bool | None = field(name="skipCRDs", default=None)
    """Do not install the definitions that the chart carries."""
    timeout_seconds: Int32 = 300
    """For each operation."""
    upgrade_atomic: bool | None = None
    """Undo an upgrade that fails."""
    version: str | None = None
    """Version of the chart; the newest when absent."""
    wait: bool | None = None
    """Wait until everything is ready."""
    wait_for_job: bool | None = None
    """Wait for Jobs too."""


class HelmChartSpec(HelmOptions, frozen=True, kw_only=True):
    """A chart and where it goes."""

    target_namespace: str
    """The namespace of the release in the child."""


class HelmChartStatus(Wire, frozen=True, kw_only=True):
    """Whether the chart is there."""

    phase: Literal["Found", "NotFound"] | None = None
    """Found or NotFound."""
    reason: str | None = None
    """Why not."""


class HelmChart(KubernetesObject, frozen=True, kw_only=True):
    """A Helm chart as a feed."""

    spec: HelmChartSpec | None = None
    status: HelmChartStatus | None = None


class HelmReleaseSpec(HelmOptions, frozen=True, kw_only=True):
    """A chart with its values for one cluster."""

    overrides: Bytes | None = None
    """The values, JSON."""
    release_name: str | None = None
    """Name of the release; that of the chart when absent."""
    target_namespace: str
    """The namespace of the release in the child."""


class HelmReleaseStatus(Wire, frozen=True, kw_only=True):
    """What Helm says of the release."""

    description: str | None = None
    """Of the last operation."""
    first_deployed: str | None = None
    """When it was first deployed."""
    last_deployed: str | None = None
    """When it was last deployed."""
    notes: str | None = None
    """Notes of the chart, or the error."""
    phase: str | None = None
    """Helm's own word."""
    version: int | None = None
    """Revision of the release."""


class HelmRelease(KubernetesObject, frozen=True, kw_only=True):
    """A release of a chart in one cluster."""

    spec: HelmReleaseSpec | None = None
    status: HelmReleaseStatus | None = None
