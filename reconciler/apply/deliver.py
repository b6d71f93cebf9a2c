"""Everything that one run does to one cluster: read its inventories, plan, execute all units side by side, wait.

A unit that fails is a Delivered that says so, and the others go on. A cluster that does not answer is unreachable for
all its units. Nothing is raised but bugs and cancellation, after which the inventories are supersets of what is there.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.apply import inventory as inventories
from reconciler.apply import observe, ownership, unseal, wait
from reconciler.apply.execute import WAITING, Executed, Owner, execute
from reconciler.apply.gather import all_of
from reconciler.apply.options import Event, Options
from reconciler.apply.write import Pending, expected_of
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import ApiError, Exit, ReconcilerError, Unreachable, Untrusted
from reconciler.model.feed import Unit
from reconciler.model.objects import ObjectKey
from reconciler.model.plan import Action, Inventory, Plan, Work
from reconciler.model.status import Delivered, Health, Outcome, Result, State
from reconciler.planning import foreseen, health
from reconciler.planning.plan import plan

Decide = Callable[[Unit], Work | Delivered | None]
"""Asked about units that the cluster holds and nobody mentioned: what to do, a reason to leave them, or nothing."""
Report = Callable[[Event], None]

_STATES = tuple(State)


def nothing(_: Unit) -> None:
    """Leave units that nobody mentioned."""


async def deliver_over(
    client: Client,
    cluster: ClusterFacts,
    works: Sequence[Work],
    options: Options,
    report: Report,
    decide: Decide = nothing,
) -> tuple[Delivered, ...]:
    """Bring every unit of one cluster to its feed, over a connection that stays open; sorted by unit."""
    try:
        there = await inventories.read_all(client, options.fleet, options.namespace)
    except ReconcilerError as error:
        return tuple(_stopped(work.unit, error) for work in works)
    mentioned = {work.unit for work in works}
    decided = [answer for unit in there if unit not in mentioned and (answer := decide(unit)) is not None]
    left = [answer for answer in decided if isinstance(answer, Delivered)]
    todo = [*works, *(answer for answer in decided if isinstance(answer, Work))]
    delivery = _Delivery(client, cluster, todo, there, (options, report))
    done = await delivery.run()
    return tuple(sorted([*left, *done], key=lambda delivered: delivered.unit))


class _Delivery:
    def __init__(
        self,
        client: Client,
        cluster: ClusterFacts,
        works: Sequence[Work],
        there: Mapping[Unit, Inventory],
        how: tuple[Options, Report],
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._works = works
        self._there = there
        self._options, self._report = how
        self._expected = expected_of(work.feed for work in works if work.feed)
        self._known = frozenset(e.uid for inventory in there.values() for e in inventory.entries.values() if e.uid)
        self._observed: observe.Observed | ReconcilerError | None = None

    async def run(self) -> list[Delivered]:
        if self._options.check_drift:
            try:
                mine = [self._there[work.unit] for work in self._works if work.unit in self._there]
                self._observed = await observe.observe(self._client, mine)
            except ReconcilerError as error:
                return [_stopped(work.unit, error) for work in self._works]
        return await all_of(self._unit(work) for work in self._works)

    async def _unit(self, work: Work) -> Delivered:
        try:
            return await self._deliver(work)
        except ReconcilerError as error:
            return _stopped(work.unit, error)

    async def _deliver(self, work: Work) -> Delivered:
        unit = work.unit
        inventory = self._there.get(unit) or Inventory(unit, self._options.fleet)
        seen = {}
        if isinstance(self._observed, observe.Observed):
            seen = dict(observe.seen(self._observed, inventory))
            inventory = observe.with_keeps(self._observed, inventory)
        evidence = msgspec.structs.replace(work.evidence, elsewhere=self._elsewhere(work, inventory))
        decided = plan(unit, work.feed, inventory, seen, evidence)
        if self._options.dry_run:
            return _folded(decided, foreseen.outcomes(decided), self._options)
        decided = await unseal.opened(decided, self._options.open)
        description = ownership.owner(unit, self._cluster.namespace)
        owner = Owner(description, self._expected, self._known)
        planned = decided.changes

        def told(outcome: Outcome) -> None:
            self._report(Event(unit, outcome, planned))

        done = await execute(self._client, decided, inventory, self._options, owner, told)
        outcomes = await self._readiness(decided, done)
        return _folded(decided, outcomes, self._options, done.inventory)

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

    async def _readiness(self, decided: Plan, done: Executed) -> tuple[Outcome, ...]:
        if not self._options.wait:
            return tuple(map(_unwatched, done.outcomes))
        pending = [*done.pending, *await self._unwritten(decided)]
        if not pending:
            return done.outcomes
        deadline = asyncio.get_running_loop().time() + self._options.timeout
        known = await wait.wait(self._client, pending, deadline, self._options.newer)
        return tuple(_with_health(outcome, known.get(outcome.key)) for outcome in done.outcomes)

    async def _unwritten(self, decided: Plan) -> list[Pending]:
        """Objects that this run did not write, of kinds that can be unready: somebody may have stopped waiting."""
        found = []
        for change in (change for wave in decided.waves for change in wave):
            if change.action is Action.UNCHANGED and health.varies(change.key):
                try:
                    resource = await self._client.resource(change.api_version, change.key.kind)
                except ApiError:
                    continue
                path = resource.path(change.key.namespace)
                found.append(Pending(change.key, path, Health.PROGRESSING, "nobody has looked yet"))
        return found


def _with_health(outcome: Outcome, known: health.Assessment | None) -> Outcome:
    return msgspec.structs.replace(outcome, health=known[0], message=known[1]) if known else outcome


def _unwatched(outcome: Outcome) -> Outcome:
    """Nobody waits, so that an object on its way to be ready is as good as any."""
    on_its_way = outcome.health is Health.PROGRESSING and not outcome.reason
    return msgspec.structs.replace(outcome, health=Health.UNKNOWN, message="") if on_its_way else outcome


def _folded(
    decided: Plan, outcomes: tuple[Outcome, ...], options: Options, inventory: Inventory | None = None
) -> Delivered:
    state = max([_settled(options), *(_state(outcome, options) for outcome in outcomes)], key=_STATES.index)
    if decided.guard:
        state = max(state, State.HELD, key=_STATES.index)
    message = decided.guard.message if decided.guard else ""
    lost = next((o.message for o in outcomes if o.reason == Unreachable.__name__), "")
    return Delivered(
        unit=decided.unit,
        state=State.UNREACHABLE if lost else state,
        outcomes=outcomes,
        feed=inventory.feed if inventory else None,
        message=lost or message,
        guard=decided.guard,
    )


def _settled(options: Options) -> State:
    return State.READY if options.wait and not options.dry_run else State.DELIVERED


def _state(outcome: Outcome, options: Options) -> State:
    if outcome.result in (Result.FAILED, Result.SKIPPED) or outcome.health is Health.FAILED:
        return State.FAILED
    waiting = outcome.health is Health.PROGRESSING or outcome.reason == WAITING
    return State.PROGRESSING if waiting and options.wait else State.READY


def _stopped(unit: Unit, error: ReconcilerError) -> Delivered:
    """A unit that an error stopped before or between its writes."""
    away = isinstance(error, Unreachable | Untrusted)
    state = State.UNREACHABLE if away else State.FAILED
    code = Exit(error.exit_code)
    return Delivered(unit, state, message=error.message, exit_code=code)
