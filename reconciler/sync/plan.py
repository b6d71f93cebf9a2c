"""`plan`: the path of `sync` up to the moment before the first write, and the answers of the servers to a rehearsal."""

from collections.abc import Sequence

import msgspec

from reconciler import __version__
from reconciler.model.errors import Exit
from reconciler.model.planfile import Asked, PlanFile
from reconciler.model.proposal import Proposal, Verdict
from reconciler.model.snapshot import Problem, Severity
from reconciler.planning import fold, planfile
from reconciler.sync import delivery
from reconciler.sync.events import Tell
from reconciler.sync.options import Options
from reconciler.sync.places import place_name
from reconciler.sync.repo import opened
from reconciler.sync.worklist import Evaluated


class Planned(msgspec.Struct, frozen=True):
    """What a plan found."""

    file: PlanFile
    proposals: tuple[Proposal, ...]
    problems: tuple[Problem, ...]
    """Of the repo."""

    @property
    def exit_code(self) -> Exit:
        """The highest class that occurred; a write that a server refuses would fail."""
        broken = any(problem.severity is Severity.ERROR for problem in self.problems)
        code = max(fold.exit_of(p.delivered for p in self.proposals), Exit.PROBLEMS if broken else Exit.OK)
        refused = any(t.verdict is Verdict.REFUSED for p in self.proposals for t in p.trials.values())
        code = max(code, Exit.FAILED if refused else Exit.OK)
        return Exit.DIFFERS if code is Exit.OK and self.differs else code

    @property
    def differs(self) -> bool:
        """Whether anything would be written or deleted."""
        return any(p.hooks or (p.delivered.plan is not None and p.delivered.plan.changes) for p in self.proposals)


async def plan(options: Options, tell: Tell) -> Planned:
    """Find out what `sync` would do to every place. Raises as `sync`; writes nothing."""
    async with opened(options) as repo:
        heads = await repo.heads(None)
        async with delivery.prepared(repo, options, tell, heads) as prepared:
            proposals = await prepared.propose(tried=True)
            made = file_of(options, prepared.evaluated, str(repo.revision), proposals)
            return Planned(made, tuple(proposals), prepared.evaluated.problems)


def file_of(options: Options, evaluated: Evaluated, reference: str, proposals: Sequence[Proposal]) -> PlanFile:
    """The plan file of some proposals."""
    settings, narrow = evaluated.snapshot.settings, options.narrow
    return PlanFile(
        format="reconciler.clusternet.io/plan.v1",
        tool=__version__,
        fleet=settings.fleet,
        commit=evaluated.commit,
        reference=reference,
        path=options.path,
        place=place_name(options, settings),
        asked=Asked(
            clusters=tuple(sorted(narrow.clusters)),
            subscriptions=tuple(sorted(narrow.subscriptions)),
            selector=narrow.selector,
            check_drift=options.check_drift,
            acknowledged=tuple(sorted(options.acknowledged)),
        ),
        clusters={i: facts.name for i, facts in sorted(evaluated.facts.items())},
        units=planfile.units(proposals),
    )
