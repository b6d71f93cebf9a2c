"""Slots for clusters: silent ones do not hold them, those that speak do."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.sync import room
from reconciler.sync.room import Room


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PATIENCE", 0.05)


def test_seventy_clusters_that_hang_cost_a_good_one_a_moment() -> None:
    async def main() -> float:
        clock, rooms = asyncio.get_running_loop().time, Room(64)
        began = clock()

        async def hang() -> None:
            async with rooms.stay():
                await asyncio.sleep(60)

        hanging = [asyncio.create_task(hang()) for _ in range(70)]
        await asyncio.sleep(0)
        async with rooms.stay():
            took = clock() - began
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        return took

    assert asyncio.run(main()) < 5


def test_clusters_that_speak_hold_their_slots() -> None:
    async def main() -> int:
        clock, rooms = asyncio.get_running_loop().time, Room(2)
        inside, most = 0, 0

        async def work() -> None:
            nonlocal inside, most
            async with rooms.stay() as stay:
                stay.listen(clock)
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.15)
                inside -= 1

        await asyncio.gather(*(work() for _ in range(5)))
        return most

    assert asyncio.run(main()) == 2


def test_slots_are_all_given_back() -> None:
    async def main() -> None:
        rooms = Room(1)
        for silence in (0.0, 0.15, 0.0):
            async with asyncio.timeout(10), rooms.stay():
                await asyncio.sleep(silence)

    asyncio.run(main())
