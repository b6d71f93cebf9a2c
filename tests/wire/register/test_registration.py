"""Registering real children in a real hub: objects, rights, tokens, and what remains after removing."""

import asyncio
import base64
import contextlib
import json
import secrets
import uuid
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from filelock import FileLock

from reconciler.adapters import clock
from reconciler.adapters.kube import kubeconfig
from reconciler.adapters.kube.client import Client, connect
from reconciler.adapters.kube.connection import Connection, Token
from reconciler.apply import access, childfacts, inventory, register, registrations
from reconciler.apply.register import Added, Bound, Computed, Wish, Written
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import ApiError, Refused, Untrusted, UsageError
from reconciler.model.feed import RenderedFeed, RenderedObject, Unit
from reconciler.model.inventory import Entry, Inventory
from reconciler.model.objects import Digest, ObjectKey, digest_of, key_of
from reconciler.model.settings import Access
from reconciler.registry import names
from reconciler.registry.hub import Registration, credential_of
from tests.plugins.fleet import Cluster, Fleet, KubectlFailed

T = TypeVar("T")
INVENTORY = "reconciler-system"


def connection(fleet: Fleet, cluster: Cluster) -> Connection:
    return kubeconfig.resolve(Access(context=cluster.context), {"KUBECONFIG": str(fleet.kubeconfig)}, Path("/"))


class Site:
    """One child, under a name and an id in the hub that no other test has."""

    def __init__(self, fleet: Fleet) -> None:
        self.hub, self.child = fleet.parent, fleet.children[-1]
        self.id = str(uuid.uuid4())
        self._hub, self._child = connection(fleet, self.hub), connection(fleet, self.child)
        self.name = self.fleet = f"t{secrets.token_hex(4)}"
        self.namespace = names.dedicated_namespace(self.name)

    def run(self, work: Callable[[Client, Client], Awaitable[T]], child: Connection | None = None) -> T:
        async def both() -> T:
            async with connect(self._hub) as hub, connect(child or self._child) as there:
                return await work(hub, there)

        return asyncio.run(both())

    def wish(self, *feeds: RenderedFeed, **changes: Any) -> Wish:
        given: dict[str, Any] = {
            "fleet": self.fleet,
            "cluster": Registration(name=self.name, id=self.id, namespace=self.namespace, labels={"env": "test"}),
            "grant": Computed(feeds),
            "inventory": INVENTORY,
        }
        return Wish(**given | changes)

    def add(self, *feeds: RenderedFeed, **changes: Any) -> Added:
        wish = self.wish(*feeds, **changes)
        return self.run(lambda hub, child: register.add(hub, child, wish))

    def facts(self) -> ClusterFacts:
        return self.run(lambda hub, _: self._facts(hub))

    async def _facts(self, hub: Client) -> ClusterFacts:
        return registrations.named((await registrations.read_facts(hub)).clusters.values(), self.name)

    def connection(self) -> Connection:
        facts = self.facts()
        return self.run(lambda hub, _: access.connection_of(hub, facts))

    def remove(self, **changes: Any) -> tuple[str, ...]:
        leave = registrations.Leave(fleet=self.fleet, inventory=INVENTORY, **changes)

        async def work(hub: Client, _: Client) -> tuple[str, ...]:
            return await registrations.remove(hub, await self._facts(hub), leave)

        return self.run(work)

    def secret(self) -> Any:
        return json.loads(self.hub.kubectl("get", "secret", names.SECRET, "-n", self.namespace, "-o", "json"))

    def may(self, verb: str, resource: str, namespace: str = "", name: str = "") -> bool:
        """Whether the account may do something, as kubectl answers with its token."""
        token = credential_of(self.secret())
        assert token is not None
        target = f"{resource}/{name}" if name else resource
        where = ["-n", namespace] if namespace else ["-A"]
        server = ["--server", self.child.server, "--certificate-authority", str(self.child.ca_file)]
        try:
            as_account = ("--kubeconfig=/dev/null", "--token", token.token, *server)
            self.child.kubectl(*as_account, "auth", "can-i", verb, target, *where)
        except KubectlFailed:
            return False
        return True

    def versions(self) -> dict[str, str]:
        """resourceVersion of everything that a registration makes."""
        found = {}
        labels = f"{names.FLEET}={self.fleet}"
        kinds = "serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings"
        queries = [
            (self.child, ("get", kinds, "-A", "-l", labels)),
            (self.hub, ("get", "mcls,secrets", "-n", self.namespace)),
            (self.hub, ("get", "namespace", self.namespace, "--ignore-not-found")),
        ]
        for cluster, query in queries:
            text = cluster.kubectl(*query, "-o", "json")
            listed = json.loads(text or '{"items": []}')
            for item in listed.get("items", [listed]):
                metadata = item["metadata"]
                where = f"{cluster.name} {item['kind']} {metadata.get('namespace')}/{metadata['name']}"
                found[where] = metadata["resourceVersion"]
        return found

    def leave_no_trace(self) -> None:
        with contextlib.suppress(KubectlFailed):
            self.hub.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=false")
        anchor = f"{names.account(self.fleet)}:upkeep"
        self.child.kubectl("delete", "clusterrole", anchor, "--ignore-not-found", "--wait=false")


