"""Several coroutines side by side with one owner: all end before anybody goes on, an expected error stays itself."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from reconciler.model.errors import ReconcilerError

S = TypeVar("S")
T = TypeVar("T")

AT_ONCE = 100
"""How many of many are begun: more than a connection has slots, because some of them wait for something else."""


async def all_of(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Their answers in their order. The first expected error ends the others and is raised as it is, not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except ExceptionGroup as failures:
        expected, bugs = failures.split(ReconcilerError)
        if bugs or expected is None:
            raise
        raise _first(expected) from failures
    return [task.result() for task in tasks]


async def each_of(work: Callable[[S], Coroutine[Any, Any, T]], items: Sequence[S]) -> list[T]:
    """As `all_of` for work on many items, `AT_ONCE` at a time: an item that is not begun yet takes no memory."""
    answers: dict[int, T] = {}
    queue = iter(enumerate(items))

    async def take() -> None:
        for number, item in queue:
            answers[number] = await work(item)

    await all_of(take() for _ in range(min(AT_ONCE, len(items))))
    return [answers[number] for number in range(len(items))]


def _first(group: ExceptionGroup[Any]) -> Exception:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
