"""Rollouts with the real command: who is changed in which run, what halts, what is approved, what is written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.program import manifests
from tests.program.fleetrepo import FleetRepo

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
