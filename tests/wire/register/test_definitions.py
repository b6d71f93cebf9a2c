"""The generated CRDs on a real API server: served, defaulted, validated and printed as Clusternet's are."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.fleet import Cluster, Fleet, KubectlFailed

CRDS = Path(__file__).parents[3] / "deploy" / "crds"
EXAMPLES = (Path(__file__).parent / "examples.yaml").read_text()
SUBSCRIPTION = {"apiVersion": "apps.clusternet.io/v1alpha1", "kind": "Subscription"}
CLUSTER = {"apiVersion": "clusters.clusternet.io/v1beta1", "kind": "ManagedCluster"}
UUID = "dc91021d-2361-4f6d-a404-7c33b9e01118"


@pytest.fixture(scope="module")
def examples(fleet: Fleet) -> Iterator[str]:
    """A namespace of the parent with one object of every kind, which tests only read."""
    name = f"examples-{secrets.token_hex(4)}"
    fleet.parent.kubectl("create", "namespace", name)
    fleet.parent.kubectl("apply", "--namespace", name, "-f", "-", input=EXAMPLES.replace("NAMESPACE", name))
    yield name
    fleet.parent.kubectl("delete", f"globalization/{name}", f"clsrr/{name}", f"namespace/{name}", "--wait=false")


def get(cluster: Cluster, *arguments: str) -> Any:
    return json.loads(cluster.kubectl("get", "-o", "json", *arguments))


def create(cluster: Cluster, namespace: str, body: dict[str, Any]) -> Any:
    text = json.dumps({"metadata": {"name": "made"}, **body})
    return json.loads(cluster.kubectl("create", "-n", namespace, "-o", "json", "-f", "-", input=text))


def test_definitions_are_accepted_established_and_structural(fleet: Fleet) -> None:
    applied = fleet.parent.kubectl("apply", "--server-side", "--force-conflicts", "-k", str(CRDS)).splitlines()
    assert len(applied) == 14
    for definition in get(fleet.parent, *(line.partition(" ")[0] for line in applied))["items"]:
        conditions = {c["type"]: c["status"] for c in definition["status"]["conditions"]}
        assert conditions == {"NamesAccepted": "True", "Established": "True"}, definition["metadata"]["name"]


@pytest.mark.parametrize(
    ("short", "columns"),
    [
        ("sub", "NAME AGE"),
        ("subs", "NAME AGE"),
        ("base", "NAME AGE"),
        ("desc", "NAME DEPLOYER STATUS AGE"),
        ("loc", "NAME AGE"),
        ("local", "NAME AGE"),
        ("glob", "NAME AGE"),
        ("global", "NAME AGE"),
        ("chart", "NAME CHART VERSION REPO STATUS AGE"),
        ("charts", "NAME CHART VERSION REPO STATUS AGE"),
        ("hr", "NAME CHART VERSION REPO STATUS AGE"),
        ("manifest", "NAME AGE"),
        ("finv", "NAME AGE"),
        ("clsrr", "NAME CLUSTER ID STATUS AGE"),
        ("mcls", "NAME CLUSTER ID SYNC MODE KUBERNETES STATUS AGE"),
        ("svcex", "NAME AGE"),
        ("svcexport", "NAME AGE"),
        ("svcim", "NAME TYPE IP AGE"),
        ("svcimport", "NAME TYPE IP AGE"),
    ],
)
def test_short_names_and_columns_are_those_of_clusternet(fleet: Fleet, examples: str, short: str, columns: str) -> None:
    header = fleet.parent.kubectl("get", "-n", examples, short).splitlines()[0]
    assert " ".join(header.split()) == columns


def test_wide_output_adds_cluster_type_and_agent_version(fleet: Fleet, examples: str) -> None:
    header, row = fleet.parent.kubectl("get", "-n", examples, "mcls", "-o", "wide").splitlines()
    assert " ".join(header.split()) == "NAME CLUSTER ID CLUSTER TYPE SYNC MODE KUBERNETES STATUS AGE AGENT VERSION"
    assert row.split()[:4] == ["east", UUID, "EdgeCluster", "Push"]


def test_category_lists_all_kinds_of_clusternet(fleet: Fleet, examples: str) -> None:
    kinds = {
        line.partition(".")[0]
        for line in fleet.parent.kubectl("get", "clusternet", "-n", examples, "-o", "name").split()
    }
    assert len(kinds) == 11
    assert not {"serviceexport", "serviceimport"} & kinds


def test_defaults_are_filled_in(fleet: Fleet, examples: str) -> None:
    def spec(*names: str) -> Any:
        return get(fleet.parent, "-n", examples, *names)["spec"]

    subscription = spec("sub", "static-dividing")
    assert subscription["schedulerName"] == "default"
    assert subscription["preemptionPolicy"] == "PreemptLowerPriority"
    assert subscription["dividingScheduling"] == {"type": "Static"}
    assert spec("sub", "dynamic-dividing")["dividingScheduling"]["dynamicDividing"]["strategy"] == "Spread"
    assert {"overridePolicy": "ApplyLater", "priority": 500}.items() <= spec("loc", "app").items()
    assert {"overridePolicy": "ApplyLater", "priority": 600}.items() <= spec("glob", examples).items()
    assert {"createNamespace": True, "timeoutSeconds": 300}.items() <= spec("chart", "mysql").items()
    assert spec("clsrr", examples)["syncMode"] == "Pull"


def test_a_manifest_keeps_fields_that_nobody_knows(fleet: Fleet, examples: str) -> None:
    template = get(fleet.parent, "-n", examples, "manifest", "deployments.foo.my-nginx")["template"]
    assert template["spec"]["strange"] == {"fields": ["stay"]}


def test_a_null_from_a_go_client_is_no_value(fleet: Fleet, examples: str) -> None:
    assert "clusterInitBaseName" not in get(fleet.parent, "-n", examples, "mcls", "east")["spec"]


def test_an_export_is_read_through_either_version(fleet: Fleet, examples: str) -> None:
    for version in ("v1alpha1", "v1beta1"):
        resource = f"serviceexports.{version}.multicluster.x-k8s.io"
        assert get(fleet.parent, "-n", examples, resource, "my-nginx-svc")["apiVersion"].endswith(version)
    stored = get(fleet.parent, "crd", "serviceexports.multicluster.x-k8s.io")["status"]["storedVersions"]
    assert stored == ["v1beta1"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (
            {**SUBSCRIPTION, "spec": {"subscribers": [], "feeds": [], "schedulingStrategy": "Random"}},
            "Unsupported value",
        ),
        ({**SUBSCRIPTION, "spec": {"subscribers": [], "feeds": [], "preemptionPolicy": "Never"}}, "Unsupported value"),
        ({**SUBSCRIPTION, "spec": {"subscribers": []}}, "spec.feeds: Required value"),
        ({**SUBSCRIPTION, "spec": {"feeds": [], "subscribers": [{"clusterAffinity": {}, "weight": -1}]}}, "weight"),
        ({**CLUSTER, "spec": {"clusterId": UUID}}, "spec.syncMode: Required value"),
        ({**CLUSTER, "spec": {"clusterId": UUID, "syncMode": "Sometimes"}}, "Unsupported value"),
        ({**CLUSTER, "spec": {"clusterId": "east", "syncMode": "Push"}}, "spec.clusterId"),
        (
            {"apiVersion": SUBSCRIPTION["apiVersion"], "kind": "Localization", "spec": {"priority": 1001}},
            "spec.priority",
        ),
        (
            {
                "apiVersion": SUBSCRIPTION["apiVersion"],
                "kind": "HelmChart",
                "spec": {"repo": "ftp://example.com", "chart": "a", "targetNamespace": "b"},
            },
            "spec.repo",
        ),
        (
            {"apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ServiceImport", "spec": {"type": "Headless"}},
            "spec.ports: Required value",
        ),
    ],
    ids=[
        "enum",
        "the-name-in-go-is-not-the-one-in-the-enum",
        "required",
        "minimum",
        "no-default-sync-mode",
        "sync-mode",
        "cluster-id",
        "maximum",
        "pattern",
        "import-without-ports",
    ],
)
def test_wrong_values_are_refused(fleet: Fleet, namespace: str, body: dict[str, Any], complaint: str) -> None:
    with pytest.raises(KubectlFailed, match=complaint):
        create(fleet.parent, namespace, body)


def test_the_base_that_initialises_a_cluster_stays(fleet: Fleet, namespace: str) -> None:
    spec = {"clusterId": UUID, "syncMode": "Push"}
    create(fleet.parent, namespace, {**CLUSTER, "spec": spec})
    patch = ("patch", "-n", namespace, "mcls", "made", "--type=merge", "-p")
    fleet.parent.kubectl(*patch, '{"spec": {"clusterInitBaseName": "first"}}')
    for name in ('"second"', "null"):
        with pytest.raises(KubectlFailed, match="clusterInitBaseName cannot"):
            fleet.parent.kubectl(*patch, f'{{"spec": {{"clusterInitBaseName": {name}}}}}')
