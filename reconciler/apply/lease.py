"""One run at a time on one cluster: a Lease per fleet and cluster beside the inventories.

Taken with one request before the first write and given back with one after the last; renewed in the background
meanwhile. A holder that stops renewing is followed after the Lease's own duration, measured by our clock from the
moment when we saw it renewed last, so that clocks need not agree; one that is known to be dead, at once. Where Leases
are forbidden, the inventories' preconditions still protect, and the caller is told once.
"""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Callable

import msgspec

from reconciler.adapters import clock, whoami
from reconciler.adapters.kube.client import Client
from reconciler.adapters.kube.resources import Resource
from reconciler.apply.inventory import ensure_namespace
from reconciler.apply.ownership import field_manager
from reconciler.model.errors import ApiError, ReconcilerError, Refused, Unreachable
from reconciler.model.objects import Object, digest_of

SECONDS = 30
"""How long a Lease holds without being renewed."""
RENEW_SECONDS = 10.0
"""How often it is renewed."""
RELEASE_SECONDS = 3.0
"""How long giving it back may take; after that it expires by itself."""
LEASES = Resource("coordination.k8s.io/v1", "leases", namespaced=True)


class Where(msgspec.Struct, frozen=True):
    """Which Lease."""

    fleet: str
    cluster: str
    """Cluster id."""
    namespace: str

    @property
    def name(self) -> str:
        """Name of the Lease."""
        return f"reconciler.{self.fleet}.{digest_of([self.fleet, self.cluster])[:16]}"


class Held:
    """A Lease in our hands. `lost` is set when somebody else has it, with `why`."""

    def __init__(self, client: Client, where: Where, live: Object) -> None:
        self.client = client
        self.where = where
        self.live = live
        self.lost = asyncio.Event()
        self.why: ReconcilerError | None = None
        self._stop = asyncio.Event()
        self._renewing = asyncio.create_task(self._renew(), name=f"renew {where.name}")

    async def release(self) -> None:
        """Stop renewing and give it back; a failure is no matter, because it expires."""
        self._stop.set()
        with contextlib.suppress(ReconcilerError, TimeoutError):
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._renewing
                if not self.lost.is_set():
                    path = LEASES.path(self.where.namespace, self.where.name)
                    await self.client.delete(path, resource_version=self.live["metadata"]["resourceVersion"])
        self._renewing.cancel()

    async def _renew(self) -> None:
        ticks = asyncio.get_running_loop().time
        renewed = ticks()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), RENEW_SECONDS)
                return
            try:
                self.live = await _replace(self.client, self.where, self.live, holder_of(self.live))
                renewed = ticks()
            except ReconcilerError as error:
                taken = isinstance(error, Refused)
                if taken or ticks() - renewed > SECONDS:
                    text = f"the Lease {self.where.namespace}/{self.where.name} was lost: {error.message}"
                    self.why = Refused("lease-lost", text) if taken else Unreachable("lease-lost", text)
                    self.lost.set()
                    return


class Leases:
    """The Leases of one program. `keep`: they are held until it ends, instead of until each delivery does."""

    def __init__(self, *, keep: bool = False, timeout: float = 60.0) -> None:
        self._keep = keep
        self._timeout = timeout
        """Seconds to wait for another run; 0 leaves at once."""
        self._held: dict[tuple[str, Where], Held] = {}
        self._warned: set[tuple[str, Where]] = set()

    async def take(self, client: Client, where: Where, warn: Callable[[str], None]) -> tuple[Held | None, bool]:
        """The Lease, and whether somebody else had it meanwhile, so that what was read before may be old.

        None where Leases are forbidden. Refused when another run holds it for longer than we wait.
        """
        known = client.connection.server, where
        mine = self._held.get(known)
        if mine is not None and not mine.lost.is_set():
            mine.client = client
            return mine, False
        try:
            live, waited = await _acquired(client, where, self._timeout)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            if known not in self._warned:
                self._warned.add(known)
                text = f"no Lease protects this cluster from two runs at once, only its inventories do: {error.message}"
                warn(text)
            return None, False
        held = self._held[known] = Held(client, where, live)
        return held, waited or mine is not None

    async def done(self, held: Held) -> None:
        """A delivery has done its writes: give the Lease back, unless it is kept."""
        if not self._keep:
            await self._give_back(held)

    async def aclose(self) -> None:
        """Give all back."""
        for held in tuple(self._held.values()):
            await self._give_back(held)

    async def _give_back(self, held: Held) -> None:
        for known, one in tuple(self._held.items()):
            if one is held:
                del self._held[known]
                await held.release()


@contextlib.asynccontextmanager
async def unless_lost(held: Held | None) -> AsyncIterator[None]:
    """Run a block as long as the Lease is ours; what took it is raised when it is not any more."""
    if held is None:
        yield
        return
    task = asyncio.current_task()
    if task is None:
        raise AssertionError("a Lease is held by a task")
    watching = asyncio.create_task(_cancel_when_lost(held, task), name="notice a lost Lease")
    try:
        yield
    except asyncio.CancelledError:
        if held.why is None or task.uncancel() > 0:
            raise
        raise held.why from None
    finally:
        watching.cancel()


