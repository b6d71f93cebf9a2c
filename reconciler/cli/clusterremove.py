"""`reconciler cluster remove`: what goes with a cluster is shown, and agreed to, before anything is deleted."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from reconciler.adapters.kube.client import Client
from reconciler.apply import clearing, registrations
from reconciler.apply.lease import Leases
from reconciler.apply.options import Options
from reconciler.cli import clusterview, terminal
from reconciler.model.clusters import ClusterFacts
from reconciler.model.dependencies import After
from reconciler.model.errors import Refused, UsageError
from reconciler.model.objects import CommitId
from reconciler.model.plan import Plan
from reconciler.model.settings import Access, Settings
from reconciler.planning.guards import counted
from reconciler.sync.tenants import as_tenants


async def remove(given: dict[str, Any]) -> tuple[str, ...]:
    """Take a cluster out; notes on what stays."""
    if given["delete"] and given["orphan"]:
        raise UsageError("delete-or-orphan", "--delete and --orphan exclude each other", "name one of them")
    async with clusterview.hub_of(given) as (here, hub):
        found = await registrations.read_facts(hub)
        leave = registrations.Leave(
            fleet=here.fleet,
            inventory=here.inventory,
            orphan=given["orphan"],
            child=here.connection(Access(context=given["context"])) if given["context"] else None,
            clear=await _clearing(here, given) if given["delete"] else None,
        )
        return await registrations.remove(hub, registrations.named(found.clusters.values(), given["name"]), leave)


async def _clearing(here: clusterview.Scene, given: dict[str, Any]) -> registrations.Clear:
    settings = here.repo.settings if here.repo else Settings(fleet=here.fleet)
    after: After = await here.repo.dependencies() if here.repo else {}

    def agree(cluster: ClusterFacts, plans: Sequence[Plan]) -> None:
        _agree(cluster, plans, yes=given["yes"])

    async def clear(child: Client, cluster: ClusterFacts) -> None:
        leases = Leases()
        options = Options(
            fleet=here.fleet,
            commit=CommitId(""),
            namespace=here.inventory,
            inventory_kind=settings.inventory.kind,
            timeout=given["timeout"],
            leases=leases,
            warn=lambda text: terminal.talk(f"warning: {text}"),
            prune=settings.prune,
            as_tenant=as_tenants(child, settings.tenants),
        )
        try:
            await clearing.clear(child, cluster, options, after, agree)
        finally:
            await leases.aclose()

    return clear


def _agree(cluster: ClusterFacts, plans: Sequence[Plan], *, yes: bool) -> None:
    rows = [row for plan in plans for row in _rows(plan)]
    doomed = sum(len(wave) for plan in plans for wave in plan.prunes)
    if rows:
        terminal.emit(terminal.table(("", "SUBSCRIPTION", "OBJECT", "WHY"), rows, terminal.ALL))
    if not doomed or yes:
        return
    what = f"{counted(doomed)} in {cluster.name} would be deleted for good"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused("not-agreed", what, "read the list, and say so with --yes")
    if not click.confirm(f"{what}, and the cluster taken out of the hub. Go on?", err=True):
        raise Refused("not-agreed", f"{what}; nothing was deleted")


def _rows(plan: Plan) -> Iterator[tuple[str, str, str, str]]:
    name = plan.unit.subscription
    for change in (change for wave in plan.prunes for change in wave):
        yield "delete", name, str(change.key), ""
    for change in plan.kept:
        yield "keep", name, str(change.key), change.reason
