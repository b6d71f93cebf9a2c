"""`reconciler render`: what each cluster will get, as YAML on stdout."""

import asyncio
from collections.abc import Iterator
from typing import Any

import click

from reconciler.cli import options, terminal
from reconciler.model.errors import Exit
from reconciler.model.feed import RenderedFeed
from reconciler.model.snapshot import Severity
from reconciler.planning import filenames
from reconciler.sync import reading
from reconciler.sync.selection import Selection
from reconciler.sync.worklist import Evaluated


@click.command()
@options.repository
@options.narrowing
@options.output("yaml", "json", "name")
def render(**given: Any) -> None:
    """Print what each cluster will get from REPO: the work tree of a path, or a commit of a remote.

    YAML documents are headed by a comment that names cluster and Subscription; `kubectl apply -f -` takes those of one
    cluster. Exits 3 when the repo has problems; what could be rendered is printed all the same.
    """
    found = asyncio.run(reading.evaluated(options.reading(given)))
    selection = Selection(options.narrow(given), found.facts, found.snapshot)
    feeds = [feed for unit, feed in found.feeds.units.items() if selection.includes(unit)]
    feeds.sort(key=lambda feed: (found.facts[feed.unit.cluster].name, feed.unit.subscription))
    if given["output"] == "json":
        terminal.emit(terminal.structured([_data(found, feed) for feed in feeds], "json"))
    else:
        for text in _texts(found, feeds, names=given["output"] == "name"):
            terminal.emit(text)
    if any(problem.severity is Severity.ERROR for problem in found.problems):
        terminal.talk("the repo has problems: reconciler check shows them")
        raise click.exceptions.Exit(int(Exit.PROBLEMS))


def _texts(found: Evaluated, feeds: list[RenderedFeed], *, names: bool) -> Iterator[str]:
    for feed in feeds:
        cluster, subscription = found.facts[feed.unit.cluster].name, feed.unit.subscription
        if names:
            lines = [f"{cluster}  {subscription}  {rendered.key}" for rendered in feed.objects]
        else:
            bodies = (filenames.serialise(rendered.body).decode().rstrip("\n") for rendered in feed.objects)
            lines = [f"---\n# {cluster}: {subscription}\n{body}" for body in bodies]
        if lines:
            yield "\n".join(lines)


def _data(found: Evaluated, feed: RenderedFeed) -> dict[str, Any]:
    return {
        "cluster": found.facts[feed.unit.cluster].name,
        "clusterId": feed.unit.cluster,
        "subscription": feed.unit.subscription,
        "digest": feed.digest,
        "objects": [rendered.body for rendered in feed.objects],
    }