@pytest.fixture
def site(fleet: Fleet) -> Iterator[Site]:
    """A child that is not registered yet. One test at a time, for what a hub knows is one list for all."""
    made = Site(fleet)
    with FileLock(fleet.kubeconfig.with_name("registering.lock")):
        yield made
        made.leave_no_trace()


def feed(*objects: tuple[str, str, str, str]) -> RenderedFeed:
    rendered = []
    for api_version, kind, namespace, name in objects:
        metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
        body = {"apiVersion": api_version, "kind": kind, "metadata": metadata}
        rendered.append(RenderedObject(key_of(body), api_version, body, digest_of(body)))
    return RenderedFeed(Unit("default/app", "any"), tuple(rendered), Digest(""))


def test_a_registered_child_is_listed_ready_with_what_it_has(site: Site) -> None:
    site.add()
    row = site.hub.kubectl("get", "mcls", "-n", site.namespace).splitlines()[1].split()
    assert row[:1] == [site.name]
    assert row[2:5] == ["Push", json.loads(site.child.kubectl("get", "--raw", "/version"))["gitVersion"], "True"]
    cluster = json.loads(site.hub.kubectl("get", "mcls", site.name, "-n", site.namespace, "-o", "json"))
    status = cluster["status"]
    nodes = json.loads(site.child.kubectl("get", "nodes", "-o", "json"))["items"]
    assert status["nodeStatistics"] == {"readyNodes": len(nodes)}
    assert status["apiserverURL"] == site.child.server
    assert (status["healthz"], status["livez"], status["readyz"]) == (True, True, True)
    assert (status["appPusher"], status["useSocket"]) == (True, False)
    cores = sum(int(node["status"]["capacity"]["cpu"]) for node in nodes)
    assert status["capacity"]["cpu"] == str(cores)
    assert cluster["metadata"]["labels"]["env"] == "test"


def test_the_id_of_a_cluster_is_that_of_kube_system(site: Site) -> None:
    uid = site.child.kubectl("get", "ns", "kube-system", "-o", "jsonpath={.metadata.uid}")
    assert site.run(lambda _, child: childfacts.identity(child)) == uid


def test_the_lease_of_a_clusternet_agent_comes_before_kube_system(site: Site) -> None:
    site.add()
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    lease |= {"metadata": {"name": names.AGENT_LEASE, "namespace": names.SYSTEM_NAMESPACE}}
    site.child.kubectl("apply", "-f", "-", input=json.dumps(lease))
    read = ("get", "lease", names.AGENT_LEASE, "-n", names.SYSTEM_NAMESPACE, "-o", "jsonpath={.metadata.uid}")
    try:
        assert site.run(lambda _, child: childfacts.identity(child)) == site.child.kubectl(*read)
        old = "DC91021D-2361-4F6D-A404-7C33B9E01118"
        site.child.kubectl(
            "annotate", "-n", names.SYSTEM_NAMESPACE, "lease", names.AGENT_LEASE, f"{names.LEGACY_ID}={old}"
        )
        assert site.run(lambda _, child: childfacts.identity(child)) == old.lower()
    finally:
        site.child.kubectl("delete", "lease", names.AGENT_LEASE, "-n", names.SYSTEM_NAMESPACE)


