"""What kinds are written before which, and deleted before which: the stages, and an order inside a wave.

Written: definitions (Namespace, CustomResourceDefinition), then what objects are admitted by (classes, quotas), then
everything else, and last what intercepts requests. Deleted: interceptors, custom resources while their operators still
run, everything else, classes, definitions, namespaces. Within a wave objects go side by side, started in the order of
`rank`. The stages are those of Flux; the reasons are in docs/apply.md.
"""

from collections.abc import Iterable

from reconciler.model.objects import ObjectKey
from reconciler.model.plan import Change

_DEFINITIONS = {("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition")}
_LIMITS = {("", "ResourceQuota"), ("", "LimitRange")}
_INTERCEPTORS = {
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("apiregistration.k8s.io", "APIService"),
}
_USED_FIRST = (
    "ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ConfigMap", "Secret",
    "PersistentVolume", "PersistentVolumeClaim", "Service",
)  # fmt: skip
_USERS_LAST = (
    "ReplicationController", "ReplicaSet", "Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob",
    "HorizontalPodAutoscaler", "PodDisruptionBudget", "Ingress",
)  # fmt: skip
_OTHERS = len(_USED_FIRST)
_RANK = {kind: rank for rank, kind in enumerate((*_USED_FIRST, "", *_USERS_LAST))}
_BUILT_IN_GROUPS = {
    "", "apps", "autoscaling", "batch", "policy", "admissionregistration.k8s.io", "apiextensions.k8s.io",
    "apiregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "certificates.k8s.io",
    "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io", "networking.k8s.io",
    "node.k8s.io", "rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io",
}  # fmt: skip
"""Not simply `*.k8s.io`: subprojects of Kubernetes (gateway, multicluster) define theirs as custom resources."""


def prune_waves(changes: Iterable[Change]) -> tuple[tuple[Change, ...], ...]:
    """Deletes, grouped so that nothing is deleted before its users; empty waves are left out.

    The waves of authors go backwards; interceptors go before all of them, definitions and namespaces after.
    """
    groups: dict[tuple[int, int, int], list[Change]] = {}
    for change in changes:
        groups.setdefault(_delete_place(change), []).append(change)
    return tuple(
        tuple(sorted(groups[place], key=lambda change: rank(change.key), reverse=True)) for place in sorted(groups)
    )


def rank(key: ObjectKey) -> tuple[int, ObjectKey]:
    """The place of an object inside its wave: what is used before who uses it, then by name."""
    return (_RANK.get(key.kind, _OTHERS), key)


def write_wave(key: ObjectKey) -> int:
    """0 definitions, 1 what others are admitted by, 2 the rest, 3 what intercepts requests."""
    kind = (key.group, key.kind)
    if kind in _DEFINITIONS:
        return 0
    if kind in _LIMITS or (key.kind.endswith("Class") and not key.namespace):
        return 1
    return 3 if kind in _INTERCEPTORS else 2


def is_custom(key: ObjectKey) -> bool:
    """Whether the kind is defined by a CustomResourceDefinition or an aggregated API, as far as its group tells."""
    return key.group not in _BUILT_IN_GROUPS


def _delete_wave(key: ObjectKey) -> int:
    if key.kind == "Namespace" and not key.group:
        return 5
    match write_wave(key):
        case 3:
            return 0
        case 1:
            return 3
        case 0:
            return 4
        case _:
            return 1 if is_custom(key) else 2


def _delete_place(change: Change) -> tuple[int, int, int]:
    stage = _delete_wave(change.key)
    if stage == _FIRST_TO_GO:
        return (0, 0, stage)
    if stage in _LAST_TO_GO:
        return (2, 0, stage)
    return (1, -change.entry.wave if change.entry else 0, stage)


_FIRST_TO_GO = 0
_LAST_TO_GO = (4, 5)
