"""Parts of `core/v1` that Clusternet's kinds embed: taints, tolerations, spread, affinity, resources.

Enums of these are checked by the kinds that own them, not by Clusternet's CRDs; so they are plain text here.
"""

from collections.abc import Mapping
from typing import Annotated

from reconciler.model.wire.meta import ATOMIC, ATOMIC_MAP, Int32, Int64, LabelSelector, Quantity, Time, Wire, keyed_by


class Taint(Wire, frozen=True, kw_only=True):
    """Keeps away what does not tolerate it."""

    effect: str
    """NoSchedule, PreferNoSchedule or NoExecute."""
    key: str
    """The taint key."""
    time_added: Time | None = None
    """When it was added; written for NoExecute."""
    value: str | None = None
    """The value of the key."""


class Toleration(Wire, frozen=True, kw_only=True):
    """Tolerates the taints that it matches."""

    effect: str | None = None
    """The effect to match; empty matches all."""
    key: str | None = None
    """The key to match; empty with operator Exists matches all."""
    operator: str | None = None
    """Exists or Equal; Equal when absent."""
    toleration_seconds: Int64 | None = None
    """For how long a NoExecute taint is tolerated; for ever when absent."""
    value: str | None = None
    """The value to match."""


class TopologySpreadConstraint(Wire, frozen=True, kw_only=True):
    """How evenly something is spread over a topology."""

    label_selector: Annotated[LabelSelector | None, ATOMIC_MAP] = None
    """What is counted."""
    match_label_keys: Annotated[list[str], ATOMIC] | None = None
    """Label keys whose values are added to the selector."""
    max_skew: Int32
    """The largest difference allowed."""
    min_domains: Int32 | None = None
    """The least number of domains."""
    node_affinity_policy: str | None = None
    """Honor or Ignore."""
    node_taints_policy: str | None = None
    """Honor or Ignore."""
    topology_key: str
    """The label key whose values are the domains."""
    when_unsatisfiable: str
    """DoNotSchedule or ScheduleAnyway."""


class NodeSelectorRequirement(Wire, frozen=True, kw_only=True):
    """One term over labels or fields."""

    key: str
    """The label key or field."""
    operator: str
    """In, NotIn, Exists, DoesNotExist, Gt or Lt."""
    values: Annotated[list[str], ATOMIC] | None = None
    """The values of the operator."""


class NodeSelectorTerm(Wire, frozen=True, kw_only=True):
    """Terms that must all hold."""

    match_expressions: Annotated[list[NodeSelectorRequirement], ATOMIC] | None = None
    """Over labels."""
    match_fields: Annotated[list[NodeSelectorRequirement], ATOMIC] | None = None
    """Over fields."""


class PreferredSchedulingTerm(Wire, frozen=True, kw_only=True):
    """A preference and its weight."""

    preference: Annotated[NodeSelectorTerm, ATOMIC_MAP]
    """What is preferred."""
    weight: Int32
    """From 1 to 100."""


class NodeSelector(Wire, frozen=True, kw_only=True):
    """Terms of which one must hold."""

    node_selector_terms: Annotated[list[NodeSelectorTerm], ATOMIC]
    """The terms, joined by or."""


class NodeAffinity(Wire, frozen=True, kw_only=True):
    """Which nodes."""

    preferred_during_scheduling_ignored_during_execution: Annotated[list[PreferredSchedulingTerm], ATOMIC] | None = None
    """Preferred nodes."""
    required_during_scheduling_ignored_during_execution: Annotated[NodeSelector | None, ATOMIC_MAP] = None
    """Required nodes."""


class PodAffinityTerm(Wire, frozen=True, kw_only=True):
    """Pods that count, and where."""

    label_selector: Annotated[LabelSelector | None, ATOMIC_MAP] = None
    """The pods that count."""
    match_label_keys: Annotated[list[str], ATOMIC] | None = None
    """Label keys whose values are added to the selector."""
    mismatch_label_keys: Annotated[list[str], ATOMIC] | None = None
    """Label keys whose values are excluded from the selector."""
    namespace_selector: Annotated[LabelSelector | None, ATOMIC_MAP] = None
    """The namespaces that count, by label."""
    namespaces: Annotated[list[str], ATOMIC] | None = None
    """The namespaces that count, by name."""
    topology_key: str
    """The label key whose values are the domains."""


class WeightedPodAffinityTerm(Wire, frozen=True, kw_only=True):
    """A term and its weight."""

    pod_affinity_term: PodAffinityTerm
    """The term."""
    weight: Int32
    """From 1 to 100."""


class PodAffinity(Wire, frozen=True, kw_only=True):
    """Near which pods, or far from which."""

    preferred_during_scheduling_ignored_during_execution: Annotated[list[WeightedPodAffinityTerm], ATOMIC] | None = None
    """Preferred."""
    required_during_scheduling_ignored_during_execution: Annotated[list[PodAffinityTerm], ATOMIC] | None = None
    """Required."""


class Affinity(Wire, frozen=True, kw_only=True):
    """Where pods may and should run."""

    node_affinity: NodeAffinity | None = None
    """By node."""
    pod_affinity: PodAffinity | None = None
    """Near pods."""
    pod_anti_affinity: PodAffinity | None = None
    """Far from pods."""


class ResourceClaim(Wire, frozen=True, kw_only=True):
    """A claim of the pod that a container uses."""

    name: str
    """Name of the claim in the pod."""
    request: str | None = None
    """Name of the request in the claim; all of it when absent."""


class ResourceRequirements(Wire, frozen=True, kw_only=True):
    """What containers need and may use."""

    claims: Annotated[list[ResourceClaim], keyed_by("name")] | None = None
    """Claims that are used."""
    limits: Mapping[str, Quantity] | None = None
    """The most that may be used."""
    requests: Mapping[str, Quantity] | None = None
    """The least that is needed."""
