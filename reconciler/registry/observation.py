"""From what a child's API server answered to the status of its ManagedCluster.

Contract: `clusternet-clusters.md` §1.2 and §4.1.
"""

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from reconciler.model.objects import Object
from reconciler.model.quantity import parse, total

HEARTBEAT_SECONDS = 86_400
"""What we promise: one look a day. After three missed ones Clusternet's controllers call the cluster Unknown."""
_SUMMED = ("cpu", "memory")
_SUMMED_IF_ANY = ("nvidia.com/gpu",)
_USAGE = {"cpu": "cpuUsage", "memory": "memoryUsage"}
_MOVING = {"lastObservedTime", "podStatistics", "resourceUsage"}
_NODE_STATES = {"True": "readyNodes", "False": "notReadyNodes", "Unknown": "unknownNodes", None: "lostNodes"}


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What a child's API server answered."""

    apiserver_url: str
    version: Mapping[str, str]
    """The answer of `/version`."""
    healthz: bool
    livez: bool
    readyz: bool
    nodes: tuple[Object, ...]
    at: datetime.datetime
    pods: tuple[Object, ...] | None = None
    """All pods; None where nobody looked."""
    usage: tuple[Object, ...] | None = None
    """What the metrics server says of nodes; None where there is none, or nobody looked."""


def status(seen: Observation, observer: str, previous: Object) -> dict[str, Any]:
    """The status of a ManagedCluster. Conditions of other writers, and fields that we do not observe, are kept."""
    return {
        **previous,
        "agentVersion": observer,
        "allocatable": sums(seen.nodes, "allocatable"),
        "apiserverURL": seen.apiserver_url,
        "appPusher": True,
        "capacity": sums(seen.nodes, "capacity"),
        "conditions": _conditions(seen, previous.get("conditions") or ()),
        "healthz": seen.healthz,
        "heartbeatFrequencySeconds": HEARTBEAT_SECONDS,
        "k8sVersion": seen.version.get("gitVersion", ""),
        "lastObservedTime": timestamp(seen.at),
        "livez": seen.livez,
        "nodeStatistics": _node_statistics(seen.nodes),
        "platform": seen.version.get("platform", ""),
        "readyz": seen.readyz,
        "useSocket": False,
        **({} if seen.pods is None else {"podStatistics": _pod_statistics(seen.pods)}),
        **({} if seen.usage is None else {"resourceUsage": _usage(seen.usage)}),
    }


def worth_writing(status: Object, previous: Object, at: datetime.datetime) -> bool:
    """Whether a status says something new, or the last heartbeat is older than half of what is promised.

    Pods and usage are never the same twice: they are told again with other news.
    """
    if any(status[key] != previous.get(key) for key in status.keys() - _MOVING):
        return True
    last = previous.get("lastObservedTime")
    return not last or (at - moment(last)).total_seconds() > HEARTBEAT_SECONDS / 2


def timestamp(at: datetime.datetime) -> str:
    """RFC 3339 in UTC, to the second, as Kubernetes writes it."""
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime.datetime:
    """The moment of an RFC 3339 text. ValueError when it is none."""
    return datetime.datetime.fromisoformat(text)


def sums(nodes: Sequence[Object], member: str) -> dict[str, str]:
    """`capacity` or `allocatable` of all nodes together: cpu and memory, and GPUs where there are any."""

    def summed(resource: str) -> str:
        return total(node.get("status", {}).get(member, {}).get(resource, "0") for node in nodes)

    sums = {resource: summed(resource) for resource in (*_SUMMED, *_SUMMED_IF_ANY)}
    return {resource: text for resource, text in sums.items() if resource in _SUMMED or parse(text).billionths}


def _node_statistics(nodes: Iterable[Object]) -> dict[str, int]:
    """Counts by the Ready condition; zeros are left out, as on Clusternet's wire."""
    return dict(Counter(_NODE_STATES.get(_ready_of(node), "unknownNodes") for node in nodes))


def _pod_statistics(pods: Sequence[Object]) -> dict[str, int]:
    """Counted from the pods themselves; zeros are left out, as on Clusternet's wire."""
    running = sum((pod.get("status") or {}).get("phase") == "Running" for pod in pods)
    counts = {"runningPods": running, "totalPods": len(pods)}
    return {name: count for name, count in counts.items() if count}


def _usage(nodes: Sequence[Object]) -> dict[str, str]:
    used = {word: total(node["usage"].get(resource, "0") for node in nodes) for resource, word in _USAGE.items()}
    return {word: text for word, text in used.items() if parse(text).billionths}


def _ready_of(node: Object) -> str | None:
    conditions = node.get("status", {}).get("conditions") or ()
    return next((condition["status"] for condition in conditions if condition["type"] == "Ready"), None)


def _conditions(seen: Observation, previous: Sequence[Object]) -> list[Object]:
    """Ready by Clusternet's rule, in its place. Its transition time moves with its status only, unlike Clusternet's."""
    healthy = (seen.livez and seen.readyz) or seen.healthz
    word = "True" if healthy else "False"
    before = next((condition for condition in previous if condition.get("type") == "Ready"), None)
    unmoved = before is not None and before.get("status") == word
    ready = {
        "lastTransitionTime": before["lastTransitionTime"] if before and unmoved else timestamp(seen.at),
        "message": "managed cluster is ready." if healthy else "managed cluster is not ready.",
        "reason": "ManagedClusterReady" if healthy else "ManagedClusterNotReady",
        "status": word,
        "type": "Ready",
    }
    if before is None:
        return [*previous, ready]
    return [ready if condition is before else condition for condition in previous]
