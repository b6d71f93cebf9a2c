"""Where the objects of a kind live on an API server: its plural and whether it has namespaces.

Kinds that every API server serves are a table, so that delivering them costs no discovery request.
"""

import msgspec

from reconciler.model.objects import group_of


class Resource(msgspec.Struct, frozen=True):
    """One served resource of one API version."""

    api_version: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of one object, or of the collection: of one namespace, or of all when none is named."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        place = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{place}/{self.plural}" + (f"/{name}" if name else "")


_BUILT_IN = {
    "": {
        "namespaced": "ConfigMap Endpoints:endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate "
        "ReplicationController ResourceQuota Secret Service ServiceAccount",
        "cluster": "Namespace Node PersistentVolume",
    },
    "admissionregistration.k8s.io": {
        "cluster": "MutatingAdmissionPolicy:mutatingadmissionpolicies MutatingAdmissionPolicyBinding "
        "MutatingWebhookConfiguration ValidatingAdmissionPolicy:validatingadmissionpolicies "
        "ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration"
    },
    "apiextensions.k8s.io": {"cluster": "CustomResourceDefinition"},
    "apiregistration.k8s.io": {"cluster": "APIService"},
    "apps": {"namespaced": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet"},
    "autoscaling": {"namespaced": "HorizontalPodAutoscaler"},
    "batch": {"namespaced": "CronJob Job"},
    "certificates.k8s.io": {"cluster": "CertificateSigningRequest"},
    "coordination.k8s.io": {"namespaced": "Lease"},
    "discovery.k8s.io": {"namespaced": "EndpointSlice"},
    "flowcontrol.apiserver.k8s.io": {"cluster": "FlowSchema PriorityLevelConfiguration"},
    "networking.k8s.io": {
        "namespaced": "Ingress:ingresses NetworkPolicy:networkpolicies",
        "cluster": "IngressClass:ingressclasses",
    },
    "node.k8s.io": {"cluster": "RuntimeClass:runtimeclasses"},
    "policy": {"namespaced": "PodDisruptionBudget"},
    "rbac.authorization.k8s.io": {"namespaced": "Role RoleBinding", "cluster": "ClusterRole ClusterRoleBinding"},
    "scheduling.k8s.io": {"cluster": "PriorityClass:priorityclasses"},
    "storage.k8s.io": {
        "namespaced": "CSIStorageCapacity:csistoragecapacities",
        "cluster": "CSIDriver CSINode StorageClass:storageclasses VolumeAttachment",
    },
}


def _table() -> dict[tuple[str, str], tuple[str, bool]]:
    table = {}
    for group, scopes in _BUILT_IN.items():
        for scope, words in scopes.items():
            for word in words.split():
                kind, _, plural = word.partition(":")
                table[group, kind] = (plural or kind.lower() + "s", scope == "namespaced")
    return table


_KINDS = _table()


def built_in(api_version: str, kind: str) -> Resource | None:
    """The resource of a kind that every API server has, whichever version of it; None for other kinds."""
    known = _KINDS.get((group_of(api_version), kind))
    return Resource(api_version, *known) if known else None
