"""Waiting by being told: one LIST and one WATCH per kind and namespace for all who wait at a time, never polling.

Waits for objects to be ready, or to be gone. Ends when every object is settled, when the deadline is there, or when
something newer is to be done; what is known then is the answer. At a deadline it also says whether anything still
moved, and what keeps the pods of a workload.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reconciler.adapters.kube.client import Client
from reconciler.apply.following import Asked, Follower, Sight, Waiter
from reconciler.apply.podreasons import Workload, pod_reasons
from reconciler.apply.prune import Leaving
from reconciler.apply.write import Pending
from reconciler.model import duration
from reconciler.model.errors import ReconcilerError
from reconciler.model.objects import ObjectKey
from reconciler.model.status import Health
from reconciler.planning.health import Assessor

_SETTLED = frozenset({Health.CURRENT, Health.FAILED})


class Told(NamedTuple):
    """How an object is at the end of a wait."""

    health: Health
    message: str
    pace: str = ""
    """At a deadline: whether anything still moved. For people; not the same in two runs, so no part of a status."""


class Watches:
    """What one identity is told about one cluster."""

    def __init__(self, cluster: Client, health: Assessor) -> None:
        self._cluster = cluster
        self._health = health
        self._followed: dict[str, Follower] = {}

    async def ready(
        self, pending: Sequence[Pending], deadline: float, newer: asyncio.Event | None = None
    ) -> Mapping[ObjectKey, Told]:
        """Health of every pending object when all are current or failed, or at the deadline (of the loop's clock)."""
        waiter = _Readiness(pending)
        asked = {(one.path, one.key): one.version for one in pending}
        hurried = await self._wait(waiter, asked, deadline, newer)
        if hurried:
            return waiter.known
        stuck = {key: Workload(path, waiter.selectors[key]) for path, key in asked if key in waiter.selectors}
        unready = {key: one for key, one in stuck.items() if waiter.known[key].health is not Health.CURRENT}
        return waiter.answer(await pod_reasons(self._cluster, unready) if unready else {})

    async def gone(self, leaving: Sequence[Leaving], deadline: float) -> frozenset[ObjectKey]:
        """Which of these objects are gone, when all are or at the deadline."""
        waiter = _Absence(leaving)
        await self._wait(waiter, {(one.path, one.key): "" for one in leaving}, deadline, None)
        return frozenset(waiter.gone)

    async def _wait(
        self,
        waiter: "_Readiness | _Absence",
        asked: Mapping[tuple[str, ObjectKey], str],
        deadline: float,
        newer: asyncio.Event | None,
    ) -> bool:
        """Until the waiter has seen enough; whether something newer ended it."""
        paths: dict[str, list[Asked]] = {}
        for (path, key), version in asked.items():
            paths.setdefault(path, []).append(Asked(waiter, key, version))
        try:
            async with asyncio.timeout_at(deadline):
                for path, group in paths.items():
                    await self._followed.setdefault(path, Follower(self._cluster, path, self._health)).join(group)
                await _either(waiter.over, newer)
        except TimeoutError:
            pass
        finally:
            await self._leave(waiter, paths)
        if waiter.bug:
            raise waiter.bug
        return newer is not None and newer.is_set() and not waiter.over.is_set()

    async def _leave(self, waiter: Waiter, paths: Mapping[str, object]) -> None:
        for path in paths:
            follower = self._followed.get(path)
            if follower is not None and follower.leave(waiter):
                del self._followed[path]
                await follower.stop()


class _Readiness:
    def __init__(self, pending: Sequence[Pending]) -> None:
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._versions: dict[ObjectKey, str] = {}
        self._changed: dict[ObjectKey, float] = {}
        self._unsettled = {one.key for one in pending}
        self.known = {one.key: Told(one.health, one.message) for one in pending}
        self.selectors: dict[ObjectKey, Mapping[str, str]] = {}
        self.over = asyncio.Event()
        self.bug: BaseException | None = None

    def see(self, key: ObjectKey, sight: Sight) -> None:
        """Take note of how an object is. One that failed may still get ready while others are waited for."""
        if self._versions.get(key, sight.version) != sight.version:
            self._changed[key] = self._clock()
        self._versions[key] = sight.version
        if sight.selector:
            self.selectors[key] = sight.selector
        if sight.uid:
            self.known[key] = Told(*sight.assessment)
        elif key.kind == "Job":
            self.known[key] = Told(Health.CURRENT, "finished, and removed after its time to live")
        else:
            self.known[key] = Told(Health.FAILED, "it was deleted by somebody else")
        if self.known[key].health in _SETTLED:
            self._settle(key)
        else:
            self._unsettled.add(key)

    def lose(self, key: ObjectKey, error: ReconcilerError) -> None:
        """Take note that nobody can tell."""
        self.known[key] = Told(Health.PROGRESSING, f"cannot be watched: {error.message}")
        self._settle(key)

    def crash(self, error: BaseException) -> None:
        """End the wait with a bug."""
        self.bug = error
        self.over.set()

    def answer(self, reasons: Mapping[ObjectKey, str]) -> Mapping[ObjectKey, Told]:
        """What is known, with why pods do not start, and of what is not settled whether it still moved."""
        return {key: self._told(key, reasons.get(key, "")) for key in self.known}

    def _told(self, key: ObjectKey, reason: str) -> Told:
        told = self.known[key]
        message = f"{told.message}; {reason}" if reason and told.message else reason or told.message
        return Told(told.health, message, self._pace(key) if key in self._unsettled else "")

    def _pace(self, key: ObjectKey) -> str:
        now = self._clock()
        quiet = now - self._changed.get(key, self._began)
        if quiet * 2 >= now - self._began:
            return f"nothing has changed for {duration.text(quiet)}"
        return f"last change {duration.text(quiet)} ago"

    def _settle(self, key: ObjectKey) -> None:
        self._unsettled.discard(key)
        if not self._unsettled:
            self.over.set()


class _Absence:
    def __init__(self, leaving: Sequence[Leaving]) -> None:
        self._uids = {one.key: one.uid for one in leaving}
        self._unsure = set(self._uids)
        self.gone: set[ObjectKey] = set()
        self.over = asyncio.Event()
        self.bug: BaseException | None = None

    def see(self, key: ObjectKey, sight: Sight) -> None:
        """Take note of an object that is gone, or another one by now."""
        if sight.uid != self._uids[key]:
            self.gone.add(key)
            self._settle(key)

    def lose(self, key: ObjectKey, error: ReconcilerError) -> None:  # noqa: ARG002 - whatever it is, nobody can tell
        """Nobody can tell, so it is not known to be gone."""
        self._settle(key)

    def crash(self, error: BaseException) -> None:
        """End the wait with a bug."""
        self.bug = error
        self.over.set()

    def _settle(self, key: ObjectKey) -> None:
        self._unsure.discard(key)
        if not self._unsure:
            self.over.set()


async def _either(over: asyncio.Event, newer: asyncio.Event | None) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in (over, newer) if event is not None]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
