"""`reconciler explain`: the chain of a field, with files, lines, authors, and nothing of a Secret."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from reconciler.cli.main import cli
from reconciler.model.errors import UsageError
from reconciler.model.objects import ObjectKey
from reconciler.sync.kindnames import matches, parse_reference

TEMPLATE = Path(__file__).parents[3] / "fleet-repo-template"
CANARY = "canary-4711"
SECRET = f"""
apiVersion: v1
kind: Secret
metadata: {{name: key, namespace: web}}
stringData: {{password: {CANARY}}}
---
apiVersion: apps.clusternet.io/v1alpha1
kind: Localization
metadata: {{name: secret, namespace: clusternet-prod}}
spec:
  feed: {{apiVersion: v1, kind: Secret, namespace: web, name: key}}
  overrides:
    - type: MergePatch
      value: |
        stringData:
          password: {CANARY}-prod
"""


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repo = tmp_path_factory.mktemp("fleet") / "repo"
    shutil.copytree(TEMPLATE, repo, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    (repo / "apps/web/secret.yaml").write_text(SECRET)
    subscription = repo / "apps/web/subscription.yaml"
    feed = "    - {apiVersion: v1, kind: Secret, namespace: web, name: key}\n"
    subscription.write_text(subscription.read_text() + feed)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"]):
        subprocess.run(["git", *words], cwd=repo, check=True)
    who = ["-c", "user.name=Ada Author", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", *who, "commit", "-q", "-m", "A fleet"], cwd=repo, check=True)
    return repo


def run(repo: Path, *words: str) -> Result:
    env = {"RECONCILER_CACHE": str(repo.parent / "cache")}
    return CliRunner().invoke(cli, ["explain", "--repo", str(repo), *words], env=env, catch_exceptions=False)


def answer(repo: Path, *words: str) -> Any:
    return json.loads(run(repo, *words, "-o", "json").stdout)


def line_of(repo: Path, path: str, text: str) -> int:
    return next(n for n, line in enumerate((repo / path).read_text().splitlines(), 1) if text in line)


def test_divided_field_is_told_from_the_file_to_the_arithmetic(repo: Path) -> None:
    found = answer(repo, "prod", "deploy/web", "spec.replicas")
    assert found["value"] == 4
    source, division = found["steps"]
    assert (source["sort"], source["file"]) == ("file", "apps/web/web.yaml")
    assert source["line"] == line_of(repo, "apps/web/web.yaml", "replicas:")
    assert (source["author"], len(source["commit"])) == ("Ada Author", 40)
    assert source["changes"] == [{"field": "/spec/replicas", "after": 6}]
    assert division["note"] == "weight 2 of 3: 6 x 2 / 3 = 4"
    assert division["changes"] == [{"field": "/spec/replicas", "before": 6, "after": 4}]
    assert "subscriber 1 selects it, weight 2" in found["schedule"]


def test_override_is_told_with_priority_operation_and_the_line_of_the_operation(repo: Path) -> None:
    found = answer(repo, "prod", "deployment.apps/web", "-n", "web", "spec.template.spec.containers[0].image")
    override = found["steps"][-1]
    assert override["title"].startswith("Localization clusternet-prod/web-image[0]")
    assert (override["priority"], override["operations"]) == (500, [0])
    lines = (repo / override["file"]).read_text().splitlines()
    assert lines[override["line"] - 1].strip().startswith("- {op: replace") or "op:" in lines[override["line"] - 1]
    before, after = (override["changes"][0][side] for side in ("before", "after"))
    assert (before, after) == ("nginxinc/nginx-unprivileged:1.28.0", "nginxinc/nginx-unprivileged:1.27.5")


def test_without_a_field_every_field_has_its_step(repo: Path) -> None:
    found = answer(repo, "prod", "deploy/web")
    steps = [step["sort"] for step in found["steps"]]
    assert steps[found["fields"]["/spec/replicas"]] == "division"
    assert steps[found["fields"]["/metadata/labels/environment"]] == "override"
    assert steps[found["fields"]["/kind"]] == "file"


@pytest.mark.parametrize("field", [(), ("spec.replicas",), ("/spec/template/spec/containers/0",)], ids=str)
def test_text_fits_80_columns(repo: Path, field: tuple[str, ...]) -> None:
    told = run(repo, "prod", "deploy/web", *field).stdout
    assert max(map(len, told.splitlines())) <= 80
    assert told.startswith("prod: Deployment.apps web/web of default/web\n")


@pytest.mark.parametrize("output", ["text", "json", "yaml"])
@pytest.mark.parametrize("field", [(), ("stringData.password",), ("stringData",)], ids=str)
def test_no_value_of_a_secret_is_told(repo: Path, output: str, field: tuple[str, ...]) -> None:
    told = run(repo, "prod", "secret/key", *field, "-o", output).stdout
    assert CANARY not in told
    assert told.count("<sha256:") >= 2
    assert CANARY in run(repo, "prod", "secret/key", *field, "-o", output, "--show-secrets").stdout


def test_a_line_that_is_not_committed_says_so(repo: Path) -> None:
    path = repo / "apps/web/web.yaml"
    text = path.read_text()
    path.write_text(text.replace("replicas: 6", "replicas: 9"))
    told = run(repo, "prod", "deploy/web", "spec.replicas").stdout
    path.write_text(text)
    assert "not committed" in told
    assert "9 -> 6" in told


def test_a_commit_is_explained_as_it_was(repo: Path) -> None:
    committed = answer(repo, "prod", "deploy/web", "spec.replicas", "--branch", "main")
    assert committed["value"] == 4
    assert committed["steps"][0]["author"] == "Ada Author"


def test_yaml_and_json_say_the_same(repo: Path) -> None:
    words = ("prod", "svc/web", "spec.ports")
    assert yaml.safe_load(run(repo, *words, "-o", "yaml").stdout) == answer(repo, *words)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("prd", "deploy/web"), "no cluster prd", "prod"),
        (("prod", "deploy/wbe"), "prod gets no deploy wbe", "-o name"),
        (("prod", "web"), "names no object", "deploy/web"),
        (("prod", "deploy/web", "spec.replica"), "has no spec.replica", "spec.replicas"),
        (("prod", "deploy/web", "spec["), "names no field", "/spec/replicas"),
    ],
    ids=["cluster", "object", "reference", "field", "field syntax"],
)
def test_a_slip_is_answered_with_a_hint(repo: Path, words: tuple[str, ...], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        run(repo, *words)
    assert message in refused.value.message
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "deploy/web", "deployment/web", "deployments/web", "Deployment/web", "deployment.apps/web", "deploy.apps/web",
        "deployments.v1.apps/web",
    ],
)  # fmt: skip
def test_kind_is_named_as_for_kubectl(text: str) -> None:
    assert matches(parse_reference(text), ObjectKey("apps", "Deployment", "web", "web"))
    assert not matches(parse_reference(text), ObjectKey("apps", "DaemonSet", "web", "web"))
    assert not matches(parse_reference(text, "other"), ObjectKey("apps", "Deployment", "web", "web"))
    if ".apps" in text:
        assert not matches(parse_reference(text), ObjectKey("other", "Deployment", "web", "web"))
