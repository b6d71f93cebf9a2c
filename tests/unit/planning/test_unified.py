"""A diff of two states shows what people wrote, in the form of diff -u."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.model.objects import ObjectKey
from reconciler.planning import unified
from reconciler.planning.unified import Difference, Why

LIVE = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {
        "name": "a",
        "namespace": "web",
        "uid": "u",
        "resourceVersion": "7",
        "generation": 2,
        "creationTimestamp": "2024-01-01T00:00:00Z",
        "managedFields": [{"manager": "x"}],
        "annotations": {"clusternet.io/last-applied-configuration": "{}", "team": "web"},
    },
    "data": {"value": "1"},
    "status": {"phase": "x"},
}


def difference(before: str, after: str) -> Difference:
    key = ObjectKey("", "ConfigMap", "web", "a")
    return Difference("east", "default/web", key, "v1", Why.DRIFT, ("kubectl-edit",), before, after)


def test_what_servers_write_is_left_out() -> None:
    assert unified.bare(LIVE) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "web", "annotations": {"team": "web"}},
        "data": {"value": "1"},
    }


def test_header_names_both_sides_who_and_where() -> None:
    head, who, *_ = unified.lines(difference("a: 1\n", "a: 2\n"))
    assert head == "diff -u -N LIVE/east/v1.ConfigMap.web.a MERGED/east/v1.ConfigMap.web.a"
    assert who == "# drift (by kubectl-edit): ConfigMap web/a, default/web on east"


@pytest.mark.parametrize(
    ("before", "after"),
    [("a: 1\nb: 2\n", "a: 1\nb: 3\n"), ("", "a: 1\n"), ("a: 1\n", "")],
    ids=["change", "new", "gone"],
)
def test_patch_makes_one_side_of_the_other(tmp_path: Path, before: str, after: str) -> None:
    if shutil.which("patch") is None:
        pytest.skip("patch is not here")
    target = tmp_path / "object"
    target.write_text(before)
    text = "\n".join(unified.lines(difference(before, after))) + "\n"
    subprocess.run(["patch", "--silent", str(target)], input=text, text=True, check=True)
    assert (target.read_text() if target.exists() else "") == after
