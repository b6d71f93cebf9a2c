"""Register a child cluster in the hub for Push: objects in the child, then in the hub, on Clusternet's wire.

Idempotent: what is there is left, what is missing is added, and a second run writes nothing. Two owners of one thing
(another fleet, a Clusternet agent, a cluster of the same name) are refused before the first write.
"""

import msgspec

from reconciler import __version__
from reconciler.adapters import clock
from reconciler.adapters.kube.client import Client, connect
from reconciler.adapters.kube.resources import Resource
from reconciler.apply import access, childfacts, inventory
from reconciler.apply.access import MANAGER, as_connection, issue
from reconciler.apply.ensure import Done, ensure, ensure_status, found
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import ApiError, ReconcilerError, Refused, Unreachable, UsageError
from reconciler.model.feed import RenderedFeed
from reconciler.model.objects import Object
from reconciler.model.wire.clusters import API_VERSION
from reconciler.registry import child as wire_child
from reconciler.registry import hub as wire_hub
from reconciler.registry import names, observation
from reconciler.registry.hub import Credential, Registration
from reconciler.registry.observation import Observation
from reconciler.registry.rights import EVERYWHERE, Footing, Rights, Served, has_charts, kinds_of, rules_for

MANAGED_CLUSTERS = Resource(API_VERSION, "managedclusters", namespaced=True)
RBAC_KINDS = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
_OBSERVER = f"reconciler-{__version__}"


class Computed(msgspec.Struct, frozen=True):
    """The least rights for these feeds."""

    feeds: tuple[RenderedFeed, ...]
    counted: bool = False
    """Replicas are divided by the room on its nodes, which the account must then be able to ask for."""


class Bound(msgspec.Struct, frozen=True):
    """A ClusterRole that exists in the child."""

    role: str


class Written(msgspec.Struct, frozen=True):
    """Rules that the user wrote."""

    rules: tuple[Object, ...]