def test_adding_again_writes_nothing(site: Site, namespace: str) -> None:
    wanted = feed(("v1", "ConfigMap", namespace, "a"), ("v1", "Namespace", "", "b"))
    site.add(wanted)
    before = site.versions()
    again = site.add(wanted)
    assert {step.done for step in again.steps} == {"unchanged"}
    assert site.versions() == before
    assert len(before) >= 13


def test_the_account_has_the_least_rights_and_no_more(site: Site, namespace: str) -> None:
    site.add(feed(("v1", "ConfigMap", namespace, "a"), ("apps/v1", "Deployment", namespace, "b")))
    for verb in ("get", "list", "watch", "create", "patch", "delete"):
        assert site.may(verb, "configmaps", namespace)
        assert site.may(verb, "deployments.apps", namespace)
    assert site.may("get", "nodes")
    assert site.may("create", "configmaps", INVENTORY)
    assert not site.may("update", "configmaps", namespace)
    assert not site.may("get", "secrets", namespace)
    assert not site.may("get", "configmaps", "kube-system")
    assert not site.may("create", "namespaces")
    assert not site.may("create", "serviceaccounts/token", names.SYSTEM_NAMESPACE, "another")
    assert not site.may("delete", "clusterroles.rbac.authorization.k8s.io", "", "cluster-admin")
    assert not site.may("escalate", "roles.rbac.authorization.k8s.io", namespace)


def test_rights_follow_the_feeds_both_ways(site: Site, namespace: str) -> None:
    site.add(feed(("v1", "ConfigMap", namespace, "a"), ("v1", "Namespace", "", "b")))
    assert site.may("create", "namespaces")
    site.add(feed(("v1", "Service", namespace, "a")))
    assert site.may("create", "services", namespace)
    assert not site.may("create", "configmaps", namespace)
    assert not site.may("create", "namespaces")


def test_what_left_the_feeds_can_still_be_pruned(site: Site, namespace: str) -> None:
    site.add()
    with_inventory(site, ObjectKey("apps", "Deployment", namespace, "old"), "apps/v1")
    site.add(feed(("v1", "ConfigMap", namespace, "a")))
    assert site.may("delete", "deployments.apps", namespace)
    assert not site.may("create", "deployments.apps", namespace)


def test_the_account_renews_what_the_hub_says_of_its_cluster(site: Site) -> None:
    site.add()
    facts, account = site.facts(), site.connection()
    assert site.run(lambda hub, child: register.observe(hub, child, facts), child=account) is False
    patch = json.dumps({"status": {"k8sVersion": "v1.0.0", "conditions": []}})
    site.hub.kubectl(
        "patch", "mcls", site.name, "-n", site.namespace, "--subresource=status", "--type=merge", "-p", patch
    )
    assert site.run(lambda hub, child: register.observe(hub, child, facts), child=account) is True
    assert site.facts().ready
    assert site.facts().kubernetes != "v1.0.0"


