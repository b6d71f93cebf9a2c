"""Delivery to the clusters themselves, as a run drives it: side by side, each on its own, connections kept open.

A cluster that cannot be reached costs only its own units. A cluster with nothing to do is not contacted at all.
"""

import asyncio
from collections.abc import Mapping, Sequence

from reconciler.adapters.kube.client import Client
from reconciler.apply import deliver as hands
from reconciler.apply.options import Event as Written
from reconciler.apply.options import Options
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import Exit, ReconcilerError
from reconciler.model.feed import Unit
from reconciler.model.plan import Work
from reconciler.model.status import Delivered, State
from reconciler.planning import guards
from reconciler.planning.health import Assessor
from reconciler.sync.events import Event, Level, Tell
from reconciler.sync.opening import Opening
from reconciler.sync.places import Errand
from reconciler.sync.reach import Reach
from reconciler.sync.worklist import Judge

CLUSTERS_AT_ONCE = 64
"""Clusters that are delivered to at once; each has a dozen requests in flight."""


class ClusterPlace:
    """The child clusters of the fleet."""

    def __init__(self, reach: Reach, errand: Errand, moved: asyncio.Event | None, opening: Opening) -> None:
        self._reach = reach
        self._errand = errand
        self._opening = opening
        self._moved = moved
        self._health = Assessor(errand.settings.health)
        self._room = asyncio.Semaphore(CLUSTERS_AT_ONCE)

    @property
    def proof(self) -> str:
        """None: what is there is far away, and the status tells of it."""
        return ""

    async def deliver(self, works: Sequence[Work], judge: Judge, tell: Tell) -> Sequence[Delivered]:
        """Deliver to every cluster that has something to do; to all of them where no status says what they hold."""
        by_cluster = self._by_cluster(works)
        progress = _Progress(self._errand.names, tell)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._cluster(cluster, todo, judge, progress), name=f"deliver to {cluster}")
                for cluster, todo in by_cluster.items()
            ]
        return tuple(delivered for task in tasks for delivered in task.result())

    def _by_cluster(self, works: Sequence[Work]) -> Mapping[str, list[Work]]:
        errand = self._errand
        everywhere = not errand.previous.units or errand.is_new_place or errand.options.check_drift
        found: dict[str, list[Work]] = {cluster: [] for cluster in self._errand.evaluated.facts} if everywhere else {}
        for work in self._errand.open(works):
            found.setdefault(work.unit.cluster, []).append(work)
        return dict(sorted(found.items()))

    async def _cluster(
        self, cluster: str, works: list[Work], judge: Judge, progress: "_Progress"
    ) -> Sequence[Delivered]:
        facts = self._errand.evaluated.facts.get(cluster)
        if facts is None:
            return [_vanished(work) for work in works]
        async with self._room:
            try:
                client = await self._reach.client(facts)
            except ReconcilerError as error:
                progress.warn(facts.name, error.message)
                return [_out_of_reach(work.unit, error) for work in works]

            for warning in client.connection.warnings:
                progress.warn(facts.name, warning)

            def decide(unit: Unit) -> Work | Delivered | None:
                return self._errand.decide(judge, unit)

            done = await hands.deliver_over(client, facts, works, self._options(), progress.written, decide)
            if not self._errand.options.dry_run:
                await self._observe(client, facts, progress)
            return done

    async def _observe(self, client: Client, facts: ClusterFacts, progress: "_Progress") -> None:
        """Renew what the parent says of a cluster that was worked on anyway; a failure costs no delivery."""
        try:
            await self._reach.observe(client, facts)
        except ReconcilerError as error:
            progress.warn(facts.name, f"the parent could not be told how the cluster is: {error.message}")

    def _options(self) -> Options:
        run, settings = self._errand.options, self._errand.settings
        return Options(
            fleet=settings.fleet,
            commit=self._errand.evaluated.commit,
            namespace=settings.inventory.namespace,
            wait=run.wait,
            timeout=run.timeout,
            check_drift=run.check_drift,
            dry_run=run.dry_run,
            newer=self._moved,
            open=self._opening.open,
            apply=settings.apply,
            prune=settings.prune,
            health=self._health,
        )


def _vanished(work: Work) -> Delivered:
    """A unit of a cluster that left the fleet, so that nobody can reach it: acknowledged, it is forgotten."""
    guard = guards.unreachable_for_good(work.unit, work.evidence)
    return Delivered(work.unit, State.HELD if guard else State.DELIVERED, guard=guard)


def _out_of_reach(unit: Unit, error: ReconcilerError) -> Delivered:
    return Delivered(unit, State.UNREACHABLE, message=error.message, exit_code=Exit(error.exit_code))


class _Progress:
    """Words about progress: objects done, over all clusters."""

    def __init__(self, names: Mapping[str, str], tell: Tell) -> None:
        self._names = names
        self._tell = tell
        self._planned: set[Unit] = set()
        self._total = self._done = 0

    def written(self, event: Written) -> None:
        """One object is done."""
        if event.unit not in self._planned:
            self._planned.add(event.unit)
            self._total += event.planned
        self._done += 1
        name, text = self._names.get(event.unit.cluster, ""), f"{event.outcome.key} {event.outcome.result}"
        self._tell(Event("deliver", text, Level.DEBUG, name, self._done, max(self._total, self._done)))

    def warn(self, cluster: str, message: str) -> None:
        """A cluster is out of reach."""
        self._tell(Event("deliver", message, Level.WARNING, cluster))
