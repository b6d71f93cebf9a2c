"""How many deletes a run may do without a question, counted over all clusters before the first delete of any.

Every cluster announces what it plans before it writes; the budget of the cluster is judged at once, that of the fleet
when all have announced. Writes do not wait for it, deletes do. A cluster that is out of reach announces nothing, and
one that says nothing for as long as a connection may take is waited for no longer: what it plans is judged on top.
"""

import asyncio
from collections.abc import Iterable, Sequence

from reconciler.model.applysettings import Prune
from reconciler.model.objects import Digest
from reconciler.model.plan import Guard, Plan
from reconciler.planning import budget
from reconciler.planning.budget import Deletes

PATIENCE_SECONDS = 12.0
"""A little longer than a connection may take to open: so long the others wait after the last word of anybody."""


class Allowance:
    """The deletes of one run."""

    def __init__(self, prune: Prune, clusters: Iterable[str] = (), elsewhere: int = 0) -> None:
        """`clusters` will all announce (by id); without any, only the budget of a cluster counts.

        `elsewhere` are the objects on clusters that nothing is done to.
        """
        self._prune = prune
        self._acknowledged: frozenset[Digest] = frozenset()
        self._elsewhere = elsewhere
        self._missing = set(clusters)
        self._of_fleet = bool(self._missing)
        self._announced: dict[str, Deletes] = {}
        self._guards: dict[str, Guard | None] = {}
        """What the fleet's budget said, by cluster."""
        self._news = asyncio.Event()
        """Set, and replaced, by whoever says something."""

    def announce(
        self, cluster: str, plans: Sequence[Plan], total: int, acknowledged: frozenset[Digest]
    ) -> tuple[Plan, ...]:
        """Say what is planned for a cluster that holds `total` objects; the plans within the cluster's own budget."""
        self._acknowledged |= acknowledged
        verdict = budget.on_cluster(plans, total, self._prune.per_cluster, self._acknowledged)
        self._say(cluster, verdict.deletes)
        guard = verdict.guard
        return tuple(budget.restrained(plan, guard) for plan in plans) if guard else tuple(plans)

    def absent(self, cluster: str) -> None:
        """Say that a cluster plans nothing, unless it has announced something."""
        if cluster not in self._announced:
            self._say(cluster, Deletes())

    async def allowed(self, plan: Plan) -> Plan:
        """The plan, with its deletes held back where the fleet's are too many; waits until all have announced."""
        if not self._of_fleet or not budget.asked(plan):
            return plan
        cluster = plan.unit.cluster
        if cluster not in self._guards:
            await self._all_announced()
        if cluster not in self._guards:
            self._judge()
        guard = self._guards[cluster]
        return budget.restrained(plan, guard) if guard and plan.unit in self._announced[cluster].lists else plan

    def _judge(self) -> None:
        """Decide about everybody who has announced and is not decided about; earlier ones still count."""
        guard = budget.on_fleet(self._announced.values(), self._elsewhere, self._prune.per_fleet)
        fresh = [cluster for cluster in self._announced if cluster not in self._guards]
        if guard and len(fresh) < len(self._announced):
            late = [self._announced[cluster] for cluster in fresh]
            guard = budget.of_some(guard, late)
        held = None if guard and guard.acknowledge in self._acknowledged else guard
        self._guards.update(dict.fromkeys(fresh, held))

    def _say(self, cluster: str, deletes: Deletes) -> None:
        self._announced[cluster] = deletes
        self._missing.discard(cluster)
        told, self._news = self._news, asyncio.Event()
        told.set()

    async def _all_announced(self) -> None:
        """Wait until all have announced, or nobody says anything any more; who is given up is given up for all."""
        while self._missing:
            if not await self._heard():
                self._missing.clear()

    async def _heard(self) -> bool:
        """Whether anybody said something in time."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._news.wait()
        except TimeoutError:
            return False
        return True
