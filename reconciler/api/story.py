"""The path of a commit for callers that are not asynchronous: read once, scheduled and rendered over any clusters.

A work tree is read as it lies there; a revision is fetched first. Programs outside (helm, kustomize) run where charts
and kustomizations ask for them, and what they made is remembered.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from reconciler.adapters.git.revision import Revision
from reconciler.model.clusters import ClusterFacts
from reconciler.model.snapshot import Snapshot
from reconciler.model.status import FleetStatus
from reconciler.model.tree import Tree
from reconciler.sync import reading, story
from reconciler.sync.options import Options, cache_directory
from reconciler.sync.repo import opened
from reconciler.sync.worklist import Evaluated

T = TypeVar("T")


class Source(msgspec.Struct, frozen=True):
    """What was read of a repo, and the clusters that it knows."""

    options: Options
    tree: Tree
    snapshot: Snapshot
    facts: Mapping[str, ClusterFacts]
    """By cluster id."""


def source(repo: str, revision: Revision, *, path: str, offline: bool) -> Source:
    """Read a repo."""
    environment = dict(os.environ)
    options = Options(
        repo=repo,
        revision=revision,
        path=path.strip("/"),
        cache=cache_directory(environment, Path.home()),
        environment=environment,
        home=Path.home(),
        offline=offline,
    )
    return _finished(_source(options))


def evaluated(source: Source) -> Evaluated:
    """Schedule and render what was read."""
    return _finished(_evaluated(source))


async def _source(options: Options) -> Source:
    async with reading.grounded(options) as ground:
        return Source(options, ground.tree, ground.snapshot, ground.facts)


async def _evaluated(source: Source) -> Evaluated:
    nothing = FleetStatus(source.snapshot.settings.fleet)
    async with _library(source.options) as library:
        return await story.evaluate(library, source.tree, source.snapshot, source.facts, nothing)


@contextlib.asynccontextmanager
async def _library(options: Options) -> AsyncIterator[story.Library]:
    """Who has the files."""
    if reading.is_work_tree(options):
        worktree = reading.OpenWorkTree(options)
        await worktree.files.tree()  # tells the work tree where its blobs are
        yield worktree.library
        return
    async with opened(options) as repo:
        yield story.Library(repo.tools)


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """The answer of a coroutine; in a thread of its own where a loop runs already (a notebook, an async test)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    answers: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - raised again by the caller
            failures.append(error)

    thread = threading.Thread(target=run, name="reconciler-api")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return answers[0]
