"""What a run will do to one cluster, decided for all its units before the first write of any.

Reads the inventories (one LIST) and what the planner needs to know of live objects; writes nothing. A unit that cannot
be planned is a Delivered that says why.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.apply import inventory as inventories
from reconciler.apply import observe
from reconciler.apply.options import Options
from reconciler.model.errors import Exit, ReconcilerError, Unreachable, Untrusted
from reconciler.model.feed import Unit
from reconciler.model.inventory import Inventory
from reconciler.model.objects import ObjectKey
from reconciler.model.plan import Plan, Work
from reconciler.model.status import Delivered, State
from reconciler.planning.plan import plan

Decide = Callable[[Unit], Work | Delivered | None]
"""Asked about units that the cluster holds and nobody mentioned: what to do, a reason to leave them, or nothing."""


class Planned(msgspec.Struct, frozen=True):
    """One unit, decided."""

    work: Work
    inventory: Inventory
    plan: Plan


class Foreseen(msgspec.Struct, frozen=True):
    """One cluster, decided."""

    planned: tuple[Planned, ...] = ()
    stopped: tuple[Delivered, ...] = ()
    """Units that cannot be planned, or that nobody asked for and that stay as they are."""
    known: frozenset[str] = frozenset()
    """UIDs in all inventories of the fleet on this cluster."""


def nothing(_: Unit) -> None:
    """Leave units that nobody mentioned."""


async def foresee(client: Client, works: Sequence[Work], options: Options, decide: Decide = nothing) -> Foreseen:
    """Decide about every unit of one cluster. Raises only bugs and cancellation."""
    try:
        there = await inventories.read_all(client, options.fleet, options.namespace)
    except ReconcilerError as error:
        return Foreseen(stopped=tuple(stopped(work.unit, error) for work in works))
    mentioned = {work.unit for work in works}
    decided = [answer for unit in there if unit not in mentioned and (answer := decide(unit)) is not None]
    left = [answer for answer in decided if isinstance(answer, Delivered)]
    todo = [*works, *(answer for answer in decided if isinstance(answer, Work))]
    return await _Foresight(client, todo, there, options).all(left)


class _Foresight:
    def __init__(
        self, client: Client, works: Sequence[Work], there: Mapping[Unit, Inventory], options: Options
    ) -> None:
        self._client = client
        self._works = works
        self._there = there
        self._options = options
        self._observed: observe.Observed | None = None

    async def all(self, left: Sequence[Delivered]) -> Foreseen:
        known = frozenset(e.uid for inventory in self._there.values() for e in inventory.entries.values() if e.uid)
        if self._options.check_drift:
            mine = [self._there[work.unit] for work in self._works if work.unit in self._there]
            try:
                self._observed = await observe.observe(self._client, mine)
            except ReconcilerError as error:
                return Foreseen(stopped=(*left, *(stopped(work.unit, error) for work in self._works)), known=known)
        answers = [self._one(work) for work in self._works]
        return Foreseen(
            tuple(answer for answer in answers if isinstance(answer, Planned)),
            (*left, *(answer for answer in answers if isinstance(answer, Delivered))),
            known,
        )

    def _one(self, work: Work) -> Planned | Delivered:
        try:
            return self._planned(work)
        except ReconcilerError as error:
            return stopped(work.unit, error)

    def _planned(self, work: Work) -> Planned:
        inventory = self._there.get(work.unit) or Inventory(work.unit, self._options.fleet)
        seen = {}
        if self._observed is not None:
            seen = dict(observe.seen(self._observed, inventory))
            inventory = observe.with_keeps(self._observed, inventory)
        evidence = msgspec.structs.replace(work.evidence, elsewhere=self._elsewhere(work, inventory))
        return Planned(work, inventory, plan(work.unit, work.feed, inventory, seen, evidence))

    def _elsewhere(self, work: Work, inventory: Inventory) -> frozenset[ObjectKey]:
        """What other units deliver here; also what units have that this run leaves as they are."""
        wanted = {obj.key for obj in work.feed.objects} if work.feed else set()
        if inventory.entries.keys() <= wanted:
            return frozenset()
        planned = {other.unit for other in self._works}
        feeds = (other.feed for other in self._works if other.feed and other.unit != work.unit)
        delivered = {obj.key for feed in feeds for obj in feed.objects}
        left = (other for unit, other in self._there.items() if unit not in planned)
        return frozenset(delivered.union(*(other.entries for other in left)))


def stopped(unit: Unit, error: ReconcilerError) -> Delivered:
    """A unit that an error stopped before or between its writes."""
    away = isinstance(error, Unreachable | Untrusted)
    state = State.UNREACHABLE if away else State.FAILED
    return Delivered(unit, state, message=error.message, exit_code=Exit(error.exit_code))
