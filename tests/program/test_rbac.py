"""What `rbac` prints is enough to deliver, and what is missing from it is told."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

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


RULES = int(os.environ.get("RECONCILER_RULES", "2"))
"""Rules that are taken away, each in a life of its own; 40 are all."""


def unschedulable(namespace: str) -> dict[str, Any]:
    pod = {
        "nodeSelector": {"kubernetes.io/hostname": "nowhere"},
        "containers": [{"name": "a", "image": "busybox:1.37.0"}],
    }
    labels = {"app": "stuck"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "stuck", "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


@pytest.mark.parametrize("without", range(RULES))
def test_no_printed_rule_is_one_too_many(
    fleet: Fleet, repo: FleetRepo, fleet_id: str, tmp_path: Path, without: int
) -> None:
    child = fleet.children[1]
    space = [manifests.namespace(fleet_id)]
    things = [
        manifests.config_map(fleet_id, "a", "1"),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "s", "namespace": fleet_id},
            "stringData": {"k": "v"},
        },
        unschedulable(fleet_id),
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": fleet_id}, "value": 1},
    ]
    settings = manifests.settings(
        fleet_id, {"only": {"context": child.context}}, inventory={"namespace": f"{fleet_id}-inventory"}
    )
    repo.commit(
        {
            "fleet.yaml": settings,
            "clusters.yaml": manifests.clusters(fleet_id, ["only"]),
            "all.yaml": [manifests.subscription("all", [*space, *things]), *space, *things],
        }
    )
    account = f"{fleet_id}-inventory/deployer"
    printed = template.run("rbac", "only", "--account", account, "--namespaces", at=repo.work)
    made = list(yaml.safe_load_all(printed.stdout))
    rules = [(obj, at) for obj in made for at in range(len(obj.get("rules", ())))]
    if without >= len(rules):
        return
    owner, at = rules[without]
    gone = owner["rules"].pop(at)
    if gone["resources"] == ["inventories"]:
        return  # with it inventory.kind may be changed at any time, without losing what the other kind holds
    try:
        child.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))
        child.kubectl("create", "serviceaccount", "deployer", "-n", f"{fleet_id}-inventory")
        token = child.kubectl("create", "token", "deployer", "-n", f"{fleet_id}-inventory").strip()
        repo.env["KUBECONFIG"] = with_token(child, token, tmp_path / "kubeconfig")
        told = [repo.run("sync", "--once", "--timeout", "3s", "-o", "json")]
        things[0]["data"] = {"value": "2"}
        repo.commit({"all.yaml": [manifests.subscription("all", [*space, *things]), *space, *things]})
        told.append(repo.run("sync", "--once", "--timeout", "1s", "--check-drift", "-o", "json"))
        repo.commit({"all.yaml": [manifests.subscription("all", space), *space]})
        told.append(repo.run("sync", "--once", "-o", "json"))
        words = "".join(done.stdout + done.stderr for done in told)
        assert "orbidden" in words or "may not" in words or "nschedulable" not in words, f"nobody missed {gone}"
    finally:
        for obj in made:
            if obj["kind"] in ("Namespace", "ClusterRole", "ClusterRoleBinding"):
                child.kubectl("delete", obj["kind"], obj["metadata"]["name"], "--wait=false", "--ignore-not-found")
        child.kubectl("delete", "priorityclass", fleet_id, "--ignore-not-found")
