"""Kubernetes' own words inside what authors write: metadata, selectors, taints, constraints. Strict as `authored`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True, omit_defaults=True):
    """Root of everything that authors write: an unknown field is an error with its path."""


Name = Annotated[str, Meta(min_length=1, max_length=253)]
Positive = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class ObjectMeta(Strict, frozen=True, kw_only=True):
    """Metadata as authors may commit it; server-set members are accepted (exported objects) and ignored."""

    name: Name
    """Name of the object; with kind and namespace it is its identity."""
    namespace: str | None = None
    """Namespace of the object; `default` when absent. Omit it for cluster-scoped kinds."""
    labels: Mapping[str, str] | None = None
    """What selectors choose by; values are text."""
    annotations: Mapping[str, str] | None = None
    """Notes for people and programs; those that begin with `reconciler.clusternet.io/` are for the reconciler."""
    finalizers: list[str] | None = None
    """Written by controllers; ignored."""
    creation_timestamp: Any = None
    """Written by servers; ignored."""
    generation: Any = None
    """Written by servers; ignored."""
    managed_fields: Any = None
    """Written by servers; ignored."""
    owner_references: Any = None
    """Written by controllers; ignored, because owners of one cluster mean nothing on another."""
    resource_version: Any = None
    """Written by servers; ignored."""
    self_link: Any = None
    """Written by servers; ignored."""
    uid: Any = None
    """Written by servers; ignored."""


class LabelSelectorRequirement(Strict, frozen=True, kw_only=True):
    """One term of a label selector (Kubernetes `metav1.LabelSelectorRequirement`)."""

    key: str
    """The label key."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the label is compared. NotIn and DoesNotExist also match where there is no such label."""
    values: list[str] | None = None
    """At least one for In and NotIn; none for the others."""


class LabelSelector(Strict, frozen=True, kw_only=True):
    """Kubernetes `metav1.LabelSelector`: all terms must hold; an empty selector matches everything."""

    match_labels: Mapping[str, str] | None = None
    """Labels that must be there with these values."""
    match_expressions: list[LabelSelectorRequirement] | None = None
    """More terms; all of them must hold."""


class Toleration(Strict, frozen=True, kw_only=True):
    """Kubernetes `core/v1` Toleration, matched against the taints of a ManagedCluster."""

    key: str | None = None
    """Key of the taint; absent with operator Exists tolerates every taint."""
    operator: Literal["Exists", "Equal"] | None = None
    """Equal (the default) compares the value, Exists does not."""
    value: str | None = None
    """Value of the taint, for Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; absent tolerates all effects."""
    toleration_seconds: int | None = None
    """Accepted as in a pod; a cluster's taint is tolerated for ever."""


class Taint(Strict, frozen=True, kw_only=True):
    """Kubernetes `core/v1` Taint."""

    key: Name
    """Key of the taint."""
    value: str | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
    """What it does to Subscriptions that do not tolerate it."""
    time_added: str | None = None
    """When it was added; written by servers."""


class NodeSelectorRequirement(Strict, frozen=True, kw_only=True):
    """One term of a node selector (Kubernetes `core/v1`), matched against a ManagedCluster."""

    key: str
    """The label key, or `metadata.name`."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    """How it is compared; Gt and Lt compare whole numbers."""
    values: list[str] | None = None
    """At least one for In and NotIn, one number for Gt and Lt, none for the others."""


class NodeSelectorTerm(Strict, frozen=True, kw_only=True):
    """Kubernetes `core/v1` NodeSelectorTerm: all terms must hold; one without any matches nothing."""

    match_expressions: list[NodeSelectorRequirement] | None = None
    """Over the labels of the ManagedCluster."""
    match_fields: list[NodeSelectorRequirement] | None = None
    """Over `metadata.name`, the name of the ManagedCluster."""


class PreferredSchedulingTerm(Strict, frozen=True, kw_only=True):
    """Clusters that are taken before others; weights of all terms that match a cluster add up."""

    weight: Annotated[int, Meta(ge=1, le=100)]
    """How much a match counts."""
    preference: NodeSelectorTerm
    """Which clusters are preferred."""


class TopologySpreadConstraint(Strict, frozen=True, kw_only=True):
    """How unevenly replicas may be spread over the values of a label of ManagedClusters."""

    max_skew: Positive
    """The largest difference of replicas between the fullest and the emptiest value of the label."""
    topology_key: Name
    """The label of ManagedClusters whose values are the domains: a region, a zone."""
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]
    """DoNotSchedule is a limit, ScheduleAnyway a wish."""
    label_selector: LabelSelector | None = None
    """Feeds that it holds for, by the labels of their pods; absent for all."""
    min_domains: Positive | None = None
    """With fewer domains than this the emptiest one counts as empty."""
    match_label_keys: list[str] | None = None
    """Accepted as in a pod; see the page on topology spread for what is read."""
    node_affinity_policy: Literal["Honor", "Ignore"] | None = None
    """Accepted as in a pod; see the page on topology spread for what is read."""
    node_taints_policy: Literal["Honor", "Ignore"] | None = None
    """Accepted as in a pod; see the page on topology spread for what is read."""
