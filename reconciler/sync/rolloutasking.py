"""What rollouts need to know of a commit: the targets of each Subscription, and what status tells of them."""

from collections.abc import Iterator, Mapping

from reconciler.model.feed import Unit
from reconciler.model.objects import Digest
from reconciler.model.status import Delivered, FleetStatus, UnitStatus
from reconciler.planning import rolloutgroups
from reconciler.planning.rollout import Asked, is_done
from reconciler.sync.options import Narrow
from reconciler.sync.selection import Selection
from reconciler.sync.worklist import Evaluated, Judge


class Asking:
    """Asks about one commit, again and again while its statuses move on."""

    def __init__(self, evaluated: Evaluated, status: FleetStatus) -> None:
        self._evaluated = evaluated
        self._rollouts = evaluated.snapshot.settings.rollouts
        whole = Selection(Narrow(), evaluated.facts, evaluated.snapshot)
        self._judge = Judge(evaluated, status, whole, frozenset())
        self._skips: dict[Unit, bool] = {}

    def everything(self, status: FleetStatus) -> Iterator[Asked]:
        """Every Subscription that a rollout names and that has something to be changed, or a rollout under way."""
        for subscription, targets in self._targets(status).items():
            asked = self.one(subscription, targets, status)
            if asked is not None:
                yield asked

    def one(self, subscription: str, targets: Mapping[str, Digest | None], status: FleetStatus) -> Asked | None:
        """What is to be asked about one Subscription; None where nothing is to be changed."""
        rollout = rolloutgroups.rollout_of(self._rollouts, subscription)
        statuses = _statuses(subscription, targets, status)
        memory = status.rollouts.get(subscription)
        if rollout is None or (memory is None and all(is_done(statuses.get(c), t) for c, t in targets.items())):
            return None
        return Asked(
            subscription,
            rollout,
            rolloutgroups.members(rollout, self._evaluated.facts, targets),
            targets,
            statuses,
            memory,
            frozenset(cluster for cluster in targets if self._skipped(Unit(subscription, cluster))),
        )

    def _targets(self, status: FleetStatus) -> dict[str, dict[str, Digest | None]]:
        """By Subscription and cluster; of clusters that left the fleet nothing is told."""
        if not self._rollouts:
            return {}
        found: dict[str, dict[str, Digest | None]] = {}
        feeds, facts = self._evaluated.feeds.units, self._evaluated.facts
        for unit in sorted({*feeds, *status.units}):
            if unit.cluster in facts:
                feed = feeds.get(unit)
                found.setdefault(unit.subscription, {})[unit.cluster] = feed.digest if feed else None
        for subscription in status.rollouts:
            found.setdefault(subscription, {})
        return found

    def _skipped(self, unit: Unit) -> bool:
        if unit not in self._skips:
            self._skips[unit] = isinstance(self._judge.decide(unit), Delivered)
        return self._skips[unit]


def _statuses(subscription: str, targets: Mapping[str, Digest | None], status: FleetStatus) -> dict[str, UnitStatus]:
    units = ((cluster, status.units.get(Unit(subscription, cluster))) for cluster in targets)
    return {cluster: unit for cluster, unit in units if unit is not None}
