"""What keeps the pods of workloads that are not ready: read once, at the end of a wait, and only for them.

One LIST of pods per namespace. One LIST of events more, where a workload has no pods at all and no condition to say
why. Who may not read them is told nothing more.
"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from reconciler.adapters.kube.client import Client
from reconciler.model.errors import ReconcilerError
from reconciler.model.objects import Object, ObjectKey
from reconciler.planning import healthpods

_SECONDS = 10.0
"""How long a reason may take to be found after the deadline is over."""
_CONDITIONS = frozenset({"Deployment", "ReplicaSet"})
"""Kinds whose own conditions say that their pods are refused."""


class Workload(NamedTuple):
    """A workload that is not ready; the path is that of its collection."""

    path: str
    selector: Mapping[str, str]
    """Labels of its pods."""


async def pod_reasons(cluster: Client, workloads: Mapping[ObjectKey, Workload]) -> Mapping[ObjectKey, str]:
    """Why the pods of workloads do not get ready, by workload; nothing where there is nothing to tell."""
    spaces: dict[str, dict[ObjectKey, Workload]] = {}
    for key, workload in workloads.items():
        spaces.setdefault(key.namespace, {})[key] = workload
    found: dict[ObjectKey, str] = {}
    try:
        async with asyncio.timeout(_SECONDS):
            for namespace, unready in spaces.items():
                found |= await _namespace(cluster, namespace, unready)
    except (ReconcilerError, TimeoutError):
        pass
    return {key: why for key, why in found.items() if why}


async def _namespace(cluster: Client, namespace: str, unready: Mapping[ObjectKey, Workload]) -> dict[ObjectKey, str]:
    core = f"/api/v1/namespaces/{quote(namespace)}"
    labels = ""
    if len(unready) == 1:
        (one,) = unready.values()
        labels = ",".join(f"{name}={value}" for name, value in sorted(one.selector.items()))
    pods = (await cluster.list(f"{core}/pods", labels=labels)).items
    theirs = {key: [pod for pod in pods if _selects(one, pod)] for key, one in unready.items()}
    without = {key for key, found in theirs.items() if not found and key.kind not in _CONDITIONS}
    refused = await _refused(cluster, f"{core}/events") if without else {}
    return {
        key: refused.get((key.kind, key.name), "") if key in without else healthpods.reasons(found)
        for key, found in theirs.items()
    }


def _selects(workload: Workload, pod: Object) -> bool:
    return healthpods.matches(pod["metadata"].get("labels") or {}, workload.selector)


async def _refused(cluster: Client, events: str) -> dict[tuple[str, str], str]:
    """The last refusal to make a pod, by kind and name of the workload."""
    listing = await cluster.list(events, fields="reason=FailedCreate")
    found = sorted(listing.items, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    about = ((event.get("involvedObject") or {}, event) for event in found)
    return {(obj.get("kind", ""), obj.get("name", "")): str(event.get("message") or "") for obj, event in about}
