"""The most dangerous mistakes, run by `sync --once` against real clusters: nothing goes that nobody acknowledged.

What is there is compared by UID before and after. The planner's part of many more such repos is tests/golden.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import msgspec
import pytest

from tests.plugins.fleet import Fleet
from tests.program import manifests
from tests.program.dangers import CLUSTERS, CONFIGS, DATA, SETTINGS, WEB, Body, Copy, World, sync

pytestmark = pytest.mark.xdist_group("dangers")
NOBODY = [{"clusterAffinity": {"matchLabels": {"no": "body"}}}]
UNDEPLOY = {"reconciler.clusternet.io/when-no-cluster-fits": "undeploy"}
ACKNOWLEDGE = r"to delete these: --acknowledge [0-9a-f]{40}"
EMPTIER = "To remove what it delivered, delete the Subscription itself"


class Danger(msgspec.Struct, frozen=True):
    """What somebody does to the repo, and how the run ends."""

    do: Callable[[World, Copy], object]
    code: int
    told: tuple[str, ...]
    """Patterns: what was found, and what is to be done."""


@pytest.fixture(scope="module")
def world(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Delivered once; held runs leave it as it is."""
    made = World(fleet, tmp_path_factory.mktemp("world"))
    made.build()
    yield made
    made.remove()


@pytest.fixture
def own(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world of one test's own."""
    made = World(fleet, tmp_path_factory.mktemp("own"))
    made.build()
    yield made
    made.remove()


def some(world: World, *names: str) -> Body:
    return {WEB: world.web(*names)}


def web(world: World, annotations: Body | None = None, **spec: object) -> Body:
    """The Subscription `web` with another spec."""
    *bodies, subscription = world.web(*CONFIGS)
    metadata = {**subscription["metadata"], **({"annotations": annotations} if annotations else {})}
    return {WEB: [*bodies, {**subscription, "metadata": metadata, "spec": {**subscription["spec"], **spec}}]}


def nothing_rendered(world: World, repo: Copy) -> None:
    found = web(world, {"reconciler.clusternet.io/feeds-from": "none"}, feeds=[])
    repo.commit({**found, "none/kustomization.yaml": "resources: []\n"})


def unrelated(world: World, repo: Copy, files: Body) -> None:
    repo.git("checkout", "--quiet", "--orphan", "other")
    repo.git("rm", "-r", "-f", "--quiet", ".")
    for path, content in files.items():
        (repo.work / path).write_text(content if isinstance(content, str) else json.dumps(content))
    repo.git("add", "--all")
    repo.push_as_it_is("--force")


def without_subscriptions(world: World, repo: Copy) -> None:
    declared = {"apiVersion": "v1", "kind": "List", "items": manifests.clusters(world.id, world.names)}
    unrelated(world, repo, {SETTINGS: world.settings(), CLUSTERS: declared})


def submodule(_: World, repo: Copy) -> None:
    repo.git("rm", "-r", "--quiet", "apps")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},apps")
    repo.push_as_it_is()


def link(_: World, repo: Copy) -> None:
    repo.git("mv", "apps", "moved")
    (repo.work / "apps").symlink_to("nowhere")
    (repo.work / "moved" / "web.yaml").unlink()
    repo.git("add", "--all")
    repo.push_as_it_is()