Grant = Computed | Bound | Written


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asks for."""

    fleet: str
    cluster: Registration
    grant: Grant
    inventory: str
    """Namespace of the inventory in the child."""
    advertise: str = ""
    """Address of the child for whoever delivers; that of our own connection when empty."""
    lifetime: int = access.LIFETIME_SECONDS
    """Seconds that a token shall live."""


class Step(msgspec.Struct, frozen=True):
    """One object, and what it took."""

    where: str
    """`child` or `hub`."""
    what: str
    done: Done


class Added(msgspec.Struct, frozen=True):
    """What registering did. `notes` are for the user."""

    cluster: Registration
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


async def add(hub: Client, child: Client, wish: Wish) -> Added:
    """Register a child, or bring its registration up to date."""
    childfacts.check_encrypted(child)
    secret = await _check(hub, wish)
    url = (wish.advertise or child.connection.server).rstrip("/")
    seen = await childfacts.look(child, url, pods=True)
    rights, notes = await _rights(child, wish)
    steps: list[Step] = []
    account = await _furnish(child, wish, rights, steps)
    credential = await _credential(child, wish, account, secret)
    notes += await _try(credential, wish)
    await _ensure(hub, wire_hub.namespace(wish.cluster), "hub", steps)
    cluster = await _ensure(hub, wire_hub.managed_cluster(wish.cluster), "hub", steps)
    await _tell(hub, cluster, seen)
    await _ensure(hub, wire_hub.secret(wish.cluster, credential, wish.fleet), "hub", steps)
    return Added(wish.cluster, tuple(steps), notes)


async def observe(hub: Client, child: Client, cluster: ClusterFacts) -> bool:
    """Look at a child with the registered credential and renew what the hub says of it; whether that was written.

    For whoever works on the child anyway: without news it writes twice a day, which is the heartbeat.
    """
    live = await hub.get(MANAGED_CLUSTERS.path(cluster.namespace, cluster.name))
    seen = await childfacts.look(child, child.connection.server)
    return await _tell(hub, live, seen)


async def _tell(hub: Client, live: Object, seen: Observation) -> bool:
    previous = live.get("status") or {}
    status = observation.status(seen, _OBSERVER, previous)
    worth = observation.worth_writing(status, previous, seen.at)
    if worth:
        await ensure_status(hub, live, status, MANAGER)
    return worth


async def _check(hub: Client, wish: Wish) -> Object | None:
    """Refuse what belongs to somebody else; the Secret that is there, if any."""
    cluster = wish.cluster
    for other in await registered(hub):
        metadata = other["metadata"]
        same_id = (other.get("spec") or {}).get("clusterId", "").lower() == cluster.id
        binding = f"{metadata['namespace']}/{metadata['name']}"
        if same_id and binding != f"{cluster.namespace}/{cluster.name}":
            raise Refused("registered-already", f"this cluster is registered already as {binding}", "use that name")
        if not same_id and metadata["namespace"] == cluster.namespace:
            raise Refused("name-taken", f"namespace {cluster.namespace} belongs to another cluster, {binding}")
    space = await found(hub, "v1", "Namespace", "", cluster.namespace)
    metadata = (space or {}).get("metadata", {})
    if metadata.get("deletionTimestamp"):
        what = f"namespace {cluster.namespace} of the hub is still being deleted"
        raise Refused("still-being-removed", what, "try again in a moment")
    owner = (metadata.get("labels") or {}).get(names.CLUSTER_ID, cluster.id)
    if owner != cluster.id:
        raise Refused("name-taken", f"namespace {cluster.namespace} belongs to another cluster, with id {owner}")
    secret = await found(hub, "v1", "Secret", cluster.namespace, names.SECRET)
    if secret is not None:
        _check_fleet(secret, wish)
    return secret


def _check_fleet(secret: Object, wish: Wish) -> None:
    fleet = (secret["metadata"].get("annotations") or {}).get(names.FLEET)
    if fleet is None:
        what = f"a Clusternet agent has registered cluster {wish.cluster.name}, with its own credential"
        raise Refused("registered-by-agent", what, "it is used as it is; nothing is to be added")
    if fleet != wish.fleet:
        what = f"fleet {fleet} has registered cluster {wish.cluster.name} in this hub"
        raise Refused("registered-by-fleet", what, "a hub serves one fleet; use another hub")


async def registered(hub: Client) -> tuple[Object, ...]:
    """All ManagedClusters of the hub. UsageError when it does not know such objects."""
    try:
        return (await hub.list(MANAGED_CLUSTERS.path())).items
    except ApiError as error:
        if error.status != 404:
            raise
        what = f"{hub.connection} is no hub: it does not serve ManagedClusters"
        raise UsageError("no-hub", what, "kubectl apply -k deploy/crds") from error


async def _rights(child: Client, wish: Wish) -> tuple[Rights, tuple[str, ...]]:
    match wish.grant:
        case Computed(feeds, counted):
            inventories = await inventory.read_all(child, wish.fleet, wish.inventory)
            held = tuple(entry for one in inventories.values() for entry in one.entries.values())
            served = {kind: await _served(child, version, kind[1]) for kind, version in kinds_of(feeds, held).items()}
            known = {kind: one for kind, one in served.items() if one is not None}
            rights = rules_for(feeds, Footing(known, await childfacts.namespaces(child), held, counted=counted))
            return rights, rights.notes
        case Written(rules):
            return Rights({EVERYWHERE: rules}), ()
        case Bound(role):
            if await found(child, wire_child.RBAC_VERSION, "ClusterRole", "", role) is None:
                raise UsageError("no-such-role", f"{child.connection} has no ClusterRole {role}")
            return Rights({}), ()


async def _served(child: Client, api_version: str, kind: str) -> Served | None:
    try:
        resource = await child.resource(api_version, kind)
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    return Served(resource.plural, resource.namespaced)


async def _furnish(child: Client, wish: Wish, rights: Rights, steps: list[Step]) -> Object:
    """The objects in the child; what an earlier registration granted beyond them is taken back. The account."""
    for space in wire_child.namespaces(wish.inventory):
        if await found(child, "v1", "Namespace", "", space["metadata"]["name"]) is None:
            await _ensure(child, space, "child", steps)
    owner = await _ensure(child, wire_child.anchor(wish.fleet, wish.inventory), "child", steps)
    account = await _ensure(child, wire_child.account(wish.fleet, owner), "child", steps)
    granted = wire_child.granted(wish.fleet, rights, owner)
    if isinstance(wish.grant, Bound):
        granted = wire_child.bound(wish.fleet, wish.grant.role, owner)
    charts = not isinstance(wish.grant, Computed) or has_charts(wish.grant.feeds) or await _had_charts(child, wish)
    wanted = [*wire_child.upkeep(wish.fleet, wish.inventory, owner, charts=charts), *granted]
    for obj in wanted:
        await _ensure(child, obj, "child", steps)
    await _withdraw(child, wish.fleet, [owner, *wanted])
    return account


async def _had_charts(child: Client, wish: Wish) -> bool:
    """Whether charts were delivered that may still have hooks to run when they leave."""
    held = await inventory.read_all(child, wish.fleet, wish.inventory)
    return any(one.charts for one in held.values())


async def _withdraw(child: Client, fleet: str, wanted: list[Object]) -> None:
    """Delete roles and bindings of this fleet's registration that are not wanted any more."""
    keep = {_identity(obj) for obj in wanted}
    labels = ",".join(f"{key}={value}" for key, value in names.child_labels(fleet).items())
    for kind in reversed(RBAC_KINDS):
        resource = await child.resource(wire_child.RBAC_VERSION, kind)
        for item in (await child.list(resource.path(), labels=labels)).items:
            namespace, name = item["metadata"].get("namespace", ""), item["metadata"]["name"]
            if (kind, namespace, name) not in keep:
                await child.delete(resource.path(namespace, name), uid=item["metadata"]["uid"])


