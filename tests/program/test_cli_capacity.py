"""Dividing by room, with facts from files: what stays where it is, what a run remembers, and what would change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.program.fleetrepo import FleetRepo

ROOM = {"east": "10", "west": "5", "north": "5"}
KEY = "apps/v1/Deployment/default/web"


def cluster(name: str, cpu: str, number: int) -> dict[str, Any]:
    return {
        "apiVersion": "clusters.clusternet.io/v1beta1",
        "kind": "ManagedCluster",
        "metadata": {"name": name, "namespace": f"clusternet-{name}", "labels": {"cluster": name}},
        "spec": {"clusterId": f"00000000-0000-4000-8000-00000000000{number}", "syncMode": "Push"},
        "status": {
            "allocatable": {"cpu": cpu, "memory": "64Gi"},
            "reconciler": {"nodes": [{"count": 1, "free": {"cpu": cpu, "memory": "64Gi", "pods": "100"}}]},
        },
    }


def web(replicas: int) -> dict[str, Any]:
    container = {"name": "main", "image": "web:1", "resources": {"requests": {"cpu": "1"}}}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    }


def subscription(**dynamic: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps.clusternet.io/v1alpha1",
        "kind": "Subscription",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "schedulingStrategy": "Dividing",
            "dividingScheduling": {"type": "Dynamic", "dynamicDividing": {"strategy": "Spread", **dynamic}},
            "subscribers": [{"clusterAffinity": {}}],
            "feeds": [{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default", "name": "web"}],
        },
    }


def deliver(repo: FleetRepo) -> FleetRepo:
    clusters = {f"{name}.yaml": cluster(name, cpu, n) for n, (name, cpu) in enumerate(ROOM.items())}
    repo.commit({"fleet.yaml": {"fleet": "room"}, "web.yaml": web(6), "sub.yaml": subscription(), **clusters})
    repo.sync()
    return repo


@pytest.fixture
def divided(repo: FleetRepo) -> FleetRepo:
    """Six replicas over three clusters, delivered."""
    return deliver(repo)


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> FleetRepo:
    """The same, not to be changed."""
    return deliver(FleetRepo(tmp_path_factory.mktemp("capacity") / "fleet"))


def replicas(repo: FleetRepo, *arguments: str) -> dict[str, int]:
    (one,) = repo.run("schedule", "-o", "json", *arguments).report
    return {placement["cluster"]: placement["replicas"][KEY] for placement in one["placements"]}


def here(repo: FleetRepo) -> FleetRepo:
    """The same repo, with commands run on the work tree."""
    return type("Here", (FleetRepo,), {"address": str(repo.work), "__post_init__": lambda _: None})(repo.top, repo.env)


def test_replicas_follow_the_room_and_stay_when_it_changes(divided: FleetRepo) -> None:
    assert replicas(divided) == {"east": 3, "north": 2, "west": 1}
    divided.commit({"west.yaml": cluster("west", "50", 1)})
    assert replicas(divided) == {"east": 3, "north": 2, "west": 1}


def test_a_work_tree_knows_the_last_placement_once_the_status_was_fetched(divided: FleetRepo) -> None:
    divided.commit({"west.yaml": cluster("west", "50", 1)})
    fresh = replicas(here(divided))
    assert fresh["west"] > 3
    divided.git("fetch", "--quiet", "origin")
    assert replicas(here(divided)) == {"east": 3, "north": 2, "west": 1}


def test_a_run_that_found_no_room_looks_again(divided: FleetRepo) -> None:
    assert "nothing to do" in divided.run("sync", "--once").stdout
    divided.commit({"web.yaml": web(25)})
    short = divided.run("schedule")
    assert "short: default/web: 5 of 25 replicas of" in short.stdout
    assert all(len(line) <= 80 for line in short.stdout.splitlines())
    divided.sync()
    assert "nothing to do" not in divided.run("sync", "--once").stdout


def test_what_moved_is_told_with_its_reason(divided: FleetRepo) -> None:
    divided.commit({"web.yaml": web(9)})
    (one,) = divided.run("schedule", "-o", "json").report
    assert sum(move["after"] - move["before"] for move in one["moves"]) == 3
    assert all(move["reason"] for move in one["moves"])
    text = divided.run("schedule").stdout
    assert "moved: default/web: web on east 3 -> " in text


def test_the_story_of_one_cluster_is_told(resting: FleetRepo) -> None:
    text = resting.run("schedule", "--explain", "west").stdout
    assert text.startswith("default/web goes to clusternet-west/west")
    assert all(len(line) <= 80 for line in text.splitlines())
    (one,) = resting.run("schedule", "--explain", "west", "-o", "json").report
    assert (one["subscription"], one["cluster"]) == ("default/web", "west")
    unknown = resting.run("schedule", "--explain", "wst")
    assert (unknown.code, "no single cluster wst" in unknown.stderr) == (2, True)


WHAT_IF: dict[str, tuple[list[str], int, list[str]]] = {
    "nothing": (["--label", "east", "colour=red"], 0, ["nothing changes"]),
    "room-alone-moves-nothing": (["--capacity", "west", "cpu=+50"], 0, ["nothing changes"]),
    "lose": (["--lose", "east"], 1, ["default/web   east     3 -> 0", "3 replicas move"]),
    "remove": (["--remove", "east", "--taint", "west", "a=b:NoSchedule"], 1, ["1 of 6 replicas", "fit nowhere"]),
    "too-small": (["--lose", "east", "--capacity", "north", "cpu=-100%"], 1, ["west     1 -> 4"]),
    "unknown": (["--lose", "est"], 2, ["no cluster est in this fleet"]),
    "no-change": ([], 2, ["nothing is said to change"]),
    "bad-taint": (["--taint", "east", "a:Sometimes"], 2, ["'a:Sometimes' is no taint"]),
    "bad-label": (["--label", "east", "a b"], 2, ["'a b' is no label"]),
    "bad-capacity": (["--capacity", "east", "cpu=50%"], 2, ["is no change of capacity"]),
    "bad-quantity": (["--capacity", "east", "cpu=+lots"], 2, ["'lots' is no quantity"]),
    "capacity-unknown": (["--capacity", "east", "gpu=-50%"], 2, ["nothing is known of the gpu of cluster east"]),
    "no-file": (["--add", "nowhere.yaml"], 2, ["there is no file nowhere.yaml"]),
}


@pytest.mark.parametrize(("arguments", "code", "said"), WHAT_IF.values(), ids=WHAT_IF)
def test_what_if(resting: FleetRepo, arguments: list[str], code: int, said: list[str]) -> None:
    done = resting.run("whatif", *arguments)
    assert done.code == code, done.stderr
    told = done.stdout + done.stderr
    assert all(words in told or words in " ".join(told.split()) for words in said), told
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_what_if_a_cluster_joined(divided: FleetRepo) -> None:
    new = divided.run_in / "new.json"
    divided.commit({"web.yaml": web(25)})
    new.write_text(json.dumps(cluster("south", "100", 7)))
    report = divided.run("whatif", "--add", "new.json", "-o", "json").report
    (south,) = [change for change in report["deliveries"] if change["cluster"] == "south"]
    assert (south["what"], south["replicas"]["after"][KEY]) == ("new", 5)
    assert south["objects"]["new"] == ["Deployment.apps default/web"]
    assert report["changes"] is True
    twice = divided.run("whatif", "--add", "../work/east.yaml")
    assert (twice.code, "has a cluster with the id of east already" in twice.stderr) == (2, True)
    new.write_text(new.read_text().replace("syncMode", "syncmode"))
    wrong = divided.run("whatif", "--add", "new.json")
    assert (wrong.code, "syncmode" in wrong.stderr) == (2, True)


def test_what_if_writes_nothing(resting: FleetRepo) -> None:
    heads = resting.git("ls-remote", "origin")
    resting.run("whatif", "--remove", "east")
    assert resting.git("ls-remote", "origin") == heads


def test_without_the_hub_its_export_serves_and_is_pointed_to(repo: FleetRepo) -> None:
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "hub", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
        "contexts": [{"name": "hub", "context": {"cluster": "hub", "user": "me"}}],
    }
    (repo.run_in / "kubeconfig").write_text(json.dumps(kubeconfig))
    repo.env["KUBECONFIG"] = str(repo.run_in / "kubeconfig")
    settings = {"fleet": "room", "clusters": {"from": "parent", "parent": {"context": "hub"}}}
    repo.commit({"fleet.yaml": settings, "web.yaml": web(6), "sub.yaml": subscription()})
    nothing = repo.run("schedule", "--offline")
    assert (nothing.code, "reconciler cluster export" in nothing.stderr) == (2, True)
    for number, (name, cpu) in enumerate(ROOM.items()):
        body = cluster(name, cpu, number)
        body["metadata"]["annotations"] = {"reconciler.clusternet.io/exported": "true"}
        repo.commit({f"{name}.yaml": body})
    assert replicas(repo, "--offline") == {"east": 3, "north": 2, "west": 1}
    away = repo.run("schedule")
    assert (away.code, "--offline goes by what" in away.stderr) == (4, True)
