"""Delivery into a directory, as a run drives it: in a thread, with progress, stopped between two units."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

from reconciler.apply import directory, directoryindex
from reconciler.model.plan import Work
from reconciler.model.proposal import Proposal
from reconciler.model.status import Delivered
from reconciler.sync.events import Event, Tell
from reconciler.sync.opening import as_they_stand
from reconciler.sync.places import Errand
from reconciler.sync.tools import Tools
from reconciler.sync.worklist import Judge, worklist

TELL_EVERY = 50
"""Units between two words about progress."""


class DirectoryPlace:
    """A directory with one subdirectory per cluster; its own index says which units are done."""

    def __init__(self, root: Path, errand: Errand, tools: Tools) -> None:
        self._root = root
        self._tools = tools
        self._errand = errand

    @property
    def proof(self) -> str:
        """The index of the directory."""
        return str((self._root / directoryindex.INDEX).resolve())

    async def deliver(self, works: Sequence[Work], judge: Judge, tell: Tell) -> Sequence[Delivered]:
        """Write what differs; units whose feed the index holds are looked at only when verifying."""
        errand = self._errand
        there = directoryindex.units_of(directoryindex.read_index(self._root, errand.settings.fleet), errand.names)
        strays = worklist(judge, there.keys() - {work.unit for work in works})
        unsettled = {work.unit for work in errand.open(works)}
        todo = [
            work
            for work in (*works, *strays.works)
            if work.unit in unsettled or work.feed is None or there.get(work.unit) != work.feed.digest
        ]
        stop = threading.Event()
        options = directory.Options(
            fleet=errand.settings.fleet,
            commit=errand.evaluated.commit,
            names=errand.names,
            verify=errand.options.check_drift,
            dry_run=errand.options.dry_run,
            prune=errand.settings.prune,
            sealed=await as_they_stand(self._tools, todo),
            stop=stop.is_set,
            done=self._counting(len(todo), tell),
        )
        try:
            return (*await asyncio.to_thread(directory.deliver, self._root, todo, options), *strays.left)
        except asyncio.CancelledError:
            stop.set()
            raise

    async def propose(self, works: Sequence[Work], judge: Judge, tell: Tell, *, tried: bool) -> Sequence[Proposal]:
        """What would be written; there is no server that could be asked."""
        del tried
        dry = DirectoryPlace(self._root, self._errand.dry, self._tools)
        return [Proposal(one) for one in await dry.deliver(works, judge, tell)]

    def _counting(self, total: int, tell: Tell) -> directory.Done:
        loop, names, done = asyncio.get_running_loop(), self._errand.names, 0

        def count(delivered: Delivered) -> None:
            nonlocal done
            done += 1
            if done % TELL_EVERY == 1 or done == total:
                name, subscription = names.get(delivered.unit.cluster, ""), delivered.unit.subscription
                event = Event("deliver", subscription, cluster=name, done=done, total=total)
                loop.call_soon_threadsafe(tell, event)

        return count
