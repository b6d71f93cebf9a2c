"""Where each kind of object keeps its replicas: what scheduling reads there, render writes there.

The kinds of Kubernetes are known; `scheduling.replicaPaths` in fleet.yaml adds others and overrules these. A kind
without an entry has no replicas that can be divided: it goes whole to every cluster.
"""

from typing import Final

from reconciler.model.settings import ReplicaPath, Settings

_REPLICAS: Final = (
    ("apps/v1", "Deployment"),
    ("apps/v1beta1", "Deployment"),
    ("apps/v1beta2", "Deployment"),
    ("extensions/v1beta1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1beta2", "ReplicaSet"),
    ("extensions/v1beta1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1beta1", "StatefulSet"),
    ("apps/v1beta2", "StatefulSet"),
    ("extensions/v1beta1", "StatefulSet"),
    ("v1", "ReplicationController"),
)
_KNOWN: Final = {
    **{(version, kind): ReplicaPath(api_version=version, kind=kind) for version, kind in _REPLICAS},
    ("batch/v1", "Job"): ReplicaPath(api_version="batch/v1", kind="Job", path="/spec/parallelism"),
}


def found(api_version: str, kind: str, settings: Settings) -> ReplicaPath | None:
    """Where objects of this kind keep replicas and pod template; None when they have no replicas to divide."""
    for declared in settings.scheduling.replica_paths:
        if (declared.api_version, declared.kind) == (api_version, kind):
            return declared
    return _KNOWN.get((api_version, kind))


def pointer(api_version: str, kind: str, settings: Settings) -> str | None:
    """JSON pointer (RFC 6901) to the number of replicas; None when the kind has none to divide."""
    path = found(api_version, kind, settings)
    return None if path is None else path.path
