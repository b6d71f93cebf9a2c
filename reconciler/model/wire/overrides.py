"""`apps.clusternet.io/v1alpha1`, what differs by cluster: Localization and Globalization.

Contract: `clusternet-apps.md` §1.6.
"""

from typing import Annotated, Literal

from msgspec import Meta

from reconciler.model.wire.feeds import Feed
from reconciler.model.wire.meta import ATOMIC_MAP, Int32, KubernetesObject, LabelSelector, Wire


class OverrideConfig(Wire, frozen=True, kw_only=True):
    """One override."""

    field_format: Literal["YAML", "JSON"] | None = None
    """Format of the text that a field holds; for the Field types."""
    field_path: str | None = None
    """JSON pointer to the field whose text is patched; for the Field types."""
    name: str | None = None
    """Named in messages."""
    override_chart: bool | None = None
    """Whether the HelmChart itself is patched, not its values."""
    type: Literal["Helm", "JSONPatch", "MergePatch", "FieldJSONPatch", "FieldMergePatch"]
    """How the value is applied."""
    value: str
    """YAML or JSON text."""


class LocalizationSpec(Wire, frozen=True, kw_only=True):
    """Overrides of one feed."""

    feed: Feed | None = None
    """The object that is changed."""
    override_policy: Literal["ApplyNow", "ApplyLater"] = "ApplyLater"
    """When it takes effect."""
    overrides: list[OverrideConfig] | None = None
    """Applied in this order."""
    priority: Annotated[Int32, Meta(ge=0, le=1000)] = 500
    """The higher is applied later."""


class Localization(KubernetesObject, frozen=True, kw_only=True):
    """Overrides for the cluster that its namespace is dedicated to."""

    spec: LocalizationSpec | None = None


class GlobalizationSpec(LocalizationSpec, frozen=True, kw_only=True):
    """Overrides of one feed for many clusters."""

    cluster_affinity: Annotated[LabelSelector | None, ATOMIC_MAP] = None
    """The clusters; all when absent."""


class Globalization(KubernetesObject, frozen=True, kw_only=True):
    """Overrides for many clusters."""

    spec: GlobalizationSpec | None = None
