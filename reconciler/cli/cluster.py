"""`reconciler cluster add|list|label|export|remove`: the clusters that a hub knows, reached by Push."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import click

from reconciler.cli import options, terminal
from reconciler.model.errors import Exit

F = TypeVar("F", bound=Callable[..., Any])
_VALIDITY = "7 days"


def _hub(command: F) -> F:
    """Which hub: options of every subcommand."""
    command = click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Kubeconfig of all contexts here.")(
        command
    )
    command = click.option("--parent-context", metavar="CONTEXT", help="The hub (default: clusters.parent of REPO).")(
        command
    )
    return click.option(
        "--repo", type=click.Path(file_okay=False), default=".", help="Fleet repo with fleet.yaml (default: here)."
    )(command)


_child = click.option("--context", metavar="CONTEXT", help="The child, with an administrator's rights.")
_fleet = click.option("--fleet", metavar="ID", help="Id of the fleet, where REPO has no fleet.yaml.")


@click.group()
def cluster() -> None:
    """Register, list, label, export and remove clusters of a hub.

    The hub is the parent that fleet.yaml names under clusters.parent, or --parent-context.
    """


@cluster.command()
@click.argument("name")
@click.option("--context", metavar="CONTEXT", required=True, help="The child, with an administrator's rights.")
@_hub
@_fleet
@click.option("--namespace", help="Its dedicated namespace in the hub (default: clusternet-NAME).")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="Label of its ManagedCluster; repeatable.")
@click.option("--type", "cluster_type", default="", help="spec.clusterType of its ManagedCluster.")
@click.option("--role", metavar="ROLE", help="Rights: a ClusterRole of the child, or a file with one.")
@click.option("--advertise-url", default="", help="Address of the child for whoever delivers, if not that of CONTEXT.")
@click.option("--token-lifetime", type=options.Duration(), default=None, help=f"Of the token (default: {_VALIDITY}).")
@options.output("text", "json", "yaml")
def add(**given: Any) -> None:
    """Register the cluster of CONTEXT in the hub as NAME, or bring its registration up to date.

    The child gets a service account with the least rights that the feeds of REPO need there; add it again when feeds
    of new kinds or in new namespaces come. The hub gets a namespace, a ManagedCluster and a Secret with a token that
    expires and is renewed by whoever uses it.
    """
    from reconciler.cli import clusteradd

    done = asyncio.run(clusteradd.add(given))
    for note in done.notes:
        terminal.talk(f"note: {note}")
    if given["output"] != "text":
        terminal.emit(terminal.structured(done, given["output"]))
        return
    terminal.emit(clusteradd.summary(done))


@cluster.command("list")
@_hub
@options.output("text", "wide", "json", "yaml", "name")
def list_clusters(**given: Any) -> None:
    """List the clusters that the hub knows."""
    from reconciler.cli import clusterview

    found = asyncio.run(clusterview.read(given))
    for complaint in found.complaints:
        terminal.talk(f"warning: {complaint}")
    clusters = tuple(sorted(found.clusters.values(), key=lambda one: one.binding))
    if given["output"] in ("json", "yaml"):
        terminal.emit(terminal.structured(clusters, given["output"]))
    elif given["output"] == "name":
        for one in clusters:
            terminal.emit(f"managedcluster.clusters.clusternet.io/{one.name}")
    elif clusters:
        terminal.emit(clusterview.table(clusters, wide=given["output"] == "wide"))
    else:
        terminal.talk("no cluster is registered")


@cluster.command()
@click.argument("name")
@click.argument("labels", nargs=-1, required=True, metavar="KEY=VALUE|KEY-...")
@_hub
def label(**given: Any) -> None:
    """Set labels of the cluster NAME (KEY=VALUE), or remove them (KEY-)."""
    from reconciler.cli import clusterview

    changed = asyncio.run(clusterview.label(given))
    terminal.emit(f"cluster {changed.name} labelled" if changed.labels else f"cluster {changed.name} has no labels")


@cluster.command()
@_hub
@click.option("--out", default="clusters", metavar="DIR", show_default=True, help="Directory of REPO for new files.")
@options.output("text", "json", "yaml")
def export(**given: Any) -> None:
    """Write what is known of the clusters into files of REPO, so that --offline schedules as sync does.

    With `clusters.from: parent` a copy of each of the hub's clusters, otherwise the status of the declared ones:
    labels, taints, capacity, room on nodes, versions and served kinds; no secrets and no times. What a file says
    beside that stays, comments included. Exits 4 when a cluster that matters could not be asked; its file keeps what
    it said.
    """
    from reconciler.cli import clusterexport

    done = asyncio.run(clusterexport.export(given))
    for name, why in done.silent.items():
        terminal.talk(f"warning: {name}: {why}")
    if given["output"] != "text":
        terminal.emit(terminal.structured(done, given["output"]))
    elif done.files:
        terminal.emit(terminal.table(("CLUSTER", "FILE", ""), [(f.cluster, f.path, f.done) for f in done.files]))
    else:
        terminal.talk("no cluster is known")
    if not done.complete:
        raise click.exceptions.Exit(int(Exit.FAILED))


@cluster.command()
@click.argument("name")
@_child
@_hub
@_fleet
@click.option("--delete", is_flag=True, help="Delete what was delivered in the child.")
@click.option("--orphan", is_flag=True, help="Leave what was delivered in the child.")
@click.option("--yes", is_flag=True, help="Do not ask before deleting.")
@click.option(
    "--timeout", type=options.Duration(), default="5m", show_default=True, help="How long deletes may take to end."
)
def remove(**given: Any) -> None:
    """Take the cluster NAME out of the hub, and its account out of the child.

    Refused while the child still has objects of the fleet: deselect it and sync first, leave them with --orphan, or
    delete them with --delete. That shows each object beforehand and asks; without a terminal it needs --yes.
    """
    from reconciler.cli import clusterremove

    for note in asyncio.run(clusterremove.remove(given)):
        terminal.talk(f"note: {note}")
    terminal.emit(f"cluster {given['name']} removed")
