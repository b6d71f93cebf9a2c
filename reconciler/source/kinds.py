"""Which kinds there are: the control kinds with their models, and the built-in kinds of Kubernetes with their scope.

The built-in table is used for two things only: to put namespaced objects without a namespace into `default`, as kubectl
does, and to notice a misspelt kind. Kinds of other groups are taken as they are.
"""

from collections.abc import Mapping
from typing import Any, Final

from reconciler.model import authored
from reconciler.model.objects import Object, ObjectKey, group_of

APPS: Final = "apps.clusternet.io"
CLUSTERS: Final = "clusters.clusternet.io"
MCS: Final = "multicluster.x-k8s.io"

MODELS: Final[Mapping[tuple[str, str], type]] = {
    (APPS, "Subscription"): authored.Subscription,
    (APPS, "Localization"): authored.Localization,
    (APPS, "Globalization"): authored.Globalization,
    (APPS, "HelmChart"): authored.HelmChart,
    (CLUSTERS, "ManagedCluster"): authored.ManagedCluster,
    (MCS, "ServiceExport"): authored.ServiceExport,
}
"""Kinds that are read strictly. A ServiceExport is a resource all the same: it may be a feed."""

FLEET_KINDS: Final = frozenset(MODELS) - {(MCS, "ServiceExport"), (APPS, "HelmChart")}
"""Kinds that never leave the repo."""

HUB_KINDS: Final = frozenset(
    {(APPS, kind) for kind in ("Base", "Description", "HelmRelease", "Manifest", "FeedInventory")}
    | {(CLUSTERS, "ClusterRegistrationRequest"), (MCS, "ServiceImport")}
)
"""Kinds that the hub writes; in a fleet repo they do nothing."""

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
    APPS: "Subscription Localization HelmChart Base Description HelmRelease Manifest FeedInventory",
    CLUSTERS: "ManagedCluster",
    MCS: "ServiceExport ServiceImport",
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
    APPS: "Globalization",
    CLUSTERS: "ClusterRegistrationRequest",
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


def type_of(body: Object) -> tuple[str, str]:
    """Group and kind of an object."""
    return group_of(body["apiVersion"]), body["kind"]


def identity(api_version: str, kind: str, namespace: str | None, name: str) -> Object:
    """The part of an object that names it."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace, "name": name}}


def subscription(name: str) -> Object:
    """The identity of the Subscription `namespace/name`."""
    return identity(f"{APPS}/v1alpha1", "Subscription", *name.split("/", 1))


DECLARED: Final = identity(f"{CLUSTERS}/v1beta1", "ManagedCluster", None, "")
"""Stands for any declared cluster where problems of clusters are told."""
