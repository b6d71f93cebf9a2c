"""`reconciler sync --once` as people and CI run it: what it writes, what it leaves, what it answers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from tests.program.template import LOG_SHIPPER, PROD_IMAGE, WEB, TemplateRepo

FILES = {"dev": 3, "staging": 7, "prod": 7}


def clusters_of(repo: TemplateRepo) -> dict[str, int]:
    names = [path.partition("/")[0] for path in repo.rendered()]
    return {name: names.count(name) for name in FILES if name in names}


def remote_commands(trace: Path) -> list[str]:
    """The git commands that were started and talk to a remote."""
    started = re.findall(r"trace: built-in: git (?:-c \S+ )*(\S+)", trace.read_text())
    return [command for command in started if command in ("ls-remote", "fetch", "pull", "push", "clone", "remote")]


def test_first_sync_delivers_everything_and_second_one_asks_once_and_writes_nothing(
    fleet_repo: TemplateRepo, tmp_path: Path
) -> None:
    first = fleet_repo.sync()
    assert clusters_of(fleet_repo) == FILES
    assert {row["cluster"]: row["created"] for row in first.report["clusters"]} == FILES
    before = fleet_repo.everything()
    fleet_repo.env["GIT_TRACE"] = str(tmp_path / "trace")
    second = fleet_repo.run("sync", "--once")
    assert (second.code, second.stderr) == (0, "")
    assert "nothing to do" in second.stdout
    assert remote_commands(tmp_path / "trace") == ["ls-remote"]
    assert fleet_repo.everything() == before


def test_an_override_changes_one_cluster_and_a_removal_prunes_it_everywhere(fleet_repo: TemplateRepo) -> None:
    fleet_repo.sync()
    before = fleet_repo.rendered()
    fleet_repo.change(PROD_IMAGE, "1.27.5", "1.29.0")
    changed = fleet_repo.sync().report
    after = fleet_repo.rendered()
    differing = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert {path.partition("/")[0] for path in differing} == {"prod"}
    assert len(differing) == 1
    assert {row["cluster"]: row["changed"] for row in changed["clusters"]} == {"dev": 0, "prod": 1, "staging": 0}

    fleet_repo.commit({LOG_SHIPPER: None, "overrides/environments.yaml": None})
    pruned = fleet_repo.sync(expect=6).report
    assert {row["cluster"]: row["pruned"] for row in pruned["clusters"]} == {"dev": 2, "prod": 2, "staging": 2}
    told = fleet_repo.sync("--acknowledge", pruned["acknowledgesAll"]).report
    assert {row["cluster"]: row["pruned"] for row in told["clusters"]} == {"dev": 1, "prod": 1, "staging": 1}
    assert clusters_of(fleet_repo) == {"staging": 4, "prod": 4}
    assert not (fleet_repo.run_in / "rendered" / "dev").exists()


def test_dry_run_writes_nothing_at_all_and_says_by_exit_code_whether_there_is_something(
    fleet_repo: TemplateRepo,
) -> None:
    told = fleet_repo.sync("--dry-run", expect=1).report
    assert told["dryRun"] is True
    assert {row["cluster"]: row["created"] for row in told["clusters"]} == FILES
    assert list(fleet_repo.run_in.iterdir()) == []
    assert not list((fleet_repo.cache / "runs").glob("**/*"))
    assert "reconciler-status" not in fleet_repo.git("ls-remote", "origin")

    fleet_repo.sync()
    before = fleet_repo.everything()
    assert fleet_repo.sync("--dry-run").report["clusters"] == []
    fleet_repo.change(WEB, "weight: 2", "weight: 5")
    between = fleet_repo.rendered()
    done = fleet_repo.run("sync", "--dry-run")
    assert done.code == 1
    assert "2 to change" in done.stdout
    assert fleet_repo.rendered() == between
    kept = {path: value for path, value in before.items() if "/rendered/" in path or "/runs/" in path}
    assert {path: value for path, value in fleet_repo.everything().items() if path in kept} == kept


def test_narrowed_runs_do_their_part_and_a_later_full_run_does_the_rest(fleet_repo: TemplateRepo) -> None:
    fleet_repo.sync("--cluster", "dev")
    assert clusters_of(fleet_repo) == {"dev": 3}
    fleet_repo.sync("-l", "environment in (staging)", "--subscription", "web")
    assert clusters_of(fleet_repo) == {"dev": 3, "staging": 4}
    full = fleet_repo.sync().report
    assert clusters_of(fleet_repo) == FILES
    assert {row["cluster"]: row["created"] for row in full["clusters"]} == {"dev": 0, "staging": 3, "prod": 7}
    assert fleet_repo.sync().report["nothingNew"] is True


def test_what_a_command_line_names_must_exist(fleet_repo: TemplateRepo) -> None:
    wrong = fleet_repo.run("sync", "--once", "--cluster", "stagign")
    assert (wrong.code, wrong.stdout) == (2, "")
    assert "error[unknown-cluster]" in wrong.stderr
    assert "staging" in wrong.stderr
    assert fleet_repo.run("sync", "--once", "-l", "environment==").code in (0, 2)
    bad = fleet_repo.run("sync", "--once", "-l", "environment in prod")
    assert (bad.code, "error[bad-selector]" in bad.stderr) == (2, True)
    assert fleet_repo.run("sync", "--once", "--branch", "nope").code == 2


def test_one_run_answers_alike_in_json_yaml_and_text(fleet_repo: TemplateRepo) -> None:
    as_json = json.loads(fleet_repo.run("sync", "--dry-run", "-o", "json").stdout)
    assert yaml.safe_load(fleet_repo.run("sync", "--dry-run", "-o", "yaml").stdout) == as_json
    assert as_json["fleet"] == "demo"
    assert as_json["exitCode"] == 1
    assert len(as_json["units"]) == 5
    assert {unit["subscription"] for unit in as_json["units"]} == {"default/log-shipper", "default/web"}
    assert all(
        {"cluster", "clusterId", "state", "message", "feed", "guard"} <= unit.keys() for unit in as_json["units"]
    )
    objects = [thing for unit in as_json["units"] for thing in unit["objects"]]
    assert len(objects) == sum(FILES.values())
    assert all(thing["result"] == "created" for thing in objects)
    assert as_json["problems"] == []
    assert as_json["statusCommit"] is None


def test_suspended_units_stay_until_they_are_resumed(fleet_repo: TemplateRepo) -> None:
    fleet_repo.sync()
    text = fleet_repo.text(WEB)
    suspended = text.replace(
        "  namespace: default\n", '  namespace: default\n  annotations: {reconciler.clusternet.io/suspend: "true"}\n'
    )
    fleet_repo.commit({WEB: suspended.replace("weight: 2", "weight: 5")})
    before = fleet_repo.rendered()
    held = fleet_repo.sync().report
    assert fleet_repo.rendered() == before
    assert [row["state"] for row in held["clusters"] if row["cluster"] == "prod"] == ["Suspended"]
    fleet_repo.commit({WEB: text.replace("weight: 2", "weight: 5")})
    assert {row["cluster"]: row["changed"] for row in fleet_repo.sync().report["clusters"]}["prod"] == 1