def test_with_escalate_and_bind_by_name_rbac_in_feeds_can_be_applied(site: Site, namespace: str) -> None:
    api = "rbac.authorization.k8s.io/v1"
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    role = {"apiVersion": api, "kind": "Role", "metadata": {"name": "reader", "namespace": namespace}}
    role["rules"] = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    binding = {
        "apiVersion": api,
        "kind": "RoleBinding",
        "metadata": {"name": "b", "namespace": namespace},
        "roleRef": ref,
    }
    objects = tuple(RenderedObject(key_of(o), api, o, digest_of(o)) for o in (role, binding))
    added = site.add(RenderedFeed(Unit("default/app", "any"), objects, Digest("")))
    assert len([note for note in added.notes if "give itself more rights" in note]) == 2

    async def apply(_: Client, child: Client) -> None:
        for obj in (role, binding):
            resource = await child.resource(api, obj["kind"])
            await child.apply(resource.path(namespace, obj["metadata"]["name"]), obj, "test")

    site.run(apply, child=site.connection())
    other = {**role, "metadata": {"name": "other", "namespace": namespace}}

    async def escape(_: Client, child: Client) -> None:
        await child.apply((await child.resource(api, "Role")).path(namespace, "other"), other, "test")

    with pytest.raises(ApiError, match="attempting to grant RBAC permissions not currently held"):
        site.run(escape, child=site.connection())


def test_a_cluster_role_may_be_bound_instead_and_taken_back(site: Site, namespace: str) -> None:
    site.add(grant=Bound("cluster-admin"))
    assert site.may("delete", "secrets", "kube-system")
    site.add(feed(("v1", "ConfigMap", namespace, "a"), ("v1", "Namespace", "", "b")))
    assert not site.may("delete", "secrets", "kube-system")
    assert site.may("create", "configmaps", namespace)


def test_a_role_that_is_not_there_is_refused(site: Site) -> None:
    with pytest.raises(UsageError, match="has no ClusterRole nobody"):
        site.add(grant=Bound("nobody"))


def test_rules_may_be_written_by_hand(site: Site) -> None:
    site.add(grant=Written(({"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get"]},)))
    assert site.may("get", "jobs.batch", "default")
    assert not site.may("delete", "jobs.batch", "default")


def test_the_token_expires_and_is_not_shown_anywhere_but_in_the_secret(site: Site) -> None:
    added = site.add(lifetime=600)
    secret = site.secret()
    token = base64.b64decode(secret["data"]["token"]).decode()
    expires = secret["metadata"]["annotations"][names.EXPIRES]
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] <= 600
    assert str(clock.now().year) in expires
    assert token not in f"{added!r} {site.connection()!r}"


