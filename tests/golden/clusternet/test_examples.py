"""The example directories of Clusternet as fleet repos: each gives the outcome that its own documentation states.

Every folder is laid over `base`, which declares three clusters with room for 9, 6 and 3 replicas of 500m. Charts come
from a real repository and a real registry, into whose addresses the two of the examples are changed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent
RECONCILER = Path(sys.executable).with_name("reconciler")
Objects = dict[tuple[str, str], dict[str, Any]]
"""Bodies by cluster name and `Kind/name`."""


class Example:
    """One example as a fleet repo of its own."""

    def __init__(self, name: str, top: Path, addresses: Mapping[str, str] | None = None) -> None:
        self._top = top / name
        shutil.copytree(EXAMPLES / "base", self._top)
        shutil.copytree(EXAMPLES / name, self._top, dirs_exist_ok=True)
        self._env = {**os.environ, "RECONCILER_CACHE": str(top / "cache")}
        for path in self._top.glob("*.yaml"):
            text = path.read_text()
            for given, real in (addresses or {}).items():
                text = text.replace(given, real)
            path.write_text(text)

    def run(self, *arguments: str, code: int = 0, **env: str) -> str:
        command = [str(RECONCILER), *arguments, str(self._top)]
        done = subprocess.run(command, env={**self._env, **env}, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout

    def replicas(self, feed: str, **env: str) -> dict[str, dict[str, int]]:
        """Replicas of one feed by cluster, by Subscription."""
        found = json.loads(self.run("schedule", "-o", "json", **env))
        return {
            one["subscription"]: {placed["cluster"]: placed["replicas"][feed] for placed in one["placements"]}
            for one in found
            if any(feed in placed["replicas"] for placed in one["placements"])
        }

    def clusters(self) -> dict[str, list[str]]:
        """Chosen clusters by Subscription."""
        found = json.loads(self.run("schedule", "-o", "json"))
        return {one["subscription"]: [placed["cluster"] for placed in one["placements"]] for one in found}

    def objects(self, code: int = 0, **env: str) -> Objects:
        return {
            (feed["cluster"], f"{body['kind']}/{body['metadata']['name']}"): body
            for feed in json.loads(self.run("render", "-o", "json", code=code, **env))
            for body in feed["objects"]
        }


def test_static_dividing_gives_two_and_four(tmp_path: Path) -> None:
    example = Example("static-dividing-scheduling", tmp_path)
    divided = example.replicas("apps/v1/Deployment/bar/my-nginx")
    assert divided == {"default/static-dividing-scheduling-demo": {"us-west": 2, "us-east": 4}}


def test_mcs_example_divides_two_and_four_and_its_export_follows(tmp_path: Path) -> None:
    example = Example("scheduling-with-mcs-api", tmp_path)
    divided = example.replicas("apps/v1/Deployment/baz/nginx-app")
    assert divided == {"default/scheduling-with-mcs-api": {"us-west": 2, "us-east": 4}}
    exports = {
        cluster: body for (cluster, name), body in example.objects().items() if name == "ServiceExport/nginx-svc"
    }
    assert sorted(exports) == ["us-east", "us-west"]
    assert all(
        body["metadata"]["labels"] == {"apps.clusternet.io/subs.namespace": "default"} for body in exports.values()
    )


def test_dynamic_dividing_follows_the_capacity(tmp_path: Path) -> None:
    """9, 6 and 3 replicas fit, so that 6 are divided to 3, 2 and 1."""
    example = Example("dynamic-dividing-scheduling", tmp_path)
    divided = example.replicas("apps/v1/Deployment/qux/my-nginx")
    assert divided == {"default/dynamic-dividing-scheduling-demo": {"us-west": 3, "us-east": 2, "eu-north": 1}}


def test_groups_get_exactly_their_number_of_clusters(tmp_path: Path) -> None:
    room = {'cpu: "3"': 'cpu: "30"', "1500m": "15"}  # the Subscriptions of the example share what there is
    example = Example("scheduling-group", tmp_path, room)
    chosen = example.clusters()
    assert sorted(chosen["default/group-replication"]) == ["eu-north", "us-east", "us-west"]
    assert sorted(chosen["default/group-static"]) == ["eu-north", "us-east"]
    assert sorted(chosen["default/group-dynamic"]) == ["eu-north", "us-east"]
    divided = example.replicas("apps/v1/Deployment/qux-static/my-nginx")
    assert divided == {"default/group-static": {"us-east": 4, "eu-north": 2}}
    assert sum(example.replicas("apps/v1/Deployment/qux-dynamic/my-nginx")["default/group-dynamic"].values()) == 6


def test_linter_finds_the_feed_that_the_fieldpatch_example_misspells(tmp_path: Path) -> None:
    example = Example("fieldpatch", tmp_path)
    found = json.loads(example.run("check", "-o", "json", code=3))
    told = {(problem["rule"], Path(problem["file"]).name) for problem in found}
    assert ("feed-not-found", "subscription.yaml") in told
    assert ("globalization-namespace", "globalization.yaml") in told


def test_field_patch_changes_the_embedded_json_in_one_cluster_only(tmp_path: Path) -> None:
    example = Example("fieldpatch", tmp_path, {"name: my-server": "name: server-deployment"})
    found = example.objects()
    before = json.loads(found["us-east", "ConfigMap/server-conf"]["data"]["server.conf"])
    after = json.loads(found["us-west", "ConfigMap/server-conf"]["data"]["server.conf"])
    assert before == {"listen": "0.0.0.0:8080", "region": "default", "limits": {"connections": 100}, "debug": True}
    assert after == {"listen": "0.0.0.0:8080", "region": "us-west", "limits": {"connections": 500}, "debug": False}


def test_overrides_of_a_deployment_stack_in_order_of_priority(charts: dict[str, str], tmp_path: Path) -> None:
    example = Example("replication-scheduling", tmp_path, charts)
    body = example.objects()["us-west", "Deployment/my-nginx"]
    containers = [(c["name"], c["image"]) for c in body["spec"]["template"]["spec"]["containers"]]
    assert containers == [("nginx-renamed", "nginx:1.16.1"), ("redis", "redis:6.2.5")]
    assert body["spec"]["replicas"] == 3
    assert body["metadata"]["annotations"] == {"foo": "bar"}
    assert body["metadata"]["labels"] == {"test-one": "one"}


def test_localization_of_a_chart_comes_after_the_globalization(charts: dict[str, str], tmp_path: Path) -> None:
    found = Example("replication-scheduling", tmp_path, charts).objects()
    body = found["us-west", "StatefulSet/mysql"]
    assert body["metadata"]["namespace"] == "abc"
    assert body["metadata"]["labels"]["helm.sh/chart"] == "mysql-9.1.8"
    assert body["metadata"]["labels"]["fleet"] == "everywhere"
    assert body["spec"]["template"]["spec"]["containers"][0]["image"] == "mysql:8.0.29"
    assert "volumeClaimTemplates" not in body["spec"]
    assert ("us-west", "Namespace/abc") in found


def test_chart_comes_from_a_registry(registry: dict[str, str], tmp_path: Path) -> None:
    found = Example("oci", tmp_path, registry).objects()
    labels = {
        cluster: body["metadata"]["labels"]["helm.sh/chart"]
        for (cluster, n), body in found.items()
        if n == "StatefulSet/mysql"
    }
    assert labels == dict.fromkeys(("eu-north", "us-east", "us-west"), "mysql-9.2.0")


def test_day_one_selects_clusters_by_the_labels_of_day_zero(charts: dict[str, str], tmp_path: Path) -> None:
    feature = 'feature.node.kubernetes.io/storage-nonrotationaldisk: "true"'
    example = Example(
        "scheduling-with-nfd", tmp_path, {**charts, "region: ap-beijing": f"region: ap-beijing\n    {feature}"}
    )
    assert example.clusters() == {
        "default/nfd": ["eu-north", "us-east", "us-west"],
        "default/on-ssd": ["eu-north"],
    }
    workers = [b for (_, name), b in example.objects().items() if name == "DaemonSet/node-feature-discovery-worker"]
    images = {b["spec"]["template"]["spec"]["containers"][0]["image"] for b in workers}
    assert (len(workers), images) == (3, {"nfd:v0.12.1-minimal"})
