"""Which objects an object needs, found in its body: what a pod template mounts, what a binding binds.

A need is about order only: the object must be written before, or even be ready before, whoever needs it. What is named
and delivered by nobody here is nobody's concern here. Bodies that are no proper objects name nothing; the API server
tells what is wrong with them. Encrypted bodies name what stands in them in clear.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.objects import Object, ObjectKey, group_of

RBAC = "rbac.authorization.k8s.io"
ADMISSION = "admissionregistration.k8s.io"
GATEWAY = "gateway.networking.k8s.io"
_ACCOUNT = "kubernetes.io/service-account.name"
"""On a Secret with a token: the ServiceAccount that it is of, which must be there first, or the Secret is deleted."""


class Need(msgspec.Struct, frozen=True, order=True):
    """One object that another one needs."""

    key: ObjectKey
    served: bool = False
    """A Service that must have somebody who answers: the workloads behind it must be ready."""


def needs(obj: Object, key: ObjectKey) -> Iterator[Need]:
    """What the body of an object names, as often as it names it; its namespace and definition are left to others."""
    named = _KINDS.get((key.group, key.kind))
    if named is not None:
        yield from named(obj, key)


def behind(service: Object) -> Mapping[str, str]:
    """The labels of the pods behind a Service; empty when it selects none."""
    found = _map(service, "spec", "selector")
    return {name: value for name, value in found.items() if isinstance(value, str)}


def pod_labels(workload: Object, key: ObjectKey) -> Mapping[str, Any]:
    """The labels of the pods that a workload makes; empty for what makes none that stay."""
    if (key.group, key.kind) not in _SERVING:
        return {}
    return (
        _map(workload, "metadata", "labels") if key.kind == "Pod" else _map(workload, *_TEMPLATE, "metadata", "labels")
    )


def conversion(definition: Object) -> Need | None:
    """The Service that converts the objects of a definition between its versions."""
    return _served(_map(definition, "spec", "conversion", "webhook", "clientConfig").get("service"))


_TEMPLATE = ("spec", "template")
_SERVING = {
    ("", "Pod"), ("", "ReplicationController"), ("apps", "ReplicaSet"), ("apps", "Deployment"), ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
}  # fmt: skip


def _map(node: Any, *path: str) -> Mapping[str, Any]:
    for part in path:
        node = node.get(part) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else {}


def _items(node: Any, *path: str) -> Iterator[Mapping[str, Any]]:
    """The members of a list that are maps."""
    found = _map(node, *path[:-1]).get(path[-1])
    if isinstance(found, list | tuple):
        yield from (item for item in found if isinstance(item, Mapping))


def _need(group: str, kind: str, namespace: str, name: Any) -> Iterator[Need]:
    if isinstance(name, str) and name:
        yield Need(ObjectKey(group, kind, namespace, name))


def _served(service: Any) -> Need | None:
    found = _map(service)
    name, namespace = found.get("name"), found.get("namespace")
    if not (isinstance(name, str) and isinstance(namespace, str) and name and namespace):
        return None
    return Need(ObjectKey("", "Service", namespace, name), served=True)


def _pod(spec: Mapping[str, Any], space: str) -> Iterator[Need]:
    yield from _need("", "ServiceAccount", space, spec.get("serviceAccountName") or spec.get("serviceAccount"))
    yield from _need("scheduling.k8s.io", "PriorityClass", "", spec.get("priorityClassName"))
    yield from _need("node.k8s.io", "RuntimeClass", "", spec.get("runtimeClassName"))
    for pull in _items(spec, "imagePullSecrets"):
        yield from _need("", "Secret", space, pull.get("name"))
    for volume in _items(spec, "volumes"):
        yield from _volume(volume, space)
    for part in ("initContainers", "containers", "ephemeralContainers"):
        for container in _items(spec, part):
            yield from _container(container, space)
    for claim in _items(spec, "resourceClaims"):
        yield from _need("resource.k8s.io", "ResourceClaim", space, claim.get("resourceClaimName"))
        yield from _need("resource.k8s.io", "ResourceClaimTemplate", space, claim.get("resourceClaimTemplateName"))


def _container(container: Mapping[str, Any], space: str) -> Iterator[Need]:
    for source in _items(container, "envFrom"):
        yield from _need("", "ConfigMap", space, _map(source, "configMapRef").get("name"))
        yield from _need("", "Secret", space, _map(source, "secretRef").get("name"))
    for variable in _items(container, "env"):
        yield from _need("", "ConfigMap", space, _map(variable, "valueFrom", "configMapKeyRef").get("name"))
        yield from _need("", "Secret", space, _map(variable, "valueFrom", "secretKeyRef").get("name"))


def _volume(volume: Mapping[str, Any], space: str) -> Iterator[Need]:
    for source in (volume, *_items(volume, "projected", "sources")):
        yield from _need("", "ConfigMap", space, _map(source, "configMap").get("name"))
        secret = _map(source, "secret")
        yield from _need("", "Secret", space, secret.get("secretName") or secret.get("name"))
    yield from _need("", "PersistentVolumeClaim", space, _map(volume, "persistentVolumeClaim").get("claimName"))
    claim = _map(volume, "ephemeral", "volumeClaimTemplate", "spec")
    yield from _need("storage.k8s.io", "StorageClass", "", claim.get("storageClassName"))
    for driver in ("csi", "flexVolume", "cephfs", "rbd", "iscsi", "scaleIO", "storageos"):
        one = _map(volume, driver)
        for reference in ("nodePublishSecretRef", "secretRef"):
            yield from _need("", "Secret", space, _map(one, reference).get("name"))


def _plain_pod(obj: Object, key: ObjectKey) -> Iterator[Need]:
    yield from _pod(_map(obj, "spec"), key.namespace)


def _workload(obj: Object, key: ObjectKey) -> Iterator[Need]:
    yield from _pod(_map(obj, *_TEMPLATE, "spec"), key.namespace)


def _stateful_set(obj: Object, key: ObjectKey) -> Iterator[Need]:
    yield from _workload(obj, key)
    yield from _need("", "Service", key.namespace, _map(obj, "spec").get("serviceName"))
    for claim in _items(obj, "spec", "volumeClaimTemplates"):
        yield from _need("storage.k8s.io", "StorageClass", "", _map(claim, "spec").get("storageClassName"))


def _cron_job(obj: Object, key: ObjectKey) -> Iterator[Need]:
    yield from _pod(_map(obj, "spec", "jobTemplate", "spec", "template", "spec"), key.namespace)


def _claim(obj: Object, key: ObjectKey) -> Iterator[Need]:
    spec = _map(obj, "spec")
    yield from _need("storage.k8s.io", "StorageClass", "", spec.get("storageClassName"))
    yield from _need("storage.k8s.io", "VolumeAttributesClass", "", spec.get("volumeAttributesClassName"))
    yield from _need("", "PersistentVolume", "", spec.get("volumeName"))
    source = _map(spec, "dataSource")
    if source.get("kind") == "PersistentVolumeClaim":
        yield from _need("", "PersistentVolumeClaim", key.namespace, source.get("name"))


def _persistent_volume(obj: Object, _: ObjectKey) -> Iterator[Need]:
    yield from _need("storage.k8s.io", "StorageClass", "", _map(obj, "spec").get("storageClassName"))


def _account(obj: Object, key: ObjectKey) -> Iterator[Need]:
    for part in ("secrets", "imagePullSecrets"):
        for reference in _items(obj, part):
            yield from _need("", "Secret", key.namespace, reference.get("name"))


def _secret(obj: Object, key: ObjectKey) -> Iterator[Need]:
    if obj.get("type") == "kubernetes.io/service-account-token":
        yield from _need("", "ServiceAccount", key.namespace, _map(obj, "metadata", "annotations").get(_ACCOUNT))


def _binding(obj: Object, key: ObjectKey) -> Iterator[Need]:
    role = _map(obj, "roleRef")
    space = key.namespace if role.get("kind") == "Role" else ""
    if role.get("kind") in ("Role", "ClusterRole"):
        yield from _need(RBAC, role["kind"], space, role.get("name"))
    for subject in _items(obj, "subjects"):
        if subject.get("kind") == "ServiceAccount":
            yield from _need("", "ServiceAccount", str(subject.get("namespace") or key.namespace), subject.get("name"))


def _ingress(obj: Object, key: ObjectKey) -> Iterator[Need]:
    spec, space = _map(obj, "spec"), key.namespace
    yield from _need("networking.k8s.io", "IngressClass", "", spec.get("ingressClassName"))
    for tls in _items(spec, "tls"):
        yield from _need("", "Secret", space, tls.get("secretName"))
    yield from _need("", "Service", space, _map(spec, "defaultBackend", "service").get("name"))
    for rule in _items(spec, "rules"):
        for path in _items(rule, "http", "paths"):
            yield from _need("", "Service", space, _map(path, "backend", "service").get("name"))


def _webhooks(obj: Object, _: ObjectKey) -> Iterator[Need]:
    for webhook in _items(obj, "webhooks"):
        found = _served(_map(webhook, "clientConfig").get("service"))
        if found:
            yield found


def _api_service(obj: Object, _: ObjectKey) -> Iterator[Need]:
    found = _served(_map(obj, "spec").get("service"))
    if found:
        yield found


def _policy_binding(obj: Object, key: ObjectKey) -> Iterator[Need]:
    spec = _map(obj, "spec")
    yield from _need(ADMISSION, key.kind.removesuffix("Binding"), "", spec.get("policyName"))
    parameters = _map(spec, "paramRef")
    yield from _need("", "ConfigMap", str(parameters.get("namespace") or ""), parameters.get("name"))


def _scaled(obj: Object, key: ObjectKey) -> Iterator[Need]:
    target = _map(obj, "spec", "scaleTargetRef")
    kind, version = target.get("kind"), target.get("apiVersion") or ""
    if isinstance(kind, str) and isinstance(version, str):
        yield from _need(group_of(version), kind, key.namespace, target.get("name"))


def _export(_: Object, key: ObjectKey) -> Iterator[Need]:
    yield Need(ObjectKey("", "Service", key.namespace, key.name))


def _gateway(obj: Object, key: ObjectKey) -> Iterator[Need]:
    yield from _need(GATEWAY, "GatewayClass", "", _map(obj, "spec").get("gatewayClassName"))
    for listener in _items(obj, "spec", "listeners"):
        for reference in _items(listener, "tls", "certificateRefs"):
            yield from _referred(reference, "", "Secret", key.namespace)


def _route(obj: Object, key: ObjectKey) -> Iterator[Need]:
    for parent in _items(obj, "spec", "parentRefs"):
        yield from _referred(parent, GATEWAY, "Gateway", key.namespace)
    for rule in _items(obj, "spec", "rules"):
        for backend in _items(rule, "backendRefs"):
            yield from _referred(backend, "", "Service", key.namespace)


def _referred(reference: Mapping[str, Any], group: str, kind: str, space: str) -> Iterator[Need]:
    """A reference as the Gateway API writes them, with what it means where it says nothing."""
    group = str(reference.get("group", group))
    yield from _need(
        group, str(reference.get("kind", kind)), str(reference.get("namespace", space)), reference.get("name")
    )


_KINDS: Mapping[tuple[str, str], Callable[[Object, ObjectKey], Iterator[Need]]] = {
    ("", "PersistentVolume"): _persistent_volume,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Pod"): _plain_pod,
    ("", "ReplicationController"): _workload,
    ("", "Secret"): _secret,
    ("", "ServiceAccount"): _account,
    ("apps", "DaemonSet"): _workload,
    ("apps", "Deployment"): _workload,
    ("apps", "ReplicaSet"): _workload,
    ("apps", "StatefulSet"): _stateful_set,
    ("autoscaling", "HorizontalPodAutoscaler"): _scaled,
    ("batch", "CronJob"): _cron_job,
    ("batch", "Job"): _workload,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("multicluster.x-k8s.io", "ServiceExport"): _export,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    (ADMISSION, "MutatingAdmissionPolicyBinding"): _policy_binding,
    (ADMISSION, "MutatingWebhookConfiguration"): _webhooks,
    (ADMISSION, "ValidatingAdmissionPolicyBinding"): _policy_binding,
    (ADMISSION, "ValidatingWebhookConfiguration"): _webhooks,
    (RBAC, "ClusterRoleBinding"): _binding,
    (RBAC, "RoleBinding"): _binding,
    (GATEWAY, "Gateway"): _gateway,
    **{(GATEWAY, kind): _route for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")},
}
