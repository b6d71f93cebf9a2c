"""The least rights for a set of feeds."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from reconciler.model.feed import RenderedFeed, RenderedObject, Unit
from reconciler.model.inflation import Role
from reconciler.model.inventory import Entry
from reconciler.model.objects import Digest, ObjectKey, digest_of, key_of
from reconciler.registry.rights import (
    EVERYWHERE,
    TO_PRUNE,
    VERBS,
    Footing,
    Rights,
    Served,
    has_charts,
    kinds_of,
    rules_for,
)

SERVED = {
    ("", "Namespace"): Served("namespaces", False),
    ("", "ConfigMap"): Served("configmaps", True),
    ("", "Service"): Served("services", True),
    ("apps", "Deployment"): Served("deployments", True),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): Served("customresourcedefinitions", False),
    ("rbac.authorization.k8s.io", "Role"): Served("roles", True),
    ("rbac.authorization.k8s.io", "RoleBinding"): Served("rolebindings", True),
    ("rbac.authorization.k8s.io", "ClusterRole"): Served("clusterroles", False),
}


def made(api_version: str, kind: str, name: str, namespace: str = "", **members: Any) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **members}


def feed(*objects: dict[str, Any]) -> RenderedFeed:
    rendered = tuple(RenderedObject(key_of(o), o["apiVersion"], o, digest_of(o)) for o in objects)
    return RenderedFeed(Unit("default/app", "id"), rendered, Digest(""))


def rights(*objects: dict[str, Any], namespaces: Sequence[str] = ("web", "default")) -> Rights:
    return rules_for([feed(*objects)], Footing(SERVED, frozenset(namespaces)))


def plain(groups: str, *resources: str) -> dict[str, Any]:
    return {"apiGroups": [groups], "resources": list(resources), "verbs": list(VERBS)}


READS_PODS = {"apiGroups": [""], "resources": ["events", "pods"], "verbs": ["list"]}


def test_a_namespace_that_is_there_may_be_looked_into_before_it_is_deleted() -> None:
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]}
    space = made("v1", "Namespace", "web")
    assert rights(space).rules["web"] == (everything,)
    later = rights(space, namespaces=())
    assert "web" not in later.rules
    assert "must allow to list everything" in " ".join(later.notes)


def test_hooks_of_charts_are_applied_too_and_their_tests_are_not() -> None:
    hook, test = made("v1", "ConfigMap", "a", "web"), made("v1", "Service", "b", "web")
    aside = tuple(
        RenderedObject(key_of(o), o["apiVersion"], o, digest_of(o), role, chart="web/shop")
        for o, role in ((hook, Role.HOOK), (test, Role.TEST))
    )
    charted = RenderedFeed(Unit("default/app", "id"), (), Digest(""), aside=aside)
    found = rules_for([charted], Footing(SERVED, frozenset({"web"})))
    assert found.rules == {"web": (plain("", "configmaps"),)}
    assert has_charts([charted])
    assert not has_charts([feed(hook)])


def test_namespaced_kinds_get_a_role_in_their_namespace_only() -> None:
    found = rights(
        made("v1", "ConfigMap", "a", "web"),
        made("v1", "Service", "b", "web"),
        made("apps/v1", "Deployment", "c", "web"),
    )
    assert found.rules == {
        "web": (plain("", "configmaps", "services"), READS_PODS, plain("apps", "deployments")),
    }
    assert found.notes == ()


def test_verbs_are_those_of_applying_waiting_and_pruning() -> None:
    assert set(VERBS) == {"get", "list", "watch", "create", "patch", "delete"}


def test_a_namespace_that_a_feed_creates_needs_rights_everywhere() -> None:
    found = rights(made("v1", "Namespace", "shop"), made("apps/v1", "Deployment", "c", "shop"))
    assert found.rules == {EVERYWHERE: (plain("", "namespaces"), plain("apps", "deployments"))}


def test_one_feed_may_create_the_namespace_of_another() -> None:
    feeds = [feed(made("v1", "Namespace", "shop")), feed(made("v1", "ConfigMap", "c", "shop"))]
    assert set(rules_for(feeds, Footing(SERVED, frozenset())).rules) == {EVERYWHERE}


def test_an_object_without_namespace_is_in_the_default_one() -> None:
    assert set(rights(made("v1", "ConfigMap", "a")).rules) == {"default"}


def test_a_namespace_that_is_nowhere_is_told() -> None:
    found = rights(made("v1", "ConfigMap", "a", "gone"))
    assert found.rules == {}
    assert found.notes == ("namespace gone does not exist and no feed creates it: no rights in it",)


def test_a_kind_that_is_not_served_is_told() -> None:
    found = rights(made("example.com/v1", "Widget", "a", "web"))
    assert found.rules == {}
    assert "does not serve Widget (example.com/v1)" in found.notes[0]


@pytest.mark.parametrize(("scope", "where"), [("Namespaced", "web"), ("Cluster", EVERYWHERE)])
def test_kinds_that_feeds_define_are_known(scope: str, where: str) -> None:
    spec = {"group": "example.com", "scope": scope, "names": {"kind": "Widget", "plural": "widgets"}}
    definition = made("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.example.com", spec=spec)
    widget = made("example.com/v1", "Widget", "a", "web" if scope == "Namespaced" else "")
    found = rights(definition, widget)
    assert plain("example.com", "widgets") in found.rules[where]
    assert kinds_of([feed(definition, widget)]) == {
        ("apiextensions.k8s.io", "CustomResourceDefinition"): "apiextensions.k8s.io/v1"
    }


def test_a_broken_definition_breaks_nothing_else() -> None:
    found = rights(
        made("apiextensions.k8s.io/v1", "CustomResourceDefinition", "a"), made("v1", "ConfigMap", "a", "web")
    )
    assert set(found.rules) == {EVERYWHERE, "web"}


def test_roles_in_feeds_need_escalate_by_name_and_that_is_told() -> None:
    found = rights(made("rbac.authorization.k8s.io/v1", "Role", "reader", "web", rules=[]))
    escalate = {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["roles"],
        "verbs": ["escalate"],
        "resourceNames": ["reader"],
    }
    assert found.rules == {"web": (plain("rbac.authorization.k8s.io", "roles"), escalate)}
    assert "may escalate it, and so give itself more rights" in found.notes[0]


def test_bindings_in_feeds_need_bind_of_the_role_that_they_name() -> None:
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    found = rights(made("rbac.authorization.k8s.io/v1", "RoleBinding", "b", "web", roleRef=ref))
    bind = {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["clusterroles"],
        "verbs": ["bind"],
        "resourceNames": ["view"],
    }
    assert bind in found.rules["web"]


def test_a_binding_without_a_role_gives_no_right_to_bind_all() -> None:
    found = rights(made("rbac.authorization.k8s.io/v1", "RoleBinding", "b", "web"))
    assert found.rules == {"web": (plain("rbac.authorization.k8s.io", "rolebindings"),)}


def test_without_rbac_in_feeds_nobody_may_escalate_or_bind() -> None:
    found = rights(made("v1", "ConfigMap", "a", "web"), made("v1", "Namespace", "web"))
    assert not any({"escalate", "bind"} & set(rule["verbs"]) for rules in found.rules.values() for rule in rules)


def test_what_left_the_feeds_can_still_be_pruned() -> None:
    gone = Entry(ObjectKey("apps", "Deployment", "web", "old"), "apps/v1")
    lost = Entry(ObjectKey("apps", "Deployment", "no-more", "old"), "apps/v1")
    child = Footing(SERVED, frozenset({"web"}), (gone, lost))
    prune = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": list(TO_PRUNE)}
    found = rules_for([feed(made("v1", "ConfigMap", "a", "web"))], child)
    assert found.rules == {"web": (plain("", "configmaps"), READS_PODS, prune)}
    assert kinds_of([], (gone,)) == {("apps", "Deployment"): "apps/v1"}


def test_order_of_feeds_does_not_matter() -> None:
    objects = [
        made("v1", "ConfigMap", "a", "web"),
        made("apps/v1", "Deployment", "c", "web"),
        made("v1", "Namespace", "x"),
    ]
    assert rights(*objects) == rights(*reversed(objects))


def test_pods_may_be_listed_only_where_replicas_are_divided_by_room() -> None:
    child = Footing(SERVED, frozenset({"web"}))
    assert not rules_for([feed()], child).rules
    counted = rules_for([feed()], msgspec.structs.replace(child, counted=True))
    assert counted.rules == {EVERYWHERE: ({"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},)}
    assert counted.notes == ("replicas are divided by its room: the account may list the pods of all namespaces",)
