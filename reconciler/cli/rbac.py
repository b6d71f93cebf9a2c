"""`reconciler rbac`: the least rights that a cluster's feeds need, as RBAC objects, and what is lacking."""

import asyncio
from typing import Any

import click
import msgspec

from reconciler.cli import options, terminal
from reconciler.model.errors import Exit
from reconciler.planning import filenames
from reconciler.registry import names
from reconciler.registry.leastrights import documents, namespaces
from reconciler.registry.tenancy import SERVICE_ACCOUNT, Identity
from reconciler.sync import rbac as rights
from reconciler.sync import reading
from reconciler.sync.options import Options
from reconciler.sync.rbac import Lack
from reconciler.sync.worklist import Evaluated


@click.command()
@click.argument("cluster", default="", shell_complete=options.complete_clusters)
@click.option("--repo", default=".", metavar="REPO", help="The fleet repo (default: the working directory).")
@options.revisions
@click.option("--account", default="", metavar="NAMESPACE/NAME", help="Our own service account in the cluster.")
@click.option("--user", default="", metavar="NAME", help="Our own user in the cluster, instead of a service account.")
@click.option("--check", is_flag=True, help="Ask the clusters, and print what the accounts in force lack.")
@click.option(
    "--namespaces",
    is_flag=True,
    help="The namespaces that feeds create are made first (and printed): Roles in them do.",
)
@options.offline
@options.output("text", "json", "yaml")
def rbac(**given: Any) -> None:
    """Print the least Roles and ClusterRoles that applying to CLUSTER takes, ready for `kubectl apply -f -`.

    Without CLUSTER they are enough for every cluster. Our own account and each tenant of fleet.yaml get their own, with
    bindings. Nothing is asked of a cluster, but with --check: then what the accounts in force lack is printed, and the
    command exits 1 when they lack something.
    """
    if given["account"] and given["user"]:
        raise click.UsageError("give one of --account and --user")
    asked = options.reading({**given, "offline": given["offline"] or not given["check"]})
    found, lacks = asyncio.run(_asked(asked, given))
    if given["check"]:
        _tell(lacks, given["output"])
        if lacks:
            raise click.exceptions.Exit(int(Exit.DIFFERS))
        return
    _print(found, given)


async def _asked(asked: Options, given: dict[str, Any]) -> tuple[Evaluated, list[Lack]]:
    found = await reading.evaluated(asked, terminal.warn)
    if not given["check"]:
        return found, []
    return found, await rights.lacking(asked, found, given["cluster"], prepared=given["namespaces"])


def _print(found: Evaluated, given: dict[str, Any]) -> None:
    fleet = found.snapshot.settings.fleet
    account = given["account"] or f"{names.SYSTEM_NAMESPACE}/{names.account(fleet)}"
    own = Identity(given["user"] or SERVICE_ACCOUNT + account.replace("/", ":", 1))
    needs, notes = rights.needed(found, given["cluster"], own, prepared=given["namespaces"])
    for note in dict.fromkeys([*notes, *(note for need in needs for note in need.rights.notes)]):
        terminal.talk(note)
    made = [obj for need in needs for obj in documents(need, fleet)]
    if given["namespaces"]:
        made = [*namespaces(where for need in needs for where in need.rights.rules if where), *made]
    if given["output"] == "json":
        terminal.emit(terminal.structured({"apiVersion": "v1", "kind": "List", "items": made}, "json"))
        return
    for obj in made:
        terminal.emit("---\n" + filenames.serialise(obj).decode().rstrip("\n"))


def _tell(lacks: list[Lack], form: str) -> None:
    if form in ("json", "yaml"):
        terminal.emit(terminal.structured([msgspec.to_builtins(lack) for lack in lacks], form))
        return
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for lack in lacks:
        where = f"in namespace {lack.access.namespace}" if lack.access.namespace else "everywhere"
        groups.setdefault((lack.cluster, lack.account, where, str(lack.access)), []).append(lack.access.verb)
    for (cluster, account, where, what), verbs in groups.items():
        terminal.emit(f"{cluster}: {account} may not {', '.join(verbs)} {what} {where}")
    if not lacks:
        terminal.talk("nothing is lacking")
