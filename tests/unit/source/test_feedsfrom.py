"""Feeds that a Subscription finds by path or by label."""

import json

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.inflation import Built
from reconciler.model.snapshot import Severity, Snapshot
from tests.repos import SETTINGS, read_repo

APPS = "apps.clusternet.io/v1alpha1"
FROM, SELECTOR = "reconciler.clusternet.io/feeds-from", "reconciler.clusternet.io/feeds-selector"


def config(name: str, labels: str = "{}", namespace: str = "web") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}, labels: {labels}}}\n"


def subscription(feeds: str = "[]", name: str = "s", **annotations: str) -> str:
    notes = {"path": FROM, "selector": SELECTOR}
    told = "".join(f"    {notes[key]}: {value!r}\n" for key, value in annotations.items())
    return (
        f"apiVersion: {APPS}\nkind: Subscription\nmetadata:\n  name: {name}\n  namespace: fleet\n"
        f"  annotations:\n{told}spec:\n  subscribers: [{{clusterAffinity: {{}}}}]\n  feeds: {feeds}\n"
    )


def chart(name: str) -> str:
    spec = "{repo: https://charts.example.org, chart: web, version: 1.0.0, targetNamespace: web}"
    return f"apiVersion: {APPS}\nkind: HelmChart\nmetadata: {{name: {name}, namespace: web}}\nspec: {spec}\n"


REPO = {
    "apps/web/config.yaml": config("config", "{app: web, tier: front}"),
    "apps/web/deep/down.yml": config("down", "{app: web, tier: db}"),
    "apps/website/site.yaml": config("site", "{app: site}"),
    "addons/dns.json": '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "dns"}}',
}


def read(files: dict[str, str]) -> Snapshot:
    snapshot, _ = read_repo({**SETTINGS, **files})
    assert snapshot is not None
    return snapshot


def names(files: dict[str, str], **asked: str) -> list[str]:
    snapshot = read({**files, "s.yaml": subscription(**asked)})
    assert [problem.rule for problem in snapshot.problems if problem.severity is Severity.ERROR] == []
    return [named.feed.name for named in snapshot.feeds["fleet/s"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"path": "apps/web"}, ["config", "down"]),
        ({"path": "./apps/web/"}, ["config", "down"]),
        ({"path": "apps/web/deep/down.yml"}, ["down"]),
        ({"path": "apps/web, addons/"}, ["config", "down", "dns"]),
        ({"path": "."}, ["config", "down", "site", "dns"]),
        ({"selector": "app=web"}, ["config", "down"]),
        ({"selector": "app=web,tier!=db"}, ["config"]),
        ({"selector": "app in (web, site),tier notin (db)"}, ["config", "site"]),
        ({"selector": "tier"}, ["config", "down"]),
        ({"selector": "!app"}, ["dns"]),
        ({"path": "addons", "selector": "app=site"}, ["site", "dns"]),
        ({"path": "apps/web", "selector": "app=web"}, ["config", "down"]),
    ],
    ids=str,
)
def test_path_and_selector_find_objects(asked: dict[str, str], found: list[str]) -> None:
    assert names(REPO, **asked) == found


def test_listed_feeds_come_first_and_are_not_found_again() -> None:
    listed = "[{apiVersion: v1, kind: ConfigMap, namespace: web, name: down}]"
    snapshot = read({**REPO, "s.yaml": subscription(listed, path="apps/web")})
    assert [(named.feed.name, named.field[0]) for named in snapshot.feeds["fleet/s"]] == [
        ("down", "spec"),
        ("config", "metadata"),
    ]
    assert snapshot.feeds["fleet/s"][1].field == ("metadata", "annotations", FROM)
    assert snapshot.problems == ()


def test_namespace_of_the_subscription_does_not_limit_a_selector() -> None:
    files = {f"{n}.yaml": config("c", "{app: web}", n) for n in ("a", "b")}
    snapshot = read({**files, "s.yaml": subscription(selector="app=web")})
    assert [named.feed.namespace for named in snapshot.feeds["fleet/s"]] == ["a", "b"]


def test_control_objects_and_what_the_hub_writes_are_never_found() -> None:
    files = {
        "a/config.yaml": config("config"),
        "a/base.yaml": f"apiVersion: {APPS}\nkind: Base\nmetadata: {{name: b, namespace: web}}\n",
        "a/l.yaml": f"apiVersion: {APPS}\nkind: Globalization\nmetadata: {{name: l}}\nspec: {{}}\n",
        "a/s.yaml": subscription(name="other", path="a/config.yaml"),
    }
    assert names(files, path="a") == ["config"]


def test_charts_and_exports_are_found() -> None:
    export = "apiVersion: multicluster.x-k8s.io/v1alpha1\nkind: ServiceExport\nmetadata: {name: web, namespace: web}\n"
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: web}\n"
    files = {"a/e.yaml": export, "a/s.yaml": service, "a/c.yaml": chart("chart")}
    snapshot = read({**files, "s.yaml": subscription(path="a")})
    assert [named.feed.kind for named in snapshot.feeds["fleet/s"]] == ["Service", "HelmChart", "ServiceExport"]


