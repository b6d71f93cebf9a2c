"""The Clusternet object graph: the worked set of the contract (§3.10), and what it leaves open."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.model.feed import Unit
from reconciler.model.inflation import Answer, ChartAnswer, Wanted
from reconciler.model.objects import Object
from reconciler.model.status import FleetStatus
from reconciler.render import graphnames as names
from reconciler.render.graph import Commit, graph
from reconciler.render.inflations import inflations
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from tests.repos import read_repo

CLUSTER = """
apiVersion: clusters.clusternet.io/v1beta1
kind: ManagedCluster
metadata: {{name: {name}, namespace: clusternet-{ns}, labels: {{name: {name}}}}}
spec: {{clusterId: 0e000000-0000-4000-8000-00000000000{n}, syncMode: Push}}
"""
APP = """
apiVersion: apps.clusternet.io/v1alpha1
kind: Subscription
metadata: {name: app, namespace: default}
spec:
  schedulingStrategy: Dividing
  dividingScheduling: {type: Static}
  subscribers:
    - {clusterAffinity: {matchLabels: {name: east}}, weight: 1}
    - {clusterAffinity: {matchLabels: {name: west}}, weight: 2}
  feeds:
    - {apiVersion: v1, kind: Namespace, name: foo}
    - {apiVersion: apps/v1, kind: Deployment, namespace: foo, name: web}
"""
OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: foo}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: foo, labels: {app: web}}
spec:
  replicas: 6
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      nodeSelector: {disk: ssd}
      initContainers:
        - {name: init, image: a, resources: {requests: {cpu: 750m}}}
      containers:
        - {name: one, image: a, resources: {requests: {cpu: 500m}, limits: {memory: 64Mi}}}
        - {name: two, image: b, resources: {requests: {cpu: 500m, memory: 128Mi}}}
"""
WORKED = {
    "fleet.yaml": "fleet: demo\n",
    "clusters.yaml": CLUSTER.format(name="east", ns="aaaaa", n=1)
    + "---"
    + CLUSTER.format(name="west", ns="bbbbb", n=2),
    "app.yaml": APP,
    "objects.yaml": OBJECTS,
}
CHART = """
apiVersion: apps.clusternet.io/v1alpha1
kind: HelmChart
metadata: {name: mysql, namespace: default, labels: {team: db}}
spec: {repo: "https://charts.example.org/stable", chart: mysql, version: 9.2.0, targetNamespace: abc}
---
apiVersion: apps.clusternet.io/v1alpha1
kind: Subscription
metadata: {name: charts, namespace: default}
spec:
  subscribers: [{clusterAffinity: {}}]
  feeds: [{apiVersion: apps.clusternet.io/v1alpha1, kind: HelmChart, namespace: default, name: mysql}]
---
apiVersion: apps.clusternet.io/v1alpha1
kind: Localization
metadata: {name: mysql, namespace: clusternet-aaaaa}
spec:
  feed: {apiVersion: apps.clusternet.io/v1alpha1, kind: HelmChart, namespace: default, name: mysql}
  overrides:
    - {type: Helm, value: "auth: {database: shop}"}
    - {type: MergePatch, overrideChart: true, value: "spec: {version: 9.1.8}"}
"""
CONTROLLER = {"clusternet.io/created-by": "clusternet-controller-manager"}


def graph_of(files: Mapping[str, str], salt: bytes | None = None, *, clusters: tuple[str, ...] = ()) -> list[Object]:
    snapshot, problems = read_repo(files)
    assert snapshot is not None
    assert [p for p in problems if p.severity == "error"] == []
    facts = {cluster: sourced.value for cluster, sourced in snapshot.clusters.items()}
    placed = schedule(snapshot, facts, FleetStatus("demo"))
    answers: dict[Wanted, Answer] = {}
    while wanted := inflations(snapshot, placed, facts, answers):
        answers.update({question: ChartAnswer() for question in wanted})  # of a chart the graph holds no object
    commit = Commit(snapshot, placed, facts, render(snapshot, placed, facts, answers), salt)

    def chosen(unit: Unit) -> bool:
        return not clusters or facts[unit.cluster].name in clusters

    return list(graph(commit, chosen))


