"""`diff`: what clusters have against what a commit says, in the words of their servers, Secrets as fingerprints."""

from collections.abc import Sequence

import msgspec

from reconciler.adapters import salt
from reconciler.apply import ownership
from reconciler.apply.dryrun import Rehearsed
from reconciler.model.errors import Exit
from reconciler.model.objects import Object
from reconciler.model.plan import WRITES, Action, Change
from reconciler.model.proposal import Verdict
from reconciler.model.snapshot import Problem, Severity
from reconciler.model.status import State
from reconciler.planning import fold, unified
from reconciler.planning.unified import Difference, Why
from reconciler.render import fingerprints
from reconciler.sync import delivery, masking
from reconciler.sync.events import Tell
from reconciler.sync.options import Options
from reconciler.sync.repo import opened
from reconciler.sync.worklist import Evaluated


class Trouble(msgspec.Struct, frozen=True):
    """Something that cannot be compared, and why."""

    cluster: str
    what: str
    """An object, or a Subscription."""
    message: str


class Compared(msgspec.Struct, frozen=True):
    """Everything that differs."""

    fleet: str
    commit: str
    differences: tuple[Difference, ...]
    troubles: tuple[Trouble, ...]
    problems: tuple[Problem, ...]
    exit_code: Exit


async def diff(options: Options, tell: Tell) -> Compared:
    """Compare every cluster that is asked for. UsageError for a fleet that is not delivered to clusters."""
    async with opened(options) as repo:
        heads = await repo.heads(None)
        async with delivery.prepared(repo, options, tell, heads) as prepared:
            rehearsed = await prepared.rehearse()
            return _compared(prepared.evaluated, rehearsed)


def _compared(evaluated: Evaluated, rehearsed: Sequence[Rehearsed]) -> Compared:
    key, names = salt.fresh(), {i: facts.name for i, facts in evaluated.facts.items()}
    comparing = _Comparing(evaluated, key)
    found: list[Difference] = []
    troubles: list[Trouble] = []
    for one in rehearsed:
        told = one.proposal.delivered
        cluster = names.get(told.unit.cluster, told.unit.cluster)
        if told.plan is None and told.state is not State.DELIVERED:
            troubles.append(Trouble(cluster, told.unit.subscription, told.message or told.state.value))
            continue
        found += comparing.unit(one, cluster)
        troubles += [
            Trouble(cluster, str(key), f"the server refuses it: {trial.message}")
            for key, trial in one.proposal.trials.items()
            if trial.verdict is Verdict.REFUSED
        ]
    found.sort(key=lambda one: (one.cluster, one.key, one.subscription))
    broken = any(problem.severity is Severity.ERROR for problem in evaluated.problems)
    lost = (one.proposal.delivered for one in rehearsed if one.proposal.delivered.guard is None)
    code = max(Exit.PROBLEMS if broken else Exit.OK, fold.exit_of(lost), Exit.FAILED if troubles else Exit.OK)
    code = Exit.DIFFERS if found and code is Exit.OK else code
    commit, fleet = evaluated.commit, evaluated.snapshot.settings.fleet
    return Compared(fleet, commit, tuple(found), tuple(troubles), evaluated.problems, code)


class _Comparing:
    def __init__(self, evaluated: Evaluated, key: bytes) -> None:
        self._evaluated = evaluated
        self._manager = ownership.field_manager(evaluated.snapshot.settings.fleet)
        self._salt = key

    def unit(self, one: Rehearsed, cluster: str) -> list[Difference]:
        """What differs of one unit."""
        told = one.proposal.delivered
        if told.plan is None:
            return []
        secrets = self._secrets(one)
        changes = [change for wave in (*told.plan.waves, *told.plan.prunes) for change in wave]
        found = []
        for change in changes:
            if change.action not in WRITES | {Action.REPORT, Action.PRUNE}:
                continue
            if one.proposal.trials.get(change.key) and one.proposal.trials[change.key].verdict is Verdict.REFUSED:
                continue
            live, after = one.live.get(change.key), self._after(change, one)
            veil = masking.Veil(self._salt, secrets, masking.hides(change, live))
            texts = tuple(unified.text(veil.over(unified.bare(obj)) if obj else None) for obj in (live, after))
            if texts[0] == texts[1]:
                continue
            why = self._why(change, live)
            by = self._others(live) if why in (Why.DRIFT, Why.BOTH) else ()
            found.append(Difference(cluster, told.unit.subscription, change.key, change.api_version, why, by, *texts))
        return found

    def _secrets(self, one: Rehearsed) -> frozenset[str]:
        """Values of all Secrets that this unit has or had, which might stand in other objects too."""
        feed = self._evaluated.feeds.units.get(one.proposal.delivered.unit)
        bodies = [obj.body for obj in feed.objects if obj.seal is None] if feed else []
        bodies += [obj for obj in (*one.live.values(), *one.answers.values()) if obj is not None]
        return masking.telling(fingerprints.secret_texts(bodies))

    def _after(self, change: Change, one: Rehearsed) -> Object | None:
        if change.action is Action.PRUNE:
            return None
        answer = one.answers.get(change.key)
        return answer or (change.wanted.body if change.wanted else None)

    def _why(self, change: Change, live: Object | None) -> Why:
        if change.action is Action.PRUNE:
            return Why.DELETE
        if change.action is Action.ADOPT:
            return Why.ADOPT
        entry, wanted = change.entry, change.wanted
        if entry is None or entry.digest is None or wanted is None:
            return Why.NEW if live is None else Why.CHANGE
        if entry.digest == wanted.digest:
            return Why.DRIFT
        touched = live is None or ownership.mark_of(live["metadata"], self._manager).fields != entry.fields
        return Why.BOTH if touched else Why.CHANGE

    def _others(self, live: Object | None) -> tuple[str, ...]:
        """Who wrote to an object after us, statuses aside."""
        writers = [
            w for w in (live or {"metadata": {}})["metadata"].get("managedFields") or () if "subresource" not in w
        ]
        ours = max((w.get("time") or "" for w in writers if w.get("manager") == self._manager), default="")
        others = {w.get("manager") for w in writers if w.get("manager") != self._manager}
        late = {w["manager"] for w in writers if w.get("manager") in others and (w.get("time") or "") >= ours}
        return tuple(sorted(late))
