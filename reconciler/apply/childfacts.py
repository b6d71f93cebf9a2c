"""What a child's API server says of itself: its id, version, health, nodes, pods, kinds and namespaces."""

import asyncio

import msgspec

from reconciler.adapters import clock
from reconciler.adapters.kube.client import Client
from reconciler.adapters.kube.resources import Resource
from reconciler.apply.ensure import found
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import ApiError, Untrusted
from reconciler.model.objects import Object
from reconciler.registry import capacity, names
from reconciler.registry.observation import Observation, sums

_PODS = Resource("v1", "pods", namespaced=True)
_METRICS = Resource("metrics.k8s.io/v1beta1", "nodes", namespaced=False)
_TAKING_ROOM = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"
_NODES = Resource("v1", "nodes", namespaced=False)
_NAMESPACES = Resource("v1", "namespaces", namespaced=False)


async def identity(child: Client) -> str:
    """The cluster id: the UID of a Clusternet agent's Lease where there is one, else of the namespace kube-system.

    An agent that carries the id of an older installation says so in an annotation, which wins as it does upstream.
    """
    lease = await found(child, "coordination.k8s.io/v1", "Lease", names.SYSTEM_NAMESPACE, names.AGENT_LEASE)
    source: Object = lease if lease is not None else await child.get(_NAMESPACES.path(name="kube-system"))
    legacy = (source["metadata"].get("annotations") or {}).get(names.LEGACY_ID) if lease is not None else None
    return str(legacy or source["metadata"]["uid"]).lower()


async def look(child: Client, url: str, *, pods: bool = False) -> Observation:
    """All that the status of a ManagedCluster tells. `url` is the address under which the hub knows the child.

    `pods`: count them, and ask the metrics server where there is one. It takes more rights than an account has.
    """
    return Observation(
        apiserver_url=url,
        version=await child.get("/version"),
        healthz=await _well(child, "/healthz"),
        livez=await _well(child, "/livez"),
        readyz=await _well(child, "/readyz"),
        nodes=(await child.list(_NODES.path(), cached=True)).items,
        at=clock.now(),
        pods=(await child.list(_PODS.path(), cached=True)).items if pods else None,
        usage=await _usage(child) if pods else None,
    )


async def with_room(child: Client, facts: ClusterFacts) -> ClusterFacts:
    """The facts with what is left on the nodes now. ApiError 403 where the account may not list pods."""
    nodes, pods = await asyncio.gather(
        child.list(_NODES.path(), cached=True), child.list(_PODS.path(), fields=_TAKING_ROOM, cached=True)
    )
    room = capacity.room(nodes.items, pods.items)
    return msgspec.structs.replace(
        facts,
        nodes=room.nodes,
        running=room.running,
        capacity=sums(nodes.items, "capacity"),
        allocatable=sums(nodes.items, "allocatable"),
    )


async def with_kinds(child: Client, facts: ClusterFacts) -> ClusterFacts:
    """The facts with the version and the kinds that the child serves now."""
    version, apis = await asyncio.gather(child.get("/version"), child.served())
    return msgspec.structs.replace(
        facts, kubernetes=version.get("gitVersion", ""), platform=version.get("platform", ""), apis=apis
    )


async def namespaces(child: Client) -> frozenset[str]:
    """Names of the namespaces that will stay."""
    listing = await child.list(_NAMESPACES.path(), metadata_only=True)
    living = (item["metadata"] for item in listing.items if not item["metadata"].get("deletionTimestamp"))
    return frozenset(metadata["name"] for metadata in living)


def check_encrypted(child: Client) -> None:
    """Untrusted when the way to the child is not encrypted: a token that is fetched so may be somebody else's."""
    if not child.connection.server.startswith("https://"):
        hint = "use the https address of its API server in the kubeconfig"
        raise Untrusted("not-encrypted", f"the way to {child.connection} is not encrypted", hint)


async def _usage(child: Client) -> tuple[Object, ...] | None:
    try:
        return (await child.list(_METRICS.path())).items
    except ApiError as error:
        if error.status not in (403, 404, 503):
            raise
        return None


async def _well(child: Client, path: str) -> bool:
    try:
        await child.text(path)
    except ApiError:
        return False
    return True