def by_kind(objects: list[Object], kind: str, namespace: str | None = None) -> list[Any]:
    return [o for o in objects if o["kind"] == kind and namespace in (None, o["metadata"]["namespace"])]


def raw(description: Object) -> list[Any]:
    return [json.loads(base64.b64decode(text)) for text in description["spec"]["raw"]]


@pytest.fixture(scope="module")
def worked() -> list[Object]:
    return graph_of(WORKED)


@pytest.fixture(scope="module")
def uids(worked: list[Object]) -> dict[str, str]:
    return {f"{o['kind']} {o['metadata']['namespace']}": o["metadata"]["uid"] for o in worked}


def test_status_of_the_subscription_is_that_of_the_worked_set(worked: list[Object], uids: dict[str, str]) -> None:
    (subscription,) = by_kind(worked, "Subscription")
    assert subscription["status"] == {
        "bindingClusters": ["clusternet-aaaaa/east", "clusternet-bbbbb/west"],
        "desiredReleases": 2,
        "replicas": {"apps/v1/Deployment/foo/web": [2, 4], "v1/Namespace/foo": []},
        "specHash": subscription["status"]["specHash"],
    }
    assert subscription["metadata"]["labels"] == {uids["Subscription default"]: "Subscription"}
    assert subscription["metadata"]["finalizers"] == ["apps.clusternet.io/finalizer"]


def test_feed_inventory_is_that_of_the_worked_set(worked: list[Object]) -> None:
    (inventory,) = by_kind(worked, "FeedInventory")
    assert (inventory["metadata"]["namespace"], inventory["metadata"]["name"]) == ("default", "app")
    namespace, web = inventory["spec"]["feeds"]
    assert namespace == {"apiVersion": "v1", "kind": "Namespace", "name": "foo"}
    assert (web["desiredReplicas"], web["replicaJsonPath"]) == (6, "/spec/replicas")
    assert web["replicaRequirements"] == {
        "nodeSelector": {"disk": "ssd"},
        "resources": {"limits": {"memory": "64Mi"}, "requests": {"cpu": "1", "memory": "192Mi"}},
    }


def test_base_is_that_of_the_worked_set(worked: list[Object], uids: dict[str, str]) -> None:
    (base,) = by_kind(worked, "Base", "clusternet-bbbbb")
    assert re.fullmatch(r"app-[bcdfghjklmnpqrstvwxz2456789]{5}", base["metadata"]["name"])
    sub = uids["Subscription default"]
    assert base["metadata"]["labels"] == {
        **CONTROLLER,
        "apps.clusternet.io/config.kind": "Subscription",
        "apps.clusternet.io/config.name": "app",
        "apps.clusternet.io/config.namespace": "default",
        "apps.clusternet.io/config.uid": sub,
        "apps.clusternet.io/subs.name": "app",
        "apps.clusternet.io/subs.namespace": "default",
        "apps.clusternet.io/subs.uid": sub,
        "clusters.clusternet.io/cluster-id": "0e000000-0000-4000-8000-000000000002",
        "clusters.clusternet.io/cluster-name": "west",
        base["metadata"]["uid"]: "Base",
    }
    assert base["metadata"]["finalizers"] == ["apps.clusternet.io/finalizer"]
    assert "ownerReferences" not in base["metadata"]
    assert [feed["kind"] for feed in base["spec"]["feeds"]] == ["Namespace", "Deployment"]


