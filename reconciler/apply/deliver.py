"""Everything that one run does to one cluster: foresee all units, carry out their plans side by side, wait.

A unit that others depend on is written before them, and deleted after them. A unit that fails is a Delivered that says
so, and the others go on. A cluster that does not answer is unreachable for all its units. Nothing is raised but bugs
and cancellation, after which the inventories are supersets of what is there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.apply import hooks, ownership, unseal
from reconciler.apply.allowance import Allowance
from reconciler.apply.alone import Again, alone
from reconciler.apply.execute import Executed, LastTurn, Owner
from reconciler.apply.expected import expected_of
from reconciler.apply.foresee import Decide, Foreseen, Planned, foresee, nothing, stopped
from reconciler.apply.gather import all_of
from reconciler.apply.hands import Hands, hands
from reconciler.apply.options import Event, Options
from reconciler.apply.removal import NOT_EMPTY, WAITING
from reconciler.apply.turns import Turns
from reconciler.apply.unwritten import unwritten
from reconciler.apply.wait import Told
from reconciler.apply.write import Pending
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import Exit, ReconcilerError, Unreachable
from reconciler.model.feed import Unit
from reconciler.model.plan import Plan, Work
from reconciler.model.status import Delivered, Health, Outcome, Result, State
from reconciler.planning import foreseen

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

    async def again() -> Foreseen:
        return await foresee(client, works, options, decide, cluster.namespace)

    return await carry_out(client, cluster, await again(), options, report, again)


async def carry_out(
    client: Client,
    cluster: ClusterFacts,
    decided: Foreseen,
    options: Options,
    report: Report,
    again: Again | None = None,
) -> tuple[Delivered, ...]:
    """Do what was foreseen, or tell it where nothing shall be written; sorted by unit.

    `again` foresees anew, after another run had to be waited for; without it the inventories refuse what moved.
    """
    right = await alone(client, cluster.id, decided, options, again)
    decided = right.decided
    try:
        async with right.until_lost():
            decided = _within_budget(decided, cluster.id, options)
            done = await _Delivery(client, cluster, decided, (options, report, right.written)).run()
    except ReconcilerError as error:
        done = [stopped(planned.work.unit, error) for planned in decided.planned]
    return tuple(sorted([*decided.stopped, *done], key=lambda delivered: delivered.unit))


def _within_budget(decided: Foreseen, cluster: str, options: Options) -> Foreseen:
    """Announce what is deleted here, and hold it back where it is too much for one cluster."""
    allowance = options.allowance or Allowance(options.prune)
    acknowledged = frozenset(digest for one in decided.planned for digest in one.work.evidence.acknowledged)
    plans = [one.plan for one in decided.planned]
    allowed = allowance.announce(cluster, plans, decided.objects, acknowledged)
    planned = (msgspec.structs.replace(one, plan=plan) for one, plan in zip(decided.planned, allowed, strict=True))
    return msgspec.structs.replace(decided, planned=tuple(planned))


class _Delivery:
    def __init__(
        self,
        client: Client,
        cluster: ClusterFacts,
        decided: Foreseen,
        how: tuple[Options, Report, Callable[[], Awaitable[None]]],
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._decided = decided
        self._options, self._report, self._written = how
        self._expected = expected_of(planned.work.feed for planned in decided.planned if planned.work.feed)
        prunes = (change for planned in decided.planned for wave in planned.plan.prunes for change in wave)
        self._going = frozenset(change.entry.uid for change in prunes if change.entry and change.entry.uid)
        self._hands: dict[str, Hands] = {}
        self._silent: set[Unit] = set()
        """Units that write nothing any more."""
        self._turns = Turns(decided.planned, decided.stopped)

    async def run(self) -> list[Delivered]:
        return await all_of(self._unit(planned) for planned in self._decided.planned)

    async def _unit(self, planned: Planned) -> Delivered:
        unit = planned.work.unit
        try:
            done = await self._waiting(planned) or await self._carry_out(planned)
        except ReconcilerError as error:
            done = stopped(unit, error)
        await self._writes_no_more(unit)
        self._turns.deleted(planned, done)
        self._turns.written(unit.subscription, done.state)
        return done

    async def _writes_no_more(self, unit: Unit) -> None:
        if unit not in self._silent:
            self._silent.add(unit)
            await self._written()

    async def _waiting(self, planned: Planned) -> Delivered | None:
        """Wait for the unit's turn; why it does not come. A unit that goes waits for those that depend on it."""
        work, decided = planned.work, planned.plan
        if self._options.dry_run:
            return None
        if work.feed is not None:
            why = await self._turns.lacks(work)
        else:
            why = await self._turns.blocked(work.unit.subscription) if decided.prunes else ""
        return Delivered(work.unit, State.PROGRESSING, message=why, guard=decided.guard) if why else None

    async def _carry_out(self, planned: Planned) -> Delivered:
        unit, decided = planned.work.unit, planned.plan
        if self._options.dry_run:
            if self._options.allowance:
                decided = await self._options.allowance.allowed(decided)
            dry = _folded(decided, foreseen.outcomes(decided), self._options)
            return msgspec.structs.replace(dry, plan=decided)
        decided = await unseal.opened(decided, self._options.open)
        description = ownership.owner(unit, self._cluster.namespace)
        ours = await self._hands_of(unit.subscription)
        last = self._last(planned, ours) if planned.work.feed is not None else None
        owner = Owner(description, self._expected, self._decided.known, ours, self._going, planned.approach, last)
        count = decided.changes

        def told(outcome: Outcome) -> None:
            self._report(Event(unit, outcome, count))

        async def settle(plan: Plan, done: Executed) -> tuple[Outcome, ...]:
            return await self._readiness(plan, done.outcomes, done.pending, owner.hands)

        how = (self._options, owner, told)
        work = planned.work
        done, settled = await hooks.carry_out(self._client, work, decided, planned.inventory, how, settle)
        await self._writes_no_more(unit)
        self._turns.deleted(planned, _folded(done.plan, done.outcomes, self._options, done))
        outcomes = done.outcomes if settled else await settle(decided, done)
        return _folded(done.plan, outcomes, self._options, done)

    def _last(self, planned: Planned, ours: Hands) -> LastTurn | None:
        """What lets a unit that has written wait for those that depend on it; None where none of them deletes."""
        name, decided = planned.work.unit.subscription, planned.plan
        if not self._turns.is_last(name):
            return None

        async def last(outcomes: tuple[Outcome, ...], pending: tuple[Pending, ...]) -> str:
            settled = await self._readiness(decided, outcomes, pending, ours)
            self._turns.written(name, _folded(decided, settled, self._options).state)
            return await self._turns.blocked(name)

        return last

    async def _hands_of(self, subscription: str) -> Hands:
        tenant = subscription.partition("/")[0] if self._options.as_tenant else ""
        if tenant not in self._hands:
            client = await self._options.as_tenant(tenant) if self._options.as_tenant else self._client
            self._hands.setdefault(tenant, hands(client, self._options.health))
        return self._hands[tenant]

    async def _readiness(
        self, decided: Plan, outcomes: tuple[Outcome, ...], written: tuple[Pending, ...], ours: Hands
    ) -> tuple[Outcome, ...]:
        if not self._options.wait:
            return tuple(map(_unwatched, outcomes))
        changes = (change for wave in decided.waves for change in wave)
        pending = [*written, *await unwritten(ours.client, changes, self._options.health)]
        if not pending:
            return outcomes
        deadline = asyncio.get_running_loop().time() + self._options.timeout
        known = await ours.watches.ready(pending, deadline, self._options.newer)
        return tuple(_with_health(outcome, known.get(outcome.key)) for outcome in outcomes)