KUSTOMIZED = {
    "apps/web/base/kustomization.yaml": "resources: [config.yaml]\n",
    "apps/web/base/config.yaml": config("base"),
    "apps/web/base/deep/kustomization.yml": "resources: []\n",
    "apps/web/prod/Kustomization": "resources: [../base]\n",
    "apps/plain.yaml": config("plain"),
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("apps/web/prod", [("built", "apps/web/prod")]),
        ("apps/web/base/deep", [("built", "apps/web/base/deep")]),
        ("apps/web", [("built", "apps/web/base"), ("built", "apps/web/prod")]),
        ("apps", [("built", "apps/web/base"), ("built", "apps/web/prod"), ("plain", "")]),
        ("apps/plain.yaml", [("plain", "")]),
    ],
)
def test_directory_with_a_kustomization_is_that_kustomization(path: str, found: list[tuple[str, str]]) -> None:
    directories = ("apps/web/base", "apps/web/prod", "apps/web/base/deep")
    built = {name: Built((yaml.safe_load(config("built", namespace=name[-4:])),)) for name in directories}
    snapshot, _ = read_repo({**SETTINGS, **KUSTOMIZED, "s.yaml": subscription(path=path)}, {}, built)
    assert snapshot is not None
    assert sorted((named.feed.name, named.via) for named in snapshot.feeds["fleet/s"]) == found
    assert {named.field for named in snapshot.feeds["fleet/s"]} == {("metadata", "annotations", FROM)}
    assert snapshot.problems == ()


def test_file_of_a_kustomization_is_not_found_by_itself() -> None:
    (problem,) = read({**KUSTOMIZED, "s.yaml": subscription(path="apps/web/base/config.yaml")}).problems
    assert (problem.rule, problem.hint) == (
        "feeds-from-nothing",
        "It belongs to the kustomization 'apps/web/base': name that.",
    )


@given(st.lists(st.sampled_from(["apps/web", "apps", "addons", "apps/website/site.yaml", "."]), min_size=1))
def test_what_is_found_is_what_a_list_of_the_same_would_be(paths: list[str]) -> None:
    found = read({**REPO, "s.yaml": subscription(path=",".join(paths))}).feeds["fleet/s"]
    listed = json.dumps([msgspec.to_builtins(named.feed) for named in found])
    again = read({**REPO, "s.yaml": subscription(listed)})
    assert [named.feed for named in again.feeds["fleet/s"]] == [named.feed for named in found]
    assert again.problems == ()


def held(files: dict[str, str]) -> set[str]:
    found = read(files)
    return {name for problem in found.problems if problem.severity is Severity.ERROR for name in problem.concerns}


BROKEN = {
    "no YAML": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken, namespace: web\n",
    "no name": "apiVersion: v1\nkind: ConfigMap\nmetadata: {labels: {app: web}}\n",
    "not text": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken, labels: {app: web}}\ndata: {a: 1}\n",
    "duplicate key": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken, labels: {app: web}}\ndata: {a: b, a: b}\n"
    ),
    "nothing": "a: {\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_broken_object_holds_who_would_find_it(text: str) -> None:
    files = {
        **REPO,
        "apps/web/broken.yaml": text,
        "1.yaml": subscription(name="by-path", path="apps/web"),
        "2.yaml": subscription(name="by-label", selector="app=web"),
        "3.yaml": subscription(name="beside", path="apps/website"),
    }
    assert held(files) == {"fleet/by-path", "fleet/by-label"}


def test_broken_object_with_other_labels_holds_no_selector() -> None:
    files = {**REPO, "apps/web/broken.yaml": BROKEN["not text"], "1.yaml": subscription(selector="app=site")}
    assert held(files) == set()


def test_directory_of_broken_objects_is_not_called_empty() -> None:
    files = {"a/b.yaml": BROKEN["not text"], "s.yaml": subscription(path="a")}
    assert [problem.rule for problem in read(files).problems] == ["not-text"]


def test_symbolic_link_below_a_path_holds_who_looks_there() -> None:
    files = {**SETTINGS, **REPO, "s.yaml": subscription(path="apps/web")}
    snapshot, _ = read_repo(files, {"apps/web/link": "symbolic link", "addons/link": "symbolic link"})
    assert snapshot is not None
    assert [problem.concerns for problem in snapshot.problems] == [(), ("fleet/s",)]


def test_broken_override_below_a_path_concerns_only_what_it_changes() -> None:
    override = (
        f"apiVersion: {APPS}\nkind: Globalization\nmetadata: {{name: g}}\nspec:\n  feed: {{apiVersion: v1, "
        "kind: ConfigMap, namespace: web, name: site}\n  overrides: [{type: MergePatch, value: '{'}]\n"
    )
    assert held({**REPO, "apps/web/g.yaml": override, "s.yaml": subscription(path="apps/web")}) == set()


@given(st.permutations(sorted(REPO)))
def test_order_of_files_means_nothing(order: list[str]) -> None:
    asked = {"s.yaml": subscription(path="apps, addons", selector="app=web")}
    assert read({**{path: REPO[path] for path in order}, **asked}).feeds == read({**asked, **REPO}).feeds
