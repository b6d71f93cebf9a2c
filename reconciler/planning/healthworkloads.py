"""When workloads are ready: one function per kind, by kstatus' rules.

Where we differ from kstatus: a Job is ready when it is complete and not when it has begun (as Flux), a Pod that failed
has failed, and pods that the server refuses to make (a quota, an admission) are told in the words of that refusal.
"""

from reconciler.model.objects import Object
from reconciler.planning.conditions import CURRENT, Assessment, Conditions, failed, has, reason, say, waits

_STUCK = {"CrashLoopBackOff", "ImagePullBackOff", "CreateContainerConfigError", "InvalidImageName"}


def deployment(spec: Object, status: Object, conditions: Conditions) -> Assessment:
    """Updated, no old replicas left, available, ready; past its progress deadline it has failed."""
    if reason(conditions, "Progressing") == "ProgressDeadlineExceeded":
        return failed(say(conditions, "Progressing"))
    lacking = _lacking(spec, status, conditions)
    if lacking:
        return lacking
    progress = reason(conditions, "Progressing")
    if spec.get("progressDeadlineSeconds") and "Progressing" in conditions and progress != "NewReplicaSetAvailable":
        return waits(say(conditions, "Progressing"))
    return CURRENT if has(conditions, "Available") else waits("not Available")


def _lacking(spec: Object, status: Object, conditions: Conditions) -> Assessment | None:
    wanted = _wanted(spec)
    total, updated = status.get("replicas") or 0, status.get("updatedReplicas") or 0
    available, ready = status.get("availableReplicas") or 0, status.get("readyReplicas") or 0
    if min(total, updated) < wanted:
        return _refused(conditions, "updated", min(total, updated), wanted)
    if total > wanted:
        return _surplus(total - wanted)
    if available < updated:
        return _replicas("available", available, updated)
    return _replicas("ready", ready, wanted) if ready < wanted else None


def stateful_set(spec: Object, status: Object, _: Conditions) -> Assessment:
    """Created, ready, and of the current revision, as far as its partition goes. It has no conditions to fail by."""
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return CURRENT
    wanted = _wanted(spec)
    total, ready = status.get("replicas") or 0, status.get("readyReplicas") or 0
    updated, current = status.get("updatedReplicas") or 0, status.get("currentReplicas") or 0
    if total < wanted:
        return _replicas("created", total, wanted)
    if ready < wanted:
        return _replicas("ready", ready, wanted)
    if total > wanted:
        return _surplus(total - wanted)
    if partition := (strategy.get("rollingUpdate") or {}).get("partition"):
        due = max(wanted - partition, 0)
        return CURRENT if updated >= due else _replicas("updated", updated, due)
    if current < wanted:
        return _replicas("of the current revision", current, wanted)
    if status.get("currentRevision") != status.get("updateRevision"):
        return waits("its pods are being updated")
    return CURRENT


def daemon_set(spec: Object, status: Object, _: Conditions) -> Assessment:
    """Scheduled, updated, available and ready on every node that wants it."""
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        return CURRENT
    wanted = status.get("desiredNumberScheduled")
    if wanted is None:
        return waits("not scheduled yet")
    for name, member in (
        ("scheduled", "currentNumberScheduled"),
        ("updated", "updatedNumberScheduled"),
        ("available", "numberAvailable"),
        ("ready", "numberReady"),
    ):
        if (status.get(member) or 0) < wanted:
            return _replicas(name, status.get(member) or 0, wanted)
    return CURRENT


def replica_set(spec: Object, status: Object, conditions: Conditions) -> Assessment:
    """Labelled, available and ready, and none too many."""
    wanted = _wanted(spec)
    if has(conditions, "ReplicaFailure"):
        return _refused(conditions, "created", status.get("replicas") or 0, wanted)
    for name, member in (
        ("labelled", "fullyLabeledReplicas"),
        ("available", "availableReplicas"),
        ("ready", "readyReplicas"),
    ):
        if (status.get(member) or 0) < wanted:
            return _replicas(name, status.get(member) or 0, wanted)
    surplus = (status.get("replicas") or 0) - wanted
    return _surplus(surplus) if surplus > 0 else CURRENT


def pod(_: Object, status: Object, conditions: Conditions) -> Assessment:
    """Running and ready, or done."""
    phase = status.get("phase")
    if phase == "Succeeded":
        return CURRENT
    if phase == "Failed":
        return failed(status.get("message") or status.get("reason") or "the pod failed")
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _STUCK:
            return failed(f"container {container.get('name')}: {waiting['reason']}")
    if phase == "Running" and has(conditions, "Ready"):
        return CURRENT
    if reason(conditions, "PodScheduled") == "Unschedulable":
        return waits(say(conditions, "PodScheduled"))
    return waits(f"phase {phase or 'Pending'}, not Ready")


def job(_: Object, status: Object, conditions: Conditions) -> Assessment:
    """Complete, or suspended on purpose."""
    if has(conditions, "Failed"):
        return failed(say(conditions, "Failed", "the job failed"))
    if has(conditions, "Complete") or has(conditions, "Suspended"):
        return CURRENT
    if not status.get("startTime"):
        return waits("not started")
    counts = {"running": status.get("active"), "succeeded": status.get("succeeded"), "failed": status.get("failed")}
    told = [f"{count} {word}" for word, count in counts.items() if count]
    return waits("pods: " + ", ".join(told) if told else "no pods yet")


def _wanted(spec: Object) -> int:
    replicas = spec.get("replicas")
    return 1 if replicas is None else int(replicas)


def _replicas(what: str, have: int, want: int) -> Assessment:
    return waits(f"{have} of {want} {what}")


def _surplus(count: int) -> Assessment:
    return waits(f"{count} replicas more than wanted are still there")


def _refused(conditions: Conditions, what: str, have: int, want: int) -> Assessment:
    """Too few, and why, where the server refuses to make their pods."""
    why = say(conditions, "ReplicaFailure") if has(conditions, "ReplicaFailure") else ""
    return waits(f"{have} of {want} {what}" + (f": {why}" if why else ""))
