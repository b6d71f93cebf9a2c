"""What authors run in a work tree: init, check, schedule, render, suspend, resume, completion."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.program.fleetrepo import RECONCILER
from tests.program.template import TEMPLATE, WEB, TemplateRepo, run

FILES_OF_TEMPLATE = {str(p.relative_to(TEMPLATE)) for p in TEMPLATE.rglob("*") if p.is_file()}


def test_init_makes_a_repo_that_checks_clean_and_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "Shop of 2026").mkdir()
    top = tmp_path / "Shop of 2026"
    (top / "README.md").write_text("ours")
    made = run("init", at=top)
    assert (made.code, made.stdout) == (0, "")
    assert "for fleet 'shop-of-2026'" in made.stderr
    assert "kept as they were: README.md" in made.stderr
    files = {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}
    assert files.keys() == FILES_OF_TEMPLATE
    assert files["README.md"] == b"ours"
    assert yaml.safe_load(files["fleet.yaml"])["fleet"] == "shop-of-2026"
    differing = {path for path, content in files.items() if content != (TEMPLATE / path).read_bytes()}
    assert differing == {"README.md", "fleet.yaml"}

    checked = run("check", at=top)
    assert (checked.code, checked.stdout, checked.stderr) == (0, "", "no problems\n")

    again = run("init", at=top)
    assert again.code == 2
    assert "exists already" in again.stderr
    assert {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()} == files


@pytest.mark.parametrize(
    "name", ["Ab", "-a", "a" * 41, "", "a_b"], ids=["upper", "dash", "long", "empty", "underscore"]
)
def test_init_refuses_an_id_that_no_fleet_can_have(name: str, tmp_path: Path) -> None:
    refused = run("init", "new", f"--fleet={name}", at=tmp_path)
    assert refused.code == (0 if name == "" else 2)
    assert (tmp_path / "new").exists() is (name == "")


def test_init_writes_ids_that_yaml_would_read_as_something_else_as_text(tmp_path: Path) -> None:
    for name in ("123", "true", "1e3", "null"):
        run("init", name, at=tmp_path)
        assert yaml.safe_load((tmp_path / name / "fleet.yaml").read_text())["fleet"] == name


def test_suspend_and_resume_edit_the_file_and_give_it_back(fleet_repo: TemplateRepo) -> None:
    text = fleet_repo.text(WEB)
    done = run("suspend", "subscription", "default/web", at=fleet_repo.work)
    assert (done.code, done.stdout) == (0, "")
    assert done.stderr == f"Subscription default/web suspended in {WEB}; takes effect when it is committed\n"
    metadata = yaml.safe_load(fleet_repo.text(WEB))["metadata"]
    assert metadata["annotations"] == {"reconciler.clusternet.io/suspend": "true"}
    assert "already" in run("suspend", "sub", "web", at=fleet_repo.work).stderr
    assert run("resume", "sub", "web", at=fleet_repo.top, env={"RECONCILER_RESUME_REPO": "work"}).code == 0
    assert fleet_repo.text(WEB) == text
    assert "not suspended already" in run("resume", "sub", "web", at=fleet_repo.work).stderr

    assert run("suspend", "cluster", "prod", at=fleet_repo.work).code == 0
    assert fleet_repo.git("diff", "--stat").strip().startswith("clusters/prod.yaml")
    wrong = run("suspend", "cluster", "prd", at=fleet_repo.work)
    assert (wrong.code, "did you mean prod?" in wrong.stderr) == (2, True)


def test_schedule_says_who_gets_what_and_who_does_not(fleet_repo: TemplateRepo) -> None:
    text = run("schedule", "--subscription", "web", at=fleet_repo.work).stdout
    assert [line.split() for line in text.splitlines()] == [
        ["SUBSCRIPTION", "CLUSTER", "REPLICAS", "WHY", "NOT"],
        ["default/web", "prod", "web=4"],
        ["default/web", "staging", "web=2"],
        ["default/web", "dev", "-", "NotSelected:", "no", "subscriber", "selects", "its", "labels"],
    ]
    assert all(len(line) <= 80 for line in text.splitlines())
    (web,) = json.loads(run("schedule", "--subscription", "web", "-o", "json", at=fleet_repo.work).stdout)
    assert {p["cluster"]: p["replicas"] for p in web["placements"]} == {
        "prod": {"apps/v1/Deployment/web/web": 4},
        "staging": {"apps/v1/Deployment/web/web": 2},
    }
    assert [(r["cluster"], r["reason"]) for r in web["refusals"]] == [("dev", "NotSelected")]


def test_render_prints_the_work_tree_as_documents_for_kubectl(fleet_repo: TemplateRepo) -> None:
    path = fleet_repo.work / WEB
    path.write_text(path.read_text().replace("weight: 2", "weight: 5"))
    done = run("render", "--cluster", "prod", at=fleet_repo.work)
    documents = [document for document in yaml.safe_load_all(done.stdout) if document]
    assert len(documents) == 7
    assert [d["spec"]["replicas"] for d in documents if d["kind"] == "Deployment"] == [5]
    names = run("render", "--cluster", "prod", "-o", "name", at=fleet_repo.work).stdout.splitlines()
    assert len(names) == 7
    assert "prod  default/web  Deployment.apps web/web" in names


def test_check_tells_people_and_machines_the_same_problem(fleet_repo: TemplateRepo) -> None:
    path = fleet_repo.work / WEB
    path.write_text(path.read_text().replace("weight: 1", "wieght: 1"))
    text = run("check", at=fleet_repo.work)
    assert text.code == 3
    assert text.stdout.startswith(f"{WEB}:")
    assert "error[" in text.stdout
    assert text.stderr == "1 error\n"
    (problem,) = json.loads(run("check", "-o", "json", at=fleet_repo.work).stdout)
    assert (problem["file"], problem["severity"]) == (WEB, "error")
    assert text.stdout.startswith(f"{WEB}:{problem['line']}:{problem['column']}: error[{problem['rule']}]: ")
    assert run("check", "-o", "github", at=fleet_repo.work).stdout.startswith(
        f"::error file={WEB},line={problem['line']}"
    )
    elsewhere = run("check", "work", "-o", "json", at=fleet_repo.top)
    assert [one["file"] for one in json.loads(elsewhere.stdout)] == [f"work/{WEB}"]
    sarif = json.loads(run("check", "-o", "sarif", at=fleet_repo.work).stdout)
    assert sarif["runs"][0]["results"][0]["ruleId"] == problem["rule"]


BASH = """
source <(reconciler completion bash)
COMP_WORDS=(reconciler {words}) COMP_CWORD={count}
_reconciler_completion reconciler
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """
autoload -Uz compinit && compinit -u -D
source <(reconciler completion zsh)
whence -w _reconciler_completion
"""
FISH = """
reconciler completion fish | source
complete --do-complete 'reconciler {words}'
"""


