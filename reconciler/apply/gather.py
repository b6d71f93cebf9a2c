"""Several coroutines side by side with one owner: all end before anybody goes on, an expected error stays itself."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from reconciler.model.errors import ReconcilerError

T = TypeVar("T")


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


def _first(group: ExceptionGroup[Any]) -> Exception:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
