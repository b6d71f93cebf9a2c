"""`reconciler cluster export` from a real hub and from the clusters themselves: offline all goes where it goes."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import UsageError
from reconciler.registry import names
from reconciler.sync import reading
from reconciler.sync.options import Options
from reconciler.sync.worklist import Evaluated
from tests.plugins.fleet import Fleet

RECONCILER = Path(sys.executable).with_name("reconciler")
DYNAMIC = {"schedulingStrategy": "Dividing", "dividingScheduling": {"type": "Dynamic", "dynamicDividing": {}}}


class Desk:
    """A fleet repo over two children, which one Subscription divides replicas over by their room."""

    def __init__(self, fleet: Fleet, directory: Path, namespace: str) -> None:
        self.fleet, self.directory, self.namespace = fleet, directory, namespace
        self.id = f"x{namespace.removeprefix('test-')}"
        self.children = dict(zip((f"{self.id}a", f"{self.id}b"), fleet.children[1:3], strict=True))
        self.write(
            "fleet.yaml", {"fleet": self.id, "delivery": {"to": "clusters"}, "clusters": self.clusters("parent")}
        )
        labels = {"app": "web"}
        resources = {"requests": {"cpu": "3", "memory": "1Gi"}}
        pod = {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "m", "image": "i", "resources": resources}]},
        }
        spec = {"replicas": 7, "selector": {"matchLabels": labels}, "template": pod}
        self.web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": self.named("web"), "spec": spec}
        feeds = [{"apiVersion": "apps/v1", "kind": "Deployment", **self.named("web")}]
        subscribers = [{"clusterAffinity": {"matchLabels": {"desk": self.id}}}]
        self.subscription = {
            "apiVersion": "apps.clusternet.io/v1alpha1",
            "kind": "Subscription",
            "metadata": self.named("web"),
            "spec": {**DYNAMIC, "subscribers": subscribers, "feeds": feeds},
        }
        self.write("web.yaml", self.web)
        self.write("subscription.yaml", self.subscription)

    def clusters(self, source: str) -> dict[str, Any]:
        if source == "parent":
            return {"from": "parent", "parent": {"context": self.fleet.parent.context}}
        return {"from": "repo", "access": {name: {"context": child.context} for name, child in self.children.items()}}

    def named(self, name: str) -> dict[str, str]:
        return {"name": name, "namespace": self.namespace}

    def write(self, path: str, value: object) -> None:
        (self.directory / path).parent.mkdir(exist_ok=True)
        (self.directory / path).write_text(value if isinstance(value, str) else json.dumps(value))

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((self.directory / "clusters").glob("*"))}

    @property
    def environment(self) -> dict[str, str]:
        cache = str(self.directory / ".cache")
        return {**os.environ, "KUBECONFIG": str(self.fleet.kubeconfig), "RECONCILER_CACHE": cache}

    def run(self, *command: str, code: int = 0, **environment: str) -> str:
        """stdout, and stderr where the command shall fail."""
        env = {**self.environment, **environment}
        done = subprocess.run(command, cwd=self.directory, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr if code else done.stdout

    def cluster(self, *arguments: str, code: int = 0) -> str:
        return self.run(str(RECONCILER), "cluster", *arguments, code=code)

    def git(self, *arguments: str) -> None:
        self.run("git", "-c", "user.name=author", "-c", "user.email=author@example.org", *arguments)

    def export(self, code: int = 0) -> dict[str, str]:
        """What became of each file."""
        if code:
            return {"": self.cluster("export", code=code)}
        report = json.loads(self.cluster("export", "-o", "json"))
        files, silent = report["files"], report["silent"]
        assert not silent.keys() & self.children.keys()
        return {file["path"]: file["done"] for file in files if file["cluster"] in self.children}

    def evaluated(self, *, offline: bool, **environment: str) -> Evaluated:
        """What a reading command says; offline without any way to a cluster."""
        known = {**self.environment, **environment}
        options = Options(
            repo=str(self.directory),
            cache=self.directory / ".cache",
            environment={k: v for k, v in known.items() if k != "KUBECONFIG"} if offline else known,
            home=self.directory,
            offline=offline,
        )
        return asyncio.run(reading.evaluated(options))


@pytest.fixture
def desk(fleet: Fleet, tmp_path: Path, namespace: str) -> Iterator[Desk]:
    """A fleet repo whose clusters are taken out of the hub in the end."""
    made = Desk(fleet, tmp_path, namespace)
    with FileLock(fleet.kubeconfig.with_name("registering.lock")):
        yield made
        for name, child in made.children.items():
            fleet.parent.kubectl("delete", "namespace", names.dedicated_namespace(name), "--ignore-not-found")
            child.kubectl("delete", "clusterrole", f"{names.account(made.id)}:upkeep", "--ignore-not-found")


@pytest.fixture
def hub(desk: Desk) -> Desk:
    """The children registered in the hub, alone there, one of them tainted."""
    for line in desk.fleet.parent.kubectl("get", "mcls", "-A", "--no-headers", "--ignore-not-found").splitlines():
        left, name = line.split()[:2]  # of a test that ended before its namespace did
        desk.fleet.parent.kubectl("delete", "mcls", name, "-n", left, "--ignore-not-found")
    for name, child in desk.children.items():
        desk.cluster("add", name, "--context", child.context, "--label", f"desk={desk.id}")
    patch = json.dumps({"spec": {"taints": [{"key": "maintenance", "effect": "PreferNoSchedule"}]}})
    last = list(desk.children)[-1]
    desk.fleet.parent.kubectl("patch", "mcls", last, "-n", f"clusternet-{last}", "--type=merge", "-p", patch)
    return desk


def ours(desk: Desk, found: Evaluated) -> dict[str, ClusterFacts]:
    return {i: cluster for i, cluster in found.facts.items() if cluster.name in desk.children}


def test_offline_everything_goes_where_it_goes_with_the_hub(hub: Desk) -> None:
    live = hub.evaluated(offline=False)
    (scheduled,) = live.schedule.subscriptions.values()
    assert sum(sum(placement.replicas.values()) for placement in scheduled.placements) == 7
    assert set(hub.export()) == {f"clusters/{name}.yaml" for name in hub.children}
    for path in (hub.directory / "clusters").glob("*.yaml"):
        if path.stem not in hub.children:
            path.unlink()  # what other tests have in the hub
    offline = hub.evaluated(offline=True)
    placed = [{name: one.placements for name, one in found.schedule.subscriptions.items()} for found in (live, offline)]
    assert placed[0] == placed[1], offline.problems
    assert offline.feeds.units == live.feeds.units
    assert not [problem for problem in offline.problems if problem.rule == "cluster-unused"]
    for cluster, said in ours(hub, live).items():
        copy = offline.facts[cluster]
        assert copy.exported
        assert (copy.nodes, copy.running, copy.taints) == (said.nodes, said.running, said.taints)
        assert (copy.labels, copy.annotations, copy.ready) == (said.labels, said.annotations, said.ready)
        assert copy.apis["apps/v1/Deployment"]
        assert not copy.apis["v1/Namespace"]


def test_the_same_is_printed_offline_before_and_after_delivery(hub: Desk) -> None:
    shown = (str(RECONCILER), "schedule", "-o", "json")
    for step in ("before", "after"):
        live = hub.run(*shown)
        hub.export()
        assert json.loads(hub.run(*shown, "--offline", KUBECONFIG="/nowhere")) == json.loads(live), step
        if step == "before":
            hub.git("init", "--quiet")
            hub.git("add", "fleet.yaml", "web.yaml", "subscription.yaml")
            hub.git("commit", "--quiet", "-m", "web")
            assert "created" in hub.run(str(RECONCILER), "sync", "--once", ".")
    key = f"apps/v1/Deployment/{hub.namespace}/web"
    assert sum(cluster.running[key] for cluster in ours(hub, hub.evaluated(offline=True)).values()) == 7
    assert "nothing to do" in hub.run(str(RECONCILER), "sync", "--once", ".")


def test_a_cluster_out_of_reach_keeps_its_replicas_and_the_others_get_the_new_ones(hub: Desk) -> None:
    hub.git("init", "--quiet")
    hub.git("add", ".")
    hub.git("commit", "--quiet", "-m", "web")
    hub.run(str(RECONCILER), "sync", "--once", ".")
    before = replicas(json.loads(hub.run(str(RECONCILER), "schedule", "-o", "json")))
    gone, other = hub.children
    nowhere = base64.b64encode(b"https://127.0.0.1:9").decode()
    patch = json.dumps({"data": {names.ADVERTISED: nowhere}})
    hub.fleet.parent.kubectl("patch", "secret", names.SECRET, "-n", f"clusternet-{gone}", "--type=merge", "-p", patch)
    hub.write("web.yaml", {**hub.web, "spec": {**hub.web["spec"], "replicas": 12}})
    hub.git("commit", "--quiet", "-am", "More")
    assert "1 changed" in hub.run(str(RECONCILER), "sync", "--once", ".")
    assert replicas(json.loads(hub.run(str(RECONCILER), "schedule", "-o", "json"))) == {
        gone: before[gone],
        other: 12 - before[gone],
    }


def replicas(schedule: list[dict[str, Any]]) -> dict[str, int]:
    (one,) = schedule
    return {placement["cluster"]: sum(placement["replicas"].values()) for placement in one["placements"]}


def test_the_rights_cover_what_may_come_another_day(desk: Desk) -> None:
    (container,) = desk.web["spec"]["template"]["spec"]["containers"]
    container["resources"] = {"requests": {"cpu": "1k"}}
    desk.write("web.yaml", desk.web)
    name, child = next(iter(desk.children.items()))
    desk.cluster("add", name, "--context", child.context, "--label", f"desk={desk.id}")
    assert not replicas(json.loads(desk.run(str(RECONCILER), "schedule", "-o", "json")))
    selected = ("-l", f"{names.FLEET}={desk.id}", "-o", "json")
    (role,) = json.loads(child.kubectl("get", "roles", "-n", desk.namespace, *selected))["items"]
    assert [rule["resources"] for rule in role["rules"]] == [["events", "pods"], ["deployments"]]
    everywhere = json.loads(child.kubectl("get", "clusterrole", names.account(desk.id), "-o", "json"))
    assert everywhere["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]


def test_an_export_is_the_same_bytes_when_nothing_changed_and_holds_no_secret(hub: Desk) -> None:
    assert set(hub.export().values()) == {"written"}
    before = hub.files()
    assert set(hub.export().values()) == {"unchanged"}
    assert hub.files() == before
    for name in hub.children:
        text = before[f"{name}.yaml"].decode()
        secret = json.loads(
            hub.fleet.parent.kubectl("get", "secret", names.SECRET, "-n", f"clusternet-{name}", "-o", "json")
        )
        assert all(value not in text for value in secret["data"].values())
        assert not {"lastObservedTime", "lastTransitionTime", "apiserverURL"} & set(yaml.safe_load(text)["status"])


def test_a_cluster_that_left_the_hub_leaves_the_repo(hub: Desk) -> None:
    hub.export()
    gone = next(iter(hub.children))
    hub.cluster("remove", gone)
    assert hub.export()[f"clusters/{gone}.yaml"] == "removed"
    assert f"{gone}.yaml" not in hub.files()


def test_a_file_of_an_author_beside_the_hub_becomes_its_copy_and_keeps_his_comments(hub: Desk) -> None:
    hub.export()
    name = next(iter(hub.children))
    path = hub.directory / "clusters" / f"{name}.yaml"
    path.write_text(
        "# ours\n" + path.read_text().replace("syncMode: Push", "syncMode: Push # as ever\n  clusterType: edge")
    )
    hub.cluster("label", name, "colour=red")
    assert hub.export()[f"clusters/{name}.yaml"] == "written"
    text = path.read_text()
    assert text.startswith("# ours\n")
    assert "syncMode: Push # as ever\n  clusterType: edge\n" in text
    assert yaml.safe_load(text)["metadata"]["labels"]["colour"] == "red"


def test_offline_without_an_export_says_what_to_do(hub: Desk) -> None:
    with pytest.raises(UsageError) as caught:
        hub.evaluated(offline=True)
    assert (caught.value.code, caught.value.hint) == ("no-export", "reconciler cluster export")


@pytest.fixture
def declared(desk: Desk) -> Desk:
    """The children declared in the repo, and reached by contexts."""
    desk.write("fleet.yaml", {"fleet": desk.id, "delivery": {"to": "clusters"}, "clusters": desk.clusters("repo")})
    for name, child in desk.children.items():
        space = json.loads(child.kubectl("get", "namespace", "kube-system", "-o", "json"))
        text = f"""\
