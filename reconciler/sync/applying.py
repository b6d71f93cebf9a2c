"""`apply`: exactly what a plan file says, through the path of `sync`, or nothing of it when anything moved since."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from reconciler.adapters.git.revision import commit_revision
from reconciler.model.errors import ReconcilerError, Refused, ToolFailed, UsageError
from reconciler.model.planfile import FORMAT, PlanFile
from reconciler.model.proposal import Proposal
from reconciler.planning import planfile
from reconciler.sync import delivery
from reconciler.sync.events import Tell
from reconciler.sync.options import Narrow, Options
from reconciler.sync.plan import file_of
from reconciler.sync.repo import Heads, Repo, opened
from reconciler.sync.report import Report


class Moved(Refused):
    """Something in the plan is not so any more."""

    def __init__(self, commit: str, differences: Sequence[str]) -> None:
        what = "1 thing" if len(differences) == 1 else f"{len(differences)} things"
        hint = "make a new plan of the same commit (reconciler plan --commit), read it, and apply that"
        super().__init__("plan-moved", f"{what} moved since the plan of {commit[:12]} was made", hint)
        self.differences = tuple(differences)


def read(path: Path) -> PlanFile:
    """The plan in a file; UsageError when it holds none that this version reads."""
    content = path.read_bytes()
    try:
        return msgspec.json.decode(content, type=PlanFile)
    except msgspec.MsgspecError as error:
        hint = f"`reconciler plan --out FILE` writes files of format {FORMAT}"
        raise UsageError("bad-plan", f"{path} is no plan: {error}", hint) from error


def options_of(plan: PlanFile, options: Options) -> Options:
    """A command line that asks for what the plan was made of."""
    asked = plan.asked
    return msgspec.structs.replace(
        options,
        revision=commit_revision(plan.commit),
        path=plan.path,
        narrow=Narrow(frozenset(asked.clusters), frozenset(asked.subscriptions), asked.selector),
        check_drift=asked.check_drift,
        acknowledged=frozenset(asked.acknowledged),
    )


async def apply(plan: PlanFile, options: Options, tell: Tell) -> Report:
    """Carry out a plan. Moved, with everything that differs, before anything is written; otherwise raises as `sync`."""
    options = options_of(plan, options)

    async with opened(options) as repo:
        heads = await _heads(repo, plan)
        async with delivery.prepared(repo, options, tell, heads) as prepared:

            def agree(proposals: Sequence[Proposal]) -> None:
                now = file_of(options, prepared.evaluated, plan.reference, proposals)
                if differences := planfile.moved(plan, now):
                    raise Moved(plan.commit, differences)

            return await prepared.run(agree)


async def _heads(repo: Repo, plan: PlanFile) -> Heads:
    """The commit of the plan, made present."""
    try:
        heads = await repo.heads(None)
        await repo.fetch(heads)
    except (ToolFailed, UsageError) as error:
        raise Moved(plan.commit, [_gone(plan, error)]) from error
    return heads


def _gone(plan: PlanFile, error: ReconcilerError) -> str:
    return f"commit {plan.commit} is not in the repo: {error.message}"
