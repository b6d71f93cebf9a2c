"""Who gets which rights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.applysettings import Tenant
from reconciler.model.feed import RenderedFeed, RenderedObject, Unit
from reconciler.model.objects import digest_of, key_of
from reconciler.registry.leastrights import Need, documents, needs, questions
from reconciler.registry.rights import EVERYWHERE, Footing, Served
from reconciler.registry.tenancy import Identity, identity_of

OWN = Identity("system:serviceaccount:sys:me")
FOOTING = Footing({("", "ConfigMap"): Served("configmaps", namespaced=True)}, frozenset({"a", "b"}))


def feed(subscription: str, namespace: str) -> RenderedFeed:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": namespace}}
    rendered = RenderedObject(key_of(body), "v1", body, digest_of(body))
    return RenderedFeed(Unit(subscription, "c"), (rendered,), digest_of(body))


def found(**tenants: Tenant) -> Mapping[str, Need]:
    feeds = [feed("a/one", "a"), feed("b/two", "b")]
    return {need.identity.user: need for need in needs(feeds, tenants, OWN, "f", "inv", FOOTING)}


def verbs(need: Need, where: str, resource: str) -> set[str]:
    return {one.verb for one in questions(need.rights) if (one.namespace, one.resource) == (where, resource)}


def test_without_tenants_everything_is_ours() -> None:
    assert list(found()) == [OWN.user]
    assert verbs(found()[OWN.user], "a", "configmaps") >= {"create", "patch", "delete"}


def test_tenant_gets_its_feeds_and_we_the_right_to_be_it() -> None:
    all_of_them = found(b=Tenant(service_account="b/deployer"))
    theirs, ours = all_of_them["system:serviceaccount:b:deployer"], all_of_them[OWN.user]
    assert set(theirs.rights.rules) == {"b"}
    assert verbs(ours, "b", "configmaps") == set()
    assert verbs(ours, "b", "serviceaccounts") == {"impersonate"}


def test_user_and_groups_are_impersonated_by_name_everywhere() -> None:
    ours = found(b=Tenant(user="bob", groups=("team",)))[OWN.user]
    asked = {(one.resource, one.name) for one in questions(ours.rights) if one.verb == "impersonate"}
    assert asked == {("users", "bob"), ("groups", "team")}
    assert verbs(ours, EVERYWHERE, "users") == {"impersonate"}


def test_service_account_with_more_groups_keeps_those_of_kubernetes() -> None:
    identity = identity_of(Tenant(service_account="b/deployer", groups=("team",)))
    assert identity.groups == ("system:serviceaccounts", "system:serviceaccounts:b", "team")
    assert identity_of(Tenant(service_account="b/deployer")).groups == ()


def test_every_role_is_bound_to_its_account() -> None:
    made: list[dict[str, Any]] = [
        obj for need in found(b=Tenant(service_account="b/d")).values() for obj in documents(need, "f")
    ]
    roles = {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in made if "rules" in o}
    refs = {
        (o["roleRef"]["kind"], o["metadata"].get("namespace"), o["roleRef"]["name"]) for o in made if "roleRef" in o
    }
    assert roles == refs
    assert len({(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in made}) == len(made)
