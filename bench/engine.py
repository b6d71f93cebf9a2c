"""`python -m bench.engine FLEET_DIRECTORY`: deliver what stands in a directory to its clusters; prints the seconds.

From when the connections are open and the feeds are rendered to the last answer: the read of the inventories, both
their writes, and every object. KUBECONFIG has the contexts that fleet.yaml names.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from bench.measure import Unexpected
from reconciler.adapters.kube.client import connect
from reconciler.adapters.kube.kubeconfig import resolve
from reconciler.apply.deliver import deliver_over
from reconciler.apply.options import Options
from reconciler.model.clusters import ClusterFacts
from reconciler.model.objects import BlobId, CommitId
from reconciler.model.plan import Evidence, Work
from reconciler.model.settings import Settings
from reconciler.model.status import Delivered, FleetStatus, State
from reconciler.model.tree import Tree
from reconciler.planning.filenames import digest
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from reconciler.source import documents, layout
from reconciler.source.read import read
from reconciler.source.settings import read_settings

Jobs = list[tuple[ClusterFacts, list[Work]]]


def jobs(directory: Path) -> tuple[Settings, Jobs]:
    """What each cluster shall get."""
    files = {p.relative_to(directory).as_posix(): p.read_bytes() for p in sorted(directory.glob("*.yaml"))}
    blobs = {BlobId(digest(content)): content for content in files.values()}
    settings, problems = read_settings(files["fleet.yaml"])
    if settings is None:
        raise Unexpected(f"problems: {problems}")
    tree = Tree({path: BlobId(digest(content)) for path, content in files.items()}, None)
    parsed = {blob: documents.parse(blobs[blob]) for blob in layout.selected(tree, settings).values()}
    snapshot = read(tree, settings, parsed)
    facts = {cluster: sourced.value for cluster, sourced in snapshot.clusters.items()}
    feeds = render(snapshot, schedule(snapshot, facts, FleetStatus(settings.fleet)), facts)
    evidence = Evidence(clean=True, subscription_known=True, cluster_known=True, placed=True)
    works = [Work(unit, feed, evidence) for unit, feed in feeds.units.items()]
    return settings, [(fact, [w for w in works if w.unit.cluster == cluster]) for cluster, fact in facts.items()]


async def deliver(settings: Settings, todo: Jobs) -> float:
    """Seconds for all clusters side by side."""
    options = Options(fleet=settings.fleet, commit=CommitId("0" * 40), wait=False)
    async with AsyncExitStack() as stack:
        ways = [resolve(settings.clusters.access[fact.name], os.environ, Path.home()) for fact, _ in todo]
        clients = [await stack.enter_async_context(connect(way)) for way in ways]
        began = time.perf_counter()
        answers = await asyncio.gather(
            *(
                deliver_over(client, fact, works, options, lambda _event: None)
                for client, (fact, works) in zip(clients, todo, strict=True)
            )
        )
        seconds = time.perf_counter() - began
    _check([delivered for answer in answers for delivered in answer])
    return seconds


def _check(answers: Sequence[Delivered]) -> None:
    bad = [f"{a.state}: {a.message}" for a in answers if a.state is not State.DELIVERED]
    if bad or not answers:
        raise Unexpected(f"not delivered: {bad}")


if __name__ == "__main__":
    print(f"{asyncio.run(deliver(*jobs(Path(sys.argv[1])))):.4f}")
