"""Several coroutines side by side with one owner: all end before anybody goes on, and an error stays itself."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from reconciler.model.errors import ReconcilerError

S = TypeVar("S")
T = TypeVar("T")

AT_ONCE = 100
"""How many of many are begun: more than a connection has slots, because some of them wait for something else."""


async def all_of(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Their answers in their order. The first error ends the others and is raised as it is, a bug before others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except ExceptionGroup as failures:
        _, bugs = failures.split(ReconcilerError)
        raise first_of(bugs or failures) from failures
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


def first_of(group: ExceptionGroup[Any]) -> Exception:
    """The first error of a group, which tells what happened; the group tells nothing."""
    first = group.exceptions[0]
    return first_of(first) if isinstance(first, ExceptionGroup) else first
