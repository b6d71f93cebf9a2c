"""What must hold for this fleet, whatever is changed in it: `pytest` in this directory.

`fleet_repo` is the repo as it lies here, scheduled and rendered as `reconciler sync` does it; no cluster is asked.
"""


def test_every_replica_of_web_runs_somewhere(fleet_repo):
    placed = fleet_repo.schedule()["default/web"]
    assert sum(replicas["apps/v1/Deployment/web/web"] for replicas in placed.values()) == 6


def test_production_pins_every_image_and_limits_memory(fleet_repo):
    for deployment in (body for body in fleet_repo.objects("prod") if body["kind"] == "Deployment"):
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            assert ":" in container["image"] and not container["image"].endswith(":latest")
            assert container["resources"]["limits"]["memory"]


def test_a_cluster_that_becomes_production_gets_the_application(fleet_repo):
    assert "dev" not in fleet_repo.schedule()["default/web"]
    promoted = fleet_repo.with_labels("dev", {"environment": "prod"})
    assert "dev" in promoted.schedule()["default/web"]