DANGERS: dict[str, Danger] = {
    "feeds emptied": Danger(lambda w, r: r.commit(web(w, feeds=[])), 3, (r"error\[feeds-empty\]", EMPTIER)),
    "nothing rendered": Danger(
        nothing_rendered, 3, (r"error\[kustomization-empty\]", r"To remove what it delivered, remove the feed")
    ),
    "file vanished while another one is broken": Danger(
        lambda _, r: r.commit({WEB: None, "broken.yaml": "a: [\n"}),
        3,
        (r"broken.yaml:1:4: error\[yaml-syntax\]", r"held\[problems\]: default/web on", ACKNOWLEDGE),
    ),
    "cluster gone": Danger(
        lambda w, r: r.commit({CLUSTERS: manifests.clusters(w.id, w.names[:2])}),
        6,
        (r"held\[vanished-cluster\]: default/web on", r"to forget it and leave there what is there: --acknowledge"),
    ),
    "all clusters gone": Danger(lambda _, r: r.commit({CLUSTERS: None}), 6, (r"held\[vanished-cluster\]",)),
    "budget of clusters": Danger(
        lambda w, r: r.commit(
            {**some(w, "a"), SETTINGS: w.settings(prune={"perCluster": {"objects": 2, "percent": 10}})}
        ),
        6,
        (
            r"3 of this cluster's 4 objects would be deleted; more than 2 and 10 % \(prune.perCluster\) need",
            ACKNOWLEDGE,
        ),
    ),
    "budget of the fleet": Danger(
        lambda w, r: r.commit(some(w, "a", "b")),
        6,
        (r"6 of the fleet's 16 objects would be deleted; more than 5 and 10 % \(prune.perFleet\) need", ACKNOWLEDGE),
    ),
    "what takes data along": Danger(
        lambda _, r: r.commit({DATA: None}),
        6,
        (
            r"CustomResourceDefinitions, Namespaces, PersistentVolumeClaims and PersistentVolumes take what is in them",
            r"would delete Namespace \S+-data\n",
            r"would delete PersistentVolume \S+\n",
            r"would delete PersistentVolumeClaim \S+/claim\n",
            r"would delete CustomResourceDefinition\S* relics\.",
            ACKNOWLEDGE,
        ),
    ),
    "selector matches nothing": Danger(
        lambda w, r: r.commit(web(w, subscribers=NOBODY)),
        0,
        (r"warning\[no-cluster-fits\].*it stays on the 3 clusters", r"Correct the selectors"),
    ),
    "selector matches nothing, and it may go nowhere": Danger(
        lambda w, r: r.commit(web(w, UNDEPLOY, subscribers=NOBODY)),
        6,
        (r"held\[unplaced\]", r"default/web goes to no cluster any more", ACKNOWLEDGE),
    ),
    "another fleet id": Danger(
        lambda w, r: r.commit({SETTINGS: {**w.settings(), "fleet": "other"}, WEB: None}),
        2,
        (r"error\[other-fleet\].*holds the status of fleet '\S+', not of 'other'", r"put back `fleet: danger-"),
    ),
    "another fleet id and status branch": Danger(
        lambda w, r: r.commit({SETTINGS: {**w.settings(), "fleet": "other", "status": {"branch": "s"}}, DATA: None}),
        4,
        (r"ConfigMap danger-\w+/a", r"AdoptionRefused: it belongs to fleet danger-"),
    ),
    "settings gone": Danger(lambda _, r: r.commit({SETTINGS: None}), 3, (r"error\[no-settings\]", r"reconciler init")),
    "history forced to an unrelated repo": Danger(
        lambda w, r: unrelated(w, r, {"README.md": "Hello"}), 3, (r"error\[no-settings\]",)
    ),
    "history forced to a repo without Subscriptions": Danger(
        without_subscriptions, 6, (r"held\[empty-repo\]: default/web", r"held\[empty-repo\]: default/data", ACKNOWLEDGE)
    ),
    "submodule in place of a directory": Danger(
        submodule, 6, (r"apps:1:1: error\[file-skipped\]: not read: submodule", r"held\[empty-repo\]", ACKNOWLEDGE)
    ),
    "link in place of a directory": Danger(link, 3, (r"error\[file-skipped\]", r"held\[problems\]", ACKNOWLEDGE)),
    "everything ignored": Danger(
        lambda w, r: r.commit({SETTINGS: w.settings(ignore=["**"])}), 6, (r"held\[vanished-cluster\]",)
    ),
}


@pytest.mark.parametrize("name", DANGERS)
def test_dangerous_commit_deletes_nothing_and_says_what_to_do(world: World, name: str) -> None:
    danger, repo = DANGERS[name], world.copy()
    danger.do(world, repo)
    before = world.live()
    done = sync(repo)
    assert world.live() == before
    told = re.sub(r"\n {4}(?!would delete|to delete)", " ", done.stdout + done.stderr)
    assert done.code == danger.code, told
    assert [pattern for pattern in danger.told if not re.search(pattern, told)] == []