async def _cancel_when_lost(held: Held, task: "asyncio.Task[object]") -> None:
    await held.lost.wait()
    task.cancel()


def holder_of(lease: Object) -> str:
    """Who holds a Lease; empty when nobody does."""
    return (lease.get("spec") or {}).get("holderIdentity") or ""


async def _acquired(client: Client, where: Where, patience: float) -> tuple[Object, bool]:
    ticks = asyncio.get_running_loop().time
    me, deadline, waited = whoami.identity(), ticks() + patience, False
    while True:
        try:
            return await _create(client, where, me), waited
        except ApiError as error:
            if error.status != 409:
                raise
        waited = True
        live = await _let_go(client, where, me, deadline)
        if live is None:
            continue
        if holder_of(live) == me:
            return live, waited
        with contextlib.suppress(Refused):
            return await _replace(client, where, live, me), waited


async def _let_go(client: Client, where: Where, me: str, deadline: float) -> Object | None:
    """Wait until nobody holds it: None when it is gone, or the Lease that may be taken over. Refused otherwise."""
    path = LEASES.path(where.namespace, where.name)
    ticks = asyncio.get_running_loop().time
    try:
        live = await client.get(path)
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    expires = ticks() + _seconds(live)
    while not (holder_of(live) in ("", me) or whoami.is_dead(holder_of(live)) or ticks() >= expires):
        if ticks() >= deadline:
            raise _occupied(client, live)
        try:
            async with asyncio.timeout_at(min(expires, deadline)):
                news = await _next(client, where, live)
        except TimeoutError:
            continue
        if news is None:
            return None
        if _observed(news) != _observed(live):
            expires = ticks() + _seconds(news)
        live = news
    return live


async def _next(client: Client, where: Where, live: Object) -> Object | None:
    """The Lease after its next change; None when it is gone."""
    path = LEASES.path(where.namespace)
    since = live["metadata"]["resourceVersion"]
    try:
        async with contextlib.aclosing(client.watch(path, since, f"metadata.name={where.name}")) as events:
            async for event, news in events:
                return None if event == "DELETED" else news
    except ApiError as error:
        if error.status not in (403, 410):
            raise
        await asyncio.sleep(1)
    try:
        return await client.get(f"{path}/{where.name}")
    except ApiError as error:
        if error.status == 404:
            return None
        raise


def _observed(lease: Object) -> tuple[object, object]:
    return holder_of(lease), (lease.get("spec") or {}).get("renewTime")


def _seconds(lease: Object) -> float:
    return float((lease.get("spec") or {}).get("leaseDurationSeconds") or SECONDS)


async def _create(client: Client, where: Where, me: str) -> Object:
    now = _now()
    body = {
        "apiVersion": LEASES.api_version,
        "kind": "Lease",
        "metadata": {
            "name": where.name,
            "namespace": where.namespace,
            "labels": {"reconciler.clusternet.io/fleet": where.fleet, "app.kubernetes.io/managed-by": "reconciler"},
            "annotations": {"reconciler.clusternet.io/cluster": where.cluster},
        },
        "spec": {"holderIdentity": me, "leaseDurationSeconds": SECONDS, "acquireTime": now, "renewTime": now},
    }
    manager, path = field_manager(where.fleet), LEASES.path(where.namespace)
    try:
        return await client.create(path, body, manager)
    except ApiError as error:
        if error.status != 404:
            raise
    await ensure_namespace(client, where.namespace, manager)
    return await client.create(path, body, manager)


async def _replace(client: Client, where: Where, live: Object, me: str) -> Object:
    """Renew it, or take it over; Refused when somebody else was faster."""
    path = LEASES.path(where.namespace, where.name)
    before, now = live["spec"], _now()
    moves = before.get("holderIdentity") != me
    spec = {**before, "holderIdentity": me, "leaseDurationSeconds": SECONDS, "renewTime": now}
    if moves:
        spec |= {"acquireTime": now, "leaseTransitions": (before.get("leaseTransitions") or 0) + 1}
    try:
        return await client.replace(path, {**live, "spec": spec}, field_manager(where.fleet), urgent=True)
    except ApiError as error:
        if error.status not in (404, 409):
            raise
    try:
        there = await client.get(path, urgent=True)
    except ApiError as gone:
        if gone.status != 404:
            raise
        raise Refused("lease-lost", "somebody deleted it") from gone
    if holder_of(there) == me:
        return there
    raise _occupied(client, there)


def _now() -> str:
    return clock.now().astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _occupied(client: Client, live: Object) -> Refused:
    spec = live.get("spec") or {}
    what = f"another run works on {client.connection}: {whoami.shown(holder_of(live))} since {spec.get('acquireTime')}"
    return Refused("another-run", what, "let it finish and run again, or wait longer with --lease-timeout")