# {name}, by hand
apiVersion: clusters.clusternet.io/v1beta1
kind: ManagedCluster
metadata:
  name: {name}
  namespace: clusternet-{name}
  labels: {{desk: {desk.id}}}   # one line
spec: {{clusterId: {space["metadata"]["uid"]}, syncMode: Push}}
"""
        desk.write(f"clusters/{name}.yaml", text)
    return desk


def test_offline_everything_goes_where_it_goes_with_the_clusters_themselves(declared: Desk) -> None:
    before = declared.files()
    live = declared.evaluated(offline=False)
    assert set(declared.export().values()) == {"written"}
    offline = declared.evaluated(offline=True)
    assert offline.schedule == live.schedule
    assert [p.replicas for p in next(iter(live.schedule.subscriptions.values())).placements]
    assert all(text.startswith(before[name]) for name, text in declared.files().items())
    assert set(declared.export().values()) == {"unchanged"}


def test_a_cluster_that_cannot_be_asked_keeps_what_its_file_says_and_the_others_go_on(declared: Desk) -> None:
    declared.export()
    silent, other = declared.children
    settings = json.loads((declared.directory / "fleet.yaml").read_text())
    settings["clusters"]["access"][silent] = {"context": "nowhere"}
    declared.write("fleet.yaml", settings)
    before = declared.files()[f"{silent}.yaml"]
    (declared.directory / "clusters" / f"{other}.yaml").write_text(
        (declared.directory / "clusters" / f"{other}.yaml").read_text().partition("status:")[0]
    )
    assert f"warning: {silent}: the kubeconfig has no context 'nowhere'" in declared.export(code=4)[""]
    assert declared.files()[f"{silent}.yaml"] == before
    assert b"nodes:" in declared.files()[f"{other}.yaml"]


def test_a_child_that_cannot_be_asked_blocks_no_other(declared: Desk) -> None:
    settings = json.loads((declared.directory / "fleet.yaml").read_text())
    silent, other = declared.children
    settings["clusters"]["access"][silent] = {"context": "nowhere"}
    declared.write("fleet.yaml", settings)
    told: list[str] = []
    options = Options(
        repo=str(declared.directory),
        cache=declared.directory / ".cache",
        environment=declared.environment,
        home=declared.directory,
    )
    tell: Callable[[Any], None] = lambda event: told.append(f"{event.cluster}: {event.text}")  # noqa: E731
    found = asyncio.run(reading.evaluated(options, tell))
    (line,) = told
    assert line.startswith(f"{silent}: ")
    assert {cluster.name: cluster.nodes is None for cluster in found.facts.values()} == {silent: True, other: False}
    (scheduled,) = found.schedule.subscriptions.values()
    assert [found.facts[placement.cluster].name for placement in scheduled.placements] == [other]
