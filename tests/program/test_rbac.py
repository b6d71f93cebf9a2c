"""What `rbac` prints is enough to deliver, and what is missing from it is told."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import yaml

from tests.plugins.fleet import Cluster, Fleet
from tests.program import live, manifests, template
from tests.program.fleetrepo import FleetRepo

pytestmark = pytest.mark.xdist_group("program")


def with_token(child: Cluster, token: str, path: Path) -> str:
    authority = base64.b64encode(child.ca_file.read_bytes()).decode()
    config = {
        "contexts": [{"name": child.context, "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": child.server, "certificate-authority-data": authority}}],
        "users": [{"name": "it", "user": {"token": token}}],
    }
    path.write_text(json.dumps(config))
    return str(path)


def test_account_with_what_is_printed_delivers_as_ourselves_and_as_a_tenant(
    fleet: Fleet, repo: FleetRepo, fleet_id: str, tmp_path: Path
) -> None:
    child = fleet.children[1]
    ours, team = fleet_id, f"{fleet_id}-team"
    own = [
        manifests.namespace(ours),
        manifests.config_map(ours, "a", "1"),
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "reader", "namespace": ours},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
        },
    ]
    theirs = [manifests.config_map(team, "b", "1")]
    of_team = manifests.subscription("team", theirs)
    of_team["metadata"]["namespace"] = team
    settings = manifests.settings(
        fleet_id,
        {"only": {"context": child.context}},
        tenants={team: {"serviceAccount": f"{team}/deployer"}},
        inventory={"namespace": f"{ours}-inventory"},
    )
    repo.commit(
        {
            "fleet.yaml": settings,
            "clusters.yaml": manifests.clusters(fleet_id, ["only"]),
            "own.yaml": [manifests.subscription("own", own), *own],
            "team.yaml": [of_team, *theirs],
        }
    )
    account = f"{ours}-inventory/deployer"
    printed = template.run("rbac", "only", "--account", account, "--namespaces", at=repo.work)
    assert printed.code == 0, printed.stderr
    made = list(yaml.safe_load_all(printed.stdout))
    try:
        child.kubectl("apply", "-f", "-", input=printed.stdout)
        child.kubectl("create", "serviceaccount", "deployer", "-n", f"{ours}-inventory")
        token = child.kubectl("create", "token", "deployer", "-n", f"{ours}-inventory").strip()
        env = {"KUBECONFIG": with_token(child, token, tmp_path / "kubeconfig")}
        repo.env.update(env)
        repo.sync()
        assert live.get(child, "configmap", "b", "-n", team)["data"] == {"value": "1"}
        enough = template.run("rbac", "--check", "--namespaces", at=repo.work, env=env)
        assert (enough.code, enough.stdout) == (0, ""), enough.stdout
        child.kubectl("delete", "role", f"reconciler-{fleet_id}:{team}:deployer", "-n", team)
        lacking = template.run("rbac", "only", "--check", "--namespaces", at=repo.work, env=env)
        assert lacking.code == 1
        assert f"system:serviceaccount:{team}:deployer may not create" in lacking.stdout
        repo.commit({"team.yaml": [of_team, manifests.config_map(team, "b", "2")]})
        refused = repo.sync("--no-wait", expect=4)
        assert f'User \\"system:serviceaccount:{team}:deployer\\" cannot patch' in refused.stdout
    finally:
        for obj in made:
            if obj["kind"] in ("Namespace", "ClusterRole", "ClusterRoleBinding"):
                child.kubectl("delete", obj["kind"], obj["metadata"]["name"], "--wait=false", "--ignore-not-found")
