"""What never deletes by itself, and how the deletes that were held back are asked for."""

from __future__ import annotations

import re
from typing import Any

from tests.program.template import LOG_SHIPPER, METADATA, UNDEPLOY, WEB, TemplateRepo

SELECTOR = "clusterAffinity: {}"
BROKEN = "apiVersion: apps.clusternet.io/v1alpha1\nkind: Subscription\nmetadata: {name: web\n"


def test_a_subscription_that_no_cluster_fits_any_more_stays_where_it_was(fleet_repo: TemplateRepo) -> None:
    fleet_repo.sync()
    before = fleet_repo.rendered()
    fleet_repo.change(LOG_SHIPPER, SELECTOR, "clusterAffinity: {matchLabels: {nobody: here}}")
    assert "no-cluster-fits" in fleet_repo.sync().stdout
    assert fleet_repo.rendered() == before


def test_a_subscription_that_may_go_nowhere_keeps_its_objects_until_the_digest_is_acknowledged(
    fleet_repo: TemplateRepo,
) -> None:
    fleet_repo.sync()
    before = fleet_repo.rendered()
    fleet_repo.change(LOG_SHIPPER, METADATA, UNDEPLOY)
    fleet_repo.change(LOG_SHIPPER, SELECTOR, "clusterAffinity: {matchLabels: {nobody: here}}")
    held = fleet_repo.run("sync", "--once")
    assert held.code == 6
    assert held.stdout.count("held[unplaced]: default/log-shipper on ") == 3
    assert held.stdout.count("would delete ") == 9
    assert fleet_repo.rendered() == before

    digests = re.findall(r"to delete these: --acknowledge (\w{40})", held.stdout)
    one = fleet_repo.run("sync", "--once", "--acknowledge", digests[0])
    assert one.code == 6
    assert one.stdout.count("held[unplaced]") == 2
    assert len(before) - len(fleet_repo.rendered()) == 3
    options = [option for digest in digests[1:] for option in ("--acknowledge", digest)]
    assert fleet_repo.run("sync", "--once", *options).code == 0
    assert len(before) - len(fleet_repo.rendered()) == 9
    assert fleet_repo.sync().report["nothingNew"] is True


def test_a_vanished_cluster_keeps_its_objects_until_the_digest_is_acknowledged(fleet_repo: TemplateRepo) -> None:
    fleet_repo.sync()
    before = fleet_repo.rendered()
    fleet_repo.commit({"clusters/dev.yaml": None})
    held = fleet_repo.sync(expect=6).report
    guards = [unit["guard"] for unit in held["units"] if unit["guard"]]
    assert [guard["rule"] for guard in guards] == ["vanished-cluster"]
    assert [row["state"] for row in held["clusters"] if row["cluster"] == "dev"] == ["Held"]
    assert fleet_repo.rendered() == before
    fleet_repo.sync("--acknowledge", guards[0]["acknowledge"])
    assert fleet_repo.rendered().keys() == {path for path in before if not path.startswith("dev/")}


def test_broken_yaml_in_one_subscription_holds_that_one_and_the_others_go_on(fleet_repo: TemplateRepo) -> None:
    fleet_repo.sync()
    before = fleet_repo.rendered()
    web = {path: text for path, text in before.items() if "/web/" in path}
    fleet_repo.commit(
        {
            WEB: BROKEN,
            "addons/log-shipper/log-shipper.yaml": fleet_repo.text("addons/log-shipper/log-shipper.yaml").replace(
                "4.0.7", "4.1.0"
            ),
        }
    )
    broken = fleet_repo.run("sync", "--once")
    assert broken.code == 3
    assert re.search(rf"^{WEB}:\d+:\d+: error\[", broken.stderr, re.MULTILINE)
    assert "held[problems]" in broken.stdout
    after = fleet_repo.rendered()
    assert {path: text for path, text in after.items() if path in web} == web
    shippers = [text for path, text in after.items() if path.endswith("daemon-set.apps_log-shipper.yaml")]
    assert len(shippers) == 3
    assert all("4.1.0" in text for text in shippers)


def test_a_subscription_with_a_problem_is_held_and_nothing_of_a_repo_with_problems_is_pruned(
    fleet_repo: TemplateRepo,
) -> None:
    fleet_repo.sync()
    before = fleet_repo.rendered()
    fleet_repo.commit(
        {
            WEB: fleet_repo.text(WEB).replace(
                "kind: Service, namespace: web, name: web", "kind: Service, namespace: web, name: wob"
            ),
            "clusters/staging.yaml": None,
        }
    )
    done = fleet_repo.run("sync", "--once")
    assert done.code == 6, "the cluster that vanished is held as well"
    assert "wob" in done.stderr
    assert fleet_repo.rendered() == before


def test_an_empty_feed_cannot_be_written(fleet_repo: TemplateRepo) -> None:
    head, _, _ = fleet_repo.text(WEB).partition("  feeds:")
    fleet_repo.commit({WEB: head + "  feeds: []\n"})
    done = fleet_repo.sync(expect=3).report
    assert [problem["file"] for problem in done["problems"]] == [WEB]
    assert {unit["subscription"] for unit in done["units"] if unit["objects"]} == {"default/log-shipper"}


