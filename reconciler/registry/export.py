"""What `cluster export` writes of a cluster: facts as members of a ManagedCluster in a file.

Of a hub's cluster everything is the hub's, so a mark says that the file is a copy; of a cluster that the repo declares
only the status is written. Nothing here is secret or moves by itself: no address, no heartbeat, no time.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.model.clusters import EXPORTED, OBSERVED, ClusterFacts, observed_of
from reconciler.model.wire.clusters import API_VERSION

WHOLE = frozenset(
    {
        ("metadata", "labels"),
        ("metadata", "annotations"),
        ("spec", "taints"),
        ("status", "allocatable"),
        ("status", "capacity"),
        ("status", OBSERVED),
    }
)
"""Members that belong to the export with everything in them: what it does not name goes. An empty one goes itself."""


def status(facts: ClusterFacts) -> dict[str, Any]:
    """The status, sorted."""
    told = {
        "allocatable": dict(sorted(facts.allocatable.items())),
        "capacity": dict(sorted(facts.capacity.items())),
        "k8sVersion": facts.kubernetes,
        "platform": facts.platform,
        OBSERVED: observed_of(facts),
    }
    return {name: value for name, value in told.items() if value or isinstance(value, Mapping)}


def copy(facts: ClusterFacts) -> dict[str, Any]:
    """The ManagedCluster of a hub's cluster, marked as a copy."""
    told = status(facts)
    if facts.ready is not None:
        told["conditions"] = [{"type": "Ready", "status": "True" if facts.ready else "False"}]
    return {
        "apiVersion": API_VERSION,
        "kind": "ManagedCluster",
        "metadata": {
            "name": facts.name,
            "namespace": facts.namespace,
            "labels": dict(sorted(facts.labels.items())),
            "annotations": dict(sorted({**facts.annotations, EXPORTED: "true"}.items())),
        },
        "spec": {
            "clusterId": facts.id,
            "syncMode": facts.sync_mode,
            "taints": [
                {"key": t.key, **({"value": t.value} if t.value else {}), "effect": t.effect} for t in facts.taints
            ],
        },
        "status": dict(sorted(told.items())),
    }
