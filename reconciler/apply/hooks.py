"""A plan with the hooks around it: what must be done before, the plan, its readiness, what must be done after.

Hooks run one after another, each recorded in the inventory before it is made, so that none is left behind. A hook that
fails ends the unit's run and is made anew by the next one; one that is still running is waited for again. Deletes of
hooks are as careful as all others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.apply import hookstore, record, unseal
from reconciler.apply.execute import Executed, Owner, Report, execute
from reconciler.apply.options import Options
from reconciler.apply.prune import Pruner
from reconciler.apply.removal import NOT_EMPTY, WAITING
from reconciler.apply.wait import Watches
from reconciler.apply.write import TERMINATING, Pending, Writer, Writing
from reconciler.model.inventory import Entry, Inventory
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import WRITES, Action, Change, Plan, Work
from reconciler.model.status import Health, Outcome, Result
from reconciler.planning import foreseen
from reconciler.planning.health import Assessment, Assessor
from reconciler.planning.hooks import Due, Hook, Phases, leaving, phases

FAILED = "HookFailed"
"""Our reason for a hook that failed, and for what was not done because of it."""
RUNNING = "HookRunning"
"""Our reason for a hook that is not complete yet, and for what waits for it."""
_WAITED_FOR = {("batch", "Job"), ("", "Pod")}
_FIRST = {("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition")}
Settle = Callable[[Plan, Executed], Awaitable[tuple[Outcome, ...]]]
"""Readiness of what was executed."""


async def carry_out(
    cluster: Client, work: Work, plan: Plan, inventory: Inventory, how: tuple[Options, Owner, Report], settle: Settle
) -> tuple[Executed, bool]:
    """Execute a plan with the hooks that are due around it, and whether its outcomes tell of readiness already.

    `cluster` is our own connection; hooks use the owner's.
    """
    return await _Run(cluster, work, plan, inventory, how, settle).run()


class _Completion(Assessor):
    """A hook's Pod is done when it has ended, not when it is ready."""

    def assess(self, obj: Object) -> Assessment:
        """As of any object, but for Pods that run."""
        health, message = super().assess(obj)
        phase = (obj.get("status") or {}).get("phase")
        if obj["kind"] == "Pod" and health is Health.CURRENT and phase != "Succeeded":
            return Health.PROGRESSING, "has not ended yet"
        return health, message