def test_a_status_that_cannot_be_written_hides_nothing_and_is_written_by_the_next_run(fleet_repo: TemplateRepo) -> None:
    hook = fleet_repo.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho this branch is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    refused = fleet_repo.run("sync", "--once")
    assert refused.code == 4
    assert "17 created" in refused.stdout
    assert "error[status-rejected]: branch 'reconciler-status'" in refused.stderr
    hook.unlink()
    written = fleet_repo.sync().report
    assert (written["statusError"], bool(written["statusCommit"])) == (None, True)
    assert fleet_repo.sync().report["nothingNew"] is True


def held(report: Any) -> dict[str, list[str]]:
    """The digests of what is held, by rule."""
    found: dict[str, list[str]] = {}
    for unit in report["units"]:
        if unit["guard"]:
            found.setdefault(unit["guard"]["rule"], []).append(unit["guard"]["acknowledge"])
    return found


def of_shipper(files: dict[str, str]) -> dict[str, str]:
    """The files of the log shipper, with what is in them."""
    return {path: text for path, text in files.items() if "/log-shipper/" in path}


def test_a_commit_lets_namespaces_go_by_a_line_in_its_message(fleet_repo: TemplateRepo) -> None:
    fleet_repo.sync()
    fleet_repo.commit({LOG_SHIPPER: None, "overrides/environments.yaml": None})
    digests = held(fleet_repo.sync(expect=6).report)
    assert {rule: len(several) for rule, several in digests.items()} == {"precious": 3}
    lines = "\n".join(f"Reconciler-Acknowledge: {digest}" for digest in digests["precious"][:2])
    fleet_repo.commit({"notes.txt": "1"}, f"Remove the shipper\n\nIts logs are elsewhere.\n\n{lines}")
    fleet_repo.commit({"notes.txt": "2"})
    after = fleet_repo.sync(expect=6).report
    assert sum(row["pruned"] for row in after["clusters"]) == 2
    assert held(after) == {"precious": digests["precious"][2:]}
    fleet_repo.commit({"notes.txt": "3"}, f"Say it\n\nReconciler-Acknowledge: {digests['precious'][2]}")
    assert sum(row["pruned"] for row in fleet_repo.sync().report["clusters"]) == 1
    assert not any("log-shipper" in path for path in fleet_repo.rendered())


def test_deletes_beyond_the_budget_wait_together_under_one_digest(fleet_repo: TemplateRepo) -> None:
    settings = fleet_repo.text("fleet.yaml")
    budget = "\nprune: {perCluster: {objects: 1, percent: 10}, perFleet: {objects: 100, percent: 20}}\n"
    fleet_repo.commit({"fleet.yaml": settings + budget})
    fleet_repo.sync()
    before = fleet_repo.rendered()
    fleet_repo.commit({LOG_SHIPPER: None, "overrides/environments.yaml": None})
    told = fleet_repo.run("sync", "--once")
    assert told.code == 6
    after = fleet_repo.rendered()
    assert of_shipper(after) == of_shipper(before)
    assert after.keys() == before.keys(), "the same overrides were for web, whose files change"
    assert "held[budget]: default/log-shipper on dev: 2 of this cluster's 3 objects" in told.stdout
    report = fleet_repo.sync(expect=6).report
    assert len(set(held(report)["budget"])) == 3
    fleet_repo.sync("--acknowledge", report["acknowledgesAll"], expect=6)
    left = {path for path in fleet_repo.rendered() if "log-shipper" in path}
    assert len(left) == 3, "Namespaces are asked about by themselves"


ORPHAN = METADATA + "  annotations: {reconciler.clusternet.io/on-removal: orphan}\n"


def test_a_subscription_that_orphans_leaves_its_objects_although_it_said_so_after_they_were_there(
    fleet_repo: TemplateRepo,
) -> None:
    fleet_repo.sync()
    before = fleet_repo.rendered()
    fleet_repo.change(LOG_SHIPPER, METADATA, ORPHAN)
    fleet_repo.sync()
    assert fleet_repo.sync().report["nothingNew"] is True
    fleet_repo.commit({LOG_SHIPPER: None, "overrides/environments.yaml": None})
    foreseen = fleet_repo.run("sync", "--dry-run")
    assert "prune" not in foreseen.stdout.splitlines()[-1]
    report = fleet_repo.sync().report
    gone = [unit for unit in report["units"] if unit["subscription"] == "default/log-shipper"]
    assert {(one["result"], one["message"]) for unit in gone for one in unit["objects"]} == {
        ("kept", "reconciler.clusternet.io/on-removal: orphan")
    }
    after = fleet_repo.rendered()
    assert of_shipper(after) == of_shipper(before)
    assert after.keys() == before.keys(), "the same overrides were for web, whose files change"
    assert fleet_repo.sync().report["nothingNew"] is True