def _with_health(outcome: Outcome, known: Told | None) -> Outcome:
    return msgspec.structs.replace(outcome, **known._asdict()) if known else outcome


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
    full = "; ".join(f"{o.key} {o.message}" for o in outcomes if o.reason == NOT_EMPTY)
    return Delivered(
        unit=decided.unit,
        state=State.UNREACHABLE if lost else state,
        outcomes=outcomes,
        feed=done.inventory.feed if done else None,
        message=lost or message or full,
        guard=decided.guard,
        exit_code=Exit.REFUSED if full else Exit.OK,
        orphan=done.inventory.orphan if done else None,
    )


def _settled(options: Options) -> State:
    return State.READY if options.wait and not options.dry_run else State.DELIVERED


def _state(outcome: Outcome, options: Options) -> State:
    undone = outcome.result is Result.FAILED or (outcome.result is Result.SKIPPED and outcome.reason != WAITING)
    if undone or outcome.health is Health.FAILED:
        return State.FAILED
    if outcome.result is Result.DRIFTED and outcome.health is not Health.PROGRESSING:
        return State.DRIFTED
    if outcome.reason == NOT_EMPTY:
        return State.HELD
    waiting = outcome.health is Health.PROGRESSING or outcome.reason == WAITING
    return State.PROGRESSING if waiting and options.wait else State.READY
