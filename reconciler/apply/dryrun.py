"""A plan rehearsed: the same hands on a connection on which every write is a dry run of the server.

So a refusal, an immutable field or a field of somebody else shows before anything is written. What needs a namespace or
definition of the same plan cannot be tried, and says so. Nothing is raised but bugs and cancellation.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from reconciler.adapters.kube.client import Client, Written
from reconciler.apply import hookstore, looking, ownership, unseal
from reconciler.apply.applied import IMMUTABLE
from reconciler.apply.deliver import carry_out
from reconciler.apply.expected import Expected, defined
from reconciler.apply.foresee import Foreseen, Planned, stopped
from reconciler.apply.gather import all_of, each_of
from reconciler.apply.options import Event, Options
from reconciler.apply.write import Writer, Writing
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import ReconcilerError
from reconciler.model.feed import Unit
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import WRITES, Action, Change, Plan
from reconciler.model.proposal import DueHook, Proposal, Trial, Verdict
from reconciler.model.status import Delivered, Outcome, Result
from reconciler.planning.hooks import leaving, phases


class Rehearsal(Client):
    """A connection on which nothing is written; what the server answered to an apply is remembered by path."""

    def __init__(self, client: Client) -> None:
        super().__init__(client.connection, client._transport)  # noqa: SLF001 - the same connection, other verbs
        self._discovery = client._discovery  # noqa: SLF001 - and what it knows of the server
        self.answers: dict[str, Object] = {}

    async def apply(
        self, path: str, obj: Object, manager: str, *, force: bool = False, dry_run: bool = True
    ) -> Written:
        """As for real, without effect."""
        del dry_run
        written = await super().apply(path, obj, manager, force=force, dry_run=True)
        self.answers[path] = written.object
        # what was never stored has no version
        metadata = {"resourceVersion": "", **written.object["metadata"]}
        return msgspec.structs.replace(written, object={**written.object, "metadata": metadata})

    async def create(self, path: str, obj: Object, manager: str, *, dry_run: bool = True) -> Object:
        """As for real, without effect."""
        del dry_run
        return await super().create(path, obj, manager, dry_run=True)

    async def replace(
        self, path: str, obj: Object, manager: str, *, dry_run: bool = True, urgent: bool = False
    ) -> Object:
        """As for real, without effect."""
        del dry_run
        return await super().replace(path, obj, manager, dry_run=True, urgent=urgent)

    async def merge_patch(self, path: str, patch: Object, manager: str, *, dry_run: bool = True) -> Object:
        """As for real, without effect."""
        del dry_run
        return await super().merge_patch(path, patch, manager, dry_run=True)

    async def json_patch(
        self, path: str, steps: Sequence[Mapping[str, Any]], manager: str, *, dry_run: bool = True
    ) -> Object:
        """As for real, without effect."""
        del dry_run
        return await super().json_patch(path, steps, manager, dry_run=True)

    async def delete(
        self,
        path: str,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: str = "Background",
        dry_run: bool = True,
    ) -> Object | None:
        """As for real, without effect."""
        del dry_run
        return await super().delete(
            path, uid=uid, resource_version=resource_version, propagation=propagation, dry_run=True
        )


class Rehearsed(msgspec.Struct, frozen=True):
    """A proposal with the objects that it was made from."""

    proposal: Proposal
    answers: Mapping[ObjectKey, Object] = {}
    """What the server would store."""
    live: looking.Live = {}


async def propose(
    client: Client, cluster: ClusterFacts, decided: Foreseen, options: Options, *, tried: bool
) -> tuple[Proposal, ...]:
    """What would become of every unit of one cluster; with `tried`, every write is rehearsed."""
    run = _Rehearsing(client, cluster, decided, options)
    return tuple(one.proposal for one in await run.all(tried=tried, whole=False))


async def rehearse(client: Client, cluster: ClusterFacts, decided: Foreseen, options: Options) -> tuple[Rehearsed, ...]:
    """As `propose`, with the whole objects: what is there, and what the server would make of it."""
    return await _Rehearsing(client, cluster, decided, options).all(tried=True, whole=True)


class _Rehearsing:
    def __init__(self, client: Client, cluster: ClusterFacts, decided: Foreseen, options: Options) -> None:
        self._client = client
        self._cluster = cluster
        self._decided = decided
        self._options = msgspec.structs.replace(options, dry_run=True)
        self._coming = _coming(planned.plan for planned in decided.planned)

    async def all(self, *, tried: bool, whole: bool) -> tuple[Rehearsed, ...]:
        told = await carry_out(self._client, self._cluster, self._decided, self._options, _unheard)
        planned = {one.work.unit: one for one in self._decided.planned}
        return tuple(await all_of(self._unit(one, planned.get(one.unit), tried=tried, whole=whole) for one in told))

    async def _unit(self, told: Delivered, planned: Planned | None, *, tried: bool, whole: bool) -> Rehearsed:
        if planned is None or told.plan is None:
            return Rehearsed(Proposal(told))
        todo = WRITES | {Action.REPORT} if whole else WRITES
        writes = [change for wave in told.plan.waves for change in wave if change.action in todo]
        prunes = [change for wave in told.plan.prunes for change in wave]
        version = planned.inventory.version
        # fields that others own are left alone by looking at what they are
        all_of_it = whole or bool(self._options.apply.ignore)
        try:
            live = await looking.live(await self._identity(told.unit), (*writes, *prunes), whole=all_of_it)
            trials, answers = await self._tried(planned, writes, live if all_of_it else {}) if tried else ({}, {})
            hooks = await self._hooks(planned, told.plan)
        except ReconcilerError as error:
            return Rehearsed(Proposal(_stopped(told, error), version))
        looks = {key: looking.look(obj) for key, obj in live.items()}
        return Rehearsed(Proposal(told, version, looks, trials, hooks), answers, live)

    async def _hooks(self, planned: Planned, decided: Plan) -> tuple[DueHook, ...]:
        feed, inventory = planned.work.feed, planned.inventory
        gone = leaving(feed, inventory, decided)
        kept = await hookstore.read(self._client, self._options.namespace, inventory) if gone else ()
        found = phases(feed, inventory, decided, kept)
        return tuple(DueHook(due.event, due.hook.object) for due in (*found.before, *found.after))

    async def _tried(
        self, planned: Planned, writes: Sequence[Change], live: looking.Live
    ) -> tuple[Mapping[ObjectKey, Trial], Mapping[ObjectKey, Object]]:
        trials = {
            change.key: Trial(Verdict.UNTRIED, message=why) for change in writes if (why := self._why_not(change))
        }
        todo = tuple(_written(change) for change in writes if change.key not in trials)
        some = msgspec.structs.replace(planned.plan, waves=(todo,))
        (opened,) = (await unseal.opened(some, self._options.open)).waves
        hands = Rehearsal(await self._identity(planned.work.unit))
        writer = Writer(hands, self._writing(planned))
        there = {key: obj for key, obj in live.items() if obj is not None}
        done = await each_of(lambda change: writer.write(change, there), opened)
        answers: dict[ObjectKey, Object] = {}
        for change, one in zip(opened, done, strict=True):
            trials[change.key] = _verdict(change, one.outcome)
            if trials[change.key].verdict is Verdict.ACCEPTED:
                resource = await hands.resource(change.api_version, change.key.kind)
                path = resource.path(change.key.namespace, change.key.name)
                answers |= {change.key: hands.answers[path]} if path in hands.answers else {}
        return trials, answers

    def _writing(self, planned: Planned) -> Writing:
        unit, options = planned.work.unit, self._options
        owned_by, known = ownership.owner(unit, self._cluster.namespace), self._decided.known
        return Writing(options.fleet, owned_by, Expected(), known, options.health, planned.approach, unit.subscription)

    async def _identity(self, unit: Unit) -> Client:
        as_tenant = self._options.as_tenant
        return await as_tenant(unit.subscription.partition("/")[0]) if as_tenant else self._client

    def _why_not(self, change: Change) -> str:
        """Why a write cannot be tried; empty when it can."""
        key = change.key
        if key.namespace in self._coming:
            return f"Namespace {key.namespace} comes with this plan"
        if (key.group, key.kind) in self._coming:
            return f"the definition of {key.kind} comes with this plan"
        if change.action is Action.LATER:
            return change.reason or "decided when its wave comes"
        return "deleted and made anew" if change.action is Action.REPLACE else ""


def _coming(plans: Iterator[Plan]) -> frozenset[str | tuple[str, str]]:
    """Namespaces by name, and kinds by group and name, that these plans create."""
    found: set[str | tuple[str, str]] = set()
    for change in (change for plan in plans for wave in plan.waves for change in wave):
        if change.action is not Action.CREATE or change.wanted is None:
            continue
        if change.key.kind == "Namespace" and not change.key.group:
            found.add(change.key.name)
        elif change.key.kind == "CustomResourceDefinition" and (kind := defined(change.wanted.body)):
            found.add(kind)
    return frozenset(found)


def _written(change: Change) -> Change:
    """The change as it would be made, for one that is only reported."""
    return msgspec.structs.replace(change, action=Action.CHANGE) if change.action is Action.REPORT else change


def _verdict(change: Change, outcome: Outcome) -> Trial:
    if outcome.result not in (Result.FAILED, Result.SKIPPED, Result.LEFT):
        return Trial(Verdict.ACCEPTED)
    if outcome.reason == IMMUTABLE and change.recreate:
        return Trial(Verdict.REPLACED, outcome.reason, "an immutable field changes: it is deleted and made anew")
    return Trial(Verdict.REFUSED, outcome.reason, outcome.message)


def _stopped(told: Delivered, error: ReconcilerError) -> Delivered:
    return msgspec.structs.replace(stopped(told.unit, error), guard=told.guard)


def _unheard(_: Event) -> None:
    """Nobody is told of single objects."""
