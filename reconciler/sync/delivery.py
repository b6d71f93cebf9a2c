"""One run, second half: from a commit that is new to what every unit became, and back to the status.

commit   = repo.fetch(heads)        signature checked
snapshot = library.snapshot(tree)   blobs remembered by id
feeds    = story.evaluate(...)      schedule and render
works    = worklist(...)            what is to be done, what is left as it is and why
rows     = place.deliver(works)     observe, plan, execute, wait
status   = fold, write              only when it differs
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec

from reconciler.adapters import clock
from reconciler.model.errors import ReconcilerError
from reconciler.model.feed import Unit
from reconciler.model.objects import CommitId, digest_of
from reconciler.model.proposal import Proposal
from reconciler.model.snapshot import Severity
from reconciler.model.status import Delivered, FleetStatus, State, UnitStatus
from reconciler.planning import fold
from reconciler.sync import previous, statusbranch, story, trust
from reconciler.sync.events import Event, Level, Tell
from reconciler.sync.opening import Opening
from reconciler.sync.options import Options
from reconciler.sync.places import Errand, Place, cluster_names, directory_root, place_name
from reconciler.sync.reach import Reach, reaching
from reconciler.sync.repo import Heads, LastRun, Repo
from reconciler.sync.report import Report, Unwritten, rows_of
from reconciler.sync.selection import Selection
from reconciler.sync.worklist import Evaluated, Judge, Worklist, acknowledges_all, worklist


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
        delivery = Delivery(repo, options, tell, evaluated, last)
        delivery.start(reach, moved, hands_on=hands_on)
        yield delivery


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
    from reconciler.sync.clusterplace import ClusterPlace

    return ClusterPlace(reach, errand, moved, Opening(repo.tools))


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

    def start(self, reach: Reach, moved: asyncio.Event | None, *, hands_on: bool) -> None:
        """Find out what is to be done where; `hands_on`: the commit names other signing keys than the one before."""
        evaluated = self._evaluated
        selection = Selection(self._options.narrow, evaluated.facts, evaluated.snapshot)
        self._judge = Judge(evaluated, self._previous, selection, self._options.acknowledged)
        self._todo = worklist(self._judge, (*evaluated.feeds.units, *self._previous.units))
        self.place = place_of(self._repo, Errand(self._options, evaluated, self._previous), reach, moved)
        self._reach = reach
        self._hands_on = hands_on

    @property
    def evaluated(self) -> Evaluated:
        """What the commit says."""
        return self._evaluated

    async def propose(self, *, tried: bool) -> Sequence[Proposal]:
        """What `run` would do; with `tried` the servers are asked about every write. Nothing is written."""
        proposals = await self.place.propose(self._todo.works, self._judge, self._tell, tried=tried)
        return (*proposals, *map(Proposal, self._todo.left))

    async def run(self, agree: Agree | None = None) -> Report:
        """Do it; a commit that hands on other signing keys is remembered although it may change no object."""
        evaluated, todo, place = self._evaluated, self._todo, self.place
        if agree is not None:
            agree(await self.propose(tried=False))
        done = (*await place.deliver(todo.works, self._judge, self._tell), *todo.left)
        self._warn_of_idle_digests()
        after = self._fold(done)
        if self._hands_on:
            after = msgspec.structs.replace(after, commit=evaluated.commit)
        if self._options.dry_run:
            return self._report(done, todo, self._previous)
        try:
            written = await self._write(after)
        except ReconcilerError as error:
            # What was delivered is told all the same; nothing is remembered, so that the next run writes it.
            why = Unwritten(error.code, error.message, error.hint, error.exit_code)
            return msgspec.structs.replace(self._report(done, todo, self._previous), unwritten=why)
        self._remember(written, place, self._reach)
        return self._report(done, todo, written)

    def _warn_of_idle_digests(self) -> None:
        """A digest that was acknowledged and belongs to no delete that was held: mistyped, or the list changed."""
        held = {unit.guard for unit in self._previous.units.values()} | {acknowledges_all(self._previous)}
        for digest in sorted(self._options.acknowledged - held):
            self._tell(Event("deliver", f"--acknowledge {digest}: nothing with this digest is held", Level.WARNING))

    def _fold(self, done: Sequence[Delivered]) -> FleetStatus:
        units = {row.unit: self._status_of(row) for row in done}
        after = fold.fleet_status(self._previous, units, self._evaluated.facts, self._evaluated.commit)
        place = place_name(self._options, self._evaluated.snapshot.settings)
        return after if after.place == place or not after.units else msgspec.structs.replace(after, place=place)

    def _status_of(self, row: Delivered) -> UnitStatus | None:
        wanted = row.unit in self._evaluated.feeds.units or row.state in (State.HELD, State.SUSPENDED)
        if fold.is_gone(row, wanted=wanted):
            return None
        return fold.unit_status(
            row, self._previous.units.get(row.unit), self._evaluated.commit, self._replicas(row.unit)
        )

    def _replicas(self, unit: Unit) -> Mapping[str, int]:
        return self._divided.get(unit, {})

    async def _write(self, after: FleetStatus) -> FleetStatus:
        if after == self._previous:
            return self._previous
        settings = self._evaluated.snapshot.settings
        self._tell(Event("status", f"writing {settings.status.branch}"))
        mirror = self._repo.other(settings.status.repo)
        written = await statusbranch.write(mirror, settings, self._previous, after, self._evaluated.commit, clock.now())
        previous.remember(self._repo, settings, written)
        return written

    def _remember(self, written: FleetStatus, place: Place, reach: Reach) -> None:
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
                settled=quiet and not broken and not short,
                proof=place.proof,
            )
        )

    def _report(self, done: Sequence[Delivered], todo: Worklist, written: FleetStatus) -> Report:
        facts = self._evaluated.facts
        touched = {row.unit for row in done}
        quiet: dict[str, list[UnitStatus]] = {}
        for work in todo.works:
            status = written.units.get(work.unit)
            if work.unit not in touched and status is not None:
                quiet.setdefault(work.unit.cluster, []).append(status)
        names = cluster_names(facts, self._previous)
        return Report(
            fleet=self._evaluated.snapshot.settings.fleet,
            source=self._evaluated.commit,
            reference=str(self._repo.revision),
            rows=rows_of(tuple(done), names, quiet),
            delivered=tuple(done),
            names=names,
            problems=self._evaluated.problems,
            status=written.version if written.version != self._previous.version else "",
            dry_run=self._options.dry_run,
        )