def test_check_remembers_its_answer_only_for_the_same_files(fleet_repo: TemplateRepo) -> None:
    def rules() -> list[str]:
        return [found["rule"] for found in json.loads(run("check", "-o", "json", at=fleet_repo.work).stdout)]

    extra = fleet_repo.work / "extra.yaml"
    assert (rules(), rules()) == ([], [])
    extra.write_text("kind: Namespace\n")
    assert (rules(), rules()) == (["type-missing"], ["type-missing"])
    extra.write_text("apiVersion: v1\n")
    assert rules() == ["type-missing"]
    extra.write_text("a: b\n")
    assert rules() == ["not-an-object"]
    extra.unlink()
    assert rules() == []


def shell(program: str, script: str, at: Path) -> str:
    env = {
        "PATH": f"{RECONCILER.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(at.parent),
        "RECONCILER_CACHE": str(at.parent / "cache"),
    }
    done = subprocess.run([program, "-c", script], cwd=at, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.needs_tool("bash")
def test_bash_completes_commands_options_values_and_names_of_the_fleet(fleet_repo: TemplateRepo) -> None:
    def completed(*words: str) -> set[str]:
        quoted = " ".join(word or "''" for word in words)
        return set(shell("bash", BASH.format(words=quoted, count=len(words)), fleet_repo.work).split())

    assert completed("s") == {"schedule", "sync", "status", "suspend", "schema"}
    assert completed("sync", "--on") == {"--once"}
    assert completed("sync", "-o", "") == {"text", "wide", "json", "yaml"}
    assert completed("sync", "--cluster", "") == {"dev", "staging", "prod"}
    assert completed("suspend", "sub", "w") == {"web"}


@pytest.mark.needs_tool("fish")
def test_fish_completes(fleet_repo: TemplateRepo) -> None:
    assert {"staging"} == set(shell("fish", FISH.format(words="sync --cluster st"), fleet_repo.work).split())


@pytest.mark.needs_tool("zsh")
def test_zsh_takes_the_script(fleet_repo: TemplateRepo) -> None:
    assert "_reconciler_completion: function" in shell("zsh", ZSH, fleet_repo.work)
