"""`reconciler cluster add`: from the command line to what is registered, and what is said about it."""

from collections import Counter
from pathlib import Path
from typing import Any

from reconciler.adapters.kube.client import Client, connect
from reconciler.apply import access, childfacts, register, registrations
from reconciler.apply.ensure import Done
from reconciler.apply.register import Added, Bound, Computed, Grant, Wish, Written
from reconciler.cli.clusterview import Scene, hub_of, label_changes
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import UsageError
from reconciler.model.settings import Access
from reconciler.registry import names
from reconciler.registry.hub import Registration
from reconciler.source import documents


async def add(given: dict[str, Any]) -> Added:
    """Register a cluster."""
    labels = {key: value for key, value in label_changes(given["labels"]).items() if value is not None}
    dedicated = names.dedicated_namespace(given["name"])
    async with hub_of(given) as (scene, hub), connect(scene.connection(Access(context=given["context"]))) as child:
        childfacts.check_encrypted(child)
        cluster = Registration(
            name=given["name"],
            id=await childfacts.identity(child),
            namespace=given["namespace"] or dedicated,
            labels=labels,
            cluster_type=given["cluster_type"],
        )
        named = _named_grant(given["role"])
        grant, notes = (named, ()) if named else await _least(scene, hub, child, cluster)
        wish = Wish(
            fleet=scene.fleet,
            cluster=cluster,
            grant=grant,
            inventory=scene.inventory,
            advertise=given["advertise_url"],
            lifetime=int(given["token_lifetime"] or access.LIFETIME_SECONDS),
        )
        done = await register.add(hub, child, wish)
    return Added(done.cluster, done.steps, (*notes, *done.notes))


def summary(done: Added) -> str:
    """One line on what it took."""
    counts = Counter(step.done for step in done.steps)
    told = ", ".join(f"{counts[word]} {word.value}" for word in Done if counts[word])
    return f"cluster {done.cluster.name} is registered in {done.cluster.namespace} (objects: {told})"


def _named_grant(role: str | None) -> Grant | None:
    if not role:
        return None
    path = Path(role)
    return Written(_rules_in(path)) if path.is_file() else Bound(role)


async def _least(scene: Scene, hub: Client, child: Client, cluster: Registration) -> tuple[Grant, tuple[str, ...]]:
    """The least rights for what the fleet repo renders for this cluster, as it will be labelled."""
    if scene.repo is None:
        return Computed(()), ("without a fleet repo nobody knows what the account needs: it may deliver nothing",)
    others = (await registrations.read_facts(hub)).clusters
    known = others.get(cluster.id)
    labels = {**(known.labels if known else {}), **cluster.labels}
    facts = ClusterFacts(
        id=cluster.id,
        namespace=cluster.namespace,
        name=cluster.name,
        labels={**labels, names.CLUSTER_ID: cluster.id, names.CLUSTER_NAME: cluster.name},
        taints=known.taints if known else (),
        capacity=known.capacity if known else {},
        allocatable=known.allocatable if known else {},
    )
    prospect = await scene.repo.prospect(facts, others, child)
    notes = tuple(f"Subscription {name} cannot be rendered: no rights for it" for name in prospect.broken)
    if not prospect.feeds and not notes:
        notes = ("no Subscription selects this cluster yet: its account may deliver nothing; add it again then",)
    return Computed(prospect.feeds, prospect.counted), notes


def _rules_in(path: Path) -> tuple[dict[str, Any], ...]:
    """The rules of all roles in a file. UsageError when it has none."""
    parsed = documents.parse(path.read_bytes())
    roles = [one.value for one in parsed.documents if one.value.get("kind") in ("Role", "ClusterRole")]
    rules = tuple(rule for role in roles for rule in role.get("rules") or ())
    if parsed.faults or not rules:
        raise UsageError("no-role", f"{path} is no file with the rules of a ClusterRole")
    return rules
