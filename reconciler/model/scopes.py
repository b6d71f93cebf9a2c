"""Which kinds live in namespaces: the built-in kinds of Kubernetes, and what definitions say of others.

Used to put namespaced objects without a namespace into one, as kubectl and helm do. Kinds that nobody knows are left
to whoever asks.
"""

from collections.abc import Mapping
from typing import Any, Final

from reconciler.model.objects import Object, ObjectKey

_APPS: Final = "apps.clusternet.io"
_CLUSTERS: Final = "clusters.clusternet.io"
_MCS: Final = "multicluster.x-k8s.io"

_NAMESPACED: Final = {
    "": "ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate ReplicationController "
    "ResourceQuota Secret Service ServiceAccount",
    "apps": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "autoscaling": "HorizontalPodAutoscaler",
    "batch": "CronJob Job",
    "coordination.k8s.io": "Lease LeaseCandidate",
    "discovery.k8s.io": "EndpointSlice",
    "events.k8s.io": "Event",
    "networking.k8s.io": "Ingress NetworkPolicy",
    "policy": "PodDisruptionBudget",
    "rbac.authorization.k8s.io": "Role RoleBinding",
    "resource.k8s.io": "ResourceClaim ResourceClaimTemplate",
    "storage.k8s.io": "CSIStorageCapacity",
    _APPS: "Subscription Localization HelmChart Base Description HelmRelease Manifest FeedInventory",
    _CLUSTERS: "ManagedCluster",
    _MCS: "ServiceExport ServiceImport",
}
_CLUSTER_SCOPED: Final = {
    "": "Namespace Node PersistentVolume",
    "admissionregistration.k8s.io": "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding "
    "MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding "
    "ValidatingWebhookConfiguration",
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "networking.k8s.io": "IngressClass IPAddress ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
    "resource.k8s.io": "DeviceClass DeviceTaintRule ResourceSlice",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
    "storagemigration.k8s.io": "StorageVersionMigration",
    _APPS: "Globalization",
    _CLUSTERS: "ClusterRegistrationRequest",
}

_SCOPES: Final[Mapping[tuple[str, str], bool]] = {
    (group, kind): namespaced
    for table, namespaced in ((_NAMESPACED, True), (_CLUSTER_SCOPED, False))
    for group, kinds in table.items()
    for kind in kinds.split()
}
_KINDS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    group: tuple(kind for g, kind in _SCOPES if g == group) for group, _ in _SCOPES
}


def namespaced(group: str, kind: str, declared: Mapping[tuple[str, str], bool]) -> bool | None:
    """Whether objects of a kind live in namespaces; None when nobody says. `declared` are the repo's own CRDs."""
    return _SCOPES.get((group, kind), declared.get((group, kind)))


def kinds_of(group: str) -> tuple[str, ...]:
    """All kinds of a built-in group; empty for other groups."""
    return _KINDS_OF.get(group, ())


def declared_scopes(definitions: Mapping[ObjectKey, Object]) -> Mapping[tuple[str, str], bool]:
    """Kind to “is namespaced” of every CustomResourceDefinition."""
    scopes = {}
    for key, body in definitions.items():
        spec: Any = body.get("spec")
        if key.kind == "CustomResourceDefinition" and isinstance(spec, Mapping):
            names = spec.get("names")
            if isinstance(names, Mapping) and spec.get("scope") in ("Namespaced", "Cluster"):
                scopes[str(spec.get("group")), str(names.get("kind"))] = spec["scope"] == "Namespaced"
    return scopes


def in_namespace(body: Object, namespace: str) -> Object:
    """The object in a namespace; everything else is shared."""
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}


def without_namespace(body: Object) -> Object:
    """The object in no namespace; everything else is shared."""
    return {**body, "metadata": {name: value for name, value in body["metadata"].items() if name != "namespace"}}
