"""Delivery into a branch per cluster, as a run drives it: the branches are read only when something is to be done."""

from collections.abc import Sequence

from reconciler.adapters import clock
from reconciler.adapters.git.mirror import Mirror
from reconciler.apply import branches, branchfiles
from reconciler.model.plan import Work
from reconciler.model.proposal import Proposal
from reconciler.model.status import Delivered
from reconciler.sync.events import Event, Tell
from reconciler.sync.opening import as_they_stand
from reconciler.sync.places import Errand
from reconciler.sync.tools import Tools
from reconciler.sync.worklist import Judge, worklist


class BranchPlace:
    """Branches of the fleet repo or of another one."""

    def __init__(self, mirror: Mirror, source_branch: str | None, errand: Errand, tools: Tools) -> None:
        self._mirror = mirror
        self._tools = tools
        self._source_branch = source_branch
        self._errand = errand

    @property
    def proof(self) -> str:
        """None: what is there is far away, and the status tells of it."""
        return ""

    async def deliver(self, works: Sequence[Work], judge: Judge, tell: Tell) -> Sequence[Delivered]:
        """One commit per branch that changes, all in one push."""
        errand = self._errand
        todo = errand.open(works)
        if not todo and errand.previous.units and not errand.is_new_place:
            return ()
        tell(Event("deliver", f"reading branches {errand.settings.delivery.branches.prefix}*"))
        there = await branches.read_inventories(self._mirror, errand.settings, self._source_branch)
        strays = worklist(judge, branches.units_of(there).keys() - {work.unit for work in works})
        options = branchfiles.Options(
            fleet=errand.settings.fleet,
            commit=errand.evaluated.commit,
            names=errand.names,
            prefix=errand.settings.delivery.branches.prefix,
            now=clock.now(),
            verify=errand.options.check_drift,
            dry_run=errand.options.dry_run,
            prune=errand.settings.prune,
            sealed=await as_they_stand(self._tools, (*todo, *strays.works)),
        )
        tell(Event("deliver", f"{len(todo) + len(strays.works)} units"))
        done = await branches.deliver(self._mirror, [*todo, *strays.works], there, options)
        return (*done, *strays.left)

    async def propose(self, works: Sequence[Work], judge: Judge, tell: Tell, *, tried: bool) -> Sequence[Proposal]:
        """What would be committed; there is no server that could be asked."""
        del tried
        dry = BranchPlace(self._mirror, self._source_branch, self._errand.dry, self._tools)
        return [Proposal(one) for one in await dry.deliver(works, judge, tell)]