def test_a_token_of_which_half_is_over_is_renewed_with_itself(site: Site) -> None:
    site.add(lifetime=600)
    before = site.secret()
    assert site.connection().credential == Token(base64.b64decode(before["data"]["token"]).decode())
    assert site.secret()["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]

    past = (clock.now() - timedelta(seconds=400)).strftime("%Y-%m-%dT%H:%M:%SZ")
    soon = (clock.now() + timedelta(seconds=100)).strftime("%Y-%m-%dT%H:%M:%SZ")
    age(site, past, soon)
    connection = site.connection()
    after = site.secret()
    assert connection.credential == Token(base64.b64decode(after["data"]["token"]).decode())
    assert after["data"]["token"] != before["data"]["token"]
    assert after["metadata"]["annotations"][names.EXPIRES] > soon
    assert site.run(lambda _, child: child.get(f"/api/v1/namespaces/{INVENTORY}"), child=connection)


def age(site: Site, issued: str, expires: str) -> None:
    annotations = (f"{names.ISSUED}={issued}", f"{names.EXPIRES}={expires}")
    site.hub.kubectl("annotate", "--overwrite", "-n", site.namespace, "secret", names.SECRET, *annotations)


def test_two_runs_that_renew_at_once_end_with_one_token(site: Site) -> None:
    site.add(lifetime=600)
    secret = site.secret()

    async def twice(hub: Client, _: Client) -> list[Any]:
        return list(await asyncio.gather(access.refresh(hub, secret), access.refresh(hub, secret)))

    first, second = site.run(twice)
    assert first.token == second.token
    stored = credential_of(site.secret())
    assert stored is not None
    assert stored.token == first.token


def test_a_token_that_cannot_be_renewed_serves_until_it_expires(site: Site) -> None:
    site.add(lifetime=600)
    account = names.account(site.fleet)
    site.child.kubectl("delete", "rolebinding", "-n", names.SYSTEM_NAMESPACE, f"{account}:token")
    age(site, "2020-01-01T00:00:00Z", (clock.now() + timedelta(seconds=100)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    connection = site.connection()
    assert "could not be renewed" in connection.warnings[0]
    age(site, "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
    with pytest.raises(Untrusted, match="has expired") as error:
        site.connection()
    assert error.value.hint == f"reconciler cluster add {site.name} --context CONTEXT"


def test_a_lost_account_gets_a_new_token(site: Site) -> None:
    site.add()
    before = site.secret()["data"]["token"]
    site.child.kubectl("delete", "serviceaccount", "-n", names.SYSTEM_NAMESPACE, names.account(site.fleet))
    site.add()
    assert site.secret()["data"]["token"] != before
    assert site.may("get", "nodes")


def test_the_secret_of_a_clusternet_agent_is_read_and_left_alone(site: Site) -> None:
    site.add()
    secret = site.secret()
    for annotation in (names.FLEET, names.ISSUED, names.EXPIRES):
        site.hub.kubectl("annotate", "-n", site.namespace, "secret", names.SECRET, f"{annotation}-")
    assert isinstance(site.connection().credential, Token)
    with pytest.raises(Refused, match="a Clusternet agent has registered"):
        site.add()
    assert site.secret()["data"] == secret["data"]


def test_a_cluster_is_registered_once_and_by_one_fleet(site: Site) -> None:
    site.add()
    before = site.versions()
    other = msgspec.structs.replace(site.wish().cluster, name="another", namespace="clusternet-another")
    with pytest.raises(Refused, match=f"registered already as {site.namespace}/{site.name}"):
        site.add(cluster=other)
    with pytest.raises(Refused, match=f"fleet {site.fleet} has registered"):
        site.add(fleet="another")
    stranger = msgspec.structs.replace(site.wish().cluster, id="dc91021d-2361-4f6d-a404-7c33b9e01118")
    with pytest.raises(Refused, match="belongs to another cluster"):
        site.add(cluster=stranger)
    assert site.versions() == before


def test_a_namespace_with_localizations_may_be_there_before_its_cluster(site: Site) -> None:
    site.hub.kubectl("create", "namespace", site.namespace)
    site.hub.kubectl("label", "namespace", site.namespace, "team=web")
    site.add()
    labels = json.loads(site.hub.kubectl("get", "namespace", site.namespace, "-o", "json"))["metadata"]["labels"]
    assert labels["team"] == "web"
    assert labels[names.CLUSTER_NAME] == site.name


def test_a_child_that_is_not_reached_by_https_is_not_registered(site: Site) -> None:
    wish = site.wish()
    loose = msgspec.structs.replace(site._child, server=site._child.server.replace("https:", "http:"))
    with pytest.raises(Untrusted, match="is not encrypted"):
        site.run(lambda hub, child: register.add(hub, child, wish), child=loose)
    assert not site.versions()


def test_an_address_that_leads_nowhere_is_a_note(site: Site) -> None:
    added = site.add(advertise="https://127.0.0.1:9")
    assert "could not be tried" in added.notes[0]
    assert site.facts().id


def test_labels_are_set_and_removed(site: Site) -> None:
    site.add()
    facts = site.facts()

    def label(changes: dict[str, str | None]) -> ClusterFacts:
        return site.run(lambda hub, _: registrations.label(hub, facts, changes))

    changed = label({"zone": "a", "env": None})
    assert changed.labels["zone"] == "a"
    assert "env" not in site.facts().labels
    with pytest.raises(UsageError, match="identifies the cluster"):
        label({names.CLUSTER_ID: "x"})


def test_adding_again_keeps_labels_that_were_set_since(site: Site) -> None:
    site.add()
    facts = site.facts()
    site.run(lambda hub, _: registrations.label(hub, facts, {"zone": "a"}))
    site.add()
    assert site.facts().labels["zone"] == "a"


def test_removing_leaves_nothing_in_hub_and_child(site: Site, namespace: str) -> None:
    site.add(feed(("v1", "ConfigMap", namespace, "a"), ("v1", "Namespace", "", "b")))
    assert site.remove() == ()
    site.hub.kubectl("wait", "--for=delete", f"namespace/{site.namespace}", "--timeout=60s")
    kinds = "serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings"
    selector = ("-A", "-l", f"{names.FLEET}={site.fleet}")
    site.child.kubectl("wait", "--for=delete", kinds, *selector, "--timeout=60s")
    assert site.versions() == {}


def test_adding_right_after_removing_keeps_the_new_registration(site: Site, namespace: str) -> None:
    wanted = feed(("v1", "ConfigMap", namespace, "a"), ("v1", "Namespace", "", "b"))
    site.add(wanted)
    site.remove()
    with contextlib.suppress(Refused):
        site.add(wanted)
    site.hub.kubectl("wait", "--for=delete", f"namespace/{site.namespace}", "--timeout=60s")
    site.add(wanted)
    # A second registration in the same breath: the collector may still be busy with what the first one owned.
    asyncio.run(asyncio.sleep(5))
    assert {step.done for step in site.add(wanted).steps} == {"unchanged"}
    assert site.may("create", "configmaps", namespace)


def with_inventory(site: Site, key: ObjectKey, api_version: str = "v1") -> None:
    unit = Unit("default/app", site.facts().id)
    empty = Inventory(unit, site.fleet)
    full = Inventory(unit, site.fleet, {key: Entry(key, api_version)})
    connection = site.connection()
    site.run(lambda _, child: inventory.write(child, INVENTORY, empty, full), child=connection)


def test_a_cluster_with_objects_is_removed_only_when_they_are_orphaned(site: Site) -> None:
    site.add()
    with_inventory(site, ObjectKey("", "ConfigMap", "default", "a"))
    before = site.versions()
    with pytest.raises(Refused, match="still has 1 objects of 1 Subscriptions"):
        site.remove()
    assert site.versions() == before
    (note,) = site.remove(orphan=True)
    assert "1 objects stay" in note
    left = site.child.kubectl("get", "configmaps", "-n", INVENTORY, "-l", f"{names.FLEET}={site.fleet}", "-o", "name")
    assert left
    site.child.kubectl("delete", "-n", INVENTORY, *left.split())


def test_a_child_that_cannot_be_asked_is_removed_only_on_demand(site: Site) -> None:
    site.add(advertise="https://127.0.0.1:9")
    with pytest.raises(Refused, match="cannot be asked"):
        site.remove()
    (note,) = site.remove(orphan=True)
    assert f"kubectl delete clusterrole {names.account(site.fleet)}:upkeep" in note


def test_an_administrator_may_remove_without_the_registered_credential(site: Site) -> None:
    site.add(advertise="https://127.0.0.1:9")
    assert site.remove(child=site._child) == ()


def test_a_namespace_with_localizations_stays(site: Site) -> None:
    site.add()
    spec: dict[str, Any] = {"apiVersion": "apps.clusternet.io/v1alpha1", "kind": "Localization", "spec": {}}
    text = json.dumps(spec | {"metadata": {"name": "mine", "namespace": site.namespace}})
    site.hub.kubectl("apply", "-f", "-", input=text)
    (note,) = site.remove()
    assert "it has localizations" in note
    assert site.hub.kubectl("get", "localizations", "-n", site.namespace, "-o", "name").strip()


def test_the_finalizer_of_clusternets_controller_does_not_hold_the_secret(site: Site) -> None:
    site.add()
    patch = json.dumps({"metadata": {"finalizers": [names.FINALIZER]}})
    site.hub.kubectl("patch", "secret", names.SECRET, "-n", site.namespace, "--type=merge", "-p", patch)
    site.remove()
    site.hub.kubectl("wait", "--for=delete", f"namespace/{site.namespace}", "--timeout=60s")
