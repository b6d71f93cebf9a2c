"""Which Subscriptions wait for which on a cluster, and what the status says of those that a run does not deliver.

Dependencies in cycles are ignored, so that nothing waits for itself; `check` tells of them. One that does not
go to a cluster is not waited for there.
"""

from collections.abc import Mapping

from reconciler.model.dependencies import After, depends_on, without_cycles
from reconciler.model.feed import Unit
from reconciler.model.placement import Schedule
from reconciler.model.snapshot import Snapshot
from reconciler.model.status import FleetStatus, State

_GOOD = frozenset({State.READY, State.DELIVERED})


def after_of(snapshot: Snapshot) -> After:
    """What the Subscriptions of a commit depend on; those that depend on nothing are left out."""
    after = {
        name: depends_on(sourced.value.metadata.annotations or {}, name.partition("/")[0])
        for name, sourced in snapshot.subscriptions.items()
    }
    return without_cycles({name: needs for name, needs in after.items() if needs})[0]


class Dependencies:
    """The dependencies of one commit, over one status."""

    def __init__(self, snapshot: Snapshot, schedule: Schedule, previous: FleetStatus) -> None:
        self._known = snapshot.subscriptions
        self._previous = previous
        self._after = after_of(snapshot)
        needed = {need for needs in self._after.values() for need in needs}
        self._clusters = {
            name: {placement.cluster for placement in schedule.subscriptions[name].placements}
            for name in needed
            if name in schedule.subscriptions
        }

    def of(self, subscription: str) -> tuple[str, ...]:
        """What a Subscription depends on."""
        return self._after.get(subscription, ())

    def waits(self, unit: Unit) -> Mapping[str, str]:
        """What nothing shows to be ready for a unit, with words that follow “waits for NAME, which”."""
        words = {name: self._lacks(name, unit.cluster) for name in self.of(unit.subscription)}
        return {name: why for name, why in words.items() if why}

    def _lacks(self, name: str, cluster: str) -> str:
        if name not in self._known:
            return "is not in the repo"
        status = self._previous.units.get(Unit(name, cluster))
        if cluster not in self._clusters.get(name, {cluster}):
            return ""
        if status is None:
            return "was not delivered there yet"
        paused = status.state is State.SUSPENDED and status.feed is not None
        return "" if paused or status.state in _GOOD else f"is {status.state}"
