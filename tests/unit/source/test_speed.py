"""Generous ceilings for the cost of reading, so that only breakage fails: a third of them is usual on a slow core."""

import time

from reconciler.model.objects import BlobId
from reconciler.model.tree import Tree
from reconciler.source import documents
from reconciler.source.read import read
from reconciler.source.settings import read_settings

CLUSTER = """apiVersion: clusters.clusternet.io/v1beta1
kind: ManagedCluster
metadata:
  name: cluster-{0}
  namespace: clusternet-{0:05d}
  labels: {{env: production, region: "eu-{0}"}}
spec:
  clusterId: 00000000-0000-4000-8000-{0:012d}
  syncMode: Push
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config-{0}, namespace: web}}\ndata: {{a: b}}\n"


def test_a_thousand_clusters_are_parsed_in_a_second_and_read_again_in_less() -> None:
    files = {f"clusters/{n}.yaml": CLUSTER.format(n) for n in range(1000)}
    files |= {f"apps/{n}.yaml": CONFIG.format(n) for n in range(100)}
    settings, _ = read_settings(b"fleet: demo\n")
    assert settings is not None
    began = time.process_time()
    parsed = {BlobId(path): documents.parse(text.encode()) for path, text in files.items()}
    parsing = time.process_time()
    snapshot = read(Tree({path: BlobId(path) for path in files}, None), settings, parsed)
    reading = time.process_time()
    assert (len(snapshot.clusters), len(snapshot.resources), snapshot.problems) == (1000, 100, ())
    assert parsing - began < 1.0
    assert reading - parsing < 0.3
