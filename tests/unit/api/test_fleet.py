"""The Python API: plain values, the same as the commands give, and other fleets made of one."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler import api
from reconciler.model.errors import UsageError
from tests.program.fleetrepo import FleetRepo

TEMPLATE = Path(__file__).parents[3] / "fleet-repo-template"
WEB = "apps/v1/Deployment/web/web"


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["RECONCILER_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def fleet(cache: None) -> api.Fleet:
    return api.read(TEMPLATE)


def test_a_repo_without_mistakes_has_no_problems(fleet: api.Fleet) -> None:
    assert fleet.problems == ()
    assert fleet.subscriptions == ("default/log-shipper", "default/web")
    assert [(name, facts.labels["region"]) for name, facts in fleet.clusters.items()] == [
        ("dev", "eu-west"),
        ("prod", "us-east"),
        ("staging", "eu-west"),
    ]


def test_schedule_says_replicas_by_subscription_and_cluster(fleet: api.Fleet) -> None:
    assert fleet.schedule()["default/web"] == {"prod": {WEB: 4}, "staging": {WEB: 2}}
    assert fleet.schedule()["default/log-shipper"] == {"dev": {}, "prod": {}, "staging": {}}


def test_render_narrows_to_a_cluster_and_a_subscription(fleet: api.Fleet) -> None:
    everything = fleet.render()
    assert set(fleet.render("prod")) == {unit for unit in everything if unit[1] == "prod"}
    assert set(fleet.render(subscription="web")) == {("default/web", "prod"), ("default/web", "staging")}
    assert fleet.render("prod", "default/web") == {("default/web", "prod"): everything["default/web", "prod"]}
    assert fleet.objects("prod") == [body for bodies in fleet.render("prod").values() for body in bodies]


def test_one_object_is_found_by_kind_and_name_or_not_at_all(fleet: api.Fleet) -> None:
    assert fleet.object("prod", "Deployment", "web")["spec"]["replicas"] == 4
    assert fleet.object("prod", "Deployment", "web", "web")["spec"]["replicas"] == 4
    with pytest.raises(api.NoSuchObject, match="dev gets no Deployment web"):
        fleet.object("dev", "Deployment", "web")


def test_other_labels_make_another_fleet_and_leave_this_one(fleet: api.Fleet) -> None:
    promoted = fleet.with_labels("dev", {"environment": "prod", "region": None})
    assert promoted.schedule()["default/web"] == {"dev": {WEB: 3}, "prod": {WEB: 2}, "staging": {WEB: 1}}
    assert promoted.clusters["dev"].labels == {"environment": "prod"}
    assert "dev" not in fleet.schedule()["default/web"]


def test_clusters_join_and_leave(fleet: api.Fleet) -> None:
    joined = fleet.with_cluster(
        {
            "apiVersion": "clusters.clusternet.io/v1beta1",
            "kind": "ManagedCluster",
            "metadata": {"name": "new", "namespace": "clusternet-new", "labels": {"environment": "staging"}},
            "spec": {"clusterId": "9f0c5a52-6a0e-4a55-9c1e-0d5f3a7b1c09", "syncMode": "Push"},
        }
    )
    assert set(joined.schedule()["default/web"]) == {"new", "prod", "staging"}
    assert set(joined.without_cluster("new", "prod").schedule()["default/web"]) == {"staging"}


def test_unknown_cluster_is_told(fleet: api.Fleet) -> None:
    with pytest.raises(UsageError, match="no cluster prd"):
        fleet.objects("prd")


def test_it_can_be_called_where_a_loop_runs(fleet: api.Fleet) -> None:
    async def main() -> int:
        return len(api.read(TEMPLATE).objects("prod"))

    assert asyncio.run(main()) == len(fleet.objects("prod"))


def test_problems_are_values_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("fleet: demo\n")
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n")
    (problem,) = api.read(tmp_path).problems
    assert (problem.rule, problem.place.path, problem.line) == ("name-missing", "a.yaml", 3)
    assert problem.severity is api.Severity.ERROR


def test_a_revision_is_read_as_it_was_committed(tmp_path: Path) -> None:
    repo = FleetRepo(tmp_path)
    first = repo.commit({"fleet.yaml": "fleet: demo\n"})
    repo.commit({"fleet.yaml": "fleet: demo\nroots: [apps]\n"})
    (repo.work / "fleet.yaml").write_text("fleet: demo\nroots: [a, b]\n")
    rules = {where: len(api.read(repo.work, revision=where).problems) for where in (None, "main", first)}
    assert rules == {None: 2, "main": 1, first: len(api.read(repo.work, revision=first).problems)}


def test_only_the_plugin_knows_pytest_and_the_command_line_knows_nothing_of_the_api() -> None:
    look = "import sys, reconciler.api; assert 'pytest' not in sys.modules; import reconciler.cli.main as m; "
    look += "m.cli.get_command(None, 'check'); assert not {'click.testing'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", look], check=True)
