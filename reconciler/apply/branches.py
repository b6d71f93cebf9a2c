"""Delivery into a branch per cluster (the rendered-manifests pattern), planned as for a cluster.

    <path of the object>               what another tool applies from the branch
    .reconciler/<ns>.<name>.inventory  the inventory of one Subscription

One run makes at most one commit per branch, with objects and inventories together, and none where nothing changed. All
branches are written by one stream and pushed at once; a branch that another run moved meanwhile is read and planned
again, and a branch that the remote refuses leaves the others alone.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from reconciler.adapters.git.mirror import Mirror
from reconciler.adapters.git.push import Rejection, Update, push
from reconciler.adapters.git.revision import branch_ref
from reconciler.adapters.git.write import Draft, author_of, commit
from reconciler.apply.branchfiles import Branch, Options, Prepared, prepare, read_branches
from reconciler.apply.texts import Texts
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.feed import Unit
from reconciler.model.objects import CommitId, Digest
from reconciler.model.plan import Evidence, Guard, Plan, Work
from reconciler.model.settings import Settings
from reconciler.model.status import Delivered, Result, State
from reconciler.planning import budget, foreseen
from reconciler.planning.plan import plan

ATTEMPTS = 8
"""Rounds of reading, planning and pushing what other runs moved meanwhile."""
_PAUSE = 0.2
"""Seconds that racing runs keep apart, at most, times the round."""
_MOVED = Evidence(clean=True, subscription_known=False, cluster_known=True, placed=True, guarded=False)
"""A cluster has another name now: what its old branch holds stands in the new one, so nothing guards it."""


async def read_inventories(mirror: Mirror, settings: Settings, source_branch: str | None) -> dict[str, Branch]:
    """All branches of clusters with their inventories, by full ref.

    UsageError when the source (full ref) or the status branch lies among them.
    """
    prefix = branch_ref(settings.delivery.branches.prefix + "x").removesuffix("x")
    same_repo = settings.delivery.branches.repo is None
    if same_repo and source_branch and source_branch.startswith(prefix):
        message = f"{source_branch} is synced, and lies among the branches {prefix}* that are delivered to"
        raise UsageError("branch-is-source", message, "name another delivery.branches.prefix in fleet.yaml")
    if settings.status.repo == settings.delivery.branches.repo and branch_ref(settings.status.branch).startswith(
        prefix
    ):
        message = f"the status branch {settings.status.branch!r} lies among the branches that are delivered to"
        raise UsageError("branch-is-status", message, "name another status.branch in fleet.yaml")
    return await read_branches(mirror, f"{prefix}*", settings.fleet)


def units_of(branches: Mapping[str, Branch]) -> dict[Unit, Digest | None]:
    """The units that branches hold, with the feed that is wholly there."""
    return {unit: kept.feed for branch in branches.values() for unit, kept in branch.inventories.items()}


async def deliver(
    mirror: Mirror, works: Iterable[Work], branches: Mapping[str, Branch], options: Options
) -> list[Delivered]:
    """Bring every unit of `works` to its feed. `branches` is what `read_inventories` read."""
    todo = list(works)
    options = msgspec.structs.replace(options, guards=_judged(todo, branches, options))
    run = _Run(mirror, branches, options)
    placed = run.place(todo)
    await run.rounds(placed)
    moved = [
        (ref, Work(work.unit, None, _MOVED))
        for here, work in placed
        for ref, branch in branches.items()
        if work.feed and ref != here and work.unit in branch.inventories and run.is_good(work.unit)
    ]
    if moved and not options.dry_run:
        await _Run(mirror, run.branches, options).rounds(moved)
    return run.answers()


def _judged(works: Iterable[Work], branches: Mapping[str, Branch], options: Options) -> Mapping[Unit, Guard]:
    """Units that would delete too much together, by what the branches hold before the run."""
    there = {unit: one for branch in branches.values() for unit, one in branch.inventories.items()}
    totals = Counter[str]()
    for unit, inventory in there.items():
        totals[unit.cluster] += len(inventory.entries)
    todo = [work for work in works if work.unit in there]
    plans = [plan(work.unit, work.feed, there[work.unit], {}, work.evidence) for work in todo]
    acknowledged = frozenset(digest for work in todo for digest in work.evidence.acknowledged)
    return budget.judged(plans, totals, options.prune, acknowledged)


class _Run:
    """One delivery: what is known of the branches, and what became of the units."""

    def __init__(self, mirror: Mirror, branches: Mapping[str, Branch], options: Options) -> None:
        self.branches = dict(branches)
        self._mirror = mirror
        self._options = options
        self._texts = Texts(options.sealed)
        self._delivered: dict[Unit, Delivered] = {}
        self._order: list[Unit] = []
        self._same = Counter(options.names.values())

    def place(self, works: Iterable[Work]) -> list[tuple[str, Work]]:
        """The branch of every unit; a unit that is not wanted any more is where its inventory is."""
        homes = {unit: ref for ref, branch in self.branches.items() for unit in branch.inventories}
        placed = []
        for work in works:
            self._order.append(work.unit)
            try:
                ref = self._home(work.unit, homes)
            except UsageError as error:
                self._settle_all([work], error.message)
                continue
            placed.append((homes.get(work.unit, ref) if work.feed is None else ref, work))
        return placed

    def _home(self, unit: Unit, homes: Mapping[Unit, str]) -> str:
        name = self._options.names.get(unit.cluster)
        if name is None:
            return homes.get(unit, branch_ref(f"{self._options.prefix}{unit.cluster}"))
        if self._same[name] > 1:
            raise UsageError("same-name", f"{self._same[name]} clusters are named {name!r}, so they share a branch")
        return branch_ref(f"{self._options.prefix}{name}")

    def is_good(self, unit: Unit) -> bool:
        """Whether a unit was delivered in this run."""
        return self._delivered[unit].state is State.DELIVERED

    def answers(self) -> list[Delivered]:
        """What became of every unit, in the order of the works."""
        return [self._delivered[unit] for unit in self._order]

    async def rounds(self, placed: Iterable[tuple[str, Work]]) -> None:
        """Plan, commit and push, again for branches that others moved meanwhile."""
        todo: dict[str, list[Work]] = {}
        for ref, work in placed:
            todo.setdefault(ref, []).append(work)
        for attempt in range(ATTEMPTS):
            contested = await self._round(todo, last=attempt == ATTEMPTS - 1)
            if not contested:
                return
            todo = {ref: works for ref, works in todo.items() if ref in contested}
            await asyncio.sleep(random.uniform(0, _PAUSE * (attempt + 1)))  # noqa: S311 - only keeps runs apart
            read = [await read_branches(self._mirror, ref, self._options.fleet) for ref in todo]
            self.branches.update({ref: Branch(ref) for ref in todo})
            for branches in read:
                self.branches.update(branches)

    async def _round(self, todo: Mapping[str, Sequence[Work]], *, last: bool) -> set[str]:
        """One attempt; the answer is the branches that another run moved."""
        prepared = []
        for ref, works in todo.items():
            branch = self.branches.get(ref, Branch(ref))
            try:
                prepared.append(await prepare(self._mirror, branch, works, self._options, self._texts))
            except ReconcilerError as error:
                self._settle_all(works, error.message)
        rejections = {} if self._options.dry_run else await self._write([one for one in prepared if one.files])
        for one in prepared:
            rejection = rejections.get(one.branch.ref)
            if rejection is None or last or not rejection.conflict:
                self._settle(one, rejection)
        return {ref for ref, rejection in rejections.items() if rejection.conflict and not last}

    async def _write(self, prepared: Sequence[Prepared]) -> Mapping[str, Rejection]:
        if not prepared:
            return {}
        author = await author_of(self._mirror, self._options.now)
        drafts = [
            Draft(one.branch.ref, one.branch.head, one.files, _message(one, self._options.commit)) for one in prepared
        ]
        made = await commit(self._mirror, drafts, author)
        pairs = zip(prepared, made, strict=True)
        return await push(self._mirror, [Update(one.branch.ref, one.branch.head, new) for one, new in pairs])

    def _settle(self, one: Prepared, rejection: Rejection | None) -> None:
        for decided in one.plans:
            delivered = _refused(decided, rejection) if rejection else _answer(decided)
            dry = self._options.dry_run
            self._tell(msgspec.structs.replace(delivered, plan=decided) if dry else delivered)

    def _settle_all(self, works: Iterable[Work], message: str) -> None:
        for work in works:
            self._tell(Delivered(work.unit, State.FAILED, message=message))

    def _tell(self, delivered: Delivered) -> None:
        self._delivered[delivered.unit] = delivered
        self._options.done(delivered)


def _answer(decided: Plan) -> Delivered:
    held = decided.guard is not None
    return Delivered(
        decided.unit,
        State.HELD if held else State.DELIVERED,
        foreseen.outcomes(decided),
        feed=None if held else decided.feed,
        guard=decided.guard,
        orphan=decided.orphan,
    )


def _refused(decided: Plan, rejection: Rejection) -> Delivered:
    """Nothing of the branch was taken; objects that were to stay as they are have stayed."""
    reason = "Conflict" if rejection.conflict else "Rejected"
    written = frozenset({Result.CREATED, Result.CHANGED, Result.PRUNED})
    outcomes = tuple(
        msgspec.structs.replace(outcome, result=Result.FAILED, reason=reason, message=rejection.reason)
        if outcome.result in written
        else outcome
        for outcome in foreseen.outcomes(decided)
    )
    return Delivered(decided.unit, State.FAILED, outcomes, message=f"branch not taken: {rejection.reason}")


def _message(one: Prepared, source: CommitId) -> str:
    name = one.branch.ref.removeprefix("refs/heads/")
    changed = sorted(decided.unit.subscription for decided in one.plans if decided.unit in one.changed)
    what = changed[0] if len(changed) == 1 else f"{len(changed)} Subscriptions"
    trailers = "".join(f"Subscription: {subscription}\n" for subscription in changed)
    return f"Deliver {what} to {name}\n\nSource-Commit: {source}\n{trailers}"