class _Run:
    def __init__(
        self,
        cluster: Client,
        work: Work,
        plan: Plan,
        inventory: Inventory,
        how: tuple[Options, Owner, Report],
        settle: Settle,
    ) -> None:
        self._cluster = cluster
        self._feed = work.feed
        self._plan = plan
        self._inventory = inventory
        self._options, self._owner, self._report = how
        self._settle = settle
        client, options, owner = self._owner.hands.client, self._options, self._owner
        writing = Writing(options.fleet, owner.description, owner.expected, owner.known, options.health)
        self._writer = Writer(client, writing)
        self._pruner = Pruner(client, options.fleet, owner.description, options.prune.propagation)
        self._watches = Watches(client, _Completion())
        self._deadline = asyncio.get_running_loop().time() + options.timeout

    async def run(self) -> tuple[Executed, bool]:
        gone = leaving(self._feed, self._inventory, self._plan)
        kept = await hookstore.read(self._cluster, self._options.namespace, self._inventory) if gone else ()
        found = phases(self._feed, self._inventory, self._plan, kept)
        if not (found.before or found.after or found.leaving) and found.keep is None:
            return await self._plainly(found), False
        return await self._with_hooks(found, {hook.key for hook in kept}), True

    async def _with_hooks(self, found: Phases, own: set[ObjectKey]) -> Executed:
        plan = _without(self._plan, own)
        outcomes: list[Outcome] = []
        if found.before:
            first, plan = _parted(plan)
            if first.changes:
                outcomes += await self._executed(first)
            stopped = None if all(map(_is_done, outcomes)) else "what it needs could not be written"
            failure = None if stopped else await self._phase(found.before)
            if stopped or failure:
                outcomes += [failure] if failure else []
                return Executed((*outcomes, *_skipped(plan, failure)), self._inventory, (), self._plan)
        outcomes += await self._executed(msgspec.structs.replace(plan, feed=None))
        written = all(_is_done(o) for o in outcomes) and self._is_ready(outcomes)
        failure = await self._phase(found.after) if written and found.after else None
        outcomes += [failure] if failure else []
        if written and not failure:
            await self._finish(found)
        return Executed(tuple(outcomes), self._inventory, (), self._plan)

    async def _plainly(self, found: Phases) -> Executed:
        charts = found.done if found.done != self._inventory.charts else None
        plan = msgspec.structs.replace(self._plan, charts=charts)
        return await execute(self._cluster, plan, self._inventory, self._options, self._owner, self._report)

    async def _executed(self, plan: Plan) -> tuple[Outcome, ...]:
        done = await execute(self._cluster, plan, self._inventory, self._options, self._owner, self._report)
        self._inventory = done.inventory
        self._plan = msgspec.structs.replace(self._plan, guard=done.plan.guard or self._plan.guard)
        return await self._settle(plan, done)

    def _is_ready(self, outcomes: Iterable[Outcome]) -> bool:
        unready = (Health.FAILED, Health.PROGRESSING)
        return not self._options.wait or not any(outcome.health in unready for outcome in outcomes)

    async def _finish(self, found: Phases) -> None:
        """Remember that the phases are done; charts that leave are forgotten when nothing of the unit is held back."""
        held = self._plan.guard is not None
        charts = {name: digest for name, digest in found.done.items() if held or name not in found.leaving}
        if found.keep is not None and not held:
            await hookstore.write(self._cluster, self._options.namespace, self._inventory, found.keep)
        feed = None if held else self._plan.feed
        await self._record(msgspec.structs.replace(self._inventory, charts=charts, feed=feed))

    async def _record(self, after: Inventory) -> None:
        self._inventory = await record.write(self._cluster, self._inventory, after, self._options)

    async def _phase(self, dues: Sequence[Due]) -> Outcome | None:
        """Run hooks in their order; the outcome of the one that failed or is not complete, None when all are."""
        entries = dict(self._inventory.entries)
        for due in dues:
            entries.setdefault(due.hook.key, Entry(due.hook.key, due.hook.object.api_version))
        await self._enter(entries)
        for due in dues:
            outcome = await self._hook(due)
            if outcome.reason:
                return outcome
            self._report(outcome)
        await self._clean([due for due in dues if due.hook.gone_after_success or due.event.endswith("delete")])
        await self._enter(self._forgotten(due.hook.key for due in dues))
        return None

    async def _enter(self, entries: dict[ObjectKey, Entry]) -> None:
        if entries != self._inventory.entries:
            await self._record(msgspec.structs.replace(self._inventory, entries=entries))

    def _forgotten(self, keys: Iterable[ObjectKey]) -> dict[ObjectKey, Entry]:
        """The entries of hooks without digests, so that the next phase makes them anew."""
        entries = dict(self._inventory.entries)
        for key in keys:
            if key in entries:
                entries[key] = msgspec.structs.replace(entries[key], digest=None)
        return entries

    async def _hook(self, due: Due) -> Outcome:
        hook, entry = due.hook, self._inventory.entries[due.hook.key]
        if not (entry.uid and entry.digest == hook.object.digest):
            failure = await self._made(due, entry)
            if failure:
                return failure
        if (hook.key.group, hook.key.kind) not in _WAITED_FOR:
            return Outcome(hook.key, Result.CREATED, Health.CURRENT)
        resource = await self._owner.hands.client.resource(hook.object.api_version, hook.key.kind)
        waiting = Pending(hook.key, resource.path(hook.key.namespace), Health.PROGRESSING, "nobody has looked yet")
        known = await self._watches.ready([waiting], self._deadline, self._options.newer)
        health, message = known[hook.key].health, known[hook.key].message
        if health is Health.CURRENT:
            return Outcome(hook.key, Result.CREATED, Health.CURRENT)
        if health is Health.PROGRESSING:
            return _told(due, Result.CREATED, health, f"is not complete: {message}", RUNNING)
        if hook.gone_after_failure:
            await self._clean([due])
        await self._enter(self._forgotten([hook.key]))
        return _told(due, Result.FAILED, health, f"failed: {message}", FAILED)

    async def _made(self, due: Due, entry: Entry) -> Outcome | None:
        """Make a hook anew; why that did not work."""
        key, wanted = due.hook.key, due.hook.object
        there = await self._removed(entry)
        if there:
            return _told(due, Result.FAILED, Health.FAILED, there, FAILED)
        bare = Entry(key, wanted.api_version, shard=entry.shard)
        change = Change(Action.CREATE, key, wanted.api_version, wanted, bare)
        plain = await unseal.opened(Plan(self._plan.unit, ((change,),)), self._options.open)
        done = await self._writer.write(plain.waves[0][0])
        if done.outcome.result is Result.FAILED or done.entry is None:
            return _told(due, Result.FAILED, Health.FAILED, f"failed: {done.outcome.message}", FAILED)
        if (key.group, key.kind) in _WAITED_FOR:
            entries = {**self._inventory.entries, key: msgspec.structs.replace(done.entry, shard=entry.shard)}
            await self._enter(entries)
        return None

    async def _removed(self, entry: Entry) -> str:
        """Delete what an earlier run left; why that is not possible."""
        pruned = await self._pruner.prune(Change(Action.PRUNE, entry.key, entry.api_version, None, entry))
        if pruned.leaving:
            gone = await self._watches.gone([pruned.leaving], self._deadline)
            return "" if gone else f"its predecessor {pruned.done.outcome.message}"
        outcome = pruned.done.outcome
        if outcome.result is Result.PRUNED:
            return ""
        return f"cannot be made: {entry.key} is there already ({outcome.message})"

    async def _clean(self, dues: Iterable[Due]) -> None:
        """Delete hooks that shall not stay; one that cannot be deleted stays recorded."""
        entries = dict(self._inventory.entries)
        for due in dues:
            entry = entries.get(due.hook.key)
            if entry and not await self._removed(entry):
                del entries[due.hook.key]
        await self._enter(entries)