def test_localization_is_that_of_the_worked_set(worked: list[Object], uids: dict[str, str]) -> None:
    (localization,) = by_kind(worked, "Localization", "clusternet-bbbbb")
    (base,) = by_kind(worked, "Base", "clusternet-bbbbb")
    (manifest,) = [m for m in by_kind(worked, "Manifest") if m["template"]["kind"] == "Deployment"]
    metadata = localization["metadata"]
    assert re.fullmatch(re.escape(base["metadata"]["name"]) + r"-[bcdfghjklmnpqrstvwxz2456789]{5}", metadata["name"])
    assert metadata["labels"] == {
        **CONTROLLER,
        uids["Subscription default"]: "Subscription",
        manifest["metadata"]["uid"]: "Deployment",
    }
    (owner,) = metadata["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Base", base["metadata"]["uid"], True)
    assert localization["spec"] == {
        "overridePolicy": "ApplyNow",
        "priority": 1000,
        "feed": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "foo", "name": "web"},
        "overrides": [
            {
                "name": "dividing scheduling replicas",
                "type": "JSONPatch",
                "value": '[{"path":"/spec/replicas","value":4,"op":"replace"}]',
            }
        ],
    }


def test_description_is_that_of_the_worked_set_with_the_names_that_tools_select_by(
    worked: list[Object], uids: dict[str, str]
) -> None:
    (description,) = by_kind(worked, "Description", "clusternet-bbbbb")
    (base,) = by_kind(worked, "Base", "clusternet-bbbbb")
    metadata = description["metadata"]
    assert metadata["name"] == base["metadata"]["name"] + "-generic"
    assert metadata["labels"] == {
        **CONTROLLER,
        "apps.clusternet.io/config.kind": "Base",
        "apps.clusternet.io/config.name": base["metadata"]["name"],
        "apps.clusternet.io/config.namespace": "clusternet-bbbbb",
        "apps.clusternet.io/config.uid": base["metadata"]["uid"],
        "apps.clusternet.io/subs.name": "app",
        "apps.clusternet.io/subs.namespace": "default",
        "apps.clusternet.io/subs.uid": uids["Subscription default"],
        "clusters.clusternet.io/cluster-id": "0e000000-0000-4000-8000-000000000002",
        "clusters.clusternet.io/cluster-name": "west",
    }
    (owner,) = metadata["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["blockOwnerDeletion"]) == ("Base", base["metadata"]["uid"], True)
    assert description["spec"]["deployer"] == "Generic"
    namespace, web = raw(description)
    assert (namespace["kind"], web["kind"], web["spec"]["replicas"]) == ("Namespace", "Deployment", 4)
    assert web["metadata"]["labels"]["clusternet.io/created-by"] == "clusternet-hub"


def test_manifests_are_those_of_the_worked_set(worked: list[Object], uids: dict[str, str]) -> None:
    manifests = by_kind(worked, "Manifest")
    assert [m["metadata"]["name"] for m in manifests] == ["deployments.foo.web", "namespaces.foo"]
    assert {m["metadata"]["namespace"] for m in manifests} == {"clusternet-reserved"}
    east, west = (by_kind(worked, "Base", ns)[0]["metadata"]["uid"] for ns in ("clusternet-aaaaa", "clusternet-bbbbb"))
    assert manifests[1]["metadata"]["labels"] == {
        "clusternet.io/created-by": "clusternet-hub",
        "apps.clusternet.io/config.group": "",
        "apps.clusternet.io/config.version": "v1",
        "apps.clusternet.io/config.kind": "Namespace",
        "apps.clusternet.io/config.name": "foo",
        "apps.clusternet.io/config.namespace": "",
        uids["Subscription default"]: "Subscription",
        east: "Base",
        west: "Base",
    }
    web = manifests[0]["template"]
    assert web["spec"]["replicas"] == 6
    assert web["metadata"]["labels"] == {"app": "web", "clusternet.io/created-by": "clusternet-hub"}


def test_the_same_commit_gives_the_same_graph_and_another_fleet_other_uids(worked: list[Object]) -> None:
    assert graph_of(WORKED) == worked
    other = graph_of({**WORKED, "fleet.yaml": "fleet: other\n"})
    assert not {o["metadata"]["uid"] for o in other} & {o["metadata"]["uid"] for o in worked}


def test_one_cluster_has_the_whole_status_and_only_its_own_objects() -> None:
    found = graph_of(WORKED, clusters=("west",))
    assert {o["metadata"]["namespace"] for o in by_kind(found, "Base")} == {"clusternet-bbbbb"}
    assert len(by_kind(found, "Subscription")[0]["status"]["bindingClusters"]) == 2


def test_replication_has_no_replicas_no_inventory_and_no_generated_localization() -> None:
    app = APP.replace("Dividing\n  dividingScheduling: {type: Static}", "Replication")
    found = graph_of({**WORKED, "app.yaml": re.sub(r", weight: \d", "", app)})
    assert by_kind(found, "FeedInventory") + by_kind(found, "Localization") == []
    assert "replicas" not in by_kind(found, "Subscription")[0]["status"]


def test_chart_becomes_a_description_of_its_values_and_a_release_with_its_options() -> None:
    found = graph_of({**WORKED, "chart.yaml": CHART})
    (chart,) = by_kind(found, "HelmChart")
    assert chart["spec"]["version"] == "9.2.0"
    assert chart["metadata"]["finalizers"] == ["apps.clusternet.io/finalizer", "apps.clusternet.io/feed-protection"]
    helm = {d["metadata"]["namespace"]: d for d in by_kind(found, "Description") if d["spec"]["deployer"] == "Helm"}
    east, west = helm["clusternet-aaaaa"], helm["clusternet-bbbbb"]
    assert raw(east) == [{"auth": {"database": "shop"}}]
    assert west["spec"]["raw"] == ["IA=="]
    assert json.loads(base64.b64decode(east["spec"]["chartRaw"][0]))["spec"]["version"] == "9.1.8"
    release, plain = (by_kind(found, "HelmRelease", ns)[0] for ns in ("clusternet-aaaaa", "clusternet-bbbbb"))
    assert release["metadata"]["name"] == f"{east['metadata']['name']}-default-mysql"
    assert release["metadata"]["labels"]["team"] == "db"
    assert release["metadata"]["labels"]["apps.clusternet.io/config.kind"] == "Description"
    assert (release["spec"]["releaseName"], release["spec"]["version"]) == ("mysql", "9.1.8")
    assert "overrides" not in plain["spec"]


def test_values_of_secrets_are_fingerprints_in_manifest_and_description() -> None:
    secret = "\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: foo}\nstringData: {a: canary-1}\n"
    app = APP + "    - {apiVersion: v1, kind: Secret, namespace: foo, name: key}\n"
    found = graph_of({**WORKED, "app.yaml": app, "objects.yaml": OBJECTS + secret}, b"salt")
    told = json.dumps([{**o, "raw": raw(o)} if o["kind"] == "Description" else o for o in found])
    assert "canary-1" not in told
    assert base64.b64encode(b"canary-1").decode() not in told
    assert len(set(re.findall(r"<sha256:[0-9a-f]{8}>", told))) == 1


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Deployment", "deployments"),
        ("NetworkPolicy", "networkpolicies"),
        ("Ingress", "ingresses"),
        ("IngressClass", "ingressclasses"),
        ("Gateway", "gateways"),
        ("Endpoints", "endpoints"),
        ("Mesh", "meshes"),
    ],
)
def test_plural_of_a_kind_is_the_usual_one(kind: str, plural: str) -> None:
    assert names.plural(names.ObjectKey("", kind, "", "x"), {}) == plural


@pytest.mark.parametrize("name", ["system:foo", "x" * 300, "Über_all", "..a:"], ids=lambda name: name[:10])
def test_manifest_of_a_name_that_a_custom_resource_cannot_have_has_another(name: str) -> None:
    stored = names.stored_name("clusterroles", names.ObjectKey("", "ClusterRole", "", name))
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", stored)
    assert len(stored) <= 253
