"""One run, second half: from a commit that is new to what every unit became, and back to the status.

commit   = repo.fetch(heads)        signature checked
snapshot = library.snapshot(tree)   blobs remembered by id
feeds    = story.evaluate(...)      schedule and render
works    = worklist(...)            what is to be done, what is left as it is and why
batch    = rolling.first(...)       what rollouts let through now; after each batch the next, while one is due
rows     = place.deliver(batch)     observe, plan, execute, wait
status   = fold, write              only when it differs
"""

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import msgspec

from reconciler.adapters import clock
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.feed import Unit
from reconciler.model.objects import CommitId, digest_of
from reconciler.model.proposal import Proposal
from reconciler.model.snapshot import Severity
from reconciler.model.status import Delivered, FleetStatus, State, UnitStatus
from reconciler.planning import fold
from reconciler.sync import previous, reverting, statusbranch, story, trust
from reconciler.sync.approvals import approved
from reconciler.sync.events import Event, Level, Tell
from reconciler.sync.opening import Opening
from reconciler.sync.options import Options
from reconciler.sync.places import Errand, Place, cluster_names, directory_root, on_the_ground, place_name
from reconciler.sync.reach import Reach, reaching
from reconciler.sync.repo import Heads, LastRun, Repo
from reconciler.sync.report import Report, Reverted, Unwritten, rows_of
from reconciler.sync.rollingout import Batch, Rolling
from reconciler.sync.selection import Selection
from reconciler.sync.trailers import acknowledged
from reconciler.sync.worklist import Evaluated, Judge, acknowledges_all, worklist

if TYPE_CHECKING:
    from reconciler.apply.dryrun import Rehearsed

Agree = Callable[[Sequence[Proposal]], None]
"""Told of what was foreseen everywhere before anything is written; what it raises stops the run."""


async def deliver(repo: Repo, options: Options, tell: Tell, heads: Heads, moved: asyncio.Event | None) -> Report:
    """Bring what `heads` advertised to its places. Raises as `run` does."""
    async with prepared(repo, options, tell, heads, moved) as delivery:
        return await delivery.run()


@contextlib.asynccontextmanager
async def prepared(
    repo: Repo, options: Options, tell: Tell, heads: Heads, moved: asyncio.Event | None = None
) -> AsyncIterator["Delivery"]:
    """Read, schedule and render what `heads` advertised. Raises as `run` does."""
    soon = _importing(repo, options)
    commit = await repo.fetch(heads)
    tree = await repo.mirror.tree(commit, options.path)
    library = story.Library(repo.tools)
    settings = await library.settings(tree)
    status = await repo.status_head(settings, heads)
    last = await previous.read(repo, settings, status)
    hands_on = await trust.check(repo, library, commit, settings, last)
    tell(Event("read", f"{len(tree.files)} files at {commit[:12]}", Level.DEBUG))
    snapshot = await library.snapshot(tree, settings)
    async with reaching(options, settings, repo.clients) as reach:
        facts = await reach.facts(snapshot, tell)
        evaluated = await story.evaluate(library, tree, snapshot, facts, last)
        if soon is not None:
            await soon
        delivery = Delivery(repo, options, tell, evaluated, last)
        await delivery.start(reach, moved, hands_on=hands_on)
        yield delivery


def _importing(repo: Repo, options: Options) -> asyncio.Task[ModuleType] | None:
    """aiohttp takes as long to import as a fetch, which waits for git meanwhile."""
    last = repo.last()
    if options.directory is not None or (last is not None and last.settings.delivery.to != "clusters"):
        return None
    return asyncio.create_task(asyncio.to_thread(importlib.import_module, "reconciler.adapters.kube.transport"))


def place_of(repo: Repo, errand: Errand, reach: Reach, moved: asyncio.Event | None) -> Place:
    """The place that `fleet.yaml`, or the command line, says. Only that one is imported."""
    root = directory_root(errand.options, errand.settings)
    if root is not None:
        from reconciler.sync.directoryplace import DirectoryPlace

        return DirectoryPlace(root, errand, repo.tools)
    if errand.settings.delivery.to == "branches":
        from reconciler.sync.branchplace import BranchPlace

        other = repo.other(errand.settings.delivery.branches.repo)
        return BranchPlace(other, repo.source_branch, errand, repo.tools)
    from reconciler.sync.beside import beside
    from reconciler.sync.clusterplace import ClusterPlace

    others = beside(repo, errand.evaluated.commit, errand.previous)

    return ClusterPlace(reach, errand, moved, Opening(repo.tools), others)


