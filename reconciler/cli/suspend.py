"""`reconciler suspend|resume`: edits the annotation in the author's file, everything else in it kept."""

import asyncio
from pathlib import Path
from typing import Any

import click

from reconciler.cli import options
from reconciler.cli.terminal import talk
from reconciler.model.errors import UsageError
from reconciler.model.snapshot import Place, Snapshot
from reconciler.sync import reading
from reconciler.sync.selection import SUSPEND

_KINDS = {"subscription": "Subscription", "sub": "Subscription", "cluster": "ManagedCluster", "mcls": "ManagedCluster"}
_argument_kind = click.argument("kind", type=click.Choice(list(_KINDS)))
_argument_name = click.argument("name", shell_complete=lambda *shell: _complete(*shell))
_option_repo = click.option(
    "--repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The work tree that is edited (default: here).",
)


@click.command()
@_argument_kind
@_argument_name
@_option_repo
@options.below
def suspend(**given: Any) -> None:
    """Leave a Subscription or cluster as it is, from the next commit on.

    NAME is `namespace/name` of a Subscription (a bare name when it is the only one), or a cluster's name. The file in
    the work tree gets an annotation; nothing is committed.
    """
    _edit(given, value="true")


@click.command()
@_argument_kind
@_argument_name
@_option_repo
@options.below
def resume(**given: Any) -> None:
    """Deliver a suspended Subscription or cluster again, from the next commit on.

    NAME is as for `suspend`. The annotation goes from the file in the work tree; nothing is committed.
    """
    _edit(given, value=None)


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    known = _KINDS.get(ctx.params.get("kind") or "")
    names = options.complete_clusters if known == "ManagedCluster" else options.complete_subscriptions
    return names(ctx, param, incomplete)


def _edit(given: dict[str, Any], value: str | None) -> None:
    kind, name, top = _KINDS[given["kind"]], given["name"], given["repo"] / given["path"].strip("/")
    snapshot = asyncio.run(reading.snapshot_of(options.work_tree(given["repo"], given["path"])))
    found, place = _find(snapshot, kind, name)
    from reconciler.cli.annotation import edited

    path = top / place.path
    text = path.read_bytes().decode()
    new = edited(text, place.document, place.item, SUSPEND, value)
    verb = "suspended" if value else "resumed"
    if new == text:
        talk(f"{kind} {found} is {'suspended' if value else 'not suspended'} already")
        return
    path.write_bytes(new.encode())
    talk(f"{kind} {found} {verb} in {path}; takes effect when it is committed")


def _find(snapshot: Snapshot, kind: str, name: str) -> tuple[str, Place]:
    """Full name and place of the one object of that kind and name. UsageError when there is none, or several."""
    if kind == "Subscription":
        known = {n: s.place for n, s in snapshot.subscriptions.items()}
        places = {n: place for n, place in known.items() if name in (n, n.partition("/")[2])}
    else:
        known = {s.value.name: s.place for s in snapshot.clusters.values()}
        places = {s.value.name: s.place for i, s in snapshot.clusters.items() if name in (i, s.value.name)}
    if len(places) == 1:
        return next(iter(places.items()))
    if places:
        raise UsageError("ambiguous", f"{len(places)} {kind}s are named {name}", f"one of: {', '.join(places)}")
    if kind == "ManagedCluster" and snapshot.settings.clusters.source == "parent":
        hint = f"kubectl annotate mcls -n NAMESPACE {name} {SUSPEND}=true"
        raise UsageError("not-in-repo", "the clusters of this fleet are in the parent cluster, not in files", hint)
    raise UsageError("not-found", f"no {kind} {name} in this repo", _near(name, known))


def _near(name: str, known: dict[str, Place]) -> str:
    from difflib import get_close_matches

    bare = {full.rpartition("/")[2]: full for full in known} | {full: full for full in known}
    near = get_close_matches(name, bare, n=1)
    if near:
        return f"did you mean {bare[near[0]]}?"
    return f"there are: {', '.join(list(known)[:8])}" if known else ""
