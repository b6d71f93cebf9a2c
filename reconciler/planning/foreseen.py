"""What a plan comes to when nothing fails: the answer of a dry run, and of places that take changes whole."""

from collections.abc import Iterator

from reconciler.model.plan import Action, Change, Plan
from reconciler.model.status import Outcome, Result

REFUSED = "AdoptionRefused"
"""Our reason for an object that stays somebody else's."""
DRIFTED = "Drifted"
"""Our reason for an object that somebody changed, and that nobody corrects."""
_RESULT = {
    Action.CREATE: Result.CREATED,
    Action.ADOPT: Result.ADOPTED,
    Action.CHANGE: Result.CHANGED,
    Action.REPLACE: Result.REPLACED,
    Action.REFUSE: Result.FAILED,
    Action.REPORT: Result.DRIFTED,
    Action.SKIP: Result.LEFT,
    Action.LATER: Result.CREATED,
    Action.PRUNE: Result.PRUNED,
    Action.KEEP: Result.KEPT,
    Action.UNCHANGED: Result.UNCHANGED,
}


def changes(plan: Plan) -> Iterator[Change]:
    """All decisions of a plan, in the order in which they are carried out; what is kept comes last."""
    for wave in (*plan.waves, *plan.prunes, plan.kept):
        yield from wave


def outcomes(plan: Plan) -> tuple[Outcome, ...]:
    """One outcome per decision, with its reason as the message."""
    return tuple(outcome(change) for change in changes(plan))


def outcome(change: Change) -> Outcome:
    """What one decision comes to, with its reason as the message."""
    reason = {Action.REFUSE: REFUSED, Action.REPORT: DRIFTED}.get(change.action, "")
    return Outcome(change.key, _RESULT[change.action], message=change.reason, reason=reason)
