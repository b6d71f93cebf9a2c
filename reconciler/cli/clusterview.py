"""What the `cluster` subcommands share: the hub and the fleet they are about; listing and labelling."""

import contextlib
import os
import re
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from reconciler.adapters.kube.client import Client, connect
from reconciler.adapters.kube.connection import Connection
from reconciler.adapters.kube.kubeconfig import resolve
from reconciler.apply import registrations
from reconciler.cli import options, terminal
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import UsageError
from reconciler.model.settings import Access, InventoryAt
from reconciler.registry.facts import Registered
from reconciler.sync import enrolment
from reconciler.sync.options import Options

_PREFIXED = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_READY = {True: "True", False: "False", None: "Unknown"}


class Scene:
    """The fleet repo, the hub and the kubeconfig of one command line."""

    def __init__(self, given: dict[str, Any], fleet: enrolment.FleetTree | None) -> None:
        self._given = given
        self.repo = fleet

    @property
    def fleet(self) -> str:
        """The id of the fleet. UsageError when nobody says it."""
        if self.repo is not None:
            return self.repo.settings.fleet
        if named := self._given.get("fleet"):
            return str(named)
        hint = "run it in the fleet repo, or add --repo or --fleet"
        raise UsageError("no-fleet", f"{self._given['repo']} has no fleet.yaml, so that the fleet has no id", hint)

    @property
    def inventory(self) -> str:
        """Namespace of inventories."""
        return (self.repo.settings.inventory if self.repo else InventoryAt()).namespace

    def connection(self, access: Access) -> Connection:
        """A connection by the kubeconfig of the command line."""
        return resolve(access, environment_of(self._given), Path.home())

    def hub(self) -> Connection:
        """The hub: --parent-context, else what fleet.yaml names."""
        if named := self._given["parent_context"]:
            return self.connection(Access(context=named))
        parent = self.repo.settings.clusters.parent if self.repo else None
        if parent is None:
            hint = "--parent-context CONTEXT, or clusters.parent in fleet.yaml"
            raise UsageError("no-parent", "nobody says which cluster is the hub", hint)
        return self.connection(parent)


async def scene(given: dict[str, Any]) -> Scene:
    """Read the settings of the repo, where there is one."""
    named = Options(
        repo=given["repo"], cache=options.cache_directory(), environment=environment_of(given), home=Path.home()
    )
    return Scene(given, await enrolment.fleet_tree(named))


@contextlib.asynccontextmanager
async def hub_of(given: dict[str, Any]) -> AsyncIterator[tuple[Scene, Client]]:
    """The scene, with the hub open."""
    found = await scene(given)
    connection = found.hub()
    for warning in connection.warnings:
        terminal.talk(f"warning: {warning}")
    async with connect(connection) as hub:
        yield found, hub


async def read(given: dict[str, Any]) -> Registered:
    """The clusters of the hub."""
    async with hub_of(given) as (_, hub):
        return await registrations.read_facts(hub)


async def label(given: dict[str, Any]) -> ClusterFacts:
    """Change labels of a cluster."""
    changes = label_changes(given["labels"])
    async with hub_of(given) as (_, hub):
        found = await registrations.read_facts(hub)
        return await registrations.label(hub, registrations.named(found.clusters.values(), given["name"]), changes)


def table(clusters: Iterable[ClusterFacts], *, wide: bool) -> str:
    """As `kubectl get managedclusters`; wide adds what else is known."""
    if not wide:
        rows = [(c.name, c.sync_mode, c.kubernetes or "-", _READY[c.ready], c.id) for c in clusters]
        return terminal.table(("NAME", "MODE", "KUBERNETES", "READY", "CLUSTER ID"), rows)
    columns = ("NAME", "NAMESPACE", "CLUSTER ID", "MODE", "KUBERNETES", "PLATFORM", "READY", "CPU", "MEMORY", "LABELS")
    return terminal.table(columns, [_wide(c) for c in clusters], columns=1 << 16)


def _wide(cluster: ClusterFacts) -> tuple[str, ...]:
    return (
        cluster.name,
        cluster.namespace,
        cluster.id,
        cluster.sync_mode,
        cluster.kubernetes or "-",
        cluster.platform or "-",
        _READY[cluster.ready],
        cluster.allocatable.get("cpu", "-"),
        cluster.allocatable.get("memory", "-"),
        ",".join(f"{key}={value}" for key, value in sorted(cluster.labels.items())),
    )


def label_changes(words: Iterable[str]) -> dict[str, str | None]:
    """`KEY=VALUE` sets and `KEY-` removes, as in `kubectl label`. UsageError for anything else."""
    changes: dict[str, str | None] = {}
    for word in words:
        key, equals, value = word.partition("=")
        removed = not equals and word.endswith("-")
        key = word[:-1] if removed else key
        if not (equals or removed) or not _PREFIXED.fullmatch(key) or not _VALUE.fullmatch(value):
            raise UsageError("bad-label", f"{word!r} is no label", "KEY=VALUE sets a label, KEY- removes it")
        changes[key] = None if removed else value
    return changes


def environment_of(given: dict[str, Any]) -> dict[str, str]:
    """The environment, with --kubeconfig in it."""
    environment = dict(os.environ)
    if given["kubeconfig"]:
        environment["KUBECONFIG"] = given["kubeconfig"]
    return environment