def _identity(obj: Object) -> tuple[str, str, str]:
    return obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


async def _credential(child: Client, wish: Wish, account: Object, secret: Object | None) -> Credential:
    """The credential of the Secret where it is still good, otherwise one with a new token."""
    name, uid = account["metadata"]["name"], account["metadata"]["uid"]
    server = (wish.advertise or child.connection.server).rstrip("/")
    wanted = Credential(
        server=server, authorities=child.connection.tls.authorities, token="", account=name, account_uid=uid
    )
    old = wire_hub.credential_of(secret) if secret else None
    if old is not None and not old.due(clock.now()):
        good = msgspec.structs.replace(wanted, token=old.token, issued=old.issued, expires=old.expires)
        if good == old:
            return old
    new = await issue(child, name, wish.lifetime)
    return msgspec.structs.replace(wanted, token=new.token, issued=new.at, expires=new.expires)


async def _try(credential: Credential, wish: Wish) -> tuple[str, ...]:
    """Use the credential once, so that a wrong address or authority shows now. Unreachable from here is a note."""
    connection = as_connection(credential, wish.cluster.name)
    try:
        async with connect(connection) as child:
            await child.get(f"/api/v1/namespaces/{wish.inventory}")
    except Unreachable as error:
        return (f"the token could not be tried: {error.message}",)
    except ReconcilerError as error:
        hint = "is --advertise-url the address of this cluster?" if wish.advertise else ""
        raise Refused("credential-fails", f"the new credential does not work: {error.message}", hint) from error
    return ()


async def _ensure(cluster: Client, wanted: Object, where: str, steps: list[Step]) -> Object:
    done, live = await ensure(cluster, wanted, MANAGER)
    metadata = wanted["metadata"]
    name = f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else metadata["name"]
    steps.append(Step(where, f"{wanted['kind']} {name}", done))
    return live
