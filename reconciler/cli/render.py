"""`reconciler render`: what each cluster will get, as YAML on stdout."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from reconciler.adapters import salt
from reconciler.adapters.files import Directory
from reconciler.apply.texts import Texts
from reconciler.cli import options, terminal
from reconciler.model.errors import Exit, UsageError
from reconciler.model.feed import RenderedFeed, RenderedObject
from reconciler.model.inflation import Role
from reconciler.model.objects import Object
from reconciler.model.plan import Evidence, Work
from reconciler.model.snapshot import Severity
from reconciler.planning import filenames
from reconciler.render.fingerprints import is_secret
from reconciler.render.shown import shown
from reconciler.sync import reading
from reconciler.sync.opening import as_they_stand
from reconciler.sync.selection import Selection
from reconciler.sync.worklist import Evaluated


@click.command()
@options.repository
@options.narrowing
@options.offline
@options.output("yaml", "json", "name", "dir", "clusternet")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Directory for -o dir; must be empty.")
@click.option("--hooks", is_flag=True, help="Also hooks and tests of charts, which sync does not apply.")
@click.option("--show-secrets", is_flag=True, help="Values of Secrets in clear, not as fingerprints.")
def render(**given: Any) -> None:
    """Print what each cluster will get from REPO: the work tree of a path, or a commit of a remote.

    YAML documents are headed by a comment that names cluster and Subscription; with --show-secrets `kubectl apply -f -`
    takes those of one cluster. -o dir writes the files that a delivery into a directory writes; -o clusternet prints
    the objects that Clusternet's hub would make. Values of Secrets are fingerprints, made anew for each run. Exits 3
    when the repo has problems; what could be rendered is printed all the same.
    """
    if (given["output"] == "dir") != (given["out"] is not None):
        raise click.UsageError("-o dir and --out DIR belong together")
    veil = None if given["show_secrets"] else salt.fresh()
    found = asyncio.run(_asked(given, veil))
    if given["output"] == "clusternet":
        selection = Selection(options.narrow(given), found.facts, found.snapshot)
        for text in _graph(found, selection, veil):
            terminal.emit(text)
    elif given["output"] != "dir":
        _print(found, _feeds(found, given, veil), given)
    if veil is not None and given["output"] != "name" and _has_secrets(found, given):
        terminal.talk("values of Secrets are fingerprints: --show-secrets prints what sync applies")
    if any(problem.severity is Severity.ERROR for problem in found.problems):
        terminal.talk("the repo has problems: reconciler check shows them")
        raise click.exceptions.Exit(int(Exit.PROBLEMS))


def _has_secrets(found: Evaluated, given: dict[str, Any]) -> bool:
    selection = Selection(options.narrow(given), found.facts, found.snapshot)
    shown = {id(feed.objects): feed for unit, feed in found.feeds.units.items() if selection.includes(unit)}
    return any(is_secret(one.body) and not one.seal for feed in shown.values() for one in feed.objects)


async def _asked(given: dict[str, Any], veil: bytes | None) -> Evaluated:
    asked = options.reading(given)
    if given["output"] != "dir":
        return await reading.evaluated(asked, terminal.warn)
    async with reading.grounded(asked, terminal.warn) as ground:
        found = await ground.evaluated()
        feeds = _feeds(found, given, veil)
        evidence = Evidence(clean=False, subscription_known=True, cluster_known=True, placed=True)
        works = [Work(feed.unit, feed, evidence) for feed in feeds]
        _write(found, feeds, given["out"], Texts(await as_they_stand(ground.library.tools, works)))
        return found


def _feeds(found: Evaluated, given: dict[str, Any], veil: bytes | None) -> list[RenderedFeed]:
    """What was asked for, as it may be shown, by cluster and Subscription; clusters that get the same share it."""
    selection = Selection(options.narrow(given), found.facts, found.snapshot)
    known: dict[int, tuple[RenderedObject, ...]] = {}

    def shared(objects: tuple[RenderedObject, ...]) -> tuple[RenderedObject, ...]:
        if id(objects) not in known:
            # the files of a directory hold encrypted objects as they stand, so those need no veil
            as_is = given["output"] == "dir"
            known[id(objects)] = tuple(
                one if as_is and one.seal else msgspec.structs.replace(one, body=shown(one, veil)) for one in objects
            )
        return known[id(objects)]

    feeds = [
        msgspec.structs.replace(feed, objects=shared(feed.objects), aside=shared(feed.aside))
        for unit, feed in found.feeds.units.items()
        if selection.includes(unit)
    ]
    return sorted(feeds, key=lambda feed: (found.facts[feed.unit.cluster].name, feed.unit.subscription))


def _print(found: Evaluated, feeds: Sequence[RenderedFeed], given: dict[str, Any]) -> None:
    if given["output"] == "json":
        told = [_data(found, feed, hooks=given["hooks"]) for feed in feeds]
        terminal.emit(terminal.structured(told, "json"))
        return
    for text in _texts(found, feeds, names=given["output"] == "name", hooks=given["hooks"]):
        terminal.emit(text)


def _texts(found: Evaluated, feeds: Sequence[RenderedFeed], *, names: bool, hooks: bool) -> Iterator[str]:
    for feed in feeds:
        where = found.facts[feed.unit.cluster].name, feed.unit.subscription
        objects = (*feed.objects, *feed.aside) if hooks else feed.objects
        lines = [_named(*where, rendered) if names else _document(*where, rendered) for rendered in objects]
        if lines:
            yield "\n".join(lines)


_ASIDE = {
    Role.HOOK: " (hook of a chart, run on clusters only)",
    Role.TEST: " (test of a chart, not applied by sync)",
}


def _named(cluster: str, subscription: str, rendered: RenderedObject) -> str:
    role = "" if rendered.role is Role.OBJECT else f"  {rendered.role}"
    return f"{cluster}  {subscription}  {rendered.key}{role}"


def _document(cluster: str, subscription: str, rendered: RenderedObject) -> str:
    aside = _ASIDE.get(rendered.role, "")
    return f"---\n# {cluster}: {subscription}{aside}\n{_yaml(rendered.body)}"


def _yaml(body: Object) -> str:
    return filenames.serialise(body).decode().rstrip("\n")


def _data(found: Evaluated, feed: RenderedFeed, *, hooks: bool) -> dict[str, Any]:
    told = {
        "cluster": found.facts[feed.unit.cluster].name,
        "clusterId": feed.unit.cluster,
        "subscription": feed.unit.subscription,
        "digest": feed.digest,
        "objects": [rendered.body for rendered in feed.objects],
    }
    if hooks:
        told["aside"] = [{"role": rendered.role, "object": rendered.body} for rendered in feed.aside]
    return told


def _write(found: Evaluated, feeds: Sequence[RenderedFeed], out: Path, texts: Texts) -> None:
    """The files of a delivery into a directory, without what it keeps beside them for the next run."""
    if out.exists() and any(out.iterdir()):
        raise UsageError("not-empty", f"{out} is not empty", "name another directory, or remove what is in it")
    owners: dict[str, str] = {}
    for feed in feeds:
        name = found.facts[feed.unit.cluster].name
        if owners.setdefault(name, feed.unit.cluster) != feed.unit.cluster:
            raise UsageError("same-name", f"several clusters are named {name!r}, so they would share a directory")
    directory = Directory(out)
    for feed in feeds:
        for rendered in feed.objects:
            path = filenames.in_directory(found.facts[feed.unit.cluster].name, feed.unit.subscription, rendered.key)
            directory.write(path, texts.of(rendered)[0])
    terminal.talk(f"wrote {sum(len(feed.objects) for feed in feeds)} objects of {len(owners)} clusters to {out}")


def _graph(found: Evaluated, selection: Selection, veil: bytes | None) -> Iterator[str]:
    from reconciler.render.graph import Commit, graph

    commit = Commit(found.snapshot, found.schedule, found.facts, found.feeds, veil)
    for obj in graph(commit, selection.includes):
        yield f"---\n{_yaml(obj)}"
