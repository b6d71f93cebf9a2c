"""Fleet facts from a hub's list of ManagedClusters. A cluster is its id; an id that is claimed twice is told."""

from collections.abc import Iterable, Mapping

import msgspec

from reconciler.model.clusters import ClusterFacts, facts_of
from reconciler.model.objects import Object


class Registered(msgspec.Struct, frozen=True):
    """The clusters of a hub by id, sorted, and what is wrong with the list."""

    clusters: Mapping[str, ClusterFacts]
    complaints: tuple[str, ...] = ()


def facts(objects: Iterable[Object]) -> Registered:
    """Facts by cluster id. Of several objects with one id the oldest counts: a later one may be planted."""
    found: dict[str, ClusterFacts] = {}
    complaints = []
    for obj in sorted(objects, key=_age):
        fact = _fact(obj)
        if fact is None:
            complaints.append(f"ManagedCluster {_binding(obj)} has no clusterId and is left out")
        elif fact.id in found:
            first = found[fact.id].binding
            complaints.append(f"ManagedCluster {fact.binding} claims the clusterId of {first} and is left out")
        else:
            found[fact.id] = fact
    return Registered(dict(sorted(found.items())), tuple(complaints))


def _fact(obj: Object) -> ClusterFacts | None:
    return facts_of(obj) if (obj.get("spec") or {}).get("clusterId") else None


def _age(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("creationTimestamp") or "", _binding(obj)


def _binding(obj: Object) -> str:
    return f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"
