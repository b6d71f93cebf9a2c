"""What never deletes by itself, and how the deletes that were held back are asked for."""

from __future__ import annotations

import re

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
    assert fleet_repo.rendered().keys() == before.keys()


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
