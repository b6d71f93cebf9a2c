"""One collection, followed for everybody who waits for an object in it: one LIST, and one WATCH from there on.

It lasts as long as somebody waits. What was seen is remembered in short, so that who joins later is told at once
what the stream has passed already; a sight that is older than what somebody wrote is not shown to them.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from typing import NamedTuple, Protocol

from reconciler.adapters.kube.client import Client
from reconciler.model.errors import ApiError, ReconcilerError
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.status import Health
from reconciler.planning.conditions import Assessment
from reconciler.planning.health import Assessor


class Sight(NamedTuple):
    """What is remembered of an object at one moment."""

    version: str
    """resourceVersion: of the object, or of the moment at which it was not there."""
    uid: str = ""
    """Empty when it is not there."""
    assessment: Assessment = (Health.UNKNOWN, "")
    selector: Mapping[str, str] | None = None
    """Labels of its pods, where it is a workload."""


class Waiter(Protocol):
    """Somebody who waits for objects."""

    over: asyncio.Event
    """Set when they have seen enough."""

    def see(self, key: ObjectKey, sight: Sight) -> None:
        """Take note of how an object is."""

    def lose(self, key: ObjectKey, error: ReconcilerError) -> None:
        """Take note that nobody can tell any more."""

    def crash(self, error: BaseException) -> None:
        """Pass on a bug."""


class Asked(NamedTuple):
    """One object that somebody waits for."""

    waiter: Waiter
    key: ObjectKey
    version: str = ""
    """resourceVersion of what was written; empty where every sight will do."""

    def shows(self, version: str) -> bool:
        """Whether what was seen at a version is no older than the write. Opaque versions are not compared."""
        return not (self.version.isdigit() and version.isdigit()) or int(version) >= int(self.version)


class Follower:
    """Follows one collection while it has waiters. With a single name asked for, only that object is read."""

    def __init__(self, cluster: Client, path: str, health: Assessor) -> None:
        self._cluster = cluster
        self._path = path
        self._health = health
        self._asked: dict[str, list[Asked]] = {}
        self._sights: dict[str, Sight] = {}
        self._only = ""
        self._since = ""
        self._task: asyncio.Task[None] | None = None

    async def join(self, asked: Iterable[Asked]) -> None:
        """Tell these waiters from now on."""
        new = list(asked)
        names = {one.key.name for one in new}
        for one in new:
            self._asked.setdefault(one.key.name, []).append(one)
        if self._task is None or self._task.done():
            self._start(next(iter(names)) if len(names) == 1 else "")
        elif (self._only and names != {self._only}) or any(one.version and not one.version.isdigit() for one in new):
            await self.stop()
            self._start("")
        elif self._since:
            for one in new:
                self._show(one, self._sights.get(one.key.name) or Sight(self._since))

    def leave(self, waiter: Waiter) -> bool:
        """Tell this waiter nothing more; whether nobody is left."""
        for name, asked in tuple(self._asked.items()):
            left = [one for one in asked if one.waiter is not waiter]
            if left:
                self._asked[name] = left
            else:
                del self._asked[name]
        return not self._asked

    async def stop(self) -> None:
        """End the stream."""
        task, self._task, self._since = self._task, None, ""
        if task is not None:
            task.remove_done_callback(self._crashed)
            task.cancel()
            await asyncio.wait([task])

    def _start(self, only: str) -> None:
        self._only, self._since = only, ""
        self._sights.clear()
        self._task = asyncio.get_running_loop().create_task(self._follow(), name=f"watch {self._path}")
        self._task.add_done_callback(self._crashed)

    def _crashed(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            for one in self._everybody():
                one.waiter.crash(error)

    def _everybody(self) -> list[Asked]:
        return [one for asked in self._asked.values() for one in asked]

    def _wanted(self) -> bool:
        """Whether anybody waits still; who has seen enough is about to leave."""
        return any(not one.waiter.over.is_set() for one in self._everybody())

    async def _follow(self) -> None:
        fields = f"metadata.name={self._only}" if self._only else ""
        try:
            while self._wanted():
                listing = await self._cluster.list(self._path, fields=fields)
                self._listed(listing.items, listing.resource_version)
                if self._wanted():
                    await self._watch(listing.resource_version, fields)
        except ReconcilerError as error:
            for one in self._everybody():
                one.waiter.lose(one.key, error)

    async def _watch(self, since: str, fields: str) -> None:
        """Until the server has forgotten where we were; the collection is then listed again."""
        try:
            async with aclosing(self._cluster.watch(self._path, since, fields)) as events:
                async for event, obj in events:
                    self._seen(obj["metadata"]["name"], self._sight(obj, gone=event == "DELETED"))
        except ApiError as error:
            if error.status != 410:
                raise

    def _listed(self, items: Iterable[Object], version: str) -> None:
        self._sights = {item["metadata"]["name"]: self._sight(item) for item in items}
        self._since = version
        for one in self._everybody():
            self._show(one, self._sights.get(one.key.name) or Sight(version))

    def _seen(self, name: str, sight: Sight) -> None:
        self._sights[name] = sight
        for one in tuple(self._asked.get(name, ())):
            self._show(one, sight)

    def _show(self, one: Asked, sight: Sight) -> None:
        if one.shows(sight.version):
            one.waiter.see(one.key, sight)

    def _sight(self, obj: Object, *, gone: bool = False) -> Sight:
        metadata = obj["metadata"]
        if gone:
            return Sight(metadata["resourceVersion"])
        selector = ((obj.get("spec") or {}).get("selector") or {}) if metadata.get("namespace") else {}
        labels = selector.get("matchLabels") if isinstance(selector, Mapping) else None
        return Sight(metadata["resourceVersion"], metadata["uid"], self._health.assess(obj), labels)
