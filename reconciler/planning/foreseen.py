"""What a plan comes to when nothing fails: the answer of a dry run, and of places that take changes whole."""

from collections.abc import Iterator

from reconciler.model.plan import Action, Change, Plan
from reconciler.model.status import Outcome, Result

_RESULT = {
    Action.CREATE: Result.CREATED,
    Action.CHANGE: Result.CHANGED,
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
    return tuple(Outcome(change.key, _RESULT[change.action], message=change.reason) for change in changes(plan))
