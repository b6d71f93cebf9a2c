"""From files to the snapshot: by kind and not by path, and every problem held against the right Subscriptions."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.objects import ObjectKey
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Severity, Snapshot
from reconciler.model.tree import Tree
from reconciler.source.read import read
from tests.repos import SETTINGS, problems_of, read_repo

APPS = "apps.clusternet.io/v1alpha1"
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: web}\n"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: web}\n"


def subscription(name: str, *feeds: str, strategy: str = "Replication") -> str:
    listed = "".join(f"    - {{{feed}}}\n" for feed in feeds)
    return (
        f"apiVersion: {APPS}\nkind: Subscription\nmetadata: {{name: {name}, namespace: fleet}}\n"
        f"spec:\n  schedulingStrategy: {strategy}\n  subscribers: [{{clusterAffinity: {{}}}}]\n"
        f"  feeds:{' []' if not feeds else ''}\n{listed}"
    )


def localization(feed: str, rest: str = "") -> str:
    return (
        f"apiVersion: {APPS}\nkind: Localization\nmetadata: {{name: l, namespace: clusternet-east}}\n"
        f"spec:\n  feed: {{{feed}}}\n  overrides: []\n{rest}"
    )


def cluster(name: str, number: int = 1, more: str = "") -> str:
    return (
        f"apiVersion: clusters.clusternet.io/v1beta1\nkind: ManagedCluster\n"
        f"metadata: {{name: {name}, namespace: clusternet-{name}}}\n"
        f"spec: {{clusterId: 00000000-0000-4000-8000-00000000000{number}, syncMode: Push{more}}}\n"
    )


WEB = "apiVersion: apps/v1, kind: Deployment, namespace: web, name: web"
CM = "apiVersion: v1, kind: ConfigMap, namespace: web, name: web"


def snapshot_of(**files: str) -> Snapshot:
    snapshot, _ = read_repo({**SETTINGS, **{f"{name}.yaml": text for name, text in files.items()}})
    assert snapshot is not None
    return snapshot


def held(**files: str) -> set[str]:
    found = snapshot_of(**files)
    return {name for problem in found.problems if problem.severity is Severity.ERROR for name in problem.concerns}


def test_every_kind_goes_where_it_belongs_whatever_its_path() -> None:
    snapshot = snapshot_of(x="---\n".join([DEPLOYMENT, subscription("s", WEB), cluster("east"), localization(WEB)]))
    assert snapshot.problems == ()
    assert list(snapshot.subscriptions) == ["fleet/s"]
    assert [str(key) for key in snapshot.resources] == ["Deployment.apps web/web"]
    assert [found.value.name for found in snapshot.clusters.values()] == ["east"]
    assert len(snapshot.localizations) == 1


@pytest.mark.parametrize(
    ("text", "namespace"),
    [
        ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n", "default"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n", ""),
        ("apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: a}\n", ""),
        ("apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: a, namespace: b}\n", "b"),
        ("apiVersion: v1\nkind: Node\nmetadata: {name: a, namespace: b}\n", ""),
    ],
)
def test_object_is_in_the_namespace_where_kubectl_would_put_it(text: str, namespace: str) -> None:
    (resource,) = snapshot_of(a=text).resources.values()
    assert resource.key.namespace == namespace
    assert resource.body["metadata"].get("namespace", "") == namespace


def test_scope_of_a_custom_kind_is_that_of_its_definition_in_the_repo() -> None:
    definition = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.org}\n"
        "spec: {group: example.org, scope: Namespaced, names: {kind: Widget}}\n"
    )
    snapshot = snapshot_of(a="apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: a}\n", b=definition)
    assert ObjectKey("example.org", "Widget", "default", "a") in snapshot.resources


@pytest.mark.parametrize("kind", ["Localization", "Subscription", "HelmChart"])
def test_control_object_without_a_namespace_is_in_default(kind: str) -> None:
    spec = {
        "Localization": "{}",
        "Subscription": "{subscribers: [], feeds: []}",
        "HelmChart": "{repo: 'https://x', chart: c, targetNamespace: t}",
    }[kind]
    snapshot = snapshot_of(a=f"apiVersion: {APPS}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n")
    found = [*snapshot.subscriptions.values(), *snapshot.localizations, *snapshot.charts.values()]
    assert [one.value.metadata.namespace for one in found] == ["default"]


def test_list_is_opened_and_its_items_have_places() -> None:
    text = f"apiVersion: v1\nkind: List\nitems:\n  - {{{WEB.split(', namespace')[0]}, metadata: {{name: a}}}}\n"
    (resource,) = snapshot_of(a=text).resources.values()
    assert (resource.place.path, resource.place.document, resource.place.item) == ("a.yaml", 0, 0)


def test_mistake_inside_a_list_is_found_at_its_line() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
        f"  - apiVersion: v1\n    kind: ConfigMap\n    metadata: {{name: {name}}}\n    data:\n      x: {value}\n"
        for name, value in (("a", "text"), ("b", "5"))
    )
    assert problems_of(a=text) == ["not-text a.yaml:13:7"]


def test_same_object_in_two_files_holds_who_delivers_it() -> None:
    files = {"a": DEPLOYMENT, "b": DEPLOYMENT, "s": subscription("s", WEB), "t": subscription("t", CM), "c": CONFIG}
    assert problems_of(**files) == ["duplicate-object b.yaml:3:12"]
    assert held(**files) == {"fleet/s"}


@pytest.mark.parametrize(
    ("name", "broken", "concerned"),
    [
        ("object", DEPLOYMENT.replace("web, namespace", "'web, namespace"), {"fleet/s"}),
        ("object with a wrong label", DEPLOYMENT.replace("web}", "web, labels: {a: 1}}"), {"fleet/s"}),
        ("nameless object", DEPLOYMENT.replace("name: web, ", ""), {"fleet/s"}),
        ("Subscription", subscription("other", CM, "name: [x"), {"fleet/other"}),
        ("Subscription with a typo", subscription("other", CM).replace("feeds", "feds"), {"fleet/other"}),
        ("misspelt Subscription", subscription("other", CM).replace("kind: Sub", "kind: Sup"), {"fleet/other"}),
        ("Localization", localization(CM, "  priority: high\n"), {"fleet/t"}),
        ("Localization, broken behind its feed", localization(CM, "  priority: [\n"), {"fleet/t"}),
        (
            "Localization, broken before its feed",
            localization("apiVersion: 'v1").replace("spec", "a: b"),
            {"fleet/s", "fleet/t", "fleet/u"},
        ),
        ("cluster", cluster("east", more=", taints: x"), {"fleet/t"}),
        ("cluster document", cluster("east", more="]"), {"fleet/t"}),
        (
            "ServiceExport",
            "apiVersion: multicluster.x-k8s.io/v1beta1\nkind: ServiceExport\nmetadata: {name: v}\nspec: 1",
            {"fleet/u"},
        ),
    ],
)
def test_broken_thing_holds_exactly_whom_it_concerns(name: str, broken: str, concerned: set[str]) -> None:
    service = "apiVersion: v1, kind: Service, namespace: default, name: v"
    files = {
        "b": broken,
        "c": CONFIG,
        "s": subscription("s", WEB),
        "t": subscription("t", CM, strategy="Dividing"),
        "u": subscription("u", service),
        "v": "apiVersion: v1\nkind: Service\nmetadata: {name: v}\n",
    }
    if "object" not in name:
        files["d"] = DEPLOYMENT
    assert held(**files) == concerned


def test_clusters_that_cannot_be_told_apart_are_both_left_out() -> None:
    snapshot = snapshot_of(a=cluster("east", 1), b=cluster("west", 1), c=cluster("north", 2))
    assert [found.value.name for found in snapshot.clusters.values()] == ["north"]


def test_access_is_only_missed_where_it_is_needed() -> None:
    files = {"east.yaml": cluster("east")}
    to_clusters = {"fleet.yaml": "fleet: demo\ndelivery: {to: clusters}\n"}
    assert read_repo({**SETTINGS, **files})[1] == ()
    assert [found.rule for found in read_repo({**to_clusters, **files})[1]] == ["access-missing"]


def test_values_file_is_one_warning() -> None:
    assert problems_of(values="a: yes\nb: {c: no}\n") == ["not-an-object values.yaml:1:1"]


def test_snapshot_and_problems_do_not_depend_on_the_order_of_files() -> None:
    files = {f"f{number}.yaml": cluster(f"c{number % 4}", number % 6) for number in range(8)}
    files |= {"a.yaml": DEPLOYMENT, "b.yaml": DEPLOYMENT, "s.yaml": subscription("s", WEB, CM), **SETTINGS}
    first = read_repo(files)
    for seed in range(5):
        names = list(files)
        random.Random(seed).shuffle(names)
        assert read_repo({name: files[name] for name in names}) == first


@pytest.mark.parametrize(
    "secret",
    [
        "stringData: {token: hunter2, token: hunter2}\n",
        "stringData: {token: [hunter2]}\n",
        "stringData: hunter2\n",
        "stringData:\n  token: 'hunter2\n",
        "stringData:\n  token: hunter2\n bad: hunter2\n",
        "stringData: {token: !!int hunter2}\n",
        "stringData: {token: *hunter2}\n".replace("*hunter2", "!!binary hunter2!"),
        "stringData: {<<: hunter2}\n",
        "stringData: {token: @hunter2}\n",
        "stringData: {token: hunter2: hunter2}\n",
    ],
)
def test_value_of_a_secret_is_in_no_problem(secret: str) -> None:
    _, problems = read_repo({**SETTINGS, "s.yaml": f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{secret}"})
    assert problems
    assert "hunter2" not in repr(problems)


_WORDS = st.sampled_from(
    [
        "apiVersion: v1\n",
        f"apiVersion: {APPS}\n",
        "kind: Subscription\n",
        "kind: Localization\n",
        "kind: List\n",
        "apiVersion: clusters.clusternet.io/v1beta1\n",
        "kind: ManagedCluster\n",
        "kind: ServiceExport\n",
        "kind: X\n",
        "metadata: {name: a}\n",
        "metadata: {name: 1}\n",
        "metadata: []\n",
        "metadata:\n  namespace: n\n",
        "---\n",
        "items: [{}, 1, [], {kind: X}]\n",
        "items: x\n",
        "spec: {}\n",
        "spec: 1\n",
        "spec: {feeds: [1, {}]}\n",
        "spec: {feed: {}, subscribers: {}}\n",
        "spec: {clusterId: x}\n",
        "data: {a: 1}\n",
        "{",
        "'",
        "\n",
        "  ",
    ]
)


@settings(max_examples=60)
@given(st.lists(st.lists(_WORDS, max_size=8).map("".join), max_size=3), st.binary(max_size=30))
def test_reading_never_raises(texts: list[str], junk: bytes) -> None:
    files: dict[str, str | bytes] = {f"{number}.yaml": text for number, text in enumerate(texts)}
    snapshot, problems = read_repo({**SETTINGS, **files, "junk.json": junk})
    assert snapshot is not None
    assert list(problems) == sorted(problems, key=lambda found: (found.place.path, found.line, found.column))
    for found in problems:
        assert found.line >= 1
        assert found.hint


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("apps/web.yaml", True),
        ("vendor/lib", True),
        ("apps/logo.png", False),
        (".github/linked.yaml", False),
        ("rendered/dev/a.yaml", False),
    ],
)
def test_link_that_may_hold_objects_makes_the_repo_unclean(path: str, told: bool) -> None:
    tree = Tree({}, None, {path: "symbolic link"})
    snapshot = read(tree, Settings(fleet="demo"), {})
    assert [problem.place.path for problem in snapshot.problems if problem.rule == "file-skipped"] == [path] * told
    assert snapshot.clean is not told