class Delivery:
    """The second half of a run: what a commit says is known, now make it so."""

    def __init__(self, repo: Repo, options: Options, tell: Tell, evaluated: Evaluated, previous: FleetStatus) -> None:
        self._repo = repo
        self._options = options
        self._tell = tell
        self._evaluated = evaluated
        self._previous = previous
        self._divided = {
            Unit(name, placement.cluster): placement.replicas
            for name, scheduled in evaluated.schedule.subscriptions.items()
            for placement in scheduled.placements
            if placement.replicas
        }

    async def start(self, reach: Reach, moved: asyncio.Event | None, *, hands_on: bool) -> None:
        """Find out what is to be done where; `hands_on`: the commit names other signing keys than the one before."""
        evaluated, before = self._evaluated, self._previous
        selection = Selection(self._options.narrow, evaluated.facts, evaluated.snapshot)
        keys = evaluated.snapshot.settings.signatures
        told = await acknowledged(self._repo, before, evaluated.commit, keys)
        self._judge = Judge(evaluated, before, selection, self._options.acknowledged | told)
        self._todo = worklist(self._judge, (*evaluated.feeds.units, *before.units))
        self._reach, self._moved, self._hands_on = reach, moved, hands_on
        self._rolling = Rolling(evaluated, before, self._todo.works, clock.now)
        settings = evaluated.snapshot.settings
        ground = on_the_ground(before, self._options, settings)
        tables = self._rolling.tables(ground)
        approvals = await approved(self._repo, evaluated.commit, settings.signatures, before, tables)
        self._batch = self._rolling.first(self._rolling.seen(ground, approvals))
        self.place = self._place(self._batch)

    def _place(self, batch: Batch) -> Place:
        before = msgspec.structs.replace(batch.before, place=self._previous.place) if not batch.later else batch.before
        return place_of(self._repo, Errand(self._options, self._evaluated, before), self._reach, self._moved)

    @property
    def evaluated(self) -> Evaluated:
        """What the commit says."""
        return self._evaluated

    async def propose(self, *, tried: bool) -> Sequence[Proposal]:
        """What `run` would do; with `tried` the servers are asked about every write. Nothing is written."""
        judge = self._judge.among(self._rolling.asks(self._batch))
        proposals = await self.place.propose(self._batch.works, judge, self._tell, tried=tried)
        return (*proposals, *map(Proposal, (*self._todo.left, *self._batch.waiting)))

    async def rehearse(self) -> Sequence["Rehearsed"]:
        """As `propose`, with the objects themselves. UsageError where nothing is delivered to clusters."""
        from reconciler.sync.clusterplace import ClusterPlace

        if not isinstance(self.place, ClusterPlace):
            what = "this fleet is delivered into a directory or branches, so that no cluster can be asked"
            raise UsageError("no-clusters", what, "reconciler plan shows what would be written there")
        judge = self._judge.among(self._rolling.asks(self._batch))
        return await self.place.rehearse(self._batch.works, judge, self._tell)

    async def run(self, agree: Agree | None = None) -> Report:
        """Do it; a commit that hands on other signing keys is remembered although it may change no object.

        What a rollout lets through after a batch is done too, as far as it needs no further agreement.
        """
        if agree is not None:
            agree(await self.propose(tried=False))
        rows: dict[Unit, Delivered] = {row.unit: row for row in self._todo.left}
        written, batch, began = self._previous, self._batch, clock.monotonic()
        while True:
            done = await self._deliver(batch)
            rows.update((row.unit, row) for row in done)
            if self._options.dry_run:
                return self._report(rows.values(), batch, written)
            try:
                written = await self._write(written, self._fold(written, done if batch.later else rows.values(), batch))
            except ReconcilerError as error:
                # What was delivered is told all the same; nothing is remembered, so that the next run writes it.
                why = Unwritten(error.code, error.message, error.hint, error.exit_code)
                return msgspec.structs.replace(self._report(rows.values(), batch, self._previous), unwritten=why)
            batch = self._rolling.next(written)
            late = clock.monotonic() - began > self._options.timeout
            if not batch.works or late or agree is not None or (self._moved is not None and self._moved.is_set()):
                break
        self._warn_of_idle_digests()
        self._remember(written, self._reach)
        report = self._report(rows.values(), batch, written)
        return msgspec.structs.replace(report, reverted=await self._reverted(batch, written))

    async def _reverted(self, batch: Batch, written: FleetStatus) -> tuple[Reverted, ...]:
        halted = [table.asked.subscription for table in batch.tables if table.halt is not None]
        if not self._options.revert_commit:
            return ()
        commit, found = self._evaluated.commit, []
        for name in halted:
            try:
                found.append(await reverting.prepare(self._repo, commit, written, name, clock.now()))
            except ReconcilerError as error:  # what was delivered is told all the same
                self._tell(Event("status", f"no revert of {name}: {error.message}", Level.WARNING))
        return tuple(found)

    async def _deliver(self, batch: Batch) -> Sequence[Delivered]:
        place = self._place(batch) if batch.later else self.place
        return await place.deliver(batch.works, self._judge.among(self._rolling.asks(batch)), self._tell)

    def _warn_of_idle_digests(self) -> None:
        """A digest that was acknowledged and belongs to no delete that was held: mistyped, or the list changed."""
        held = {unit.guard for unit in self._previous.units.values()} | {acknowledges_all(self._previous)}
        for digest in sorted(self._options.acknowledged - held):
            self._tell(Event("deliver", f"--acknowledge {digest}: nothing with this digest is held", Level.WARNING))

    def _fold(self, before: FleetStatus, done: Collection[Delivered], batch: Batch) -> FleetStatus:
        units = {row.unit: self._status_of(row, before) for row in done}
        place = place_name(self._options, self._evaluated.snapshot.settings)
        if before.place != place:  # what waits here has nothing yet, whatever another place has
            units.update(dict.fromkeys((row.unit for row in batch.waiting), None))
        after = fold.fleet_status(before, units, self._evaluated.facts, self._evaluated.commit)
        if after.place != place and after.units:
            after = msgspec.structs.replace(after, place=place)
        after = self._rolling.seen(msgspec.structs.replace(after, rollouts=batch.rollouts))
        if self._hands_on or after.rollouts != before.rollouts:
            return msgspec.structs.replace(after, commit=self._evaluated.commit)
        return after

    def _status_of(self, row: Delivered, before: FleetStatus) -> UnitStatus | None:
        wanted = row.unit in self._evaluated.feeds.units or row.state in (State.HELD, State.SUSPENDED)
        if fold.is_gone(row, wanted=wanted):
            return None
        status = fold.unit_status(row, before.units.get(row.unit), self._evaluated.commit, self._replicas(row.unit))
        return msgspec.structs.replace(status, after=self._judge.after(row.unit))

    def _replicas(self, unit: Unit) -> Mapping[str, int]:
        return self._divided.get(unit, {})

    async def _write(self, before: FleetStatus, after: FleetStatus) -> FleetStatus:
        if after == before:
            return before
        settings = self._evaluated.snapshot.settings
        self._tell(Event("status", f"writing {settings.status.branch}"))
        mirror = self._repo.other(settings.status.repo)
        written = await statusbranch.write(mirror, settings, before, after, self._evaluated.commit, clock.now())
        previous.remember(self._repo, settings, written)
        return written

    def _remember(self, written: FleetStatus, reach: Reach) -> None:
        short = any(scheduled.shortfalls for scheduled in self._evaluated.schedule.subscriptions.values())
        quiet = all(status.state in fold.GOOD for status in written.units.values())
        broken = any(problem.severity is Severity.ERROR for problem in self._evaluated.problems)
        settings = self._evaluated.snapshot.settings
        self._repo.keep(
            LastRun(
                source=self._evaluated.commit,
                status=CommitId(written.version) if written.version else None,
                settings=settings,
                facts=digest_of(reach.listed),
                settled=quiet and not broken and not short and not written.rollouts,
                proof=self.place.proof,
            )
        )

    def _report(self, done: Collection[Delivered], batch: Batch, written: FleetStatus) -> Report:
        facts = self._evaluated.facts
        touched = {row.unit for row in done}
        quiet: dict[str, list[UnitStatus]] = {}
        for work in self._todo.works:
            status = written.units.get(work.unit)
            if work.unit not in touched and status is not None:
                quiet.setdefault(work.unit.cluster, []).append(status)
        names = cluster_names(facts, self._previous)
        delivered = (*done, *(row for row in batch.waiting if row.unit not in touched))
        return Report(
            fleet=self._evaluated.snapshot.settings.fleet,
            source=self._evaluated.commit,
            reference=str(self._repo.revision),
            rows=rows_of(delivered, names, quiet),
            delivered=delivered,
            names=names,
            problems=self._evaluated.problems,
            status=written.version if written.version != self._previous.version else "",
            dry_run=self._options.dry_run,
            acknowledges_all=None if self._options.dry_run else acknowledges_all(written),
            rollouts=batch.tables,
        )
