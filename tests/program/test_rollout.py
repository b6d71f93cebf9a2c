"""Rollouts with the real command: who is changed in which run, what halts, what is approved, what is written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.program import manifests, template
from tests.program.fleetrepo import Done, FleetRepo, eventually, finish

NAMES = ("canary", "p1", "p2", "p3", "p4")
APP = "default/app"


def group(name: str, *clusters: str, **more: Any) -> dict[str, Any]:
    chosen = {"matchExpressions": [{"key": "cluster", "operator": "In", "values": list(clusters)}]}
    return {"name": name, "clusters": chosen, **more}


def settings(*groups: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    rollout = {"name": "all", "groups": list(groups), **more}
    return manifests.settings("rolling", delivery={"to": "directory"}, rollouts=[rollout])


def config(value: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "app", "namespace": "default"},
        "data": {"value": value},
    }


def start(repo: FleetRepo, *groups: Mapping[str, Any], **more: Any) -> None:
    """A fleet of five clusters in which everybody has the first value."""
    plain = manifests.settings("rolling", delivery={"to": "directory"})
    body = config("first")
    repo.commit(
        {
            "fleet.yaml": plain,
            "clusters.yaml": manifests.clusters("rolling", NAMES),
            "app.yaml": [body, manifests.subscription("app", [body])],
        }
    )
    repo.sync()
    repo.commit({"fleet.yaml": settings(*groups, **more)})
    repo.sync()


def change(repo: FleetRepo, value: str, message: str = "Change") -> str:
    body = config(value)
    return repo.commit({"app.yaml": [body, manifests.subscription("app", [body])]}, message)


def values(repo: FleetRepo) -> dict[str, str]:
    """By cluster what it has."""
    found = {}
    for name in NAMES:
        (path,) = [p for p in (repo.run_in / "rendered" / name).rglob("*") if p.is_file()]
        found[name] = next(line for line in path.read_text().splitlines() if "value" in line).split()[-1].strip('"')
    return found


def messages(report: Mapping[str, Any]) -> dict[str, str]:
    return {unit["cluster"]: unit["message"] for unit in report["units"] if unit["state"] == "Waiting"}


def test_groups_follow_each_other_in_one_run_when_nothing_is_waited_for(repo: FleetRepo) -> None:
    start(repo, group("canary", "canary"), group("prod", "p1", "p2", "p3", atOnce="1"))
    change(repo, "second")
    report = repo.sync().report
    assert set(values(repo).values()) == {"second"}
    assert not messages(report)
    assert repo.sync().report["nothingNew"] is True


def test_a_group_that_soaks_is_waited_for_and_the_same_run_twice_writes_nothing(repo: FleetRepo) -> None:
    start(repo, group("canary", "canary", soak="1h"), group("prod", "p1", "p2"))
    change(repo, "second")
    report = repo.sync().report
    assert values(repo) == {"canary": "second", **dict.fromkeys(NAMES[1:], "first")}
    waiting = messages(report)
    assert set(waiting) == {"p1", "p2", "p3", "p4"}
    assert waiting["p1"].startswith("waits while group canary soaks until ")
    again = repo.sync().report
    assert (again["nothingNew"], again["statusCommit"]) == (False, None)
    assert messages(again) == waiting


def test_a_sync_that_stays_goes_on_when_a_soak_is_over(repo: FleetRepo) -> None:
    start(repo, group("canary", "canary", soak="3s"), group("prod", "p1", "p2", "p3", "p4"))
    staying = repo.start("sync", "--interval", "1h")
    try:
        change(repo, "second")
        eventually(lambda: values(repo)["canary"] == "second", "the canary has the change")
        assert set(values(repo).values()) == {"first", "second"}
        eventually(lambda: set(values(repo).values()) == {"second"}, "everybody has the change")
    finally:
        staying.terminate()
        finish(staying)


def test_status_shows_rollouts_under_way_and_what_stops_them(repo: FleetRepo) -> None:
    start(repo, group("canary", "canary", soak="1h"), group("prod", "p1", "p2"))
    commit = change(repo, "second")
    repo.sync()
    (row,) = [line.split() for line in repo.run("status").stdout.splitlines() if line.startswith(APP)]
    assert row == [APP, "all", commit[:8], "1", "canary", "-"]
    told = json.loads(repo.run("status", "-o", "json").stdout)["rollouts"]
    assert (told[APP]["commit"], len(told[APP]["turns"]), told[APP].get("halted")) == (commit, 1, None)
    page = repo.git("--git-dir", str(repo.remote), "show", "reconciler-status:README.md")
    assert f"| {APP} | all | `{commit[:12]}` | canary | 1 | - |" in page
    assert "rollouts" in json.loads(repo.run("status", "--cluster", "canary", "-o", "json").stdout)


def test_a_closed_window_holds_its_group(repo: FleetRepo) -> None:
    closed = {"days": ["Mon", "Wed", "Fri", "Sun"], "start": "00:00", "end": "00:01", "timeZone": "Pacific/Apia"}
    start(repo, group("canary", "canary"), group("prod", "p1", "p2", windows=[closed]))
    change(repo, "second")
    assert messages(repo.sync().report)["p1"].startswith("waits for the window of group prod until ")
    assert values(repo)["p1"] == "first"


def test_approval_by_a_trailer_lets_a_group_begin(repo: FleetRepo) -> None:
    start(repo, group("canary", "canary"), group("prod", "p1", "p2", approval=True))
    change(repo, "second")
    assert messages(repo.sync().report)["p1"] == "waits for approval of group prod"
    repo.git("commit", "--quiet", "--allow-empty", "-m", f"Go on\n\nReconciler-Approve: {APP} prod")
    repo.git("push", "--quiet", "origin", "main")
    assert not messages(repo.sync().report)
    assert set(values(repo).values()) == {"second"}


def test_a_canary_that_fails_halts_the_rollout_and_a_fixed_commit_goes_on(repo: FleetRepo) -> None:
    start(repo, group("canary", "canary"), group("prod", "p1", "p2"))
    home = repo.run_in / "rendered" / "canary"
    (path,) = [p for p in home.rglob("*") if p.is_file()]
    path.unlink()
    path.mkdir()
    (path / "in-the-way").touch()
    change(repo, "second")
    report = repo.sync(expect=6).report
    assert set(messages(report).values()) == {"halted: 1 failed in group canary, 0 may"}
    assert set(messages(report)) == set(NAMES[1:])
    (path / "in-the-way").unlink()
    path.rmdir()
    change(repo, "third")
    repo.sync()
    assert set(values(repo).values()) == {"third"}


def block(repo: FleetRepo, cluster: str) -> None:
    """Nothing can be written to this cluster any more."""
    (path,) = [p for p in (repo.run_in / "rendered" / cluster).rglob("*") if p.is_file()]
    path.unlink()
    path.mkdir()
    (path / "in-the-way").touch()


def here(repo: FleetRepo, *arguments: str) -> Done:
    """A command in the work tree, which knows what is on the remote."""
    repo.git("fetch", "--quiet", "origin")
    return template.run(*arguments, at=repo.work, env={"GIT_CONFIG_GLOBAL": "/dev/null", **IDENTITY})


IDENTITY = {f"GIT_{who}_{what}": "author" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def test_a_failure_that_is_asked_about_is_played_forward(repo: FleetRepo) -> None:
    start(repo, group("canary", "canary"), group("prod", "p1", "p2", "p3", "p4", atOnce="2", maxFailures="1"))
    change(repo, "second")
    told = here(repo, "rollout", "plan", "app", "--fail", "p1", "--fail", "p2")
    assert told.code == 0, told.stderr
    assert " ".join(told.stdout.split()).endswith(
        "3 clusters would get the change, 2 of them would fail (p1, p2); it would halt in group prod (2 failed, 1 "
        "may), and 2 clusters would keep what they have."
    )
    assert all(len(line) <= 80 for line in told.stdout.splitlines())
    (data,) = json.loads(here(repo, "rollout", "plan", "-o", "json").stdout)
    assert [(step["group"], step["clusters"]) for step in data["ahead"]] == [
        ("canary", ["canary"]),
        ("prod", ["p1", "p2"]),
        ("prod", ["p3", "p4"]),
    ]


def test_the_command_approves_just_what_waits(repo: FleetRepo) -> None:
    start(repo, group("canary", "canary"), group("prod", "p1", "p2", approval=True))
    change(repo, "second")
    repo.sync()
    assert "takes effect after: git push" in here(repo, "rollout", "approve", "app", "prod").stderr
    assert f"Reconciler-Approve: {APP} prod " in repo.git("log", "-1", "--format=%B")
    change(repo, "third")
    assert messages(repo.sync().report)["p1"] == "waits for approval of group prod"
    assert values(repo)["p1"] == "first"
    here(repo, "rollout", "approve", "app", "prod")
    repo.git("push", "--quiet", "origin", "main")
    repo.sync()
    assert set(values(repo).values()) == {"third"}


def test_a_rollout_is_paused_and_resumed_by_its_line_in_the_settings(repo: FleetRepo) -> None:
    start(repo, group("canary", "canary"))
    before = (
        "# ours\nfleet: rolling\ndelivery: {to: directory}\nrollouts:\n  - name: all # the only one\n    groups: []\n"
    )
    text = before.replace("groups: []", "groups:\n      - name: everybody")
    repo.commit({"fleet.yaml": text})
    assert here(repo, "rollout", "pause", "all").code == 0
    paused = (repo.work / "fleet.yaml").read_text()
    assert paused == text.replace("only one\n", "only one\n    paused: true\n")
    change(repo, "second")
    assert set(messages(repo.sync().report).values()) == {"paused"}
    assert here(repo, "rollout", "resume", "all").code == 0
    assert (repo.work / "fleet.yaml").read_text() == paused.replace("true", "false")
    repo.commit({})
    repo.sync()
    assert set(values(repo).values()) == {"second"}


def test_a_halt_prepares_its_revert_on_a_branch_and_the_revert_touches_only_the_canary(repo: FleetRepo) -> None:
    start(repo, group("canary", "canary"), group("prod", "p1", "p2"))
    block(repo, "canary")
    good = repo.git("show", "HEAD:app.yaml")
    bad = change(repo, "second")
    report = repo.sync("--revert-commit", expect=6).report
    branch = f"reconciler/revert-{bad[:12]}"
    assert [one["branch"] for one in report["reverted"]] == [branch]
    assert [(one["group"], one["failed"]) for one in report["halted"]] == [("canary", ["canary"])]
    repo.git("fetch", "--quiet", "origin", branch)
    assert repo.git("show", "FETCH_HEAD:app.yaml") == good
    message = repo.git("log", "-1", "--format=%B", "FETCH_HEAD")
    assert "1 failed in group canary, 0 may" in message
    assert "- canary: " in message
    told = repo.run("sync", "--once")
    assert told.code == 6
    assert "default/app halted in group canary: 1 failed, 0 may: canary" in told.stdout
    repo.git("merge", "--quiet", "--ff-only", "FETCH_HEAD")
    repo.git("push", "--quiet", "origin", "main")
    assert not messages(repo.sync(expect=4).report)


def test_a_dry_run_shows_who_is_due_and_who_waits(repo: FleetRepo) -> None:
    start(repo, group("canary", "canary"), group("prod", "p1", "p2"))
    change(repo, "second")
    report = repo.sync("--dry-run", expect=1).report
    assert set(messages(report)) == set(NAMES[1:])
    assert [unit["cluster"] for unit in report["units"] if unit["state"] != "Waiting"] == ["canary"]
