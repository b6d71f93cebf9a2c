"""Waiting by being told: one LIST and one WATCH per kind and namespace, never polling.

Waits for objects to be ready, or to be gone. Ends when every object is settled, when the deadline is there, or when
something newer is to be done; what is known then is the answer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing

from reconciler.adapters.kube.client import Client
from reconciler.apply.prune import Leaving
from reconciler.apply.write import Pending
from reconciler.model.errors import ApiError, ReconcilerError
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.status import Health
from reconciler.planning.health import Assessment, Assessor

_SETTLED = frozenset({Health.CURRENT, Health.FAILED})


class Watches:
    """What one identity is told about one cluster."""

    def __init__(self, cluster: Client, health: Assessor) -> None:
        self._cluster = cluster
        self._health = health

    async def ready(
        self, pending: Sequence[Pending], deadline: float, newer: asyncio.Event | None = None
    ) -> Mapping[ObjectKey, Assessment]:
        """Health of every pending object when all are current or failed, or at the deadline (of the loop's clock)."""
        watched = _Readiness(pending, self._health)
        await _watch_all(self._cluster, [(one.path, one.key) for one in pending], watched, deadline, newer)
        return watched.known

    async def gone(self, leaving: Sequence[Leaving], deadline: float) -> frozenset[ObjectKey]:
        """Which of these objects are gone, when all are or at the deadline."""
        watched = _Absence(leaving)
        await _watch_all(self._cluster, [(one.path, one.key) for one in leaving], watched, deadline, None)
        return frozenset(watched.gone)


class _Readiness:
    def __init__(self, pending: Sequence[Pending], health: Assessor) -> None:
        self._health = health
        self.known: dict[ObjectKey, Assessment] = {one.key: (one.health, one.message) for one in pending}

    def see(self, key: ObjectKey, obj: Object | None) -> bool:
        """Take note of an object (None: it is not there); whether it is settled."""
        if obj is not None:
            self.known[key] = self._health.assess(obj)
        elif key.kind == "Job":
            self.known[key] = (Health.CURRENT, "finished, and removed after its time to live")
        else:
            self.known[key] = (Health.FAILED, "it was deleted by somebody else")
        return self.known[key][0] in _SETTLED

    def lose(self, key: ObjectKey, error: ReconcilerError) -> None:
        """Take note that nobody can tell."""
        self.known[key] = (Health.PROGRESSING, f"cannot be watched: {error.message}")


class _Absence:
    def __init__(self, leaving: Sequence[Leaving]) -> None:
        self._uids = {one.key: one.uid for one in leaving}
        self.gone: set[ObjectKey] = set()

    def see(self, key: ObjectKey, obj: Object | None) -> bool:
        """Take note of an object (None: it is not there); whether ours is gone."""
        if obj is None or obj["metadata"]["uid"] != self._uids[key]:
            self.gone.add(key)
        return key in self.gone

    def lose(self, key: ObjectKey, error: ReconcilerError) -> None:
        """Nobody can tell, so it is not known to be gone."""


class _Newer(Exception):
    """There is something newer to do."""


async def _watch_all(
    cluster: Client,
    awaited: Sequence[tuple[str, ObjectKey]],
    watched: _Readiness | _Absence,
    deadline: float,
    newer: asyncio.Event | None,
) -> None:
    collections: dict[str, dict[str, ObjectKey]] = {}
    for path, key in awaited:
        collections.setdefault(path, {})[key.name] = key
    try:
        async with asyncio.timeout_at(deadline), asyncio.TaskGroup() as outer:
            signal = outer.create_task(_listen(newer or asyncio.Event()), name="listen for something newer")
            async with asyncio.TaskGroup() as inner:
                for path, keys in collections.items():
                    inner.create_task(_watch(cluster, path, keys, watched), name=f"watch {path}")
            signal.cancel()
    except* (_Newer, TimeoutError):
        pass


async def _listen(newer: asyncio.Event) -> None:
    await newer.wait()
    raise _Newer


async def _watch(cluster: Client, path: str, keys: Mapping[str, ObjectKey], watched: _Readiness | _Absence) -> None:
    """Until every object of one collection is settled. What the server has forgotten is listed again."""
    waiting = dict(keys)
    fields = f"metadata.name={next(iter(keys))}" if len(keys) == 1 else ""
    try:
        while waiting:
            listing = await cluster.list(path, fields=fields)
            found = {item["metadata"]["name"]: item for item in listing.items}
            for name, key in tuple(waiting.items()):
                if watched.see(key, found.get(name)):
                    del waiting[name]
            if waiting:
                await _follow(cluster, path, fields, listing.resource_version, (waiting, watched))
    except ReconcilerError as error:
        for key in waiting.values():
            watched.lose(key, error)


async def _follow(
    cluster: Client,
    path: str,
    fields: str,
    since: str,
    what: tuple[dict[str, ObjectKey], _Readiness | _Absence],
) -> None:
    waiting, watched = what
    try:
        async with aclosing(cluster.watch(path, since, fields)) as events:
            async for event, obj in events:
                name = obj["metadata"]["name"]
                key = waiting.get(name)
                if key and watched.see(key, None if event == "DELETED" else obj):
                    del waiting[name]
                if not waiting:
                    return
    except ApiError as error:
        if error.status != 410:
            raise
