"""Two tenants of one fleet: each may write its own namespace, and nothing else, whatever its Subscriptions say."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.fleet import Cluster, Fleet
from tests.program import live, manifests
from tests.program.fleetrepo import Done, FleetRepo

pytestmark = pytest.mark.xdist_group("program")
Body = dict[str, Any]
RULE = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch", "create", "patch", "delete"]}


class Team:
    """A tenant: its namespace on the cluster, its account there, and its Subscription."""

    def __init__(self, name: str, child: Cluster) -> None:
        self.name = name
        self.child = child

    def settle(self) -> None:
        """What an administrator of the cluster makes for it."""
        metadata = {"name": "deployer", "namespace": self.name}
        group = {"apiGroup": "rbac.authorization.k8s.io"}
        subject = {"kind": "ServiceAccount", "name": "deployer", "namespace": self.name}
        rbac = "rbac.authorization.k8s.io/v1"
        binding = {"roleRef": {**group, "kind": "Role", "name": "deployer"}, "subjects": [subject]}
        made = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
            {"apiVersion": rbac, "kind": "Role", "metadata": metadata, "rules": [RULE]},
            {"apiVersion": rbac, "kind": "RoleBinding", "metadata": metadata, **binding},
            config("precious", self.name, owner=self.name),
        ]
        self.child.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))

    def wants(self, cluster: str, *bodies: Body) -> list[Body]:
        """Its Subscription of these objects, with them."""
        spec = {
            "subscribers": [{"clusterAffinity": {"matchLabels": {"cluster": cluster}}}],
            "schedulingStrategy": "Replication",
            "feeds": [manifests.feed(body) for body in bodies],
        }
        metadata = {
            "name": "all",
            "namespace": self.name,
            "annotations": {"reconciler.clusternet.io/adopt": "always"},
        }
        return [
            {"apiVersion": "apps.clusternet.io/v1alpha1", "kind": "Subscription", "metadata": metadata, "spec": spec}
        ]


def config(name: str, namespace: str, **data: str) -> Body:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def cluster_role(name: str) -> Body:
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    body = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}}
    return {**body, "rules": rules}


@pytest.fixture
def child(fleet: Fleet) -> Cluster:
    return fleet.children[0]


@pytest.fixture
def teams(child: Cluster, fleet_id: str) -> Any:
    both = Team(f"{fleet_id}-a", child), Team(f"{fleet_id}-b", child)
    for team in both:
        team.settle()
    yield both
    for team in both:
        child.api.delete(f"/api/v1/namespaces/{team.name}")
    child.api.delete(f"/api/v1/namespaces/{fleet_id}")


def settings(fleet_id: str, child: Cluster, teams: tuple[Team, Team], **account: str) -> Body:
    tenants = {team.name: account or {"serviceAccount": f"{team.name}/deployer"} for team in teams}
    access = {"only": {"context": child.context}}
    return manifests.settings(fleet_id, access, tenants=tenants, inventory={"namespace": fleet_id})


def objects(done: Done, team: Team) -> dict[str, tuple[str, str]]:
    """Result and message of each object of a tenant's Subscription."""
    units = {unit["subscription"]: unit for unit in done.report["units"]}
    found = units[f"{team.name}/all"]["objects"]
    return {one["object"]: (one["result"], one["message"]) for one in found}


def test_tenants_write_what_they_may_and_nothing_else(
    child: Cluster, teams: tuple[Team, Team], repo: FleetRepo, fleet_id: str
) -> None:
    repo.env["KUBECONFIG"] = str(child.kubeconfig)
    one, other = teams
    files: dict[str, object | None] = {
        "fleet.yaml": settings(fleet_id, child, teams),
        "clusters.yaml": manifests.clusters(fleet_id, ["only"]),
    }
    for team, victim in ((one, other), (other, one)):
        bodies = [
            config("own", team.name, from_=team.name),
            config(f"intruder-{team.name}", victim.name),
            config("precious", victim.name, owner="stolen"),
            config(f"intruder-{team.name}", fleet_id),
            cluster_role(f"{team.name}-everything"),
        ]
        stolen = bodies.pop(2)
        files[f"{team.name}.yaml"] = [*team.wants("only", *bodies, stolen), *bodies, stolen]
    repo.commit(files)
    done = repo.sync("--no-wait", expect=4)
    for team, victim in ((one, other), (other, one)):
        told = objects(done, team)
        assert told.pop(f"ConfigMap {team.name}/own") == ("created", "")
        assert len(told) == 4
        assert {result for result, _ in told.values()} == {"failed"}
        assert all(f'User "system:serviceaccount:{team.name}:deployer" cannot' in words for _, words in told.values())
        assert live.get(child, "configmap", "own", "-n", team.name)["data"] == {"from_": team.name}
        assert live.get(child, "configmap", "precious", "-n", team.name)["data"] == {"owner": team.name}
        assert live.get(child, "configmap", f"intruder-{team.name}", "-n", victim.name) is None
        assert live.get(child, "configmap", f"intruder-{team.name}", "-n", fleet_id) is None
        assert live.get(child, "clusterrole", f"{team.name}-everything") is None


def test_missing_right_to_impersonate_is_one_message_with_the_rule(
    child: Cluster, teams: tuple[Team, Team], repo: FleetRepo, fleet_id: str, tmp_path: Path
) -> None:
    one, _ = teams
    subject = f"--serviceaccount={one.name}:deployer"
    child.kubectl("create", "role", "keeper", "-n", one.name, "--verb=*", "--resource=configmaps,leases")
    child.kubectl("create", "rolebinding", "keeper", "-n", one.name, "--role=keeper", subject)
    token = child.kubectl("create", "token", "deployer", "-n", one.name).strip()
    repo.env["KUBECONFIG"] = str(with_token(child, token, tmp_path / "kubeconfig"))
    own = config("own", one.name, a="b")
    asked = {**settings(fleet_id, child, teams), "inventory": {"namespace": one.name}}
    files = {"fleet.yaml": asked, "clusters.yaml": manifests.clusters(fleet_id, ["only"])}
    repo.commit({**files, "one.yaml": [*teams[1].wants("only", own), own]})
    done = repo.sync("--no-wait", expect=4)
    (unit,) = done.report["units"]
    assert f"may not impersonate system:serviceaccount:{teams[1].name}:deployer" in unit["message"]
    assert f"a Role in namespace {teams[1].name} with verb impersonate on serviceaccounts deployer" in unit["message"]
    assert unit["objects"] == []
    assert token not in done.stdout + done.stderr
    assert live.get(child, "configmap", "own", "-n", one.name) is None


def with_token(child: Cluster, token: str, path: Path) -> Path:
    authority = base64.b64encode(child.ca_file.read_bytes()).decode()
    config = {
        "contexts": [{"name": child.context, "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": child.server, "certificate-authority-data": authority}}],
        "users": [{"name": "it", "user": {"token": token}}],
    }
    path.write_text(json.dumps(config))
    return path
