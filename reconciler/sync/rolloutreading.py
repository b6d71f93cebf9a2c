"""Rollouts for commands that only read: the timetables of a tree as they stand over the last status."""

import datetime

import msgspec

from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import UsageError
from reconciler.model.status import FleetStatus
from reconciler.planning.rollout import Timetable, timetable
from reconciler.sync import reading
from reconciler.sync.events import Tell
from reconciler.sync.options import Options
from reconciler.sync.rolloutasking import Asking


class Timetables(msgspec.Struct, frozen=True):
    """What a tree says of rollouts."""

    tables: tuple[Timetable, ...]
    facts: dict[str, ClusterFacts]
    named: bool
    """`fleet.yaml` has a rollout at all."""

    def name(self, cluster: str) -> str:
        """The name of a cluster."""
        return self.facts[cluster].name if cluster in self.facts else cluster


async def timetables(options: Options, tell: Tell, now: datetime.datetime) -> Timetables:
    """The timetables of every Subscription under a rollout that has something to be changed."""
    found = await reading.evaluated(options, tell, history=True)
    settings = found.snapshot.settings
    status = found.previous or FleetStatus(settings.fleet)
    asked = Asking(found, status).everything(status)
    return Timetables(tuple(timetable(one, now) for one in asked), dict(found.facts), bool(settings.rollouts))


def of(found: Timetables, subscription: str) -> Timetable:
    """The timetable of one Subscription (`namespace/name`, or a bare name). UsageError where nothing is to change."""
    named = [t for t in found.tables if subscription in (t.asked.subscription, t.asked.subscription.partition("/")[2])]
    if len(named) == 1:
        return named[0]
    names = ", ".join(table.asked.subscription for table in named or found.tables)
    if named:
        raise UsageError("ambiguous", f"{len(named)} Subscriptions are named {subscription}", f"one of: {names}")
    hint = f"there are: {names}" if names else "reconciler rollout status shows what the last runs wrote"
    raise UsageError("no-rollout", f"nothing of {subscription} is to be rolled out", hint)
