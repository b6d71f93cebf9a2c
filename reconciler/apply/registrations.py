"""What is registered in a hub: find one cluster, label it, take it out again.

Removing undoes what registering made, in the child and in the hub. Objects that were delivered are gone before, because
nothing selects the cluster any more; or the user leaves them on purpose, or has them deleted on the way.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec

from reconciler.adapters.kube.client import Client, connect
from reconciler.adapters.kube.connection import Connection
from reconciler.adapters.kube.resources import Resource
from reconciler.apply import access, inventory
from reconciler.apply.access import MANAGER, SECRETS
from reconciler.apply.register import MANAGED_CLUSTERS, registered
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import ApiError, ReconcilerError, Refused, UsageError
from reconciler.model.objects import Object
from reconciler.model.wire.feeds import API_VERSION as APPS
from reconciler.registry import child as wire_child
from reconciler.registry import names
from reconciler.registry.facts import Registered, facts

Clear = Callable[[Client, ClusterFacts], Awaitable[None]]
"""Deletes what was delivered to a child; what it raises stops the removal."""
_NAMESPACES = Resource("v1", "namespaces", namespaced=False)
_CLUSTER_ROLES = Resource(wire_child.RBAC_VERSION, "clusterroles", namespaced=False)
_OWN_LABELS = {names.CLUSTER_ID, names.CLUSTER_NAME, names.CREATED_BY}
_STAYING = ("localizations", "descriptions", "helmreleases", "bases")
"""Kinds that keep a dedicated namespace from being deleted with its cluster."""


async def read_facts(hub: Client) -> Registered:
    """The facts of all clusters of a hub; one LIST."""
    return facts(await registered(hub))


def named(clusters: Iterable[ClusterFacts], name: str) -> ClusterFacts:
    """The one cluster of that name, `namespace/name` or id. UsageError when there is none, or several."""
    found = [cluster for cluster in clusters if name in (cluster.name, cluster.binding, cluster.id)]
    if len(found) == 1:
        return found[0]
    if found:
        choice = ", ".join(cluster.binding for cluster in found)
        raise UsageError("ambiguous-cluster", f"{len(found)} clusters are called {name}", f"name one: {choice}")
    raise UsageError("unknown-cluster", f"no cluster {name} is registered in this hub", "reconciler cluster list")


async def label(hub: Client, cluster: ClusterFacts, changes: Mapping[str, str | None]) -> ClusterFacts:
    """Set labels, and remove those that are None; the facts with the labels as they are now."""
    if own := sorted(_OWN_LABELS & changes.keys()):
        raise UsageError("own-label", f"{', '.join(own)} identifies the cluster and cannot be changed")
    if all(cluster.labels.get(key) == value for key, value in changes.items()):
        return cluster
    patch = {"metadata": {"labels": dict(changes)}}
    live = await hub.merge_patch(MANAGED_CLUSTERS.path(cluster.namespace, cluster.name), patch, MANAGER)
    return msgspec.structs.replace(cluster, labels=live["metadata"].get("labels") or {})


class Leave(msgspec.Struct, frozen=True, kw_only=True):
    """How a cluster is taken out."""

    fleet: str
    inventory: str
    """Namespace of the inventory in the child."""
    orphan: bool = False
    """Leave what was delivered, and the inventory of it, in the child."""
    clear: Clear | None = None
    """Delete what was delivered first."""
    child: Connection | None = None
    """An administrator's way into the child; the registered credential when absent."""


async def remove(hub: Client, cluster: ClusterFacts, leave: Leave) -> tuple[str, ...]:
    """Undo a registration; notes on what stays.

    Refused while the child has objects of this fleet, or cannot be asked, unless the user orphans them.
    """
    notes: list[str] = []
    try:
        connection = leave.child or await access.connection_of(hub, cluster)
        async with connect(connection) as child:
            notes += await _leave_child(child, cluster, leave)
    except Refused:
        raise
    except ReconcilerError as error:
        by_hand = f"kubectl delete clusterrole {wire_child.anchor_name(leave.fleet)}"
        if not leave.orphan:
            what = f"cluster {cluster.name} cannot be asked what it still has: {error.message}"
            raise Refused("cannot-ask", what, "--context CONTEXT to reach it, --orphan to leave everything") from error
        notes.append(f"the child was not reached ({error.message}); as its administrator run: {by_hand}")
    notes += await _leave_hub(hub, cluster)
    return tuple(notes)


