"""`reconciler rollout`: the timetable, what a failure would stop, approval, pause and the way back."""

import asyncio
from pathlib import Path
from typing import Any

import click

from reconciler.adapters import clock
from reconciler.cli import options, rolloutview, terminal
from reconciler.model.errors import UsageError
from reconciler.planning import rolloutahead
from reconciler.planning.rollout import OPEN, Timetable
from reconciler.sync import reading, rolloutreading
from reconciler.sync.rolloutreading import Timetables

_argument_subscription = click.argument("subscription", shell_complete=options.complete_subscriptions)
_option_repo = click.option("--repo", default=".", help="The repo, as for `schedule` (default: the work tree here).")
_option_tree = click.option(
    "--repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The work tree (default: here).",
)


@click.group()
def rollout() -> None:
    """Show and steer how a change reaches the clusters, group by group."""


@rollout.command()
@click.argument("subscription", required=False, shell_complete=options.complete_subscriptions)
@_option_repo
@options.revisions
@options.offline
@click.option("--fail", metavar="CLUSTER|N%", multiple=True, help="What if this cluster, or so many of them, fail?")
@options.output("text", "wide", "json", "yaml")
def plan(**given: Any) -> None:
    """Print the timetable: which clusters, when at the earliest, and what they wait for.

    SUBSCRIPTION is `namespace/name`; every one that is to be rolled out without it. Nothing is written: it goes by the
    files and by the status of the last runs. With --fail it says where the rollout would stop.
    """
    now = clock.now()
    found = asyncio.run(rolloutreading.timetables(options.reading(given), terminal.warn, now))
    tables = (rolloutreading.of(found, given["subscription"]),) if given["subscription"] else found.tables
    views = []
    for table in tables:
        failing = _failing(found, table, given["fail"])
        views.append(rolloutview.View(table, rolloutahead.ahead(table.asked, now, failing), now, bool(given["fail"])))
    rolloutview.show(found, views, given["output"])


@rollout.command()
@options.repository
@options.output("text", "json", "yaml")
def status(**given: Any) -> None:
    """Show the rollouts under way as the last runs wrote them."""
    found = asyncio.run(reading.status_of(options.reading(given)))
    rolloutview.show_status(found, given["output"])


@rollout.command()
@_argument_subscription
@click.argument("group")
@_option_tree
@options.below
def approve(**given: Any) -> None:
    """Let a group begin: makes an empty commit here that says so, for you to push.

    The commit has the trailer `Reconciler-Approve: SUBSCRIPTION GROUP DIGEST`; any commit that has it does the same.
    The digest names what is approved, so that nothing newer is approved by it.
    """
    from reconciler.cli import rolloutcommit

    tree = options.work_tree(given["repo"], given["path"])
    found = asyncio.run(rolloutreading.timetables(tree, terminal.warn, clock.now()))
    table = rolloutreading.of(found, given["subscription"])
    groups = {stage.name: stage for stage in table.stages}
    asks = [name for name, stage in groups.items() if stage.members.group.approval]
    if given["group"] not in asks:
        hint = f"these do: {', '.join(asks)}" if asks else "`approval: true` of a group in fleet.yaml asks for one"
        raise UsageError("no-approval", f"no group {given['group']} of this rollout asks for approval", hint)
    if not any(slot.standing in OPEN for slot in groups[given["group"]].slots):
        terminal.talk(f"group {given['group']} has nothing that waits")
        return
    asyncio.run(rolloutcommit.approve(tree, table, given["group"]))


@rollout.command()
@click.argument("name")
@_option_tree
@options.below
def pause(**given: Any) -> None:
    """Begin no further cluster, from the next commit on: sets `paused` of rollout NAME in fleet.yaml."""
    _set_paused(given, paused=True)


@rollout.command()
@click.argument("name")
@_option_tree
@options.below
def resume(**given: Any) -> None:
    """Go on with a paused rollout, from the next commit on: removes `paused` of rollout NAME from fleet.yaml."""
    _set_paused(given, paused=False)


@rollout.command()
@_argument_subscription
@click.argument("repo", default=".", type=click.Path())
@options.revisions
def revert(**given: Any) -> None:
    """Prepare the way back: a commit on a branch of its own, with the files as they were before the rollout.

    The branch is `reconciler/revert-COMMIT` of REPO. Nothing is delivered by it; merge it when you want that.
    """
    from reconciler.sync import reverting

    told = asyncio.run(reverting.of_subscription(options.reading(given), given["subscription"], clock.now()))
    terminal.emit(rolloutview.reverted(told))


def _set_paused(given: dict[str, Any], *, paused: bool) -> None:
    from reconciler.cli.rolloutpause import edited

    path = given["repo"] / given["path"].strip("/") / "fleet.yaml"
    text = path.read_bytes().decode()
    new = edited(text, given["name"], paused=paused)
    if new == text:
        terminal.talk(f"rollout {given['name']} is {'paused' if paused else 'not paused'} already")
        return
    path.write_bytes(new.encode())
    terminal.talk(f"rollout {given['name']} {'paused' if paused else 'resumed'} in {path}; commit it to make it so")


def _failing(found: Timetables, table: Timetable, words: tuple[str, ...]) -> frozenset[str]:
    """The clusters that --fail means; UsageError for what is neither a cluster of the rollout nor a percentage."""
    clusters = [slot.cluster for slot in table.slots() if slot.standing in OPEN]
    failing: set[str] = set()
    for word in words:
        named = {c for c in clusters if word in (c, found.name(c))}
        if word.endswith("%") and word[:-1].isdecimal() and int(word[:-1]) <= 100:
            failing |= rolloutahead.chosen(clusters, int(word[:-1])) if clusters else set()
        elif named:
            failing |= named
        elif not any(word in (cluster.id, cluster.name) for cluster in found.facts.values()):
            raise UsageError("bad-fail", f"--fail {word}: no cluster, and no percentage", "as in --fail 5%")
    return frozenset(failing)
