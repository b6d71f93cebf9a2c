"""How an object is, from its own words: kstatus' rules, one function per kind, conditions for the rest.

Where we differ from kstatus: a Job is current when it is complete and not when it has begun (as Flux), a Pod that
failed is failed, and a workload without any status has not been seen by its controller yet. Objects are as a server
answered them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.model.objects import Object, ObjectKey, group_of
from reconciler.model.status import Health
from reconciler.planning import order

Assessment = tuple[Health, str]
_CURRENT: Assessment = (Health.CURRENT, "")
_WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}
_STUCK = {"CrashLoopBackOff", "ImagePullBackOff", "CreateContainerConfigError", "InvalidImageName"}


def varies(key: ObjectKey) -> bool:
    """Whether an object of this kind can be anything but current, so that looking at it tells something."""
    rule = _RULES.get((key.group, key.kind))
    return rule is not _always and (rule is not None or order.is_custom(key))


def assess(obj: Object) -> Assessment:
    """Health and, where it is not current, what is being waited for or what failed."""
    kind, group = obj["kind"], group_of(obj["apiVersion"])
    metadata, status = obj["metadata"], obj.get("status") or {}
    conditions = {c.get("type"): c for c in status.get("conditions") or () if isinstance(c, Mapping)}
    return (
        _generally(metadata, status, conditions)
        or _unseen(kind, group, status)
        or _RULES.get((group, kind), _by_ready)(obj.get("spec") or {}, status, conditions)
    )


Conditions = Mapping[Any, Mapping[str, Any]]


def _generally(metadata: Object, status: Object, conditions: Conditions) -> Assessment | None:
    if metadata.get("deletionTimestamp"):
        return Health.PROGRESSING, "is being deleted"
    observed = status.get("observedGeneration")
    if observed is not None and observed != metadata.get("generation"):
        return Health.PROGRESSING, "its controller has not seen this change yet"
    if _is(conditions, "Reconciling"):
        return Health.PROGRESSING, _say(conditions["Reconciling"]) or "is at work"
    if _is(conditions, "Stalled"):
        return Health.FAILED, _say(conditions["Stalled"]) or "is stalled"
    return None


def _unseen(kind: str, group: str, status: Object) -> Assessment | None:
    if group == "apps" and kind in _WORKLOADS and "observedGeneration" not in status:
        return Health.PROGRESSING, "its controller has not seen it yet"
    return None


def _deployment(spec: Object, status: Object, conditions: Conditions) -> Assessment:
    progress = conditions.get("Progressing") or {}
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return Health.FAILED, _say(progress)
    wanted = _wanted(spec)
    total, updated = status.get("replicas") or 0, status.get("updatedReplicas") or 0
    available, ready = status.get("availableReplicas") or 0, status.get("readyReplicas") or 0
    if min(total, updated) < wanted:
        return _replicas("updated", min(total, updated), wanted)
    if total > wanted:
        return Health.PROGRESSING, f"{total - wanted} replicas more than wanted are still there"
    if available < updated:
        return _replicas("available", available, updated)
    if ready < wanted:
        return _replicas("ready", ready, wanted)
    if spec.get("progressDeadlineSeconds") and progress and progress.get("reason") != "NewReplicaSetAvailable":
        return Health.PROGRESSING, _say(progress)
    return _CURRENT if _is(conditions, "Available") else (Health.PROGRESSING, "not Available")


def _stateful_set(spec: Object, status: Object, _: Conditions) -> Assessment:
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return _CURRENT
    wanted = _wanted(spec)
    total, ready = status.get("replicas") or 0, status.get("readyReplicas") or 0
    updated, current = status.get("updatedReplicas") or 0, status.get("currentReplicas") or 0
    if total < wanted:
        return _replicas("created", total, wanted)
    if ready < wanted:
        return _replicas("ready", ready, wanted)
    if total > wanted:
        return Health.PROGRESSING, f"{total - wanted} replicas more than wanted are still there"
    if partition := (strategy.get("rollingUpdate") or {}).get("partition"):
        due = max(wanted - partition, 0)
        return _CURRENT if updated >= due else _replicas("updated", updated, due)
    if current < wanted:
        return _replicas("of the current revision", current, wanted)
    if status.get("currentRevision") != status.get("updateRevision"):
        return Health.PROGRESSING, "its pods are being updated"
    return _CURRENT


def _daemon_set(spec: Object, status: Object, _: Conditions) -> Assessment:
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        return _CURRENT
    wanted = status.get("desiredNumberScheduled")
    if wanted is None:
        return Health.PROGRESSING, "not scheduled yet"
    for name, member in (
        ("scheduled", "currentNumberScheduled"),
        ("updated", "updatedNumberScheduled"),
        ("available", "numberAvailable"),
        ("ready", "numberReady"),
    ):
        if (status.get(member) or 0) < wanted:
            return _replicas(name, status.get(member) or 0, wanted)
    return _CURRENT


def _replica_set(spec: Object, status: Object, conditions: Conditions) -> Assessment:
    if _is(conditions, "ReplicaFailure"):
        return Health.PROGRESSING, _say(conditions["ReplicaFailure"])
    wanted = _wanted(spec)
    for name, member in (
        ("labelled", "fullyLabeledReplicas"),
        ("available", "availableReplicas"),
        ("ready", "readyReplicas"),
    ):
        if (status.get(member) or 0) < wanted:
            return _replicas(name, status.get(member) or 0, wanted)
    surplus = (status.get("replicas") or 0) - wanted
    return (Health.PROGRESSING, f"{surplus} replicas more than wanted are still there") if surplus > 0 else _CURRENT


def _pod(_: Object, status: Object, conditions: Conditions) -> Assessment:
    phase = status.get("phase")
    if phase == "Succeeded":
        return _CURRENT
    if phase == "Failed":
        return Health.FAILED, status.get("message") or status.get("reason") or "the pod failed"
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _STUCK:
            return Health.FAILED, f"container {container.get('name')}: {waiting['reason']}"
    if phase == "Running" and _is(conditions, "Ready"):
        return _CURRENT
    scheduled = conditions.get("PodScheduled") or {}
    if scheduled.get("reason") == "Unschedulable":
        return Health.PROGRESSING, _say(scheduled)
    return Health.PROGRESSING, f"phase {phase or 'Pending'}, not Ready"


def _job(_: Object, status: Object, conditions: Conditions) -> Assessment:
    if _is(conditions, "Failed"):
        return Health.FAILED, _say(conditions["Failed"])
    if _is(conditions, "Complete") or _is(conditions, "Suspended"):
        return _CURRENT
    if not status.get("startTime"):
        return Health.PROGRESSING, "not started"
    active, done = status.get("active") or 0, status.get("succeeded") or 0
    return Health.PROGRESSING, f"{active} pods running, {done} succeeded"


def _claim(_: Object, status: Object, __: Conditions) -> Assessment:
    phase = status.get("phase")
    if phase == "Bound":
        return _CURRENT
    return (Health.FAILED, "its volume is lost") if phase == "Lost" else (Health.PROGRESSING, "not bound")


def _volume(_: Object, status: Object, __: Conditions) -> Assessment:
    phase = status.get("phase")
    if phase == "Failed":
        return Health.FAILED, status.get("message") or "phase Failed"
    return _CURRENT if phase else (Health.PROGRESSING, "no phase yet")


def _service(spec: Object, _: Object, __: Conditions) -> Assessment:
    if spec.get("type") == "LoadBalancer" and not spec.get("clusterIP"):
        return Health.PROGRESSING, "no cluster IP"
    return _CURRENT


def _namespace(_: Object, status: Object, __: Conditions) -> Assessment:
    return (Health.PROGRESSING, "is being deleted") if status.get("phase") == "Terminating" else _CURRENT


def _definition(_: Object, __: Object, conditions: Conditions) -> Assessment:
    names, established = conditions.get("NamesAccepted") or {}, conditions.get("Established") or {}
    if names.get("status") == "False":
        return Health.FAILED, _say(names)
    if established.get("status") == "True":
        return _CURRENT
    if established.get("status") == "False" and established.get("reason") != "Installing":
        return Health.FAILED, _say(established)
    return Health.PROGRESSING, "not Established"


def _api_service(_: Object, __: Object, conditions: Conditions) -> Assessment:
    if _is(conditions, "Available"):
        return _CURRENT
    return Health.PROGRESSING, _say(conditions.get("Available") or {}) or "not Available"


def _always(_: Object, __: Object, ___: Conditions) -> Assessment:
    return _CURRENT


def _by_ready(_: Object, __: Object, conditions: Conditions) -> Assessment:
    ready = conditions.get("Ready")
    if ready is None or ready.get("status") == "True":
        return _CURRENT
    return Health.PROGRESSING, _say(ready) or "not Ready"


_RULES: Mapping[tuple[str, str], Callable[[Object, Object, Conditions], Assessment]] = {
    ("", "Namespace"): _namespace,
    ("", "PersistentVolume"): _volume,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("", "ConfigMap"): _always,
    ("", "Secret"): _always,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "CronJob"): _always,
    ("batch", "Job"): _job,
    ("policy", "PodDisruptionBudget"): _always,
}


def _is(conditions: Conditions, name: str) -> bool:
    return (conditions.get(name) or {}).get("status") == "True"


def _say(condition: Mapping[str, Any]) -> str:
    return str(condition.get("message") or condition.get("reason") or "")


def _wanted(spec: Object) -> int:
    replicas = spec.get("replicas")
    return 1 if replicas is None else int(replicas)


def _replicas(what: str, have: int, want: int) -> Assessment:
    return Health.PROGRESSING, f"{have} of {want} {what}"
