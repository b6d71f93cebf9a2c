"""Who the clusters are and how each one is reached: declared in the repo, or registered in a parent."""

import contextlib
from collections.abc import AsyncIterator, Mapping

from reconciler.adapters.kube.client import Client, connect
from reconciler.adapters.kube.connection import Connection
from reconciler.adapters.kube.kubeconfig import resolve
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import UsageError
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Snapshot
from reconciler.registry import facts as registered
from reconciler.sync.options import Options


class Reach:
    """The fleet facts, and a connection to each cluster."""

    def __init__(self, options: Options, settings: Settings, hub: Client | None) -> None:
        self._options = options
        self._settings = settings
        self._hub = hub

    @property
    def is_static(self) -> bool:
        """Whether the facts change only with the repo."""
        return self._hub is None

    async def facts(self, snapshot: Snapshot) -> Mapping[str, ClusterFacts]:
        """What is known of all clusters, by id: one LIST of the parent, or what the repo declares."""
        if self._hub is None:
            return {i: sourced.value for i, sourced in snapshot.clusters.items()}
        return await self.parent_facts()

    async def parent_facts(self) -> Mapping[str, ClusterFacts]:
        """What the parent knows of its clusters; nothing without a parent."""
        if self._hub is None:
            return {}
        resource = await self._hub.resource("clusters.clusternet.io/v1beta1", "ManagedCluster")
        return registered.facts((await self._hub.list(resource.path())).items).clusters

    async def connection(self, cluster: ClusterFacts) -> Connection:
        """How to reach a cluster; UsageError when nobody says how."""
        access = self._settings.clusters.access.get(cluster.name)
        if access is None:
            raise UsageError(
                "no-access", f"fleet.yaml does not say how to reach {cluster.name}", f"clusters.access.{cluster.name}"
            )
        return resolve(access, self._options.environment, self._options.home)


@contextlib.asynccontextmanager
async def reaching(options: Options, settings: Settings) -> AsyncIterator[Reach]:
    """Open the parent where there is one."""
    if settings.clusters.source == "repo":
        yield Reach(options, settings, None)
        return
    if settings.clusters.parent is None:
        raise UsageError("no-parent", "clusters come from a parent, but fleet.yaml does not name it", "clusters.parent")
    async with connect(resolve(settings.clusters.parent, options.environment, options.home)) as hub:
        yield Reach(options, settings, hub)
