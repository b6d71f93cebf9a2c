"""The fleet repo template: nothing in it is wrong, and what becomes of it equals the files beside this test.

`ACCEPT=1 pytest tests/golden/template` writes those files anew, for a person to read the difference.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from reconciler.model.feed import Feeds
from reconciler.model.objects import BlobId
from reconciler.model.placement import Schedule
from reconciler.model.snapshot import Problem, Snapshot
from reconciler.model.status import FleetStatus
from reconciler.model.tree import Tree
from reconciler.planning import filenames
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from reconciler.source import documents, layout
from reconciler.source.read import read
from reconciler.source.settings import read_settings

HERE = Path(__file__).parent
TEMPLATE = HERE.parents[2] / "fleet-repo-template"
ACCEPT = bool(os.environ.get("ACCEPT"))
SCHEMA_OF = "# yaml-language-server: $schema="
CONTROL = {"Subscription", "Localization", "Globalization", "HelmChart", "ManagedCluster", "ServiceExport"}


def read_template() -> tuple[Snapshot, tuple[Problem, ...]]:
    files = {p.relative_to(TEMPLATE).as_posix(): p.read_bytes() for p in sorted(TEMPLATE.rglob("*")) if p.is_file()}
    blobs = {BlobId(filenames.digest(content)): content for content in files.values()}
    tree = Tree({path: BlobId(filenames.digest(content)) for path, content in files.items()}, None)
    settings, problems = read_settings(files["fleet.yaml"])
    assert settings is not None, problems
    parsed = {blob: documents.parse(blobs[blob]) for blob in layout.selected(tree, settings).values()}
    return read(tree, settings, parsed), problems


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return read_template()[0]


@pytest.fixture(scope="module")
def placed(snapshot: Snapshot) -> Schedule:
    facts = {cluster: sourced.value for cluster, sourced in snapshot.clusters.items()}
    return schedule(snapshot, facts, FleetStatus(snapshot.settings.fleet))


@pytest.fixture(scope="module")
def feeds(snapshot: Snapshot, placed: Schedule) -> Feeds:
    facts = {cluster: sourced.value for cluster, sourced in snapshot.clusters.items()}
    return render(snapshot, placed, facts)


def test_template_has_no_problem_and_no_warning(snapshot: Snapshot, placed: Schedule, feeds: Feeds) -> None:
    _, of_settings = read_template()
    assert (*of_settings, *snapshot.problems, *placed.problems, *feeds.problems) == ()


def test_placements_equal_the_golden_file(placed: Schedule) -> None:
    found = {
        name: {p.binding: dict(p.replicas) for p in scheduled.placements}
        for name, scheduled in placed.subscriptions.items()
    }
    text = yaml.safe_dump(found)
    if ACCEPT:
        (HERE / "placements.yaml").write_text(text)
    assert text == (HERE / "placements.yaml").read_text()


def test_rendered_files_equal_the_golden_tree(snapshot: Snapshot, feeds: Feeds) -> None:
    found = {
        f"{snapshot.clusters[unit.cluster].value.name}/{filenames.path_of(unit.subscription, o.key)}": o.body
        for unit, feed in feeds.units.items()
        for o in feed.objects
    }
    texts = {path: filenames.serialise(body).decode() for path, body in found.items()}
    golden = HERE / "rendered"
    if ACCEPT:
        shutil.rmtree(golden, ignore_errors=True)
        for path, text in texts.items():
            (golden / path).parent.mkdir(parents=True, exist_ok=True)
            (golden / path).write_text(text)
    expected = {p.relative_to(golden).as_posix(): p.read_text() for p in golden.rglob("*") if p.is_file()}
    assert sorted(texts) == sorted(expected)
    assert texts == expected


def control_files() -> list[Path]:
    found = [TEMPLATE / "fleet.yaml"]
    for path in sorted(TEMPLATE.rglob("*.yaml")):
        kinds = {(body or {}).get("kind") for body in yaml.safe_load_all(path.read_text())}
        found += [path] if kinds & CONTROL else []
    return found


@pytest.mark.parametrize("path", control_files(), ids=lambda path: path.relative_to(TEMPLATE).as_posix())
def test_control_file_names_the_schema_of_its_kind(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    assert first.startswith(SCHEMA_OF)
    schema = (path.parent / first.removeprefix(SCHEMA_OF)).resolve()
    kinds = {body.get("kind", "fleet").lower() for body in yaml.safe_load_all(path.read_text())}
    assert kinds == {schema.stem}, "a schema is for one kind"
    assert json.loads(schema.read_text())


def test_workflow_grants_nothing_by_default_and_each_job_only_contents() -> None:
    workflow = yaml.safe_load((TEMPLATE / ".github/workflows/fleet.yml").read_text())
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "check": {"contents": "read"},
        "sync": {"contents": "write"},
    }
