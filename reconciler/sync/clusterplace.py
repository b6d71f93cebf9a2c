"""Delivery to the clusters themselves, as a run drives it: side by side, each on its own, connections kept open.

A cluster that cannot be reached costs only its own units. A cluster with nothing to do is not contacted at all.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.apply import deliver as hands
from reconciler.apply import foresee
from reconciler.apply.allowance import Allowance
from reconciler.apply.digestkey import Keys
from reconciler.apply.gather import all_of
from reconciler.apply.options import Event as Written
from reconciler.apply.options import Options
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import Exit, ReconcilerError
from reconciler.model.feed import Unit
from reconciler.model.plan import Work
from reconciler.model.proposal import Proposal
from reconciler.model.status import Delivered, State
from reconciler.planning import guards
from reconciler.planning.health import Assessor
from reconciler.sync.beside import Beside
from reconciler.sync.events import Event, Level, Tell
from reconciler.sync.opening import Opening
from reconciler.sync.places import Errand
from reconciler.sync.reach import Reach
from reconciler.sync.room import Room
from reconciler.sync.tenants import as_tenants
from reconciler.sync.worklist import Judge

if TYPE_CHECKING:
    from reconciler.apply.dryrun import Rehearsed

T = TypeVar("T")
Do = Callable[[Client, ClusterFacts, Sequence[Work]], Awaitable[Sequence[T]]]
"""What is done to one cluster that can be reached."""
CLUSTERS_AT_ONCE = 64
"""Clusters that are worked on at once, not counting those that are silent; each has a dozen requests in flight."""


class ClusterPlace:
    """The child clusters of the fleet."""

    def __init__(
        self, reach: Reach, errand: Errand, moved: asyncio.Event | None, opening: Opening, beside: Beside
    ) -> None:
        self._reach = reach
        self._errand = errand
        self._opening = opening
        self._moved = moved
        self._beside = beside
        self._keys = Keys()
        self._health = Assessor(errand.settings.health)
        self._room = Room(CLUSTERS_AT_ONCE)
        self._allowance: Allowance | None = None
        self._foreseen: dict[str, foresee.Foreseen] = {}
        """What was proposed, by cluster: exactly that is delivered then."""

    @property
    def proof(self) -> str:
        """None: what is there is far away, and the status tells of it."""
        return ""

    async def deliver(self, works: Sequence[Work], judge: Judge, tell: Tell) -> Sequence[Delivered]:
        """Deliver to every cluster that has something to do; to all of them where no status says what they hold."""
        progress = _Progress(self._errand.names, tell)
        return await self.everywhere(works, progress, functools.partial(self._deliver, judge, progress))

    async def propose(self, works: Sequence[Work], judge: Judge, tell: Tell, *, tried: bool) -> Sequence[Proposal]:
        """Foresee what `deliver` would do, which then does exactly that."""
        progress = _Progress(self._errand.names, tell)
        do = functools.partial(self._propose, judge, progress, tried=tried)
        answers = await self.everywhere(works, progress, do)
        return tuple(Proposal(one) if isinstance(one, Delivered) else one for one in answers)

    async def everywhere(self, works: Sequence[Work], progress: "_Progress", do: Do[T]) -> tuple[T | Delivered, ...]:
        """Do something to every cluster that has something to do; units that cannot be reached are Delivered."""
        by_cluster = self._by_cluster(works)
        self._allowance = self._allowance_of(by_cluster)
        answers = await all_of(self._cluster(cluster, todo, progress, do) for cluster, todo in by_cluster.items())
        return tuple(answer for some in answers for answer in some)

    def _by_cluster(self, works: Sequence[Work]) -> Mapping[str, list[Work]]:
        errand = self._errand
        everywhere = not errand.previous.units or errand.is_new_place or errand.options.check_drift
        found: dict[str, list[Work]] = {cluster: [] for cluster in self._errand.evaluated.facts} if everywhere else {}
        for work in self._errand.open(works):
            found.setdefault(work.unit.cluster, []).append(work)
        return dict(sorted(found.items()))

    def _allowance_of(self, clusters: Collection[str]) -> Allowance:
        units = {} if self._errand.is_new_place else self._errand.previous.units
        elsewhere = sum(status.objects for unit, status in units.items() if unit.cluster not in clusters)
        return Allowance(self._errand.settings.prune, clusters, elsewhere)

    async def _cluster(
        self, cluster: str, works: list[Work], progress: "_Progress", do: Do[T]
    ) -> Sequence[T | Delivered]:
        try:
            return await self._reached(cluster, works, progress, do)
        except Exception as bug:
            bug.add_note(f"while working on cluster {cluster}")
            raise
        finally:
            if self._allowance:
                self._allowance.absent(cluster)

    async def _reached(
        self, cluster: str, works: list[Work], progress: "_Progress", do: Do[T]
    ) -> Sequence[T | Delivered]:
        facts = self._errand.evaluated.facts.get(cluster)
        if facts is None:
            return [_vanished(work) for work in works]
        async with self._room.stay() as stay:
            try:
                client = await self._reach.client(facts)
            except ReconcilerError as error:
                progress.warn(facts.name, error.message)
                return [_out_of_reach(work.unit, error) for work in works]

            stay.listen(client.heard)
            for warning in client.connection.warnings:
                progress.warn(facts.name, warning)
            return await do(client, facts, works)

    async def _deliver(
        self, judge: Judge, progress: "_Progress", client: Client, facts: ClusterFacts, works: Sequence[Work]
    ) -> Sequence[Delivered]:
        options = msgspec.structs.replace(self.options(client), warn=functools.partial(progress.warn, facts.name))
        again = functools.partial(self.foresee, judge, client, facts.namespace, works)
        proposed = self._foreseen.pop(facts.id, None)
        decided = proposed or await again()
        anew = None if proposed else again
        done = await hands.carry_out(client, facts, decided, options, progress.written, anew)
        if not self._errand.options.dry_run:
            await self._observe(client, facts, progress)
        return done

    async def _propose(
        self,
        judge: Judge,
        progress: "_Progress",
        client: Client,
        facts: ClusterFacts,
        works: Sequence[Work],
        *,
        tried: bool,
    ) -> Sequence[Proposal]:
        from reconciler.apply import dryrun

        decided = self._foreseen[facts.id] = await self.foresee(judge, client, facts.namespace, works)
        proposals = await dryrun.propose(client, facts, decided, self.options(client), tried=tried)
        progress.foreseen(facts.name, len(proposals))
        return proposals

    async def rehearse(self, works: Sequence[Work], judge: Judge, tell: Tell) -> Sequence["Rehearsed"]:
        """As `propose`, with the whole objects: what is there, and what the servers would make of it."""
        from reconciler.apply import dryrun

        progress = _Progress(self._errand.names, tell)

        async def do(client: Client, facts: ClusterFacts, works: Sequence[Work]) -> Sequence[dryrun.Rehearsed]:
            decided = await self.foresee(judge, client, facts.namespace, works)
            return await dryrun.rehearse(client, facts, decided, self.options(client))

        answers = await self.everywhere(works, progress, do)
        return tuple(dryrun.Rehearsed(Proposal(one)) if isinstance(one, Delivered) else one for one in answers)

    async def foresee(self, judge: Judge, client: Client, home: str, works: Sequence[Work]) -> foresee.Foreseen:
        """Decide about every unit of one cluster, also those that only its inventories mention."""

        def decide(unit: Unit) -> Work | Delivered | None:
            return self._errand.decide(judge, unit)

        return await foresee.foresee(client, works, self.options(client), decide, home)

    async def _observe(self, client: Client, facts: ClusterFacts, progress: "_Progress") -> None:
        """Renew what the parent says of a cluster that was worked on anyway; a failure costs no delivery."""
        try:
            await self._reach.observe(client, facts)
        except ReconcilerError as error:
            progress.warn(facts.name, f"the parent could not be told how the cluster is: {error.message}")

    def options(self, client: Client) -> Options:
        """What holds for the delivery to one cluster."""
        run, settings = self._errand.options, self._errand.settings
        return Options(
            fleet=settings.fleet,
            commit=self._errand.evaluated.commit,
            namespace=settings.inventory.namespace,
            inventory_kind=settings.inventory.kind,
            keys=self._keys,
            leases=self._beside.leases,
            is_newer=self._beside.is_newer,
            wait=run.wait,
            timeout=run.timeout,
            check_drift=run.check_drift,
            dry_run=run.dry_run,
            newer=self._moved,
            open=self._opening.open,
            apply=settings.apply,
            prune=settings.prune,
            health=self._health,
            allowance=self._allowance,
            as_tenant=as_tenants(client, settings.tenants),
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

    def foreseen(self, cluster: str, units: int) -> None:
        """One cluster has been looked at."""
        self._tell(Event("plan", f"{units} units", cluster=cluster))

    def warn(self, cluster: str, message: str) -> None:
        """A cluster is out of reach."""
        self._tell(Event("deliver", message, Level.WARNING, cluster))
