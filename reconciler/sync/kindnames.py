"""Objects as kubectl's users name them: `deploy/web`, `deployment.apps/web`, `svc/web`."""

import msgspec

from reconciler.model.errors import UsageError
from reconciler.model.objects import ObjectKey

_SHORT = {
    "cm": "configmap",
    "crd": "customresourcedefinition",
    "crds": "customresourcedefinition",
    "cj": "cronjob",
    "deploy": "deployment",
    "ds": "daemonset",
    "ep": "endpoints",
    "hpa": "horizontalpodautoscaler",
    "ing": "ingress",
    "limits": "limitrange",
    "netpol": "networkpolicy",
    "ns": "namespace",
    "pc": "priorityclass",
    "pdb": "poddisruptionbudget",
    "po": "pod",
    "pv": "persistentvolume",
    "pvc": "persistentvolumeclaim",
    "quota": "resourcequota",
    "rc": "replicationcontroller",
    "rs": "replicaset",
    "sa": "serviceaccount",
    "sc": "storageclass",
    "se": "serviceexport",
    "sts": "statefulset",
    "svc": "service",
}
"""kubectl's short names."""


class Reference(msgspec.Struct, frozen=True):
    """An object by kind and name, as far as somebody said."""

    kind: str
    """Lower case, without group; a short name or plural is accepted."""
    name: str
    group: str = ""
    """Empty for any."""
    namespace: str = ""
    """Empty for any."""

    def __str__(self) -> str:
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


def parse_reference(text: str, namespace: str = "") -> Reference:
    """`KIND/NAME` or `KIND.GROUP/NAME`; UsageError when it is neither."""
    kind, slash, name = text.partition("/")
    if not slash or not kind or not name or "/" in name:
        raise UsageError("bad-object", f"{text!r} names no object", "as for kubectl: deploy/web, deployment.apps/web")
    kind, _, group = kind.partition(".")
    return Reference(kind.lower(), name, group, namespace)


def matches(reference: Reference, key: ObjectKey) -> bool:
    """Whether an object is meant. A version in front of the group (`deployment.v1.apps`) is not looked at."""
    if reference.name != key.name or (reference.namespace and reference.namespace != key.namespace):
        return False
    group = reference.group
    if (
        group
        and key.group != group
        and not (group.partition(".")[0].startswith("v") and group.partition(".")[2] == key.group)
    ):
        return False
    kind = key.kind.lower()
    singular = kind[:-1] + "ies" if kind.endswith("y") else kind
    return reference.kind in (kind, kind + "s", kind + "es", singular) or _SHORT.get(reference.kind) == kind
