"""How an object is, from its own words: kstatus' rules, one function per kind, conditions for the rest.

What holds for every kind comes first: an object that is being deleted, or whose controller has not seen its last
change, is on its way. Then the rule of `fleet.yaml` for its kind decides, or `Reconciling` and `Stalled` and the
function of its kind. Objects are as a server answered them.
"""

from collections.abc import Callable, Iterable, Mapping

from reconciler.model.applysettings import HealthRule
from reconciler.model.objects import Object, ObjectKey, group_of
from reconciler.planning import healthkinds, healthrules, healthworkloads, order
from reconciler.planning.conditions import (
    Assessment,
    Conditions,
    always,
    by_ready,
    conditions_of,
    failed,
    has,
    say,
    waits,
)

__all__ = ["Assessment", "Assessor"]

_WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}
_SERVICES = "multicluster.x-k8s.io"

_KINDS: Mapping[tuple[str, str], Callable[[Object, Object, Conditions], Assessment]] = {
    ("", "ConfigMap"): always,
    ("", "Namespace"): healthkinds.namespace,
    ("", "PersistentVolume"): healthkinds.volume,
    ("", "PersistentVolumeClaim"): healthkinds.claim,
    ("", "Pod"): healthworkloads.pod,
    ("", "Secret"): always,
    ("", "Service"): healthkinds.service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): healthkinds.definition,
    ("apiregistration.k8s.io", "APIService"): healthkinds.api_service,
    ("apps", "DaemonSet"): healthworkloads.daemon_set,
    ("apps", "Deployment"): healthworkloads.deployment,
    ("apps", "ReplicaSet"): healthworkloads.replica_set,
    ("apps", "StatefulSet"): healthworkloads.stateful_set,
    ("apps.clusternet.io", "HelmRelease"): healthkinds.helm_release,
    ("autoscaling", "HorizontalPodAutoscaler"): healthkinds.autoscaler,
    ("batch", "CronJob"): always,
    ("batch", "Job"): healthworkloads.job,
    ("networking.k8s.io", "Ingress"): always,
    ("policy", "PodDisruptionBudget"): healthkinds.disruption_budget,
    (_SERVICES, "ServiceExport"): healthkinds.service_export,
    (_SERVICES, "ServiceImport"): healthkinds.service_import,
}


class Assessor:
    """Tells how objects are, with the rules of one fleet; an expression is compiled when the first object needs it."""

    def __init__(self, rules: Iterable[HealthRule] = ()) -> None:
        self._rules = healthrules.by_kind(rules)
        self._expressions: dict[tuple[str, str], healthrules.Expressions] = {}

    def varies(self, key: ObjectKey) -> bool:
        """Whether an object of this kind can be anything but current, so that looking at it tells something."""
        kind = (key.group, key.kind)
        if kind in self._rules:
            return True
        rule = _KINDS.get(kind)
        return rule is not always and (rule is not None or order.is_custom(key))

    def assess(self, obj: Object) -> Assessment:
        """Health and, where it is not current, what is being waited for or what failed."""
        kind = (group_of(obj["apiVersion"]), obj["kind"])
        metadata, status = obj["metadata"], obj.get("status") or {}
        early = _unseen(metadata, status)
        if early:
            return early
        if kind in self._rules:
            return self._expressed(kind).assess(obj)
        conditions = conditions_of(status)
        return (
            _at_work(conditions)
            or _untouched(kind, status)
            or _KINDS.get(kind, by_ready)(obj.get("spec") or {}, status, conditions)
        )

    def _expressed(self, kind: tuple[str, str]) -> healthrules.Expressions:
        if kind not in self._expressions:
            self._expressions[kind] = healthrules.Expressions(self._rules[kind])
        return self._expressions[kind]


def _unseen(metadata: Object, status: Object) -> Assessment | None:
    if metadata.get("deletionTimestamp"):
        return waits("is being deleted")
    observed = status.get("observedGeneration")
    if observed is not None and observed != metadata.get("generation"):
        return waits("its controller has not seen this change yet")
    return None


def _at_work(conditions: Conditions) -> Assessment | None:
    if has(conditions, "Reconciling"):
        return waits(say(conditions, "Reconciling", "is at work"))
    return failed(say(conditions, "Stalled", "is stalled")) if has(conditions, "Stalled") else None


def _untouched(kind: tuple[str, str], status: Object) -> Assessment | None:
    if kind[0] == "apps" and kind[1] in _WORKLOADS and "observedGeneration" not in status:
        return waits("its controller has not seen it yet")
    return None
