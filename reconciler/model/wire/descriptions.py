"""`apps.clusternet.io/v1alpha1`, what one cluster gets: Description. Contract: `clusternet-apps.md` §1.5."""

from typing import Literal

from reconciler.model.wire.feeds import Feed
from reconciler.model.wire.meta import Bytes, FreeForm, KubernetesObject, Wire


class ChartReference(Wire, frozen=True, kw_only=True):
    """A HelmChart."""

    name: str
    """Name of the HelmChart."""
    namespace: str
    """Namespace of the HelmChart."""


class DescriptionSpec(Wire, frozen=True, kw_only=True):
    """What is deployed, after overrides."""

    chart_raw: list[Bytes] | None = None
    """The HelmCharts after overrides, JSON, in the order of `charts`."""
    charts: list[ChartReference] | None = None
    """The HelmCharts."""
    deployer: Literal["Helm", "Generic"]
    """Helm charts, or objects."""
    raw: list[Bytes] | None = None
    """Generic: the objects, JSON. Helm: the values of each chart."""


class ManifestStatus(Feed, frozen=True, kw_only=True):
    """The status of one object in the child."""

    observed_status: FreeForm | None = None
    """`status` of the live object."""


class DescriptionStatus(Wire, frozen=True, kw_only=True):
    """What became of it."""

    manifest_statuses: list[ManifestStatus] | None = None
    """Status of each object."""
    phase: (
        Literal["Pending", "Success", "Failure", "Installing", "Upgrading", "Uninstalling", "Superseded", "Unknown"]
        | None
    ) = None
    """Where it stands."""
    reason: str | None = None
    """Why it failed."""


class Description(KubernetesObject, frozen=True, kw_only=True):
    """What one cluster gets from one Subscription, after overrides."""

    spec: DescriptionSpec | None = None
    status: DescriptionStatus | None = None
