"""Carry out one plan on one cluster: record the intent, write wave by wave, prune, record what is confirmed.

The inventory is widened before the first write and narrowed after the last confirmed delete, so that a run that is
killed anywhere leaves a superset behind and the next run converges. A failed object stops only what needs it; a unit
with a failed write prunes nothing.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.apply import inventory as inventories
from reconciler.apply import record
from reconciler.apply.applied import unconfirmed
from reconciler.apply.contact import Meeting
from reconciler.apply.drift import Live, live_of
from reconciler.apply.expected import Expected, brings, defined, is_definition, lacks
from reconciler.apply.gather import each_of
from reconciler.apply.hands import Hands
from reconciler.apply.options import Options
from reconciler.apply.prune import Leaving, Pruner
from reconciler.apply.removal import NOT_EMPTY, WAITING, Ground, Removal
from reconciler.apply.unwritten import unwritten
from reconciler.apply.wait import Told
from reconciler.apply.write import TERMINATING, Done, Pending, Writer, Writing
from reconciler.model import duration
from reconciler.model.inventory import Entry, Inventory
from reconciler.model.objects import ObjectKey
from reconciler.model.plan import WRITES, Action, Approach, Change, Plan
from reconciler.model.status import Health, Outcome, Result
from reconciler.planning import foreseen

ESTABLISH_SECONDS = 30.0
"""How long custom resources wait for their definition to be established."""
_UNDONE = frozenset({WAITING, TERMINATING, NOT_EMPTY})
_UNREADY = frozenset({Health.PROGRESSING, Health.FAILED})
T = TypeVar("T")
Report = Callable[[Outcome], None]
LastTurn = Callable[[tuple[Outcome, ...], tuple[Pending, ...]], Awaitable[str]]
"""Told what was written; waits for units that must delete before this one, and says why it may not delete."""


class Owner(msgspec.Struct, frozen=True):
    """As whom a unit writes."""

    description: str
    """The Description that objects name as their owner."""
    expected: Expected
    """What this and other units bring to the cluster in the same delivery."""
    known: frozenset[str]
    """UIDs in all inventories of the fleet on this cluster."""
    hands: Hands
    """Whose hands write the objects; the inventory is written by our own."""
    going: frozenset[str] = frozenset()
    """UIDs of what this and other units delete in the same delivery."""
    approach: Approach | None = None
    """How the unit meets what is there already."""
    last: LastTurn | None = None
    """Asked before the first delete; None where no other unit deletes first."""


class Executed(msgspec.Struct, frozen=True):
    """What became of a plan."""

    outcomes: tuple[Outcome, ...]
    """One for every object of the plan, in the order of its waves."""
    inventory: Inventory
    pending: tuple[Pending, ...]
    """Written, and not ready yet."""
    plan: Plan
    """What was carried out: the plan, less what all clusters together may not delete."""


async def execute(
    cluster: Client, plan: Plan, inventory: Inventory, options: Options, owner: Owner, report: Report
) -> Executed:
    """Do what the plan says. Refused when another run writes the same inventory; nothing is written then."""
    return await _Run(cluster, plan, inventory, (options, owner, report)).execute()


class _Run:
    def __init__(self, cluster: Client, plan: Plan, inventory: Inventory, run: tuple[Options, Owner, Report]) -> None:
        self._cluster = cluster
        self._plan = plan
        self._before = self._recorded = inventory
        self._options, owner, self._report = run
        client, self._watches = owner.hands
        self._client = client
        settings = self._options
        about = (settings.fleet, owner.description, owner.expected, owner.known, settings.health)
        how = (owner.approach, plan.unit.subscription, self._is_gone, settings.prune.propagation)
        self._writer = Writer(client, Writing(*about, *how))
        self._approach = owner.approach
        self._owner = owner
        self._pruner = Pruner(client, self._options.fleet, owner.description, self._options.prune.propagation)
        self._entries = dict(inventory.entries)
        self._outcomes: dict[ObjectKey, Outcome] = {}
        self._pending: list[Pending] = []
        self._deadline = asyncio.get_running_loop().time() + self._options.timeout

    async def execute(self) -> Executed:
        if not any(True for _ in _writes(self._plan)):
            await self._ask()  # before anything is recorded: a run that may do nothing leaves no trace
        touched = [*_writes(self._plan), *(change for wave in self._plan.prunes for change in wave)]
        if touched:
            self._recorded = await self._record(self._before, self._intended(touched), whole=False)
        self._entries = dict(self._recorded.entries)
        await self._write_waves()
        await self._prune_waves()
        self._keep()
        whole = self._plan.guard is None and all(_is_done(outcome) for outcome in self._outcomes.values())
        released = any(change.released for change in self._plan.kept)
        recorded = self._recorded
        told = (recorded.feed, recorded.orphan) == (self._plan.feed, self._plan.orphan)
        told = told and not inventories.is_elsewhere(recorded, self._options.inventory_kind)
        if touched or released or not told or self._entries != recorded.entries:
            recorded = await self._record(recorded, self._entries, whole=whole)
        ordered = [self._outcomes[change.key] for change in foreseen.changes(self._plan)]
        return Executed(tuple(ordered), recorded, tuple(self._pending), self._plan)

    async def _record(self, before: Inventory, entries: dict[ObjectKey, Entry], *, whole: bool) -> Inventory:
        feed = self._plan.feed if whole else None
        charts = self._plan.charts if whole and self._plan.charts is not None else before.charts
        after = msgspec.structs.replace(
            before,
            entries=entries,
            feed=feed,
            charts=charts,
            commit=self._options.commit,
            orphan=self._plan.orphan,
        )
        return await record.write(self._cluster, before, after, self._options)

    def _intended(self, touched: Iterable[Change]) -> dict[ObjectKey, Entry]:
        """All that we own or shall own; what is about to change is confirmed again only by its own answer."""
        entries = dict(self._before.entries)
        for change in touched:
            entries[change.key] = unconfirmed(change)
        return entries

    async def _is_gone(self, key: ObjectKey, path: str, uid: str) -> bool:
        return bool(await self._watches.gone([Leaving(key, path, uid)], self._deadline))

    async def _write_waves(self) -> None:
        failed: set[str | tuple[str, str]] = set()
        for number, wave in enumerate(self._plan.waves):
            await self._gate(wave)
            todo: list[Change] = []
            for change in await self._decided(wave):
                lack, reason = lacks(change.key, failed), "DependencyFailed"
                if not lack:
                    lack, reason = self._unready(change)
                if change.action not in WRITES:
                    self._leave(change)
                elif lack:
                    self._note(Outcome(change.key, Result.SKIPPED, message=lack, reason=reason))
                else:
                    todo.append(change)
            live = await live_of(self._client, todo, self._plan.unit.subscription, self._options.apply.ignore)
            done = await each_of(functools.partial(self._write, live), todo)
            failed |= {name for change, one in zip(todo, done, strict=True) if _is_lost(one) for name in brings(change)}
            await self._establish(self._plan.waves[number + 1 :])

    async def _decided(self, wave: Sequence[Change]) -> Sequence[Change]:
        """The wave, with what could not be looked at before; what is adopted is recorded as that before it is taken."""
        if self._approach is None or all(change.action is not Action.LATER for change in wave):
            return wave
        decided = await Meeting(self._cluster, self._approach).decided(wave)
        adopted = {change.key: unconfirmed(change) for change in decided if change.action is Action.ADOPT}
        if any(self._recorded.entries.get(key) != entry for key, entry in adopted.items()):
            self._entries.update(adopted)
            self._recorded = await self._record(self._recorded, dict(self._entries), whole=False)
            self._entries = dict(self._recorded.entries)
        return decided

    def _leave(self, change: Change) -> None:
        """Take note of an object that is not written: what is known of it now, and that it is not ours."""
        if change.entry and not change.released:
            self._entries[change.key] = change.entry
        else:
            self._entries.pop(change.key, None)
        self._note(foreseen.outcome(change), told=change.action is not Action.UNCHANGED)

    def _unready(self, change: Change) -> tuple[str, str]:
        """What this object waits for in vain, and our reason; an object that nobody waits for counts as ready."""
        if not self._options.wait:
            return "", ""
        for key in change.awaits:
            known = self._outcomes.get(key)
            if known and (known.result in (Result.FAILED, Result.SKIPPED) or known.health in _UNREADY):
                failed = known.result is Result.FAILED or known.health is Health.FAILED
                waits = not failed and (known.result is not Result.SKIPPED or known.reason == WAITING)
                message = f"{key} is not ready: {known.message}" if known.message else f"{key} is not ready"
                return message, WAITING if waits else "DependencyFailed"
        return "", ""

    async def _write(self, live: Live, change: Change) -> Done:
        done = await self._writer.write(change, live)
        if done.entry:
            self._entries[change.key] = msgspec.structs.replace(done.entry, shard=self._entries[change.key].shard)
        elif change.key in self._before.entries:
            self._entries[change.key] = self._before.entries[change.key]
        else:
            self._entries.pop(change.key, None)
        if done.pending:
            self._pending.append(done.pending)
        self._note(done.outcome)
        return done

    async def _establish(self, later: Sequence[Sequence[Change]]) -> None:
        """Wait for definitions that later waves need; others need not be waited for, and are with the rest."""
        used = {(change.key.group, change.key.kind) for wave in later for change in wave}
        kinds = {c.key: defined(c.wanted.body) for wave in self._plan.waves for c in wave if c.wanted}
        needed = [one for one in self._pending if is_definition(one.key) and kinds.get(one.key) in used]
        if needed:
            seconds = min(self._options.timeout, ESTABLISH_SECONDS)
            health = await self._watches.ready(needed, asyncio.get_running_loop().time() + seconds)
            self._settle(health)

    async def _gate(self, wave: Sequence[Change]) -> None:
        """Wait until what this wave needs is ready, for as long as a wave may take."""
        if not self._options.wait:
            return
        groups = {id(change.awaits): change.awaits for change in wave if change.action in WRITES}
        needed = {key for awaits in groups.values() for key in awaits}
        pending = [one for one in self._pending if one.key in needed]
        pending += await self._unlooked(needed)
        if pending:
            clock = asyncio.get_running_loop().time
            deadline = min(self._deadline, clock() + duration.seconds(self._options.apply.wave_timeout))
            self._settle(await self._watches.ready(pending, deadline, self._options.newer))

    async def _unlooked(self, needed: Collection[ObjectKey]) -> list[Pending]:
        """Objects that are needed and that this run did not write: an earlier one may have stopped waiting."""
        known = {key for key in needed if key in self._outcomes and self._outcomes[key].health is Health.UNKNOWN}
        changes = (change for wave in self._plan.waves for change in wave if change.key in known)
        return await unwritten(self._client, changes, self._options.health)

    def _settle(self, told: Mapping[ObjectKey, Told]) -> None:
        """Take note of how objects are; what is ready is not waited for again."""
        self._pending = [one for one in self._pending if one.key not in told or told[one.key].health != Health.CURRENT]
        for key, one in told.items():
            self._outcomes[key] = msgspec.structs.replace(self._outcomes[key], **one._asdict())

    async def _prune_waves(self) -> None:
        stopped = next((f"not pruned: {o.key} failed" for o in self._outcomes.values() if not _is_done(o)), "")
        if not stopped and self._plan.prunes and self._owner.last:
            stopped = await self._owner.last(tuple(self._outcomes.values()), tuple(self._pending))
            self._deadline = asyncio.get_running_loop().time() + self._options.timeout
        if not stopped:
            await self._ask()
        owner, wait = self._owner, self._options.wait
        ground = Ground(
            self._pruner, self._cluster, self._watches, owner.known, owner.going, wait=wait, deadline=self._deadline
        )
        await Removal(ground, self._entries, self._told_once).run(self._plan.prunes, stopped)

    async def _ask(self) -> None:
        """Ask whether all clusters together delete too much; what is then held is as it was before."""
        if self._options.allowance:
            self._plan = await self._options.allowance.allowed(self._plan)
            for change in self._plan.kept:
                if change.key in self._before.entries:
                    self._entries[change.key] = self._before.entries[change.key]

    def _told_once(self, outcome: Outcome) -> None:
        self._note(outcome, told=outcome.key not in self._outcomes)

    def _keep(self) -> None:
        for change in self._plan.kept:
            if change.released:
                self._entries.pop(change.key, None)
            self._note(Outcome(change.key, Result.KEPT, message=change.reason), told=False)

    def _note(self, outcome: Outcome, *, told: bool = True) -> None:
        self._outcomes[outcome.key] = outcome
        if told:
            self._report(outcome)


def _writes(plan: Plan) -> Iterator[Change]:
    return (change for wave in plan.waves for change in wave if change.action in WRITES)


def _is_lost(done: Done) -> bool:
    return done.outcome.result in (Result.FAILED, Result.SKIPPED)


def _is_done(outcome: Outcome) -> bool:
    return outcome.result not in (Result.FAILED, Result.SKIPPED) and outcome.reason not in _UNDONE
