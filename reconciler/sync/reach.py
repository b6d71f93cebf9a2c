"""Who the clusters are and how each one is reached: declared in the repo, or registered in a parent."""

import base64
import contextlib
from collections.abc import AsyncIterator, Mapping

from reconciler.adapters.kube.client import Client
from reconciler.adapters.kube.connection import Connection
from reconciler.adapters.kube.kubeconfig import resolve
from reconciler.apply import access, register, registrations
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import ApiError, UsageError
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Snapshot
from reconciler.sync import asking
from reconciler.sync.asking import Questions, Silent
from reconciler.sync.clients import Clients
from reconciler.sync.events import Event, Level, Tell
from reconciler.sync.options import Options


class Reach:
    """The fleet facts, and a connection to each cluster."""

    def __init__(self, options: Options, settings: Settings, clients: Clients, hub: Client | None) -> None:
        self._options = options
        self._settings = settings
        self._clients = clients
        self._hub = hub
        self.listed: Mapping[str, ClusterFacts] = {}
        """What the last list said, before any child was asked: what a later run compares to see whether it is new."""

    async def facts(self, snapshot: Snapshot, tell: Tell) -> Mapping[str, ClusterFacts]:
        """What is known of all clusters, by id: one LIST of the parent, or what the repo declares.

        Children are asked for what only they know, as far as the commit needs it; those that do not answer are told
        and keep what is known. Where nothing is delivered to clusters and there is no parent, nobody is asked.
        """
        listed = await self.list(snapshot)
        asks = self._hub is not None or self._settings.delivery.to == "clusters"
        wanted = asking.questions(snapshot, listed) if asks else Questions()
        if not wanted.clusters:
            return listed
        known, silent = await asking.asked(listed, wanted, self.client)
        for cluster, silence in silent.items():
            text = f"its capacity or kinds could not be asked: {silence.why}"
            tell(Event("read", text, Level.WARNING, listed[cluster].name))
        return asking.cautious(known, wanted, silent)

    async def everything(self, snapshot: Snapshot) -> tuple[Mapping[str, ClusterFacts], Silent]:
        """All facts of all clusters, as far as our accounts may know them, and who did not answer, with the reason."""
        listed = await self.list(snapshot)
        everyone, needed = frozenset(listed), asking.questions(snapshot, listed).room
        return await asking.asked(listed, Questions(needed, everyone, everyone), self.client)

    async def list(self, snapshot: Snapshot) -> Mapping[str, ClusterFacts]:
        """What is known without asking any child."""
        declared = {i: sourced.value for i, sourced in snapshot.clusters.items()}
        self.listed = await self.parent_facts() if self._hub is not None else declared
        return self.listed

    async def parent_facts(self) -> Mapping[str, ClusterFacts]:
        """What the parent knows of its clusters; nothing without a parent."""
        return (await registrations.read_facts(self._hub)).clusters if self._hub else {}

    async def secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """The data of a Secret of the parent; None when there is none, or no parent."""
        if self._hub is None:
            return None
        try:
            found = await self._hub.get(access.SECRETS.path(namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        data: Mapping[str, str] = found.get("data") or {}
        return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}

    async def client(self, cluster: ClusterFacts) -> Client:
        """A connection to a cluster. UsageError when nobody says how, Untrusted when the parent has no credential."""
        return await self._clients.get(cluster.id, await self._connection(cluster))

    async def observe(self, client: Client, cluster: ClusterFacts) -> None:
        """Renew what the parent says of a cluster: version, health, capacity. Nothing without a parent."""
        if self._hub is not None:
            await register.observe(self._hub, client, cluster)

    async def _connection(self, cluster: ClusterFacts) -> Connection:
        if self._hub is not None:
            return await access.connection_of(self._hub, cluster)
        way = self._settings.clusters.access.get(cluster.name)
        if way is None:
            what = f"fleet.yaml does not say how to reach {cluster.name}"
            raise UsageError("no-access", what, f"name a context under clusters.access.{cluster.name}")
        return resolve(way, self._options.environment, self._options.home)


async def pull_secret(options: Options, settings: Settings, namespace: str, name: str) -> Mapping[str, str] | None:
    """A Secret of the parent, for charts, over a connection of its own."""
    async with contextlib.aclosing(Clients()) as clients, reaching(options, settings, clients) as reach:
        return await reach.secret(namespace, name)


@contextlib.asynccontextmanager
async def reaching(options: Options, settings: Settings, clients: Clients) -> AsyncIterator[Reach]:
    """The clusters of a fleet; its parent is connected to where there is one."""
    if settings.clusters.source == "repo":
        yield Reach(options, settings, clients, None)
        return
    if settings.clusters.parent is None:
        raise UsageError("no-parent", "clusters come from a parent, but fleet.yaml does not name it", "clusters.parent")
    hub = await clients.get("parent", resolve(settings.clusters.parent, options.environment, options.home))
    yield Reach(options, settings, clients, hub)
