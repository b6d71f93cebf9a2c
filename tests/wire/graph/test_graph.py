"""The object graph of `render -o clusternet` on a real API server with Clusternet's definitions."""

from __future__ import annotations

import json
from pathlib import Path

from tests.plugins.fleet import Fleet
from tests.unit.render.test_graph import CHART, WORKED, graph_of

CRDS = Path(__file__).parents[3] / "deploy" / "crds"
ODD = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:foo"}
rules: []
---
apiVersion: apps.clusternet.io/v1alpha1
kind: Subscription
metadata: {name: roles, namespace: default}
spec:
  clusterTolerations: [{key: a, operator: Exists}]
  subscribers: [{clusterAffinity: {matchExpressions: [{key: name, operator: Exists}]}}]
  feeds:
    - {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, name: "system:foo"}
"""


def test_every_object_of_the_graph_is_accepted(fleet: Fleet) -> None:
    objects = graph_of({**WORKED, "chart.yaml": CHART, "odd.yaml": ODD})
    assert {obj["kind"] for obj in objects} == {
        "Manifest", "HelmChart", "Subscription", "FeedInventory", "Base", "Localization", "Description", "HelmRelease",
    }  # fmt: skip
    parent = fleet.parent
    parent.kubectl("apply", "--server-side", "--force-conflicts", "-k", str(CRDS))
    parent.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    for namespace in sorted({obj["metadata"]["namespace"] for obj in objects}):
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        parent.api.apply(f"/api/v1/namespaces/{namespace}", body)
    stream = "".join(f"---\n{json.dumps(obj)}\n" for obj in objects)
    created = parent.kubectl("create", "--dry-run=server", "-o", "name", "-f", "-", input=stream).splitlines()
    assert sorted(name.partition("/")[2] for name in created) == sorted(obj["metadata"]["name"] for obj in objects)
