"""Kustomizations as feeds: what is asked for, what is found in the way, and what becomes of the answers."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.inflation import Build, Built, Fault
from reconciler.model.objects import BlobId, ObjectKey
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Snapshot
from reconciler.model.tree import Tree
from reconciler.source import documents, kustomization, kustomizations, layout
from tests.repos import read_repo

SUBSCRIPTION = """\
apiVersion: apps.clusternet.io/v1alpha1
kind: Subscription
metadata: {{name: {name}, namespace: fleet}}
spec:
  subscribers: [{{clusterAffinity: {{}}}}]
  feeds:
    - {{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, name: {directory}}}
"""
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "b"}}


def fleet(files: Mapping[str, str], *directories: str) -> dict[str, str]:
    named = {f"fleet/s{at}.yaml": SUBSCRIPTION.format(name=f"s{at}", directory=d) for at, d in enumerate(directories)}
    return {"fleet.yaml": "fleet: demo\n", **files, **named}


def read(files: Mapping[str, str], *directories: str, **builds: Built) -> Snapshot:
    answers = {path.replace("__", "/"): built for path, built in builds.items()}
    snapshot, _ = read_repo(fleet(files, *directories), builds=answers)
    assert snapshot is not None
    return snapshot


def asked(files: Mapping[str, str], directory: str) -> dict[str, Build]:
    return {build.directory: build for build in read(files, directory).wanted}


def paths(files: Mapping[str, str], directory: str) -> set[str]:
    return {path for path, _ in asked(files, directory)[directory].files}


def rules(snapshot: Snapshot) -> set[str]:
    return {problem.rule for problem in snapshot.problems}


@pytest.mark.parametrize("name", ["apps/web", "./apps/web", "apps/web/", "apps//web"])
def test_name_of_a_directory_may_be_written_as_any_path(name: str) -> None:
    assert set(asked({"apps/web/kustomization.yaml": "resources: []\n"}, name)) == {"apps/web"}


@pytest.mark.parametrize("name", layout.KUSTOMIZATIONS)
def test_all_three_names_of_the_file_count(name: str) -> None:
    assert paths({f"web/{name}": "namePrefix: a-\n"}, "web") == {f"web/{name}"}


def test_two_subscriptions_ask_for_one_build() -> None:
    assert len(read({"web/kustomization.yaml": "resources: []\n"}, "web", "./web").wanted) == 1


REACHES = {
    "resources": ("resources: [a.yaml, ../base]\n", {"web/a.yaml", "base/kustomization.yaml", "base/b.yaml"}),
    "bases": ("bases: [../base]\n", {"base/kustomization.yaml", "base/b.yaml"}),
    "components": ("components: [../base]\n", {"base/kustomization.yaml", "base/b.yaml"}),
    "patches": ("patches: [{path: a.yaml}, {patch: '[]'}]\n", {"web/a.yaml"}),
    "old patches": ("patchesStrategicMerge: [a.yaml]\npatchesJson6902: [{path: c.txt}]\n", {"web/a.yaml", "web/c.txt"}),
    "patch in place": ("patchesStrategicMerge:\n  - |-\n    kind: X\n    metadata: {name: a.yaml}\n", set()),
    "generator files": ("configMapGenerator: [{name: x, files: [c.txt, k=a.yaml]}]\n", {"web/a.yaml", "web/c.txt"}),
    "generator envs": ("secretGenerator: [{name: x, envs: [c.txt], env: a.yaml}]\n", {"web/a.yaml", "web/c.txt"}),
    "replacements": ("replacements: [{path: a.yaml}]\n", {"web/a.yaml"}),
    "configurations": ("configurations: [a.yaml]\ncrds: [c.txt]\n", {"web/a.yaml", "web/c.txt"}),
    "openapi": ("openapi: {path: c.txt}\n", {"web/c.txt"}),
    "plugins": ("transformers: [a.yaml]\n", {"web/a.yaml", "web/c.txt", "web/deep/d.txt"}),
    "unknown field": ("resuorces: [a.yaml]\nnamePrefix: x\n", {"web/a.yaml", "web/c.txt", "web/deep/d.txt"}),
}


@pytest.mark.parametrize(("text", "reached"), REACHES.values(), ids=REACHES)
def test_build_depends_on_what_the_kustomization_reaches_and_nothing_else(text: str, reached: set[str]) -> None:
    files = {
        "web/kustomization.yaml": text,
        "web/a.yaml": "x",
        "web/c.txt": "x",
        "web/deep/d.txt": "x",
        "base/kustomization.yaml": "resources: [b.yaml]\n",
        "base/b.yaml": "x",
        "base/not-named.yaml": "x",
        "other/e.yaml": "kind: X",
    }
    assert paths(files, "web") == {"web/kustomization.yaml", *reached}


WRONG = {
    "missing": ("resources: [no.yaml]\n", "kustomization-missing"),
    "outside": ("resources: [../../../etc]\n", "kustomization-missing"),
    "absolute": ("resources: [/etc]\n", "kustomization-missing"),
    "file of a sibling": ("resources: [../base/b.yaml]\n", "kustomization-missing"),
    "patch of a sibling": ("patches: [{path: ../base/b.yaml}]\n", "kustomization-missing"),
    "no kustomization": ("resources: [../plain]\n", "kustomization-missing"),
    "address": ("resources: ['https://example.com/x.yaml']\n", "kustomization-remote"),
    "address of git": ("resources: ['git::https://example.com/x']\n", "kustomization-remote"),
    "address of ssh": ("bases: ['git@example.com:a/b']\n", "kustomization-remote"),
    "address without scheme": ("components: ['github.com/a/b//c?ref=v1']\n", "kustomization-remote"),
    "address of a patch": ("patches: [{path: 'https://example.com/p'}]\n", "kustomization-remote"),
    "address of a generator": (
        "configMapGenerator: [{name: a, files: ['k=https://a.example/b']}]\n",
        "kustomization-remote",
    ),
    "local clone": ("resources: ['file:///srv/git']\n", "kustomization-remote"),
    "helm": ("helmCharts: [{name: x}]\n", "kustomization-helm"),
    "duplicate key": ("resources: []\nresources: []\n", "yaml-duplicate-key"),
    "two documents": ("resources: []\n---\nresources: []\n", "kustomization-failed"),
}


@pytest.mark.parametrize(("text", "rule"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_built_is_told_and_never_asked(text: str, rule: str) -> None:
    files = {
        "web/kustomization.yaml": text,
        "base/kustomization.yaml": "resources: [b.yaml]\n",
        "base/b.yaml": "x",
        "plain/a.txt": "x",
    }
    snapshot = read(files, "web")
    assert snapshot.wanted == ()
    [problem] = snapshot.problems
    assert (problem.rule, problem.place.path, problem.concerns) == (rule, "web/kustomization.yaml", ("fleet/s0",))


def test_address_is_an_address_even_when_a_directory_has_its_name() -> None:
    files = {
        "web/kustomization.yaml": "resources: [github.com/a]\n",
        "web/github.com/a/kustomization.yaml": "resources: []\n",
    }
    assert rules(read(files, "web")) == {"kustomization-remote"}


def test_allowed_address_makes_the_question_one_of_the_network() -> None:
    files = {
        "web/kustomization.yaml": "resources: ['https://example.com/x.yaml']\n",
        "plain/kustomization.yaml": "namePrefix: a-\n",
    }
    repo = {**fleet(files, "web", "plain"), "fleet.yaml": "fleet: demo\nkustomize: {remoteBases: true}\n"}
    snapshot, _ = read_repo(repo)
    assert snapshot is not None
    assert {build.directory: build.remote for build in snapshot.wanted} == {"plain": False, "web": True}


@given(
    st.lists(st.sampled_from(["a", "b", "..", ".", ""]), max_size=6),
    st.lists(st.sampled_from(["a", "b"]), max_size=3),
)
def test_no_path_leads_out_of_the_repo(steps: list[str], directory: list[str]) -> None:
    here, text = "/".join(directory), "/".join(["x", *steps])
    path = posixpath.normpath(f"{here}/{text}" if here else text)
    wanted = None if path.startswith("..") else path.removeprefix(".")
    assert kustomization.joined(here, text) == wanted


def test_name_with_a_sign_is_no_address() -> None:
    files = {"web/kustomization.yaml": "resources: [a@v1.yaml]\n", "web/a@v1.yaml": "x"}
    assert "web/a@v1.yaml" in paths(files, "web")


def test_link_is_not_followed() -> None:
    files = {"web/kustomization.yaml": "resources: [link.yaml]\n"}
    snapshot, _ = read_repo(fleet(files, "web"), {"web/link.yaml": "symbolic link"})
    assert snapshot is not None
    assert "kustomization-missing" in rules(snapshot)


def test_circle_ends() -> None:
    files = {"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"}
    assert paths(files, "a") == set(files)


def test_feed_stands_for_every_object_that_is_built() -> None:
    other = {**MAP, "metadata": {"name": "y", "namespace": "web"}}
    snapshot = read({"web/kustomization.yaml": "resources: []\n"}, "web", web=Built((MAP, other)))
    feeds = snapshot.feeds["fleet/s0"]
    assert [named.feed.key for named in feeds] == ["v1/ConfigMap/default/x", "v1/ConfigMap/web/y"]
    assert {(named.field, named.via) for named in feeds} == {(("spec", "feeds", 0), "web")}
    found = [snapshot.resource(named) for named in feeds]
    assert [one.body["metadata"]["namespace"] for one in found if one] == ["default", "web"]
    assert {one.place.path for one in found if one} == {"web/kustomization.yaml"}
    assert snapshot.problems == ()


def test_objects_that_kustomize_owns_are_no_objects_of_the_repo() -> None:
    files = {
        "web/kustomization.yaml": "resources: [a.yaml]\n",
        "web/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        "web/deep/values.yaml": "a: {b: [\n",
        "web/patch.yaml": "- {op: remove}\n",
        "beside/b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
    }
    snapshot = read(files)
    assert [key.name for key in snapshot.resources] == ["b"]
    assert snapshot.problems == ()


def test_control_object_in_a_broken_file_of_kustomize_is_told_all_the_same() -> None:
    text = "apiVersion: apps.clusternet.io/v1alpha1\nkind: Subscription\nmetadata:\n  name: a\nspec: {a: [\n"
    snapshot = read({"web/kustomization.yaml": "resources: []\n", "web/a.yaml": text})
    assert rules(snapshot) == {"kustomized-control-object"}
    assert not snapshot.clean


def test_ignored_kustomization_owns_nothing_and_can_still_be_named() -> None:
    files = {
        **fleet({"web/kustomization.yaml": "namePrefix: a-\n"}, "web"),
        "web/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        "fleet.yaml": "fleet: demo\nignore: [web/kustomization.yaml]\n",
    }
    snapshot, _ = read_repo(files)
    assert snapshot is not None
    assert [key.name for key in snapshot.resources] == ["a"]
    assert [build.directory for build in snapshot.wanted] == ["web"]


def test_kustomization_outside_of_the_roots_owns_nothing_that_is_read() -> None:
    files = {
        "fleet.yaml": "fleet: demo\nroots: [web/deep]\n",
        "web/kustomization.yaml": "resources: []\n",
        "web/deep/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    }
    snapshot, _ = read_repo(files)
    assert snapshot is not None
    assert [key.name for key in snapshot.resources] == ["a"]
    assert snapshot.problems == ()


@pytest.mark.parametrize("roots", ["[web]", "[.]"])
def test_kustomization_at_a_root_owns_nothing(roots: str) -> None:
    at = "kustomization.yaml" if roots == "[.]" else "web/kustomization.yaml"
    files = {
        "fleet.yaml": f"fleet: demo\nroots: {roots}\n",
        at: "resources: []\n",
        "web/deep/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    }
    snapshot, _ = read_repo(files)
    assert snapshot is not None
    assert [key.name for key in snapshot.resources] == ["a"]
    assert "kustomization-at-root" in rules(snapshot)


def test_fault_holds_the_subscriptions_that_name_the_kustomization() -> None:
    fault = Built(fault=Fault("kustomization-failed", "no luck"))
    files = {"web/kustomization.yaml": "resources: []\n", "other/kustomization.yaml": "resources: []\n"}
    snapshot = read(files, "web", "other", "web", web=fault, other=Built((MAP,)))
    [problem] = snapshot.problems
    assert problem.concerns == ("fleet/s0", "fleet/s2")
    assert "no luck" in problem.message


def test_unbuilt_kustomization_is_never_taken_for_an_empty_one() -> None:
    snapshot = read({"web/kustomization.yaml": "resources: []\n"}, "web")
    [named] = snapshot.feeds["fleet/s0"]
    assert snapshot.resource(named) is None


@pytest.mark.parametrize("documents", [(), (None,)], ids=["nothing", "null"])
def test_build_of_nothing_is_an_error(documents: tuple[Any, ...]) -> None:
    snapshot = read({"web/kustomization.yaml": "resources: []\n"}, "web", web=Built(documents))
    assert rules(snapshot) == {"kustomization-empty"}


def test_definition_of_the_build_says_where_its_kind_lives() -> None:
    spec = {"group": "example.org", "scope": "Cluster", "names": {"kind": "Zone"}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "zones.example.org"},
        "spec": spec,
    }
    zone = {"apiVersion": "example.org/v1", "kind": "Zone", "metadata": {"name": "z", "namespace": "wrong"}}
    snapshot = read({"web/kustomization.yaml": "resources: []\n"}, "web", web=Built((definition, zone)))
    assert "scope" in rules(snapshot)


def test_same_object_of_two_kustomizations_may_differ() -> None:
    files = {"east/kustomization.yaml": "resources: []\n", "west/kustomization.yaml": "resources: []\n"}
    other = {**MAP, "data": {"a": "c"}}
    snapshot = read(files, "east", "west", east=Built((MAP,)), west=Built((other,)))
    key = ObjectKey("", "ConfigMap", "default", "x")
    assert snapshot.built["east"][key].digest != snapshot.built["west"][key].digest
    assert snapshot.problems == ()


def test_cost_of_ownership_is_nothing_without_kustomizations() -> None:
    mine = kustomizations.owned(["a.yaml", "b/c.yaml"], Settings(fleet="demo"))
    assert mine.owner("b/c.yaml") is None
    assert mine.directories == frozenset()


def test_references_survive_any_shape() -> None:
    body = {"resources": {"a": 1}, "patches": [1, None, {"path": 3}], "configMapGenerator": "x", "openapi": []}
    assert list(kustomization.references(body)) == []


def test_shelf_of_a_tree_without_kustomizations_is_empty() -> None:
    shelf = kustomization.Shelf(Tree({"a.yaml": BlobId("1")}, None), {}, remote=False)
    assert shelf.files == {}


def test_kustomization_without_kind_is_kept_whole_by_the_parser() -> None:
    [document] = documents.parse(b"resources: [a]\nnamePrefix: b\n").documents
    assert document.value == {"resources": ["a"], "namePrefix": "b"}
