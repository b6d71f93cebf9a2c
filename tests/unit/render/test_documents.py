"""The worked examples of the documents are what the code does."""

import json
from pathlib import Path

import pytest
import yaml

from reconciler.model.feed import Unit
from reconciler.render.inflations import inflations
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from tests.unit.snapshots import (
    NOTHING_BEFORE,
    cluster,
    cluster_id,
    deployment,
    facts,
    labelled,
    snapshot,
    subscription,
)

DOCS = Path(__file__).parents[3] / "docs"


def blocks(name):
    """The YAML blocks of a document."""
    parts = (DOCS / name).read_text(encoding="utf-8").split("```yaml\n")[1:]
    return [list(yaml.safe_load_all(part.split("```")[0])) for part in parts]


EXAMPLES = blocks("overrides.md")


@pytest.mark.parametrize(
    ("repo", "expected"), [(EXAMPLES[0], EXAMPLES[1]), (EXAMPLES[2], EXAMPLES[3])], ids=["order", "field"]
)
def test_overrides_do_what_their_page_shows(repo, expected):
    everywhere = labelled(env="prod")
    snap = snapshot(cluster("berlin", 1, {"env": "prod"}), *repo, subscription("shop", [everywhere], repo[0]))
    feeds = render(snap, schedule(snap, facts(snap), NOTHING_BEFORE), facts(snap))
    assert [found.body for found in feeds.units[Unit("default/shop", cluster_id(1))].objects] == expected
    assert not feeds.problems


def test_chart_gets_the_values_that_the_page_shows():
    repo, (expected,) = EXAMPLES[4:]
    snap = snapshot(cluster("berlin", 1), *repo, subscription("shop", [{"clusterAffinity": {}}], repo[0]))
    (question,) = inflations(snap, schedule(snap, facts(snap), NOTHING_BEFORE), facts(snap), {})
    assert json.loads(question.values) == expected
    assert question.chart.version == "1.3.0"


@pytest.mark.parametrize(("replicas", "column"), [(12, 3), (10, 4)])
def test_scheduling_divides_as_its_page_shows(replicas, column):
    rows = [line.split("|")[1:-1] for line in (DOCS / "scheduling.md").read_text().splitlines() if "| `fleet-" in line]
    clusters, shares = [], {}
    for number, row in enumerate(rows):
        binding, labels = row[0].strip(" `"), row[1].strip()
        pairs = dict(label.split("=") for label in labels.split(", ")) if "=" in labels else {}
        clusters.append(cluster(binding.partition("/")[2], number, pairs))
        if row[column].strip().isdigit():
            shares[binding] = int(row[column])
    web = deployment(replicas=replicas)
    subscribers = [labelled(1, env="prod"), labelled(2, region="eu")]
    snap = snapshot(*clusters, web, subscription("app", subscribers, web, schedulingStrategy="Dividing"))
    (scheduled,) = schedule(snap, facts(snap), NOTHING_BEFORE).subscriptions.values()
    assert {p.binding: p.replicas["apps/v1/Deployment/default/web"] for p in scheduled.placements} == shares
    assert len(rows) == 4