def spoilt(body: Body, how: str) -> Body:
    """The inventory as somebody left it."""
    match how:
        case "other fleet":
            labels = {**body["metadata"]["labels"], "reconciler.clusternet.io/fleet": "somebody"}
            return {**body, "metadata": {**body["metadata"], "labels": labels}}
        case "garbage":
            return {**body, "data": {"inventory": "hello"}}
        case "truncated":
            text = body["data"]["inventory"]
            return {**body, "data": {"inventory": text[: len(text) // 2]}}
    return {**body, "data": {}}


TAKEN = r"ConfigMap danger-\S+ on .* has the name of our inventory, and it is of fleet somebody"
SPOILT = {
    "other fleet": (6, TAKEN, "put back its labels and annotations"),
    "garbage": (4, r"ConfigMap danger-\S+ is no inventory: JSON is malformed", "put back what it held, or delete it"),
    "truncated": (4, r"ConfigMap danger-\S+ is no inventory: Input data was truncated", "put back what it held"),
    "empty": (4, r"ConfigMap danger-\S+ is no inventory", "put back what it held"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_inventory_that_somebody_spoilt_deletes_nothing_and_is_left_as_it_is(world: World, how: str) -> None:
    child, repo = world.fleet.children[1], world.copy()
    path, body = world.inventory("default/web", child)
    bare = {name: value for name, value in body["metadata"].items() if name not in ("managedFields", "resourceVersion")}
    bad = spoilt({**body, "metadata": bare}, how)
    repo.commit(some(world, "a", "b", "c"))
    code, found, advice = SPOILT[how]
    try:
        child.api.request("PUT", path, bad)
        before = world.live()
        done = sync(repo, "--cluster", child.context)
        assert world.live() == before
        assert child.api.get(path).get("data", {}) == bad["data"]
    finally:
        child.api.request("PUT", path, {**body, "metadata": bare})
    told = re.sub(r"\n +", " ", done.stdout + done.stderr)
    assert done.code == code, told
    assert re.search(found, told), told
    assert advice in told


def lost(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Names of what went, of what is there under another UID, and of what is new (that one with a plus)."""
    gone = {name.split()[-1] for name, uid in before.items() if after.get(name) != uid}
    return gone | {f"+{name.split()[-1]}" for name in after.keys() - before.keys()}


def digests(text: str) -> list[str]:
    return re.findall(r"to delete these: --acknowledge (\w{40})", text)


def test_acknowledged_deletes_go_and_no_others(own: World) -> None:
    repo = own.copy()
    repo.commit({**some(own, "a", "b"), DATA: None})
    before = own.live()
    (held,) = {*digests(sync(repo, "--subscription", "default/web").stdout)}
    repo.commit({"note.txt": "1"}, f"Let c and d go\n\nReconciler-Acknowledge: {held}")
    done = sync(repo)
    assert done.code == 6, done.stdout
    after = own.live()
    assert lost(before, after) == {"c", "d"}

    (precious,) = digests(done.stdout)
    repo.commit(some(own, "a"))
    done = sync(repo, "--subscription", "default/data", "--acknowledge", precious)
    told = re.sub(r"\n +", " ", done.stdout)
    assert done.code == 6, told
    assert lost(after, own.live()) == {"claim", own.home}, "the volume of that name; what holds objects of others stays"
    assert f"holds what is not ours: ConfigMap {own.home}-data/theirs" in told
    assert f"holds what is not ours: Relic.{own.group} {own.home}/theirs" in told


def test_renamed_subscription_takes_its_objects_along(own: World) -> None:
    repo = own.copy()
    *bodies, subscription = own.web(*CONFIGS)
    renamed = {**subscription, "metadata": {**subscription["metadata"], "name": "shop"}}
    repo.commit({WEB: [*bodies, renamed]})
    before = own.live()
    done = sync(repo)
    assert done.code == 0, done.stdout
    after = own.live()
    assert {name: uid for name, uid in after.items() if not name.split()[-1].startswith(own.id)} == {
        name: uid for name, uid in before.items() if not name.split()[-1].startswith(own.id)
    }
    assert own.inventory("default/shop", own.fleet.children[0])
