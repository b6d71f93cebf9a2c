"""Work on many items: answers in their order, so many at a time, and an expected error as itself."""

import asyncio

import pytest

from reconciler.apply.gather import AT_ONCE, all_of, each_of
from reconciler.model.errors import Refused


def test_answers_come_in_the_order_of_the_items() -> None:
    async def later(number: int) -> int:
        await asyncio.sleep(0.001 * (number % 3))
        return number * number

    assert asyncio.run(each_of(later, range(10))) == [number * number for number in range(10)]
    assert asyncio.run(each_of(later, [])) == []


def test_an_item_is_not_begun_before_one_of_many_is_done() -> None:
    begun: list[int] = []

    async def main() -> None:
        go_on = asyncio.Event()

        async def wait(number: int) -> None:
            begun.append(number)
            await go_on.wait()

        task = asyncio.create_task(each_of(wait, range(3 * AT_ONCE)))
        await asyncio.sleep(0.01)
        assert len(begun) == AT_ONCE
        go_on.set()
        await task

    asyncio.run(main())
    assert begun == list(range(3 * AT_ONCE))


def test_the_first_expected_error_ends_the_others_and_stays_itself() -> None:
    async def refuse(number: int) -> None:
        if number == 3:
            raise Refused("no", "no")
        await asyncio.sleep(60)

    with pytest.raises(Refused):
        asyncio.run(each_of(refuse, range(9)))


def test_a_bug_is_raised_as_itself_and_before_what_is_expected() -> None:
    async def refused() -> None:
        raise Refused("no", "no")

    async def wrong() -> None:
        raise KeyError("who")

    with pytest.raises(KeyError):
        asyncio.run(all_of([refused(), wrong()]))
    with pytest.raises(KeyError):
        asyncio.run(all_of([all_of([wrong(), refused()]), refused()]))
