"""Where feeds go: a directory, branches, or the clusters themselves; chosen by `fleet.yaml`.

All three plan with the same planner and answer with `Delivered`. Each also knows units that nobody mentioned, because
the status was lost or never written, and asks the judge about them.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import Unit
from reconciler.model.plan import Work
from reconciler.model.proposal import Proposal
from reconciler.model.settings import Settings
from reconciler.model.status import Delivered, FleetStatus, UnitStatus
from reconciler.planning import fold
from reconciler.sync.events import Tell
from reconciler.sync.options import Options
from reconciler.sync.worklist import Evaluated, Judge


class Place(Protocol):
    """One way of delivering."""

    @property
    def proof(self) -> str:
        """A file that must still be there for the last run to count; empty where the status tells enough."""

    async def deliver(self, works: Sequence[Work], judge: Judge, tell: Tell) -> Sequence[Delivered]:
        """Bring every unit of `works`, and those that the judge adds, to its feed. Settled units are not answered."""

    async def propose(self, works: Sequence[Work], judge: Judge, tell: Tell, *, tried: bool) -> Sequence[Proposal]:
        """What `deliver` would do, written nowhere; `tried` where there is a server that can be asked about writes."""


class Errand(msgspec.Struct, frozen=True):
    """What a place needs to know of a run."""

    options: Options
    evaluated: Evaluated
    previous: FleetStatus

    @property
    def settings(self) -> Settings:
        """The settings of the commit."""
        return self.evaluated.snapshot.settings

    @property
    def names(self) -> Mapping[str, str]:
        """Names of clusters by id."""
        return cluster_names(self.evaluated.facts, self.previous)

    @property
    def dry(self) -> "Errand":
        """The same errand, which writes nothing."""
        return msgspec.structs.replace(self, options=msgspec.structs.replace(self.options, dry_run=True))

    @property
    def is_new_place(self) -> bool:
        """Whether the status tells of another place, so that it says nothing about this one."""
        return self.previous.place != place_name(self.options, self.settings)

    def open(self, works: Iterable[Work]) -> list[Work]:
        """The works that the status does not show as done; all of them when looking for drift."""
        units = self.previous.units
        if self.options.check_drift or self.is_new_place:
            return list(works)
        return [work for work in works if not _is_done(units.get(work.unit), work)]

    def decide(self, judge: Judge, unit: Unit) -> Work | Delivered | None:
        """What to do with a unit that only the place mentioned; None for one that is settled."""
        decision = judge.decide(unit)
        return decision if isinstance(decision, Delivered) or decision is None or self.open([decision]) else None


def _is_done(status: UnitStatus | None, work: Work) -> bool:
    """Whether a place has the feed, and it is known what becomes of it when its Subscription goes."""
    if status is None or work.feed is None or not fold.settled(status, work.feed.digest):
        return False
    return (status.orphan, status.after) == (work.wishes.orphan, work.wishes.after)


def directory_root(options: Options, settings: Settings) -> Path | None:
    """The directory that is delivered into; None for branches and clusters."""
    if options.directory is not None:
        return options.directory
    return Path(settings.delivery.directory.path) if settings.delivery.to == "directory" else None


def place_name(options: Options, settings: Settings) -> str:
    """What status calls the place. A directory tells by its own index what is there, so its path does not matter."""
    if directory_root(options, settings) is not None:
        return "directory"
    branches = settings.delivery.branches
    return (
        f"branches {branches.prefix} {branches.repo or ''}".strip()
        if settings.delivery.to == "branches"
        else "clusters"
    )


def on_the_ground(status: FleetStatus, options: Options, settings: Settings) -> FleetStatus:
    """What a status tells of the place that is delivered to: of another place, nothing."""
    if status.place == place_name(options, settings):
        return status
    return msgspec.structs.replace(status, units={}, rollouts={})


def cluster_names(facts: Mapping[str, ClusterFacts], previous: FleetStatus) -> dict[str, str]:
    """Names of clusters by id; of vanished ones as the status remembers them."""
    names = {i: note.name for i, note in previous.clusters.items()}
    names.update({i: fact.name for i, fact in facts.items()})
    return names
