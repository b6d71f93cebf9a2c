"""The cost of a fleet follows distinct renders: counted, on the repo that the bench measures."""

import pytest

from bench.fleets import synthetic
from reconciler.model.objects import digest_bytes
from reconciler.model.status import FleetStatus
from reconciler.model.tree import Tree
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from reconciler.source import documents, layout
from reconciler.source.read import read
from reconciler.source.settings import read_settings


def rendered(**size):
    files = synthetic(**size)
    settings, _ = read_settings(files["fleet.yaml"])
    tree = Tree({path: digest_bytes(content) for path, content in files.items()}, None)
    selected = layout.selected(tree, settings)
    snap = read(tree, settings, {blob: documents.parse(files[path]) for path, blob in selected.items()})
    facts = {name: sourced.value for name, sourced in snap.clusters.items()}
    feeds = render(snap, schedule(snap, facts, FleetStatus(fleet="bench")), facts)
    assert not snap.problems
    assert not feeds.problems
    return feeds


@pytest.mark.parametrize("clusters", [30, 90])
def test_more_clusters_make_no_more_objects(clusters):
    feeds = rendered(clusters=clusters, feeds=9, subscriptions=3, overrides=9)
    objects = {id(rendered) for feed in feeds.units.values() for rendered in feed.objects}
    # nine overrides on nine objects, each for some of the clusters
    assert len(objects) == 18
    assert len(feeds.units) == 3 * clusters


def test_reads_are_shared_by_clusters_that_look_alike():
    feeds = rendered(clusters=60, feeds=3, subscriptions=1, overrides=2)
    # one Globalization by environment, one by region: 3 times 10 kinds of clusters
    assert len({id(feed.reads) for feed in feeds.units.values()}) == 30
    assert len({id(feed.objects) for feed in feeds.units.values()}) < 5
