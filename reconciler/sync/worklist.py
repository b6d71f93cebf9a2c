"""From what a commit says to what is to be done: one Work per unit, or a reason to leave the unit as it is."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from reconciler.model.applying import Wishes
from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import Feeds, Unit
from reconciler.model.objects import CommitId, Digest, digest_of
from reconciler.model.placement import Schedule
from reconciler.model.plan import Evidence, Work
from reconciler.model.snapshot import Problem, Severity, Snapshot
from reconciler.model.status import Delivered, FleetStatus, State
from reconciler.planning.wishes import wishes_of
from reconciler.sync.dependencies import Dependencies
from reconciler.sync.selection import Selection


class Evaluated(msgspec.Struct, frozen=True):
    """Everything that one commit says, with the facts that it was scheduled over."""

    commit: CommitId
    snapshot: Snapshot
    facts: Mapping[str, ClusterFacts]
    schedule: Schedule
    feeds: Feeds
    problems: tuple[Problem, ...]
    """Of all steps, with line and column."""
    previous: FleetStatus | None = None
    """The status that it was scheduled onto."""

    def __repr__(self) -> str:
        # asyncio writes out the result of a run when the run ends: that would be every object of the fleet
        return f"Evaluated({self.commit!r})"


class Worklist(msgspec.Struct, frozen=True):
    """What a run will do, and what it leaves."""

    works: tuple[Work, ...]
    left: tuple[Delivered, ...]
    """Units that stay as they are: suspended, or held by problems of their Subscription."""


class Judge:
    """Decides about one unit at a time; also about units that only a place remembers."""

    def __init__(
        self,
        evaluated: Evaluated,
        previous: FleetStatus,
        selection: Selection,
        acknowledged: frozenset[Digest],
        asks: Callable[[Unit], bool] | None = None,
    ) -> None:
        self._evaluated = evaluated
        self._previous = previous
        self._selection = selection
        self._acknowledged = _spelled_out(acknowledged, previous)
        self._clean = evaluated.snapshot.clean
        self._held = _held(evaluated)
        self._evidences: dict[tuple[str, bool], Evidence] = {}
        self._wished: dict[str, Wishes] = {}
        self._dependencies = Dependencies(evaluated.snapshot, evaluated.schedule, previous)
        self._asks = asks or selection.includes

    def among(self, asks: Callable[[Unit], bool]) -> "Judge":
        """The same judge, of units that `asks` is true of only."""
        return Judge(
            self._evaluated,
            self._previous,
            self._selection,
            self._acknowledged,
            lambda unit: self._asks(unit) and asks(unit),
        )

    def decide(self, unit: Unit) -> Work | Delivered | None:
        """Work, a reason to leave the unit, or None when the run does not ask for it."""
        if not self._asks(unit):
            return None
        why = self._selection.suspended(unit)
        before = self._previous.units.get(unit)
        if why:
            return Delivered(unit, State.SUSPENDED, feed=before.feed if before else None, message=why)
        feed = self._evaluated.feeds.units.get(unit)
        if feed is None and unit.subscription in self._held:
            return Delivered(unit, State.HELD, message=self._held[unit.subscription])
        wishes, after = self._wishes(unit.subscription), self.after(unit)
        if after != wishes.after:
            wishes = msgspec.structs.replace(wishes, after=after)
        return Work(unit, feed, self._evidence(unit), wishes, self._dependencies.waits(unit) if feed else {})

    def after(self, unit: Unit) -> tuple[str, ...]:
        """What a unit depends on; of a Subscription that is gone the status remembers it."""
        before = self._previous.units.get(unit)
        if unit.subscription in self._evaluated.snapshot.subscriptions or before is None:
            return self._dependencies.of(unit.subscription)
        return before.after

    def _wishes(self, subscription: str) -> Wishes:
        if subscription not in self._wished:
            found = self._evaluated.snapshot.subscriptions.get(subscription)
            annotations = (found.value.metadata.annotations or {}) if found else {}
            self._wished[subscription] = wishes_of(annotations, self._dependencies.of(subscription))
        return self._wished[subscription]

    def _evidence(self, unit: Unit) -> Evidence:
        about = (unit.subscription, unit.cluster in self._evaluated.facts)
        if about not in self._evidences:
            self._evidences[about] = self._gather(*about)
        return self._evidences[about]

    def _gather(self, subscription: str, cluster_known: bool) -> Evidence:  # noqa: FBT001 - a key, not a switch
        scheduled = self._evaluated.schedule.subscriptions.get(subscription)
        return Evidence(
            clean=self._clean,
            subscription_known=subscription in self._evaluated.snapshot.subscriptions,
            cluster_known=cluster_known,
            placed=scheduled is None or bool(scheduled.placements),
            acknowledged=self._acknowledged,
            orphan=self._wishes(subscription).orphan,
            empty=not self._evaluated.snapshot.subscriptions,
        )


def acknowledges_all(status: FleetStatus) -> Digest | None:
    """One digest for all guards that a status remembers; None when there are not several."""
    guards = sorted({unit.guard for unit in status.units.values() if unit.guard})
    return digest_of(guards) if len(guards) > 1 else None


def _spelled_out(acknowledged: frozenset[Digest], previous: FleetStatus) -> frozenset[Digest]:
    if acknowledges_all(previous) not in acknowledged:
        return acknowledged
    return acknowledged | {unit.guard for unit in previous.units.values() if unit.guard}


def _held(evaluated: Evaluated) -> dict[str, str]:
    """Subscriptions that cannot be delivered as the repo says, with the first problem of each."""
    known = evaluated.snapshot.subscriptions
    held = {name: "held: not rendered" for name in known if name not in evaluated.schedule.subscriptions}
    held.update(dict.fromkeys(evaluated.feeds.broken, "held: not rendered for every cluster"))
    for problem in reversed(evaluated.problems):
        if problem.severity is Severity.ERROR:
            where = f"{problem.place.path}:{problem.line}"
            held.update({name: f"held: {where} {problem.message}" for name in problem.concerns if name in held})
    return held


def worklist(judge: Judge, units: Iterable[Unit]) -> Worklist:
    """Sort all units, each once, into what is to be done and what is left; order by cluster, then Subscription."""
    works, left = [], []
    for unit in sorted(set(units), key=lambda unit: (unit.cluster, unit.subscription)):
        match judge.decide(unit):
            case Work() as work:
                works.append(work)
            case Delivered() as delivered:
                left.append(delivered)
            case None:
                continue
    return Worklist(tuple(works), tuple(left))
