"""`python -m bench.alone CLUSTERS FEEDS`: read, schedule and render a synthetic fleet; prints the figures as JSON.

A process of its own, because peak memory is a process' whole life. Making the files and importing is not measured as
time; both are in the memory.
"""

from __future__ import annotations

import json
import sys

from bench.fleets import synthetic
from bench.measure import Unexpected, call
from reconciler.model.objects import BlobId
from reconciler.model.status import FleetStatus
from reconciler.model.tree import Tree
from reconciler.planning.filenames import digest
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from reconciler.source import documents, layout
from reconciler.source.read import read
from reconciler.source.settings import read_settings


def story(tree: Tree, blobs: dict[BlobId, bytes]) -> int:
    """The pure part of one commit, nothing remembered; how many units were rendered."""
    settings, problems = read_settings(blobs[tree.files["fleet.yaml"]])
    if settings is None:
        raise Unexpected(f"the synthetic fleet has problems: {problems}")
    selected = layout.selected(tree, settings)
    parsed = {blob: documents.parse(blobs[blob]) for blob in set(selected.values())}
    snapshot = read(tree, settings, parsed)
    facts = {cluster: sourced.value for cluster, sourced in snapshot.clusters.items()}
    placed = schedule(snapshot, facts, FleetStatus(settings.fleet))
    feeds = render(snapshot, placed, facts)
    problems = (*snapshot.problems, *placed.problems, *feeds.problems)
    if problems:
        raise Unexpected(f"the synthetic fleet has problems: {problems[:3]}")
    return len(feeds.units)


def main() -> None:
    """Measure once."""
    clusters, feeds = map(int, sys.argv[1:])
    files = synthetic(clusters=clusters, feeds=feeds)
    blobs = {BlobId(digest(content)): content for content in files.values()}
    tree = Tree({path: BlobId(digest(content)) for path, content in sorted(files.items())}, None)
    print(json.dumps(dict(call(lambda: story(tree, blobs)).metrics)))


if __name__ == "__main__":
    main()
