"""Everything that one run does to one cluster: foresee all units, carry out their plans side by side, wait.

A unit that others depend on goes before them. A unit that fails is a Delivered that says so, and the others go on. A
cluster that does not answer is unreachable for all its units. Nothing is raised but bugs and cancellation, after which
the inventories are supersets of what is there.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.apply import ownership, unseal
from reconciler.apply.execute import WAITING, Executed, Owner, execute
from reconciler.apply.foresee import Decide, Foreseen, Planned, foresee, nothing, stopped
from reconciler.apply.gather import all_of
from reconciler.apply.hands import Hands, hands
from reconciler.apply.options import Event, Options
from reconciler.apply.write import Pending, expected_of
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import ApiError, ReconcilerError, Unreachable
from reconciler.model.plan import Action, Plan, Work
from reconciler.model.status import Delivered, Health, Outcome, Result, State
from reconciler.planning import foreseen
from reconciler.planning.health import Assessment, Assessor

Report = Callable[[Event], None]

_STATES = tuple(State)


async def deliver_over(
    client: Client,
    cluster: ClusterFacts,
    works: Sequence[Work],
    options: Options,
    report: Report,
    decide: Decide = nothing,
) -> tuple[Delivered, ...]:
    """Bring every unit of one cluster to its feed, over a connection that stays open; sorted by unit."""
    return await carry_out(client, cluster, await foresee(client, works, options, decide), options, report)


async def carry_out(
    client: Client, cluster: ClusterFacts, decided: Foreseen, options: Options, report: Report
) -> tuple[Delivered, ...]:
    """Do what was foreseen, or tell it where nothing shall be written; sorted by unit."""
    done = await _Delivery(client, cluster, decided, options, report).run()
    return tuple(sorted([*decided.stopped, *done], key=lambda delivered: delivered.unit))


class _Delivery:
    def __init__(
        self, client: Client, cluster: ClusterFacts, decided: Foreseen, options: Options, report: Report
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._decided = decided
        self._options = options
        self._report = report
        self._expected = expected_of(planned.work.feed for planned in decided.planned if planned.work.feed)
        self._hands: dict[str, Hands] = {}
        loop = asyncio.get_running_loop()
        self._ended: dict[str, asyncio.Future[State]] = {
            unit.subscription: loop.create_future()
            for unit in (*(planned.work.unit for planned in decided.planned), *(one.unit for one in decided.stopped))
        }
        """What became of each unit, for those that depend on it."""
        for one in decided.stopped:
            self._ended[one.unit.subscription].set_result(one.state)

    async def run(self) -> list[Delivered]:
        return await all_of(self._unit(planned) for planned in self._decided.planned)

    async def _unit(self, planned: Planned) -> Delivered:
        unit = planned.work.unit
        try:
            done = await self._after(planned) or await self._carry_out(planned)
        except ReconcilerError as error:
            done = stopped(unit, error)
        self._ended[unit.subscription].set_result(done.state)
        return done

    async def _after(self, planned: Planned) -> Delivered | None:
        """Wait for what this unit depends on; why it cannot begin when that is not ready."""
        for name in planned.work.wishes.after:
            other = self._ended.get(name)
            if other is None or self._options.dry_run:
                continue
            state = await other
            if state not in (State.READY, State.DELIVERED):
                return Delivered(planned.work.unit, State.PROGRESSING, message=f"waits for {name}, which is {state}")
        return None

    async def _carry_out(self, planned: Planned) -> Delivered:
        unit, decided = planned.work.unit, planned.plan
        if self._options.allowance:
            decided = await self._options.allowance.allowed(decided)
        if self._options.dry_run:
            dry = _folded(decided, foreseen.outcomes(decided), self._options)
            return msgspec.structs.replace(dry, plan=decided)
        decided = await unseal.opened(decided, self._options.open)
        description = ownership.owner(unit, self._cluster.namespace)
        owner = Owner(description, self._expected, self._decided.known, await self._hands_of(unit.subscription))
        count = decided.changes

        def told(outcome: Outcome) -> None:
            self._report(Event(unit, outcome, count))

        done = await execute(self._client, decided, planned.inventory, self._options, owner, told)
        outcomes = await self._readiness(decided, done, owner.hands)
        return _folded(decided, outcomes, self._options, done)

    async def _hands_of(self, subscription: str) -> Hands:
        tenant = subscription.partition("/")[0] if self._options.as_tenant else ""
        if tenant not in self._hands:
            client = await self._options.as_tenant(tenant) if self._options.as_tenant else self._client
            self._hands.setdefault(tenant, hands(client, self._options.health))
        return self._hands[tenant]

    async def _readiness(self, decided: Plan, done: Executed, ours: Hands) -> tuple[Outcome, ...]:
        if not self._options.wait:
            return tuple(map(_unwatched, done.outcomes))
        pending = [*done.pending, *await _unwritten(ours.client, decided, self._options.health)]
        if not pending:
            return done.outcomes
        deadline = asyncio.get_running_loop().time() + self._options.timeout
        known = await ours.watches.ready(pending, deadline, self._options.newer)
        return tuple(_with_health(outcome, known.get(outcome.key)) for outcome in done.outcomes)


async def _unwritten(client: Client, decided: Plan, health: Assessor) -> list[Pending]:
    """Objects that this run did not write, of kinds that can be unready: somebody may have stopped waiting."""
    found = []
    for change in (change for wave in decided.waves for change in wave):
        if change.action is Action.UNCHANGED and health.varies(change.key):
            try:
                resource = await client.resource(change.api_version, change.key.kind)
            except ApiError:
                continue
            path = resource.path(change.key.namespace)
            found.append(Pending(change.key, path, Health.PROGRESSING, "nobody has looked yet"))
    return found


def _with_health(outcome: Outcome, known: Assessment | None) -> Outcome:
    return msgspec.structs.replace(outcome, health=known[0], message=known[1]) if known else outcome


def _unwatched(outcome: Outcome) -> Outcome:
    """Nobody waits, so that an object on its way to be ready is as good as any."""
    on_its_way = outcome.health is Health.PROGRESSING and not outcome.reason
    return msgspec.structs.replace(outcome, health=Health.UNKNOWN, message="") if on_its_way else outcome


def _folded(decided: Plan, outcomes: tuple[Outcome, ...], options: Options, done: Executed | None = None) -> Delivered:
    state = max([_settled(options), *(_state(outcome, options) for outcome in outcomes)], key=_STATES.index)
    if decided.guard:
        state = max(state, State.HELD, key=_STATES.index)
    message = decided.guard.message if decided.guard else ""
    lost = next((o.message for o in outcomes if o.reason == Unreachable.__name__), "")
    return Delivered(
        unit=decided.unit,
        state=State.UNREACHABLE if lost else state,
        outcomes=outcomes,
        feed=done.inventory.feed if done else None,
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
