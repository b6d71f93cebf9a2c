"""What one run did, as a value: the table, the JSON and the exit code are made from it."""

import datetime
from collections.abc import Mapping

import msgspec

from reconciler.model.errors import Exit
from reconciler.model.objects import CommitId, Digest
from reconciler.model.snapshot import Problem, Severity
from reconciler.model.status import Delivered, Tally, UnitStatus
from reconciler.planning import fold
from reconciler.planning.rollout import Timetable


class Unwritten(msgspec.Struct, frozen=True):
    """Why the status could not be written, although the delivery ended."""

    code: str
    message: str
    hint: str
    exit_code: Exit


class Reverted(msgspec.Struct, frozen=True):
    """A revert of a halted rollout that is prepared."""

    subscription: str
    branch: str
    commit: CommitId
    message: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    fleet: str
    source: CommitId
    """The commit of the fleet repo."""
    reference: str
    """What was asked for: a branch, tag or commit."""
    rows: tuple[Tally, ...] = ()
    delivered: tuple[Delivered, ...] = ()
    names: Mapping[str, str] = {}
    """Names of clusters by id."""
    problems: tuple[Problem, ...] = ()
    status: str = ""
    """The commit that wrote the status; empty when there was nothing to write."""
    unwritten: Unwritten | None = None
    dry_run: bool = False
    nothing_new: bool = False
    """The remote had nothing that an earlier run had not settled."""
    rollouts: tuple[Timetable, ...] = ()
    """Rollouts under way, as they stand after the run."""
    reverted: tuple[Reverted, ...] = ()
    """Reverts of halted rollouts that were prepared."""
    acknowledges_all: Digest | None = None
    """One digest for all guards that the status remembers, where there are several."""

    @property
    def exit_code(self) -> Exit:
        """The highest class of what happened."""
        broken = any(problem.severity is Severity.ERROR for problem in self.problems)
        code = max(fold.exit_of(self.delivered), Exit.PROBLEMS if broken else Exit.OK)
        if any(table.halt for table in self.rollouts):
            code = max(code, Exit.REFUSED)
        if self.unwritten is not None:
            return max(code, self.unwritten.exit_code)
        if self.dry_run and code is Exit.OK and any(row.created + row.changed + row.pruned for row in self.rows):
            return Exit.DIFFERS
        return code

    @property
    def wake(self) -> datetime.datetime | None:
        """When a rollout waits no longer: the soak or the window that is next."""
        return min((table.wake for table in self.rollouts if table.wake), default=None)


def rows_of(
    delivered: tuple[Delivered, ...], names: Mapping[str, str], settled: Mapping[str, list[UnitStatus]]
) -> tuple[Tally, ...]:
    """One row per cluster, by name; units that needed nothing are counted as they stand in the status."""
    by_cluster: dict[str, list[Delivered]] = {}
    for unit in delivered:
        by_cluster.setdefault(unit.unit.cluster, []).append(unit)
    rows = []
    for cluster in by_cluster.keys() | settled.keys():
        row = fold.tally(names.get(cluster, cluster), by_cluster.get(cluster, ()))
        quiet = settled.get(cluster, [])
        still = sum(unit.objects for unit in quiet)
        state = fold.worst([row.state] * (cluster in by_cluster) + [unit.state for unit in quiet])
        rows.append(
            msgspec.structs.replace(row, objects=row.objects + still, unchanged=row.unchanged + still, state=state)
        )
    return tuple(sorted(rows, key=lambda row: row.cluster))


def ready(row: Tally) -> bool:
    """Whether a row needs no attention."""
    return row.state in fold.GOOD
