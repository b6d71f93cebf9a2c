"""Who needs which rights in a cluster, and the RBAC objects that give exactly these.

Our own account applies what no tenant applies, keeps its inventory, and may act as the tenants; each tenant applies its
Subscriptions. What applying takes is computed by `rights`, as for a registration.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from reconciler.model.applysettings import Tenant
from reconciler.model.feed import RenderedFeed
from reconciler.model.objects import Object
from reconciler.registry import names
from reconciler.registry.child import keeping
from reconciler.registry.rights import EVERYWHERE, RBAC, Footing, Rights, has_charts, rule, rules_for
from reconciler.registry.tenancy import Identity, identity_of

RBAC_VERSION = f"{RBAC}/v1"


class Need(msgspec.Struct, frozen=True):
    """One account, and what it needs."""

    identity: Identity
    rights: Rights
    own: bool
    """It is our own account, not a tenant's."""


class Access(msgspec.Struct, frozen=True):
    """One question to an API server: may the account do this?"""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str = ""

    def __str__(self) -> str:
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{kind} {self.name}".rstrip()


def needs(
    feeds: Iterable[RenderedFeed],
    tenants: Mapping[str, Tenant],
    own: Identity,
    fleet: str,
    inventory: str,
    footing: Footing,
) -> tuple[Need, ...]:
    """What our account and each tenant need for these feeds; ours comes first, tenants by their name."""
    feeds = tuple(feeds)
    by_account: dict[Identity, list[RenderedFeed]] = {own: []}
    acting = {namespace: identity_of(tenant) for namespace, tenant in sorted(tenants.items())}
    for feed in feeds:
        identity = acting.get(feed.unit.subscription.partition("/")[0], own)
        by_account.setdefault(identity, []).append(feed)
    found = []
    for identity, mine in sorted(by_account.items(), key=lambda pair: (pair[0] != own, pair[0].user)):
        is_own = identity == own
        rights = rules_for(mine, footing if is_own else msgspec.structs.replace(footing, counted=False))
        if is_own:
            others = sorted({one for one in by_account if one != own}, key=lambda one: one.user)
            rights = _merged(rights, _upkeep(fleet, inventory, charts=has_charts(feeds)), *map(_impersonation, others))
        found.append(Need(identity, rights, is_own))
    return tuple(found)


def _upkeep(fleet: str, inventory: str, *, charts: bool) -> Mapping[str, Sequence[Object]]:
    """What keeping the inventory takes, with the Lease that keeps others out."""
    return {inventory: keeping(fleet, charts=charts)}


def _impersonation(identity: Identity) -> Mapping[str, Sequence[Object]]:
    found: dict[str, list[Object]] = {}
    if identity.account:
        namespace, name = identity.account
        found[namespace] = [rule([""], ["serviceaccounts"], ["impersonate"], [name])]
    else:
        found[EVERYWHERE] = [rule([""], ["users"], ["impersonate"], [identity.user])]
    if identity.groups:
        found.setdefault(EVERYWHERE, []).append(rule([""], ["groups"], ["impersonate"], list(identity.groups)))
    return found


def _merged(rights: Rights, *more: Mapping[str, Sequence[Object]]) -> Rights:
    rules = {where: list(some) for where, some in rights.rules.items()}
    for other in more:
        for where, some in other.items():
            kept = rules.setdefault(where, [])
            kept += [one for one in some if one not in kept]
    return Rights({where: tuple(rules[where]) for where in sorted(rules)}, rights.notes)


def namespaces(spaces: Iterable[str]) -> list[dict[str, Any]]:
    """Namespaces, for roles to stand in."""
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(set(spaces))]


def documents(need: Need, fleet: str) -> list[dict[str, Any]]:
    """The roles of one account and their bindings, as `kubectl apply` takes them."""
    suffix = "" if need.own else ":" + need.identity.user.removeprefix("system:serviceaccount:").replace("/", ".")
    name = f"{names.account(fleet)}{suffix}"
    return [obj for where, rules in need.rights.rules.items() for obj in _bound(need, where, name, rules)]


def _bound(need: Need, where: str, name: str, rules: Sequence[Object]) -> list[dict[str, Any]]:
    metadata: dict[str, Any] = {"name": name, **({"namespace": where} if where else {})}
    metadata["labels"] = {names.MANAGED_BY: names.RECONCILER}
    kind = "Role" if where else "ClusterRole"
    reference = {"apiGroup": RBAC, "kind": kind, "name": name}
    return [
        {"apiVersion": RBAC_VERSION, "kind": kind, "metadata": metadata, "rules": [dict(one) for one in rules]},
        {
            "apiVersion": RBAC_VERSION,
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": reference,
            "subjects": [need.identity.subject],
        },
    ]


def questions(rights: Rights) -> tuple[Access, ...]:
    """Everything that these rights allow, one right at a time."""
    return tuple(
        Access(verb, group, resource, where, name)
        for where, rules in rights.rules.items()
        for one in rules
        for group in one["apiGroups"]
        for resource in one["resources"]
        for name in one.get("resourceNames") or [""]
        for verb in one["verbs"]
    )
