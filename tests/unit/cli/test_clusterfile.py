"""Facts written into files that people own: comments, order and everything else of them stay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli import clusterfile
from reconciler.model.clusters import ClusterFacts, NodeFact, TaintFact, facts_of
from reconciler.model.errors import UsageError
from reconciler.registry import export
from reconciler.source import documents

ID = "dc91021d-2361-4f6d-a404-7c33b9e01118"
EAST = ClusterFacts(
    id=ID,
    namespace="clusternet-east",
    name="east",
    labels={"environment": "prod", "spot": "no"},
    annotations={"team": "shop"},
    taints=(TaintFact("maintenance", "NoSchedule", "yes"),),
    kubernetes="v1.36.3",
    platform="linux/amd64",
    ready=True,
    capacity={"cpu": "8", "memory": "32Gi"},
    allocatable={"cpu": "7500m", "memory": "30Gi"},
    nodes=(NodeFact(2, (("zone", "a"),), (), (("cpu", 3500), ("memory", 12 << 30), ("pods", 98))),),
    running={"apps/v1/Deployment/shop/web": 3},
    apis={"apps/v1/Deployment": True, "v1/Node": False},
    exported=True,
)
OWN = """\
# our first cluster
apiVersion: clusters.clusternet.io/v1beta1
kind: ManagedCluster
metadata:
  name: east
  namespace: clusternet-east # Localizations in it are for this cluster
  labels:
    environment: "prod" # never dev
    old: gone
spec:
  clusterId: dc91021d-2361-4f6d-a404-7c33b9e01118
  clusterType: edge
  syncMode: Push
"""


def read(text: str) -> Any:
    parsed = documents.parse(text.encode())
    assert not parsed.faults
    return next(one.value for one in parsed.documents if one.value.get("kind") in ("ManagedCluster", "List"))


def edited(text: str, wanted: Any = None) -> str:
    return clusterfile.edited(text, EAST.namespace, EAST.name, wanted or export.copy(EAST))


def test_a_new_file_says_all_that_is_known() -> None:
    text = clusterfile.new(export.copy(EAST))
    assert text.startswith("# Written by `reconciler cluster export`")
    assert facts_of(read(text)) == EAST
    assert 'spot: "no"' in text
    assert edited(text) == text


def test_a_file_of_an_author_keeps_what_is_his() -> None:
    text = edited(OWN)
    assert facts_of(read(text)) == EAST
    assert text.startswith("# our first cluster\n")
    assert "  namespace: clusternet-east # Localizations in it are for this cluster\n" in text
    assert '    environment: "prod" # never dev\n' in text
    assert "  clusterType: edge\n" in text
    assert "old" not in text
    assert edited(text) == text


def test_a_declared_cluster_gets_a_status_and_nothing_else() -> None:
    text = edited(OWN, {"status": export.status(EAST)})
    assert text.startswith(OWN)
    found = facts_of(read(text))
    assert (found.nodes, found.running, found.apis) == (EAST.nodes, EAST.running, EAST.apis)
    assert (found.labels, found.exported, found.ready) == ({"environment": "prod", "old": "gone"}, False, None)


def test_what_is_no_longer_so_goes_from_the_file() -> None:
    bare = ClusterFacts(ID, "clusternet-east", "east", exported=True)
    text = edited(edited(OWN), export.copy(bare))
    assert "taints" not in text
    assert "labels" not in text
    assert facts_of(read(text)).nodes is None


def test_only_the_document_of_the_cluster_is_written_anew() -> None:
    before = "a:   {b:   1}   # odd\n---\n"
    after = "---\nkind:    Other\n\n\n# end\n"
    text = edited(before + OWN + after)
    assert text.startswith(before)
    assert text.endswith(after)
    assert facts_of(read(text)) == EAST


def test_json_stays_json() -> None:
    body = json.dumps(read(OWN))
    assert facts_of(json.loads(edited(body))) == EAST


def test_a_list_of_clusters_keeps_the_others() -> None:
    lines = OWN.splitlines()
    items = "\n".join(["  - " + lines[1], *("    " + line for line in lines[2:])])
    west = "  - {apiVersion: clusters.clusternet.io/v1beta1, kind: ManagedCluster, metadata: {name: west}}\n"
    text = edited(f"apiVersion: v1\nkind: List\nitems:\n{items}\n{west}")
    assert west in text
    assert facts_of(read(text)["items"][0]) == EAST


@pytest.mark.parametrize(
    "text", ["kind: Other\n", OWN.replace("east", "west"), "a: [\n"], ids=["other", "other-name", "broken"]
)
def test_a_file_without_the_cluster_is_not_written(text: str) -> None:
    with pytest.raises(UsageError, match="layout of that file"):
        edited(text)


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)


@given(
    st.dictionaries(words, st.sampled_from(["yes", "0644", "1e3", "null", "~", "2024-01-01", "a: b", "#", "x"]) | words)
)
def test_any_label_is_read_back_as_it_was(labels: dict[str, str]) -> None:
    known = ClusterFacts(ID, "clusternet-east", "east", labels=labels, exported=True)
    text = clusterfile.new(export.copy(known))
    assert facts_of(read(text)) == known
    assert edited(text, export.copy(known)) == text
