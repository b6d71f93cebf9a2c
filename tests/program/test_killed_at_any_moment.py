"""`kill -9` at random moments of a sync: the next run always ends in the state that the commit says.

KILLS sets how many moments are tried (hack/soak: 50), KILL_SEED which; the default fits the time of CI.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from typing import Any

import pytest

from tests.plugins.fleet import Cluster, Fleet
from tests.program import live, manifests
from tests.program.fleetrepo import FleetRepo, finish

pytestmark = pytest.mark.xdist_group("program")
KILLS = int(os.environ.get("KILLS", "4"))
SEED = int(os.environ.get("KILL_SEED", "1"))
OBJECTS = 60


def wanted(namespace: str, version: int) -> list[dict[str, Any]]:
    """Sixty objects: from one version to the next all values change, twenty objects go and twenty others come."""
    kept = [f"kept-{n:02}" for n in range(OBJECTS - 20)]
    moving = [f"moving-{version % 2}-{n:02}" for n in range(20)]
    return [manifests.config_map(namespace, name, str(version)) for name in (*kept, *moving)]


def files(namespace: str, version: int) -> dict[str, object]:
    bodies = wanted(namespace, version)
    return {"objects.yaml": bodies, "subscription.yaml": manifests.subscription("sixty", bodies)}


def found(child: Cluster, namespace: str) -> dict[str, str]:
    """Names and values of our ConfigMaps."""
    items = live.get(child, "configmaps", "--namespace", namespace)["items"]
    return {o["metadata"]["name"]: o["data"]["value"] for o in items if o["metadata"]["name"] != "kube-root-ca.crt"}


def inventoried(child: Cluster, fleet_id: str) -> int:
    """How many inventories of this fleet are on a child."""
    items = live.get(child, "configmaps,secrets", "--namespace", "reconciler-system")["items"]
    return sum(fleet_id in json.dumps(o["metadata"]) for o in items)


def test_next_run_after_a_kill_leaves_no_orphan_and_no_double(
    fleet: Fleet, repo: FleetRepo, fleet_id: str, namespace: str
) -> None:
    names = [child.context for child in fleet.children]
    repo.env["KUBECONFIG"] = str(fleet.kubeconfig)
    repo.commit(
        {
            "fleet.yaml": manifests.settings(fleet_id, {name: {"context": name} for name in names}),
            "clusters.yaml": manifests.clusters(fleet_id, names),
            **files(namespace, 0),
        }
    )
    repo.sync()
    repo.commit(files(namespace, 1))
    began = time.monotonic()
    repo.sync()
    whole = time.monotonic() - began
    dice, killed, version = random.Random(SEED), 0, 1
    while killed < KILLS:
        version += 1
        assert version < 4 * KILLS + 4, "runs end before they are killed"
        repo.commit(files(namespace, version))
        moment = dice.uniform(0.1, 1) * whole
        child = repo.start("sync", "--once", "-o", "json")
        time.sleep(moment)
        child.kill()
        killed += finish(child).code == -signal.SIGKILL
        repo.sync()
        expected = {body["metadata"]["name"]: body["data"]["value"] for body in wanted(namespace, version)}
        for cluster in fleet.children:
            assert found(cluster, namespace) == expected, f"version {version} killed after {moment:.3f} s"
            assert inventoried(cluster, fleet_id) == 1
    print(f"{killed} kills (seed {SEED}), {version - 1 - killed} runs ended before; a whole run took {whole:.1f} s")
    report = repo.sync("--check-drift").report
    assert sum(row["created"] + row["changed"] + row["pruned"] for row in report["clusters"]) == 0
