"""Why pods of a workload do not get ready: the reasons that their containers, the scheduler and a quota give.

Reasons are the server's CamelCase words and exit codes, never logs, images or environment.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from reconciler.model.objects import Object
from reconciler.planning.conditions import conditions_of, reason, say

_STARTING = frozenset({"ContainerCreating", "PodInitializing"})
"""What every pod waits for at first."""


def matches(labels: Mapping[str, str], selector: Mapping[str, str]) -> bool:
    """Whether the labels of a pod are those that a workload selects."""
    return all(labels.get(name) == value for name, value in selector.items())


def reasons(pods: Iterable[Object]) -> str:
    """What keeps pods from being ready, the most frequent first: `pods: 2 CrashLoopBackOff (exit code 1)`."""
    counts = Counter(why for pod in pods if (why := _why(pod)))
    told = [f"{count} {why}" for why, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return "pods: " + ", ".join(told) if told else ""


def _why(pod: Object) -> str:
    """The first reason of one pod; empty when it is ready, or only starting."""
    status = pod.get("status") or {}
    if (pod.get("metadata") or {}).get("deletionTimestamp"):
        return ""
    if status.get("phase") == "Failed":
        return str(status.get("reason") or next(_ended(status), "Failed"))
    conditions = conditions_of(status)
    if reason(conditions, "PodScheduled") == "Unschedulable":
        return f"Unschedulable ({say(conditions, 'PodScheduled').rstrip('.')})"
    return next(_stuck(status), "")


def _containers(status: Object) -> Iterator[Object]:
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _stuck(status: Object) -> Iterator[str]:
    for container in _containers(status):
        waiting = (container.get("state") or {}).get("waiting") or {}
        why = str(waiting.get("reason") or "")
        if why and why not in _STARTING:
            code = ((container.get("lastState") or {}).get("terminated") or {}).get("exitCode")
            yield why if code is None else f"{why} (exit code {code})"


def _ended(status: Object) -> Iterator[str]:
    for container in _containers(status):
        terminated = (container.get("state") or {}).get("terminated") or {}
        if terminated.get("exitCode"):
            yield f"{terminated.get('reason') or 'Error'} (exit code {terminated['exitCode']})"
