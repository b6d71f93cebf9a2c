"""Helm runs once for what is asked alike, and what is remembered of it tells nothing to who has not the inputs."""

import os
from pathlib import Path

import msgspec
import pytest

from reconciler.model.inflation import ChartRender
from tests.plugins.charts import SHAPES
from tests.plugins.fleet import tool
from tests.wire.charts.asking import Run, in_repo, of_repo

pytestmark = pytest.mark.needs_tool("helm")
CANARY = "c4n4ry-value"
SECRET = {
    **SHAPES["plain"],
    "templates/secret.yaml": (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n"
        "  plain: {{ .Values.secret }}\n  hashed: {{ .Values.secret | b64enc }}\n"
    ),
}


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """An environment whose PATH has a helm that writes down how it is called, and that record."""
    record, script = tmp_path / "calls", tmp_path / "bin" / "helm"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {record}\nexec {tool("helm")} "$@"\n')
    script.chmod(0o755)
    return {"PATH": f"{script.parent}:{os.environ['PATH']}", "RECONCILER_HELM": ""}, record


def templated(record: Path) -> int:
    return sum(line.startswith("template ") for line in record.read_text().splitlines())


def of_clusters(files: dict[str, bytes]) -> list[ChartRender]:
    """What 500 clusters ask for, with three sets of values."""
    return [of_repo(files, "plain", {"color": f"{number % 3}"}) for number in range(500)]


async def test_500_clusters_with_three_sets_of_values_run_helm_three_times(
    tmp_path: Path, recorded: tuple[dict[str, str], Path]
) -> None:
    environment, record = recorded
    files = in_repo(SHAPES["plain"], "plain")
    run = Run(tmp_path / "cache", files, environment=environment)
    answers = await run.ask(*of_clusters(files))
    assert [answer.objects[0].body["data"]["color"] for answer in answers] == [str(n % 3) for n in range(500)]
    assert templated(record) == 3
    run.again()
    assert await run.ask(*of_clusters(files)) == answers
    assert templated(record) == 3


async def test_what_differs_in_anything_is_rendered_by_itself(
    tmp_path: Path, recorded: tuple[dict[str, str], Path]
) -> None:
    environment, record = recorded
    files = in_repo(SHAPES["plain"], "plain")
    run = Run(tmp_path / "cache", files, environment=environment)
    asked = of_repo(files, "plain")
    changes: list[dict[str, object]] = [
        {"release": "other"}, {"namespace": "other"}, {"values": b'{"color":"x"}'}, {"kubernetes": "v1.30.0"},
        {"apis": ("example.com/v1/Widget",)}, {"skip_crds": True},
    ]  # fmt: skip
    await run.ask(asked, *(msgspec.structs.replace(asked, **change) for change in changes))
    assert templated(record) == len(changes) + 1
    changed = in_repo({**SHAPES["plain"], "values.yaml": "color: green\n"}, "plain")
    other = Run(tmp_path / "cache", changed, environment=environment)
    answer = await other.good(of_repo(changed, "plain"))
    assert answer.objects[0].body["data"]["color"] == "green"
    assert templated(record) == len(changes) + 2


async def test_a_value_is_in_no_file_that_stays_and_on_no_command_line(
    tmp_path: Path, recorded: tuple[dict[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment, record = recorded
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    files = in_repo(SECRET, "plain")
    run = Run(tmp_path / "cache", files, environment=environment)
    answer = await run.good(of_repo(files, "plain", {"secret": CANARY}))
    assert CANARY in repr(answer.objects)
    kept = [Path(root, name) for root, _, names in os.walk(tmp_path / "cache") for name in names]
    assert kept
    for path in kept:
        assert CANARY.encode() not in path.read_bytes()
        assert CANARY not in path.name
    assert CANARY not in record.read_text()
    assert list(scratch.iterdir()) == []


async def test_what_is_remembered_and_damaged_is_rendered_anew(tmp_path: Path) -> None:
    files = in_repo(SHAPES["plain"], "plain")
    run = Run(tmp_path / "cache", files)
    before = await run.good(of_repo(files, "plain"))
    for path in (tmp_path / "cache" / "charts" / "rendered").iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    run.again()
    assert await run.good(of_repo(files, "plain")) == before


async def test_a_cache_that_cannot_be_written_is_no_cache(tmp_path: Path) -> None:
    files = in_repo(SHAPES["plain"], "plain")
    (tmp_path / "cache").write_text("in the way")
    assert (await Run(tmp_path / "cache", files).good(of_repo(files, "plain"))).objects


async def test_what_a_chart_draws_by_chance_is_named_and_stays_while_it_is_remembered(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
    text += "stringData: {p: {{ .Values.p | default (randAlphaNum 9) }}}\n"
    files = in_repo({**SHAPES["plain"], "templates/secret.yaml": text}, "plain")
    run = Run(tmp_path / "cache", files)
    drawn, given = await run.ask(of_repo(files, "plain"), of_repo(files, "plain", {"p": "given"}))
    assert drawn.varies == ("plain/templates/secret.yaml",)
    assert given.varies == ()
    run.again()
    assert await run.good(of_repo(files, "plain")) == drawn
