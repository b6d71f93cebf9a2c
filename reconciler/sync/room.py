"""How many clusters are worked on at once, counting only those that answer.

A cluster that says nothing for a moment (it hangs, or is only waited for) gives its slot to the next one, and takes one
again when it speaks. So a hundred dead addresses cost the others a moment, and what is in memory at once stays bounded
by the clusters that are really read and written.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

PATIENCE = 1.0
"""Seconds of silence after which a cluster gives its slot to the next one."""


class Stay:
    """One cluster in the room."""

    def __init__(self, slots: asyncio.Semaphore, began: float) -> None:
        self._slots = slots
        self._held = True
        self._heard: Callable[[], float] = lambda: began

    def listen(self, heard: Callable[[], float]) -> None:
        """Go by this from now on: when the cluster spoke last, on the loop's clock."""
        self._heard = heard

    async def watch(self) -> None:
        """Give the slot away while the cluster is silent. Runs until it is cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            silent = clock() - self._heard()
            if self._held and silent >= PATIENCE:
                self.leave()
            elif not self._held and silent < PATIENCE:
                await self._slots.acquire()
                self._held = True
            await asyncio.sleep(max(PATIENCE - silent, PATIENCE / 4) if self._held else PATIENCE / 4)

    def leave(self) -> None:
        """Give the slot back, if it is held."""
        if self._held:
            self._held = False
            self._slots.release()


class Room:
    """So many clusters at once, not counting silent ones."""

    def __init__(self, clusters: int) -> None:
        self._slots = asyncio.Semaphore(clusters)

    @contextlib.asynccontextmanager
    async def stay(self) -> AsyncIterator[Stay]:
        """Wait for a slot, and hold it as long as the block runs and the cluster answers."""
        await self._slots.acquire()
        stay = Stay(self._slots, asyncio.get_running_loop().time())
        watching = asyncio.create_task(stay.watch(), name="watch for silence")
        try:
            yield stay
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            stay.leave()
