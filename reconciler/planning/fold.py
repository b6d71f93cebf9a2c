"""What became of units, folded upwards: to their status, to clusters, to the fleet, to one table and one exit code.

Nothing here carries a time or a run number: a run in which nothing happened folds to the status that was there, so
that it is not written again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import Exit
from reconciler.model.feed import Unit
from reconciler.model.objects import CommitId
from reconciler.model.plan import Guard
from reconciler.model.status import (
    ClusterNote,
    Delivered,
    Failure,
    FleetStatus,
    Health,
    Outcome,
    Result,
    State,
    Tally,
    UnitStatus,
)

FAILURES_KEPT = 20
"""Failures that status keeps per unit; the count of the others is in the message."""

SETTLED = frozenset({State.READY, State.DELIVERED})
"""States that need no further look while the feed stays the same."""

_UNMOVED = SETTLED | {State.DRIFTED}
"""States in which the feed is wholly there. Drift that is only reported is told again by who looks for it."""

GOOD = SETTLED | {State.SUSPENDED, State.WAITING}
"""States that need nobody's attention."""

_SEVERITY = {state: rank for rank, state in enumerate(State)}
_EXIT = {
    State.FAILED: Exit.FAILED,
    State.UNREACHABLE: Exit.FAILED,
    State.PROGRESSING: Exit.NOT_READY,
    State.HELD: Exit.OK,
    State.DRIFTED: Exit.DIFFERS,
}
_CHANGES = (Result.CHANGED, Result.ADOPTED, Result.REPLACED)
_WRITES = frozenset({Result.CREATED, Result.PRUNED, *_CHANGES})


def worst(states: Iterable[State]) -> State:
    """The state that needs most attention; `Delivered` when there is none."""
    return max(states, key=_SEVERITY.__getitem__, default=State.DELIVERED)


def settled(status: UnitStatus | None, feed: str) -> bool:
    """Whether a unit needs nothing: the same feed is wholly there, and the last look was a good one."""
    return status is not None and status.feed == feed and status.state in _UNMOVED


def unit_status(
    delivered: Delivered, before: UnitStatus | None, commit: CommitId, replicas: Mapping[str, int]
) -> UnitStatus:
    """The status of one unit after a delivery; its commit moves only when something was written."""
    failures = tuple(sorted(filter(None, map(_failure, delivered.outcomes))))
    wrote = any(outcome.result in _WRITES for outcome in delivered.outcomes)
    moved = wrote or before is None or before.commit is None
    here = sum(o.result not in (Result.PRUNED, Result.FAILED, Result.SKIPPED) for o in delivered.outcomes)
    untouched = not delivered.outcomes and before is not None
    return UnitStatus(
        subscription=delivered.unit.subscription,
        cluster=delivered.unit.cluster,
        state=delivered.state,
        commit=commit if moved or before is None else before.commit,
        feed=delivered.feed,
        objects=before.objects if untouched and before is not None else here,
        message=_message(delivered, len(failures)),
        guard=delivered.guard.acknowledge if delivered.guard else None,
        replicas=replicas,
        failures=failures[:FAILURES_KEPT],
        orphan=(before.orphan if before else False) if delivered.orphan is None else delivered.orphan,
    )


def _failure(outcome: Outcome) -> Failure | None:
    told = outcome.result in (Result.FAILED, Result.DRIFTED)
    if told or outcome.health in (Health.FAILED, Health.PROGRESSING):
        return Failure(str(outcome.key), outcome.reason or outcome.health.value, outcome.message)
    return None


def _message(delivered: Delivered, failures: int) -> str:
    if delivered.guard is not None:
        return f"{delivered.guard.message}; to go on: --acknowledge {delivered.guard.acknowledge}"
    if failures > FAILURES_KEPT:
        return f"{delivered.message or 'failed'} ({failures - FAILURES_KEPT} more failures)"
    return delivered.message


def is_gone(delivered: Delivered, *, wanted: bool) -> bool:
    """Whether a unit that nobody wants any more has left nothing behind, so that status forgets it."""
    if wanted or delivered.guard is not None:
        return False
    return all(outcome.result in (Result.PRUNED, Result.KEPT) for outcome in delivered.outcomes) and (
        delivered.state in SETTLED
    )


def fleet_status(
    before: FleetStatus,
    units: Mapping[Unit, UnitStatus | None],
    facts: Mapping[str, ClusterFacts],
    commit: CommitId,
) -> FleetStatus:
    """The fleet's status after a run that touched `units` (None: forgotten). Equal to `before` when nothing differs."""
    merged = {unit: status for unit, status in before.units.items() if unit not in units}
    merged.update({unit: status for unit, status in units.items() if status is not None})
    used = {unit.cluster for unit in merged}
    notes = {i: ClusterNote(i, f.name, f.namespace) for i, f in facts.items() if i in used}
    notes.update({i: note for i, note in before.clusters.items() if i in used and i not in notes})
    after = msgspec.structs.replace(before, clusters=notes, units=merged)
    return before if after == before else msgspec.structs.replace(after, commit=commit)


def tally(cluster: str, delivered: Iterable[Delivered]) -> Tally:
    """The row of one cluster in the table of a run."""
    rows = list(delivered)
    counts = Counter(outcome.result for row in rows for outcome in row.outcomes)
    message = next((text for row in rows if (text := row.message or (row.guard.message if row.guard else ""))), "")
    return Tally(
        cluster=cluster,
        objects=counts.total() - counts[Result.PRUNED],
        created=counts[Result.CREATED],
        changed=sum(counts[result] for result in _CHANGES),
        pruned=counts[Result.PRUNED],
        unchanged=counts[Result.UNCHANGED] + counts[Result.LEFT],
        failed=counts[Result.FAILED] + counts[Result.SKIPPED],
        state=worst(row.state for row in rows),
        message=message,
    )


def exit_of(delivered: Iterable[Delivered]) -> Exit:
    """The exit code of what was delivered: the highest class that occurred."""
    code = Exit.OK
    for row in delivered:
        code = max(code, row.exit_code, _guarded(row.guard) if row.guard else _EXIT.get(row.state, Exit.OK))
    return code


def _guarded(guard: Guard) -> Exit:
    """Deletes that wait for a broken repo are that repo's matter; all others wait for an operator."""
    return Exit.PROBLEMS if guard.rule == "problems" else Exit.REFUSED
