"""The rights that the feeds of a fleet repo need in a cluster: computed offline, and asked of the cluster.

Offline, kinds are known from the table of built-in ones, from definitions in the repo, and from what `cluster export`
wrote; the plural of any other kind is formed as Kubernetes forms it, and said.
"""

from collections.abc import Iterable, Mapping

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.adapters.kube.resources import built_in
from reconciler.apply.gather import all_of
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import UsageError
from reconciler.model.feed import RenderedFeed
from reconciler.registry.leastrights import Access, Need, needs, questions
from reconciler.registry.rights import Footing, KindKey, Served, kinds_of, made_by
from reconciler.registry.tenancy import Identity
from reconciler.sync import asking
from reconciler.sync.clients import Clients
from reconciler.sync.options import Options
from reconciler.sync.reach import reaching
from reconciler.sync.tenants import acting
from reconciler.sync.worklist import Evaluated

_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Lack(msgspec.Struct, frozen=True):
    """A right that an account needs on a cluster and has not."""

    cluster: str
    account: str
    access: Access


def needed(
    found: Evaluated, cluster: str, own: Identity, *, prepared: bool = False
) -> tuple[tuple[Need, ...], tuple[str, ...]]:
    """What accounts need on one cluster (by name), on all together when it is empty; and notes about guesses.

    `prepared`: whoever gives the rights makes the namespaces that feeds create first.
    """
    chosen = _chosen(found, cluster)
    feeds = [feed for unit, feed in found.feeds.units.items() if unit.cluster in chosen]
    served, notes = _served(feeds, [found.facts[one] for one in chosen])
    spaces = frozenset(obj.key.namespace or "default" for feed in feeds for obj in (*feed.objects, *feed.aside))
    counted = bool(asking.questions(found.snapshot, {one: found.facts[one] for one in chosen}).room)
    settings = found.snapshot.settings
    made = made_by(obj for feed in feeds for obj in feed.objects)
    if made and not prepared:
        text = (
            f"feeds create the namespaces {', '.join(sorted(made))}: what lies in them needs rights in all namespaces"
        )
        notes = (*notes, f"{text} (--namespaces makes them first, so that Roles in them are enough)")
    there = spaces | made if prepared else spaces - made
    footing = Footing(served, there, prepared=made if prepared else frozenset(), counted=counted)
    return needs(feeds, settings.tenants, own, settings.fleet, settings.inventory.namespace, footing), notes


def _chosen(found: Evaluated, cluster: str) -> list[str]:
    chosen = [one for one, facts in found.facts.items() if cluster in ("", facts.name, one)]
    if not chosen:
        known = ", ".join(sorted(facts.name for facts in found.facts.values())) or "none"
        raise UsageError("no-such-cluster", f"the fleet has no cluster {cluster!r}", f"clusters: {known}")
    return sorted(chosen)


def _served(
    feeds: Iterable[RenderedFeed], facts: Iterable[ClusterFacts]
) -> tuple[Mapping[KindKey, Served], tuple[str, ...]]:
    feeds, known = list(feeds), {}
    scopes = {key: scope for one in facts for key, scope in (one.apis or {}).items()}
    objects = [obj for feed in feeds for obj in (*feed.objects, *feed.aside)]
    named = {(obj.key.group, obj.key.kind): bool(obj.key.namespace) for obj in objects}
    notes = []
    for (group, kind), version in kinds_of(feeds).items():
        resource = built_in(version, kind)
        if resource is None:
            plural = plural_of(kind)
            known[group, kind] = Served(plural, scopes.get(f"{version}/{kind}", named[group, kind]))
            notes.append(f"{kind} ({version}) is not defined in the repo: its plural is taken to be {plural}")
        else:
            known[group, kind] = Served(resource.plural, resource.namespaced)
    return known, tuple(notes)


def plural_of(kind: str) -> str:
    """The plural of a kind as Kubernetes guesses it (`UnsafeGuessKindToResource`)."""
    word = kind.lower()
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    return word[:-1] + "ies" if word.endswith("y") else word + "s"


async def lacking(options: Options, found: Evaluated, cluster: str, *, prepared: bool = False) -> list[Lack]:
    """What the accounts in force lack, on one cluster or on every one. Raises what reaching a cluster raises."""
    lacks: list[Lack] = []
    clients = Clients()
    try:
        async with reaching(options, found.snapshot.settings, clients) as reach:
            for one in _chosen(found, cluster):
                facts = found.facts[one]
                client = await reach.client(facts)
                for need in needed(found, facts.name, Identity("our account"), prepared=prepared)[0]:
                    lacks += await _lacks(client, facts.name, need)
    finally:
        await clients.aclose()
    return lacks


async def _lacks(client: Client, cluster: str, need: Need) -> list[Lack]:
    asked = questions(need.rights)
    mine = client if need.own else await acting(client, need.identity)
    allowed = await all_of(_allowed(mine, one) for one in asked)
    return [Lack(cluster, need.identity.user, one) for one, may in zip(asked, allowed, strict=True) if not may]


async def _allowed(client: Client, access: Access) -> bool:
    attributes = {
        "verb": access.verb,
        "group": access.group,
        "resource": access.resource,
        "namespace": access.namespace,
        "name": access.name,
    }
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    answer = await client.post(_REVIEW, {**body, "spec": {"resourceAttributes": attributes}})
    return bool(answer["status"].get("allowed"))
