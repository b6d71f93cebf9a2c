"""Where feeds go: the three ways of delivering behind two questions: which units are there, and make these so.

Which way is chosen by `fleet.yaml`. All three plan with the same planner and answer with `Delivered`.
"""

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from reconciler.apply import directory
from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import Unit
from reconciler.model.plan import Work
from reconciler.model.settings import Settings
from reconciler.model.status import Delivered, FleetStatus
from reconciler.planning import fold
from reconciler.sync.events import Event, Tell
from reconciler.sync.options import Options
from reconciler.sync.reach import Reach
from reconciler.sync.repo import Repo
from reconciler.sync.worklist import Evaluated, Judge


def directory_root(options: Options, settings: Settings) -> Path | None:
    """The directory that is delivered into; None for branches and clusters."""
    if options.directory is not None:
        return options.directory
    return Path(settings.delivery.directory.path) if settings.delivery.to == "directory" else None


def cluster_names(facts: Mapping[str, ClusterFacts], previous: FleetStatus) -> dict[str, str]:
    """Names of clusters by id; of vanished ones as the status remembers them."""
    names = {i: note.name for i, note in previous.clusters.items()}
    names.update({i: fact.name for i, fact in facts.items()})
    return names


def unsettled(works: Iterable[Work], previous: FleetStatus) -> list[Work]:
    """The works that the status does not show as done: where the status is all that is known of a place."""
    units = previous.units
    return [work for work in works if work.feed is None or not fold.settled(units.get(work.unit), work.feed.digest)]


class DirectoryPlace:
    """A directory with one subdirectory per cluster."""

    def __init__(self, root: Path, options: Options, evaluated: Evaluated, previous: FleetStatus) -> None:
        self._root = root
        self._previous = previous
        self._there: Mapping[Unit, str | None] = {}
        self._options = directory.Options(
            fleet=evaluated.snapshot.settings.fleet,
            commit=evaluated.commit,
            names=cluster_names(evaluated.facts, previous),
            verify=options.check_drift,
            dry_run=options.dry_run,
        )

    async def units(self) -> Iterable[Unit]:
        """The units that the directory holds, whatever the status says."""
        self._there = directory.units_of(directory.read_index(self._root, self._options.fleet))
        return self._there

    async def deliver(self, works: Sequence[Work], judge: Judge, tell: Tell) -> Sequence[Delivered]:  # noqa: ARG002
        """Write in a thread; a cancelled run stops between two units."""
        todo = works if self._options.verify else [work for work in works if not self._is_done(work)]
        stop, loop, done = threading.Event(), asyncio.get_running_loop(), 0

        def count(delivered: Delivered) -> None:
            nonlocal done
            done += 1
            if done % 50 == 1 or done == len(todo):
                name = self._options.names.get(delivered.unit.cluster, "")
                event = Event("deliver", delivered.unit.subscription, cluster=name, done=done, total=len(todo))
                loop.call_soon_threadsafe(tell, event)

        watched = msgspec.structs.replace(self._options, stop=stop.is_set, done=count)
        try:
            return await asyncio.to_thread(directory.deliver, self._root, todo, watched)
        except asyncio.CancelledError:
            stop.set()
            raise

    def _is_done(self, work: Work) -> bool:
        feed = work.feed.digest if work.feed else None
        return feed is not None and self._there.get(work.unit) == feed and not unsettled([work], self._previous)


Place = DirectoryPlace


def place_of(repo: Repo, options: Options, evaluated: Evaluated, previous: FleetStatus, reach: Reach) -> Place:
    """The place that `fleet.yaml`, or the command line, says."""
    settings = evaluated.snapshot.settings
    root = directory_root(options, settings)
    if root is not None:
        return DirectoryPlace(root, options, evaluated, previous)
    raise NotImplementedError
