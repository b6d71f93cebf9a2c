"""`python -m bench.alone CLUSTERS FEEDS [warm]`: read, schedule and render a synthetic fleet; prints figures as JSON.

A process of its own, because peak memory is a process' whole life. Making the files and importing is not measured as
time; both are in the memory. With `warm` every cluster has a Localization of its own, and files are not parsed
but taken from what an earlier run remembers of them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

import msgspec

from bench.fleets import synthetic
from bench.measure import Unexpected, call
from reconciler.model.inflation import Answers
from reconciler.model.objects import BlobId
from reconciler.model.status import FleetStatus
from reconciler.model.tree import Tree
from reconciler.planning.filenames import digest
from reconciler.render.inflations import inflations
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from reconciler.source import documents, layout
from reconciler.source.read import read
from reconciler.source.settings import read_settings

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(documents.ParsedFile)


def story(tree: Tree, blobs: dict[BlobId, bytes], remembered: Mapping[BlobId, bytes]) -> int:
    """The pure part of one commit; how many units were rendered. What is remembered is not parsed again."""
    settings, problems = read_settings(blobs[tree.files["fleet.yaml"]])
    if settings is None:
        raise Unexpected(f"the synthetic fleet has problems: {problems}")
    selected = set(layout.selected(tree, settings).values())
    parsed = {blob: _DECODER.decode(remembered[blob]) for blob in selected & remembered.keys()}
    parsed |= {blob: documents.parse(blobs[blob]) for blob in selected - remembered.keys()}
    snapshot = read(tree, settings, parsed)
    facts = {cluster: sourced.value for cluster, sourced in snapshot.clusters.items()}
    placed = schedule(snapshot, facts, FleetStatus(settings.fleet))
    answers: Answers = {}
    if inflations(snapshot, placed, facts, answers):
        raise Unexpected("the synthetic fleet has no charts and no templates")
    feeds = render(snapshot, placed, facts, answers)
    problems = (*snapshot.problems, *placed.problems, *feeds.problems)
    if problems:
        raise Unexpected(f"the synthetic fleet has problems: {problems[:3]}")
    return len(feeds.units)


def main() -> None:
    """Measure once."""
    clusters, feeds = map(int, sys.argv[1:3])
    warm = sys.argv[3:] == ["warm"]
    files = synthetic(clusters=clusters, feeds=feeds, localized=warm)
    blobs = {BlobId(digest(content)): content for content in files.values()}
    tree = Tree({path: BlobId(digest(content)) for path, content in sorted(files.items())}, None)
    remembered = {blob: _ENCODER.encode(documents.parse(content)) for blob, content in blobs.items()} if warm else {}
    print(json.dumps(dict(call(lambda: story(tree, blobs, remembered)).metrics)))


if __name__ == "__main__":
    main()
