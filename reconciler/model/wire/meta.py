"""Words that all kinds on the wire share: formats, metadata, label selectors, conditions (`meta/v1`)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


class Wire(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """Root of all structs on the wire; subclasses repeat `frozen` and `kw_only`, which msgspec does not inherit."""


Int32 = Annotated[int, Meta(extra_json_schema={"format": "int32"})]
Int64 = Annotated[int, Meta(extra_json_schema={"format": "int64"})]
Float32 = Annotated[float, Meta(extra_json_schema={"format": "float"})]
Bytes = Annotated[str, Meta(extra_json_schema={"format": "byte"})]
"""Base64 text."""
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""RFC 3339, to the second."""
FreeForm = Annotated[Mapping[str, Any], Meta(extra_json_schema={"x-kubernetes-preserve-unknown-fields": True})]
"""An object of which the server keeps every field."""
Template = Annotated[
    Mapping[str, Any],
    Meta(extra_json_schema={"x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}),
]
"""A whole Kubernetes object inside another: it has apiVersion, kind and metadata."""
Quantity = Annotated[
    int | str,
    Meta(
        extra_json_schema={
            "x-kubernetes-int-or-string": True,
            "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)"
            r"([KMGTPE]i|[numkMGTPE]|[eE][+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+))?$",
        }
    ),
]
"""A Kubernetes quantity: `500m`, `2Gi`, `3e9` or a plain number."""
ClusterId = Annotated[str, Meta(pattern=r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")]
"""A UUID. As in Clusternet's CRD the pattern is not anchored."""

ATOMIC = Meta(extra_json_schema={"x-kubernetes-list-type": "atomic"})
"""A list that server-side apply replaces as a whole."""
ATOMIC_MAP = Meta(extra_json_schema={"x-kubernetes-map-type": "atomic"})
"""A struct that server-side apply replaces as a whole."""
REQUIRED = Meta(extra_json_schema={"x-required": True})
"""Required by the CRD although it has a default; `hack/crds` reads and removes the mark."""


def keyed_by(*keys: str) -> Meta:
    """A list whose items server-side apply tells apart by these fields."""
    return Meta(extra_json_schema={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)})


class KubernetesObject(Wire, frozen=True, kw_only=True):
    """What every object has."""

    api_version: str | None = None
    """Group and version of the schema that this object follows."""
    kind: str | None = None
    """The kind of this object, in CamelCase."""
    metadata: Mapping[str, Any] | None = None
    """Name, namespace, labels and annotations, and what the server keeps."""


class LabelSelectorRequirement(Wire, frozen=True, kw_only=True):
    """One term of a label selector."""

    key: str
    """The label key."""
    operator: str
    """In, NotIn, Exists or DoesNotExist."""
    values: Annotated[list[str], ATOMIC] | None = None
    """The values of In and NotIn; empty for the other operators."""


class LabelSelector(Wire, frozen=True, kw_only=True):
    """Selects by labels: all terms must hold, and an empty selector matches everything."""

    match_expressions: Annotated[list[LabelSelectorRequirement], ATOMIC] | None = None
    """Terms, joined by and."""
    match_labels: Mapping[str, str] | None = None
    """Labels that must be there with these values."""


class Condition(Wire, frozen=True, kw_only=True):
    """One aspect of an object's state."""

    last_transition_time: Time
    """When the status last changed."""
    message: Annotated[str, Meta(max_length=32768)]
    """Text for people; may be empty."""
    observed_generation: Annotated[Int64, Meta(ge=0)] | None = None
    """The metadata.generation that the condition was set for."""
    reason: Annotated[str, Meta(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]
    """Why, in one word for programs."""
    status: Literal["True", "False", "Unknown"]
    """True, False or Unknown."""
    type: Annotated[
        str,
        Meta(
            max_length=316,
            pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
            r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
        ),
    ]
    """Which aspect."""
