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


def status(seen: Observation, observer: str, previous: Object) -> dict[str, Any]:
    """The status of a ManagedCluster. Conditions of other writers, and fields that we do not observe, are kept."""
    return {
        **previous,
        "agentVersion": observer,
        "allocatable": _summed(seen.nodes, "allocatable"),
        "apiserverURL": seen.apiserver_url,
        "appPusher": True,
        "capacity": _summed(seen.nodes, "capacity"),
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
    }


def worth_writing(status: Object, previous: Object, at: datetime.datetime) -> bool:
    """Whether a status says something new, or the last heartbeat is older than half of what is promised."""
    if any(status[key] != previous.get(key) for key in status if key != "lastObservedTime"):
        return True
    last = previous.get("lastObservedTime")
    return not last or (at - moment(last)).total_seconds() > HEARTBEAT_SECONDS / 2


def timestamp(at: datetime.datetime) -> str:
    """RFC 3339 in UTC, to the second, as Kubernetes writes it."""
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime.datetime:
    """The moment of an RFC 3339 text. ValueError when it is none."""
    return datetime.datetime.fromisoformat(text)


def _summed(nodes: Sequence[Object], member: str) -> dict[str, str]:
    def summed(resource: str) -> str:
        return total(node.get("status", {}).get(member, {}).get(resource, "0") for node in nodes)

    sums = {resource: summed(resource) for resource in (*_SUMMED, *_SUMMED_IF_ANY)}
    return {resource: text for resource, text in sums.items() if resource in _SUMMED or parse(text).billionths}


def _node_statistics(nodes: Iterable[Object]) -> dict[str, int]:
    """Counts by the Ready condition; zeros are left out, as on Clusternet's wire."""
    return dict(Counter(_NODE_STATES.get(_ready_of(node), "unknownNodes") for node in nodes))


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
