"""What a run will do to one cluster, decided for all its units before the first write of any.

Reads the inventories (one LIST) and what the planner needs to know of live objects; writes nothing. A unit that cannot
be planned is a Delivered that says why.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.apply import contact, drift, observe, ownership, record, unseal
from reconciler.apply import inventory as inventories
from reconciler.apply.contact import Met
from reconciler.apply.expected import expected_of
from reconciler.apply.gather import all_of
from reconciler.apply.options import Options
from reconciler.apply.ownership import field_manager
from reconciler.model.errors import Exit, ReconcilerError, Unreachable, Untrusted
from reconciler.model.feed import RenderedObject, Unit
from reconciler.model.inventory import Inventory
from reconciler.model.objects import CommitId, ObjectKey
from reconciler.model.plan import Approach, Plan, Seen, Work
from reconciler.model.status import Delivered, State
from reconciler.planning.contact import needs_look
from reconciler.planning.hooks import parted, without_hooks
from reconciler.planning.plan import plan

Decide = Callable[[Unit], Work | Delivered | None]
"""Asked about units that the cluster holds and nobody mentioned: what to do, a reason to leave them, or nothing."""


class Planned(msgspec.Struct, frozen=True):
    """One unit, decided."""

    work: Work
    inventory: Inventory
    plan: Plan
    approach: Approach


class Foreseen(msgspec.Struct, frozen=True):
    """One cluster, decided."""

    planned: tuple[Planned, ...] = ()
    stopped: tuple[Delivered, ...] = ()
    """Units that cannot be planned, or that nobody asked for and that stay as they are."""
    known: frozenset[str] = frozenset()
    """UIDs in all inventories of the fleet on this cluster."""
    objects: int = 0
    """How many objects all these inventories hold."""


def nothing(_: Unit) -> None:
    """Leave units that nobody mentioned."""


async def foresee(
    client: Client, works: Sequence[Work], options: Options, decide: Decide = nothing, home: str = ""
) -> Foreseen:
    """Decide about every unit of one cluster, whose dedicated namespace is `home`.

    Raises only bugs and cancellation.
    """
    try:
        held = await inventories.read(client, options.fleet, options.namespace, options.inventory_kind)
        mentioned = {work.unit for work in works}
        units = (*held.inventories, *held.broken)
        decided = [answer for unit in units if unit not in mentioned and (answer := decide(unit)) is not None]
        todo = [*works, *(answer for answer in decided if isinstance(answer, Work))]
        late = await _overtaken(todo, held.inventories, options)
        there = await record.revealed(client, held.inventories, todo, options)
    except ReconcilerError as error:
        return Foreseen(stopped=tuple(stopped(work.unit, error) for work in works))
    left = {answer.unit: answer for answer in decided if isinstance(answer, Delivered)}
    left |= {unit: stopped(unit, error) for unit, error in held.broken.items() if unit not in left}
    return await _Foresight(client, todo, there, options, home).all([*left.values(), *late])


async def _overtaken(works: Sequence[Work], there: Mapping[Unit, Inventory], options: Options) -> list[Delivered]:
    """Units that a newer commit than ours has changed already, which an older one must not undo."""
    if options.is_newer is None:
        return []
    commits = {there[work.unit].commit for work in works if work.unit in there} - {None, options.commit}
    newer = {commit for commit in sorted(filter(None, commits)) if await options.is_newer(commit)}
    return [
        _overtaken_by(work.unit, commit)
        for work in works
        if work.unit in there and (commit := there[work.unit].commit) in newer and commit
    ]


def _overtaken_by(unit: Unit, commit: CommitId) -> Delivered:
    message = f"left as commit {commit[:12]} made it, which is newer than the one of this run"
    return Delivered(unit, State.DELIVERED, message=message)


class _Foresight:
    def __init__(
        self, client: Client, works: Sequence[Work], there: Mapping[Unit, Inventory], options: Options, home: str
    ) -> None:
        self._client = client
        self._works = [parted(work) for work in works]
        self._there = there
        self._options = options
        self._home = home
        self._expected = expected_of(work.feed for work in works if work.feed)
        self._takers = _takers(works, there)

    async def all(self, left: Sequence[Delivered]) -> Foreseen:
        leave = {one.unit for one in left}
        works = [work for work in self._works if work.unit not in leave]
        known = frozenset(e.uid for inventory in self._there.values() for e in inventory.entries.values() if e.uid)
        met = await self._look(works)
        answers = await all_of(self._one(work, met[work.unit]) for work in works)
        return Foreseen(
            tuple(answer for answer in answers if isinstance(answer, Planned)),
            (*left, *(answer for answer in answers if isinstance(answer, Delivered))),
            known,
            sum(len(inventory.entries) for inventory in self._there.values()),
        )

    async def _look(self, works: Sequence[Work]) -> Mapping[Unit, Met | ReconcilerError]:
        """Look, each unit with the rights of those who apply it, so that nobody learns what they may not see."""
        groups: dict[Client, list[Work]] = {}
        found: dict[Unit, Met | ReconcilerError] = {}
        for work in works:
            try:
                groups.setdefault(await self._client_of(work), []).append(work)
            except ReconcilerError as error:
                found[work.unit] = error
        answers = await all_of(self._look_as(client, some) for client, some in groups.items())
        for some, answer in zip(groups.values(), answers, strict=True):
            found |= dict.fromkeys((work.unit for work in some), answer)
        return found

    async def _look_as(self, client: Client, works: Sequence[Work]) -> Met | ReconcilerError:
        new = {obj.key: obj for work in works for obj in self._new(work)}
        mine = [self._inventory(work).entries.values() for work in works] if self._options.check_drift else []
        try:
            return await contact.look(client, list(new.values()), [e for some in mine for e in some], self._expected)
        except ReconcilerError as error:
            return error

    async def _client_of(self, work: Work) -> Client:
        tenant = work.unit.subscription.partition("/")[0]
        return await self._options.as_tenant(tenant) if self._options.as_tenant else self._client

    def _new(self, work: Work) -> list[RenderedObject]:
        entries = self._inventory(work).entries
        return [obj for obj in (work.feed.objects if work.feed else ()) if needs_look(obj, entries.get(obj.key))]

    def _inventory(self, work: Work) -> Inventory:
        return self._there.get(work.unit) or Inventory(work.unit, self._options.fleet)

    async def _one(self, work: Work, met: Met | ReconcilerError) -> Planned | Delivered:
        if isinstance(met, ReconcilerError):
            return stopped(work.unit, met)
        try:
            return await self._planned(work, met)
        except ReconcilerError as error:
            return stopped(work.unit, error)

    async def _planned(self, work: Work, met: Met) -> Planned:
        inventory, approach = self._inventory(work), self._approach(work, met)
        new = (obj for obj in self._new(work) if obj.key not in met.later)
        seen = {obj.key: observe.met(met.observed, obj.api_version, obj.key) for obj in new}
        looked = without_hooks(inventory, work.feed)
        if self._options.check_drift:
            entries = (entry for entry in inventory.entries.values() if entry.uid)
            seen |= {entry.key: observe.known(met.observed, entry, inventory.fleet) for entry in entries}
            seen |= await self._drift(work, inventory, seen, approach)
            looked = observe.with_keeps(met.observed, looked)
        evidence = msgspec.structs.replace(work.evidence, elsewhere=self._elsewhere(work, inventory))
        decided = plan(work.unit, work.feed, looked, seen, evidence, approach)
        return Planned(work, inventory, decided, approach)

    def _approach(self, work: Work, met: Met) -> Approach:
        taken = {key: unit.subscription for key, unit in self._takers.items() if unit != work.unit}
        return Approach(
            field_manager(self._options.fleet),
            ownership.owner(work.unit, self._home),
            self._options.apply,
            work.wishes,
            met.later,
            taken,
        )

    async def _drift(
        self, work: Work, inventory: Inventory, seen: Mapping[ObjectKey, Seen], approach: Approach
    ) -> Mapping[ObjectKey, Seen]:
        """Ask the server about what somebody touched; what is written anyway is not asked about."""
        touched = []
        for obj in work.feed.objects if work.feed else ():
            entry, look = inventory.entries.get(obj.key), seen.get(obj.key)
            if entry and look and look.drifted and entry.digest == obj.digest:
                touched.append(drift.Touched(obj, look, entry))
        if not touched:
            return {}
        opened = await unseal.in_clear([one.wanted for one in touched], self._options.open)
        touched = [drift.Touched(obj, one.seen, one.entry) for obj, one in zip(opened, touched, strict=True)]
        client = await self._client_of(work)
        return await drift.judged(client, touched, approach, work.unit.subscription)

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


def _takers(works: Sequence[Work], there: Mapping[Unit, Inventory]) -> Mapping[ObjectKey, Unit]:
    """Who has an object that several Subscriptions want here: who has it already, else the first by name.

    Only objects that are wanted more than once, or that a unit holds which this run leaves as it is.
    """
    wanted: dict[ObjectKey, list[Unit]] = {}
    for work in works:
        for obj in work.feed.objects if work.feed else ():
            wanted.setdefault(obj.key, []).append(work.unit)
    busy = {work.unit for work in works}
    for unit, inventory in there.items():
        if unit not in busy:
            for key in inventory.entries.keys() & wanted.keys():
                wanted[key].append(unit)
    return {key: min(units, key=lambda u: _claim(u, key, there)) for key, units in wanted.items() if len(units) > 1}


def _claim(unit: Unit, key: ObjectKey, there: Mapping[Unit, Inventory]) -> tuple[bool, Unit]:
    entry = there[unit].entries.get(key) if unit in there else None
    return not (entry and entry.uid), unit


def stopped(unit: Unit, error: ReconcilerError) -> Delivered:
    """A unit that an error stopped before or between its writes."""
    away = isinstance(error, Unreachable | Untrusted)
    state = State.UNREACHABLE if away else State.FAILED
    return Delivered(unit, state, message=error.message, exit_code=Exit(error.exit_code))
