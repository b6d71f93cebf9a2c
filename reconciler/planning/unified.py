"""Two states of one object as a unified diff, without what servers write by themselves."""

import difflib
import enum
from collections.abc import Iterator

import msgspec

from reconciler.model.objects import Object, ObjectKey
from reconciler.planning import filenames

CONTEXT = 3
"""Unchanged lines around a change, as diff -u has them."""
_SERVERS_OWN = frozenset(
    {"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid", "deletionTimestamp"}
)
_COPIES = frozenset({"clusternet.io/last-applied-configuration", "kubectl.kubernetes.io/last-applied-configuration"})
"""Annotations that hold the object once more."""


class Why(enum.StrEnum):
    """Who made the difference."""

    NEW = "new"
    CHANGE = "change"
    """The repo says something else than what was last written."""
    DRIFT = "drift"
    """Somebody else changed it on the cluster."""
    BOTH = "change and drift"
    ADOPT = "adopt"
    """It is there, not ours, and would be taken over."""
    DELETE = "delete"


class Difference(msgspec.Struct, frozen=True):
    """One object as it is and as it would be; values that must not be shown are replaced already."""

    cluster: str
    """Name of the cluster."""
    subscription: str
    key: ObjectKey
    api_version: str
    why: Why
    by: tuple[str, ...] = ()
    """Field managers that wrote to it after us."""
    before: str = ""
    """Empty for an object that is not there."""
    after: str = ""

    @property
    def name(self) -> str:
        """What kubectl calls the file of an object: `apps.v1.Deployment.web.front`."""
        version, key = self.api_version.replace("/", "."), self.key
        return ".".join((version, key.kind, key.namespace, key.name)).replace(":", "-").replace("/", "-")


def bare(obj: Object) -> Object:
    """The object without status and what only its server sets; equal for objects that mean the same."""
    metadata = {name: value for name, value in obj["metadata"].items() if name not in _SERVERS_OWN}
    annotations = {n: v for n, v in (metadata.pop("annotations", None) or {}).items() if n not in _COPIES}
    if annotations:
        metadata["annotations"] = annotations
    return {**{name: value for name, value in obj.items() if name != "status"}, "metadata": metadata}


def text(obj: Object | None) -> str:
    """The object as YAML, keys sorted; empty when there is none."""
    return filenames.serialise(obj).decode() if obj is not None else ""


def lines(one: Difference) -> Iterator[str]:
    """The diff as `diff -u -N` prints it, below a line that says who made the difference."""
    live, merged = (f"{where}/{one.cluster}/{one.name}" for where in ("LIVE", "MERGED"))
    yield f"diff -u -N {live} {merged}"
    by = f" (by {', '.join(one.by)})" if one.by else ""
    yield f"# {one.why}{by}: {one.key}, {one.subscription} on {one.cluster}"
    before, after = one.before.splitlines(), one.after.splitlines()
    yield from difflib.unified_diff(before, after, live, merged, n=CONTEXT, lineterm="")
