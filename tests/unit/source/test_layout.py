"""Which files are read."""

import pytest

from reconciler.model.objects import BlobId
from reconciler.model.settings import Delivery, Settings
from reconciler.model.tree import Tree
from reconciler.source import layout

FILES = [
    "fleet.yaml",
    "a.yaml",
    "a.yml",
    "a.json",
    "a.txt",
    "README.md",
    ".hidden.yaml",
    ".github/workflows/ci.yaml",
    "apps/web/deployment.yaml",
    "apps/web/values.yaml",
    "apps/.cache/x.yaml",
    "apps/fleet.yaml",
    "charts/web/templates/x.yaml",
    "rendered/east/x.yaml",
]


def chosen(**given: object) -> list[str]:
    settings = Settings(fleet="demo", **given)  # type: ignore[arg-type]
    return list(layout.selected(Tree({path: BlobId(path) for path in reversed(FILES)}, None), settings))


def test_yaml_and_json_are_read_below_the_root_but_neither_hidden_nor_delivered_files() -> None:
    assert chosen() == [
        "a.json",
        "a.yaml",
        "a.yml",
        "apps/fleet.yaml",
        "apps/web/deployment.yaml",
        "apps/web/values.yaml",
        "charts/web/templates/x.yaml",
    ]


def test_delivered_files_are_sources_like_others_when_nothing_is_delivered_there() -> None:
    assert "rendered/east/x.yaml" in chosen(delivery=Delivery(to="clusters"))


@pytest.mark.parametrize("root", ["apps", "apps/", "./apps", "apps/web/.."[:4]])
def test_roots_may_be_spelt_in_several_ways(root: str) -> None:
    assert chosen(roots=(root,)) == ["apps/fleet.yaml", "apps/web/deployment.yaml", "apps/web/values.yaml"]


def test_hidden_directory_is_read_when_it_is_a_root() -> None:
    assert chosen(roots=("apps/.cache",)) == ["apps/.cache/x.yaml"]


@pytest.mark.parametrize(
    ("pattern", "path", "ignored"),
    [
        ("charts/**", "charts/a/b.yaml", True),
        ("charts/**", "apps/charts/b.yaml", False),
        ("charts", "apps/charts/b.yaml", True),
        ("charts/", "charts/b.yaml", True),
        ("values.yaml", "a/b/values.yaml", True),
        ("/values.yaml", "a/values.yaml", False),
        ("./values.yaml", "values.yaml", True),
        ("*.tmp.yaml", "a/x.tmp.yaml", True),
        ("a/*.yaml", "a/b/c.yaml", False),
        ("a/**/c.yaml", "a/c.yaml", True),
        ("a/**/c.yaml", "a/b/d/c.yaml", True),
        ("**/test/*.yaml", "test/x.yaml", True),
        ("a?.yaml", "ab.yaml", True),
        ("a[bc].yaml", "ab.yaml", True),
        ("a[!bc].yaml", "ab.yaml", False),
        ("a[z-a].yaml", "a[z-a].yaml", True),
        ("[", "[", True),
        ("a+b.yaml", "aab.yaml", False),
        ("", "a.yaml", False),
    ],
)
def test_ignore_pattern(pattern: str, path: str, ignored: bool) -> None:
    assert bool(layout.ignores((pattern,)).match(path)) is ignored


def test_of_a_chart_only_what_is_helms_is_left_to_helm() -> None:
    helms = ["Chart.yaml", "values.yaml", "values-prod.yml", "values.schema.json", "templates/a.yaml"]
    helms += ["charts/db/values.yaml", "crds/a.yaml"]
    read = ["app.yaml", "config/a.yaml", "templates.yaml", "sub/values.yaml"]
    files = {f"apps/web/{path}": BlobId(path) for path in (*helms, *read)}
    files |= {path: BlobId(path) for path in ("apps/website/values.yaml", "templates/a.yaml", "Chart.yaml")}
    found = list(layout.selected(Tree(files, None), Settings(fleet="demo")))
    elsewhere = {"apps/website/values.yaml", "templates/a.yaml", "Chart.yaml"}
    assert set(found) == {f"apps/web/{path}" for path in read} | elsewhere
