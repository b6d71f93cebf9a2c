"""`reconciler render`: the bytes that sync would apply, Secrets as fingerprints, and every shape of output."""

import base64
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from reconciler.cli.main import cli

TEMPLATE = Path(__file__).parents[3] / "fleet-repo-template"
CANARY = "canary-4711"
SECRET = f"""
apiVersion: v1
kind: Secret
metadata: {{name: key, namespace: web}}
stringData: {{a: {CANARY}}}
data: {{b: {base64.b64encode(CANARY.encode()).decode()}, c: {base64.b64encode(b"other").decode()}}}
"""
PRINT = re.compile(r"<sha256:[0-9a-f]{8}>")


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repo = tmp_path_factory.mktemp("fleet") / "repo"
    shutil.copytree(TEMPLATE, repo, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    (repo / "apps/web/secret.yaml").write_text(SECRET)
    subscription = repo / "apps/web/subscription.yaml"
    feed = "    - {apiVersion: v1, kind: Secret, namespace: web, name: key}\n"
    subscription.write_text(subscription.read_text() + feed)
    return repo


def run(repo: Path, *words: str, command: str = "render") -> Result:
    env = {"RECONCILER_CACHE": str(repo.parent / "cache")}
    return CliRunner().invoke(cli, [command, str(repo), *words], env=env, catch_exceptions=False)


@pytest.mark.parametrize("output", ["yaml", "json", "name", "clusternet"])
def test_no_value_of_a_secret_is_printed_unless_asked(repo: Path, output: str) -> None:
    told = run(repo, "-o", output).stdout
    values = (CANARY, base64.b64encode(CANARY.encode()).decode())
    texts = [told, *(base64.b64decode(raw).decode() for raw in re.findall(r"[A-Za-z0-9+/]{100,}=*", told))]
    assert not [text for text in texts for value in values if value in text]


def test_fingerprints_tell_equal_values_and_differ_between_runs(repo: Path) -> None:
    documents = list(yaml.safe_load_all(run(repo, "--cluster", "prod").stdout))
    (secret,) = [d for d in documents if d["kind"] == "Secret"]
    assert PRINT.fullmatch(secret["stringData"]["a"])
    assert secret["stringData"]["a"] == secret["data"]["b"] != secret["data"]["c"]
    again = PRINT.findall(run(repo, "--cluster", "prod").stdout)
    assert secret["data"]["b"] not in again


def test_show_secrets_prints_what_sync_applies(repo: Path) -> None:
    (secret,) = [
        d for d in yaml.safe_load_all(run(repo, "--cluster", "prod", "--show-secrets").stdout) if d["kind"] == "Secret"
    ]
    assert secret["stringData"] == {"a": CANARY}


def test_who_would_apply_fingerprints_is_told(repo: Path) -> None:
    assert "--show-secrets" in run(repo, "--cluster", "prod").stderr
    assert run(repo, "--cluster", "prod", "--show-secrets").stderr == ""
    assert run(repo, "--cluster", "dev").stderr == ""


def files(root: Path) -> dict[str, bytes]:
    found = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return {path: content for path, content in found.items() if not path.startswith(".reconciler/")}


def test_directory_equals_what_a_delivery_into_a_directory_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    work = tmp_path / "work"
    shutil.copytree(TEMPLATE, work, ignore=shutil.ignore_patterns("__pycache__"))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "a"]):
        subprocess.run([*git, *words], cwd=work, check=True)
    monkeypatch.chdir(tmp_path)
    assert run(work, "-o", "dir", "--out", str(tmp_path / "out")).exit_code == 0
    assert run(work, "--once", command="sync").exit_code == 0
    assert files(tmp_path / "out") == files(tmp_path / "rendered")
    assert len(files(tmp_path / "out")) > 10


def test_directory_must_be_empty_and_named(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(Exception, match="is not empty"):
        run(repo, "-o", "dir", "--out", str(tmp_path))
    assert "belong together" in run(repo, "-o", "dir").output
    assert "belong together" in run(repo, "--out", str(tmp_path)).output


def test_selector_and_subscription_narrow_the_graph(repo: Path) -> None:
    words = ("-o", "clusternet", "-l", "environment=prod", "--subscription", "web")
    objects = list(yaml.safe_load_all(run(repo, *words).stdout))
    kinds = [o["kind"] for o in objects]
    assert kinds.count("Subscription") == kinds.count("Base") == kinds.count("Description") == 1
    assert {o["metadata"]["namespace"] for o in objects if o["kind"] == "Base"} == {"clusternet-prod"}


def test_json_holds_the_objects_of_each_unit(repo: Path) -> None:
    units = json.loads(run(repo, "-o", "json", "--cluster", "prod").stdout)
    assert [(u["cluster"], u["subscription"]) for u in units] == [
        ("prod", "default/log-shipper"),
        ("prod", "default/web"),
    ]