async def _leave_child(child: Client, cluster: ClusterFacts, leave: Leave) -> list[str]:
    if leave.clear:
        await leave.clear(child, cluster)
    units = await inventory.read_all(child, leave.fleet, leave.inventory)
    count = sum(len(one.entries) for one in units.values())
    if count and not leave.orphan:
        what = f"cluster {cluster.name} still has {count} objects of {len(units)} Subscriptions"
        hint = "--delete to delete them, --orphan to leave them, or sync a commit that selects it no more"
        raise Refused("still-has-objects", what, hint)
    notes = [f"{count} objects stay in {cluster.name}, with their inventory in {leave.inventory}"] if count else []
    if not count:
        notes += await _without_key(child, cluster, leave)
    # Everything else of the registration is owned by this role, and goes with it.
    await _gone(child, _CLUSTER_ROLES.path(name=wire_child.anchor_name(leave.fleet)))
    return notes


async def _without_key(child: Client, cluster: ClusterFacts, leave: Leave) -> list[str]:
    """Delete the key of digests. A note where the account was registered before it had the right to."""
    path = SECRETS.path(leave.inventory, names.digest_key(leave.fleet))
    try:
        await _gone(child, path)
    except ApiError as error:
        if error.status != 403:
            raise
        return [f"Secret {leave.inventory}/{names.digest_key(leave.fleet)} stays in {cluster.name}: {error.message}"]
    return []


async def _leave_hub(hub: Client, cluster: ClusterFacts) -> list[str]:
    """The credential first, so that nothing delivers any more; the namespace only when nothing of others is in it."""
    staying = await _staying(hub, cluster.namespace)
    await _delete_secret(hub, cluster.namespace, releases="helmreleases" in staying)
    await _gone(hub, MANAGED_CLUSTERS.path(cluster.namespace, cluster.name))
    if staying:
        return [f"namespace {cluster.namespace} stays in the hub: it has {', '.join(staying)}"]
    space = await hub.get(_NAMESPACES.path(name=cluster.namespace))
    if ((space["metadata"].get("labels") or {}).get(names.CLUSTER_ID) or "").lower() != cluster.id:
        return [f"namespace {cluster.namespace} stays in the hub: it is not labelled as this cluster's"]
    await _gone(hub, _NAMESPACES.path(name=cluster.namespace))
    return []


async def _staying(hub: Client, namespace: str) -> list[str]:
    found = []
    for plural in _STAYING:
        try:
            listing = await hub.list(Resource(APPS, plural, namespaced=True).path(namespace), metadata_only=True)
        except ApiError as error:
            if error.status != 404:
                raise
            continue
        if listing.items:
            found.append(plural)
    return found


async def _delete_secret(hub: Client, namespace: str, *, releases: bool) -> None:
    """Clusternet's finalizer is dropped by its controller; where none runs we do, by the same rule."""
    path = SECRETS.path(namespace, names.SECRET)
    left = await _gone(hub, path)
    finalizers = list(((left or {}).get("metadata") or {}).get("finalizers") or ())
    if names.FINALIZER in finalizers and not releases:
        rest = [name for name in finalizers if name != names.FINALIZER]
        try:
            await hub.merge_patch(path, {"metadata": {"finalizers": rest or None}}, MANAGER)
        except ApiError as error:
            if error.status != 404:
                raise


async def _gone(cluster: Client, path: str) -> Object | None:
    """Delete; what is gone already is fine. The object when it still waits for its finalizers."""
    try:
        return await cluster.delete(path)
    except ApiError as error:
        if error.status == 404:
            return None
        raise