def _told(due: Due, result: Result, health: Health, message: str, reason: str) -> Outcome:
    return Outcome(due.hook.key, result, health, f"the {due.event} hook of {_of(due.hook)} {message}", reason)


def _of(hook: Hook) -> str:
    return f"the HelmChart {hook.chart}" if "/" in hook.chart else "this Subscription"


def _is_done(outcome: Outcome) -> bool:
    undone = (WAITING, TERMINATING, NOT_EMPTY)
    return outcome.result not in (Result.FAILED, Result.SKIPPED) and outcome.reason not in undone


def _without(plan: Plan, keys: set[ObjectKey]) -> Plan:
    """The plan without deletes of hooks that run themselves."""
    prunes = tuple(tuple(change for change in wave if change.key not in keys) for wave in plan.prunes)
    return msgspec.structs.replace(plan, prunes=tuple(wave for wave in prunes if wave))


def _parted(plan: Plan) -> tuple[Plan, Plan]:
    """What hooks cannot be without (namespaces and definitions that are to be written), and the rest."""

    def is_first(change: Change) -> bool:
        return (change.key.group, change.key.kind) in _FIRST and change.action in WRITES

    first = tuple(found for wave in plan.waves if (found := tuple(filter(is_first, wave))))
    rest = tuple(found for wave in plan.waves if (found := tuple(c for c in wave if not is_first(c))))
    early = Plan(plan.unit, first, orphan=plan.orphan)
    return early, msgspec.structs.replace(plan, waves=rest)


def _skipped(plan: Plan, failure: Outcome | None) -> Iterable[Outcome]:
    """What is left undone because a hook failed, or is not complete."""
    reason, why = (failure.reason, failure.message) if failure else (FAILED, "what hooks need could not be written")
    waiting = reason == RUNNING
    for change in foreseen.changes(plan):
        if change.action is Action.UNCHANGED:
            yield Outcome(change.key, Result.UNCHANGED)
        elif change.action is Action.PRUNE:
            yield Outcome(change.key, Result.KEPT, message=why, reason=WAITING)
        elif change.action in WRITES:
            yield Outcome(change.key, Result.SKIPPED, message=why, reason=WAITING if waiting else reason)
        else:
            yield Outcome(change.key, Result.KEPT, message=change.reason)
