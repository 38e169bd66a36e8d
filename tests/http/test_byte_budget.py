"""How many bytes may be in memory at once."""

import trio
from trio.testing import wait_all_tasks_blocked

from trioscrape._http.byte_budget import ByteBudget


async def test_a_feed_waits_until_another_gives_back() -> None:
    budget = ByteBudget(100)
    order = []

    async def reader(name: str, size: int, go_on: trio.Event) -> None:
        with budget.reservation() as reservation:
            await reservation.grow(size)
            reservation.complete()
            order.append(name)
            await go_on.wait()

    first, second = trio.Event(), trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader, "first", 80, first)
        await wait_all_tasks_blocked()
        with budget.reservation() as oldest:
            await oldest.grow(10)  # reads longest from now on
            nursery.start_soon(reader, "second", 50, second)
            await wait_all_tasks_blocked()
            assert order == ["first"]
            first.set()
            await wait_all_tasks_blocked()
            assert order == ["first", "second"]
        second.set()


async def test_the_one_that_reads_longest_never_waits() -> None:
    """Else two half-read bodies could wait for each other for ever."""
    budget = ByteBudget(100)

    with budget.reservation() as one, budget.reservation() as other:
        await one.grow(60)
        await other.grow(40)
        await one.grow(1000)
        with trio.move_on_after(0) as scope:
            await other.grow(1)

    assert scope.cancelled_caught


async def test_whole_bodies_are_waited_for_by_all(autojump_clock: trio.testing.MockClock) -> None:
    """Else each feed in its turn would be the one that reads longest, and all bodies would be reservation."""
    budget = ByteBudget(100)
    with budget.reservation() as other:
        with budget.reservation() as whole:
            await whole.grow(60)
            whole.complete()
            with trio.move_on_after(1) as scope:
                await other.grow(60)
        assert scope.cancelled_caught
        await other.grow(60)

    assert budget.reserved == 0


async def test_a_part_that_is_given_back(autojump_clock: trio.testing.MockClock) -> None:
    budget = ByteBudget(100)
    with budget.reservation() as one, budget.reservation() as other:
        await one.grow(90)

        async def wait() -> None:
            await other.grow(50)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            assert other.size == 0
            one.shrink(60)

        assert (one.size, other.size) == (30, 50)


async def test_everything_is_given_back(autojump_clock: trio.testing.MockClock) -> None:
    budget = ByteBudget(10)
    for _ in range(100):
        with budget.reservation() as reservation:
            await reservation.grow(10)

    assert budget.reserved == 0


async def test_first_come_first_served(autojump_clock: trio.testing.MockClock) -> None:
    """Small documents that fit, one after the other, would keep a large one from its end for ever."""
    budget = ByteBudget(100)
    order = []

    async def reader(name: str, size: int) -> None:
        with budget.reservation() as reservation:
            await reservation.grow(size)
            reservation.complete()
            order.append(name)
            await trio.sleep(10)

    async with trio.open_nursery() as nursery:
        for name, size in [("a", 60), ("large", 95), ("b", 10), ("c", 10)]:
            nursery.start_soon(reader, name, size)
            await wait_all_tasks_blocked()

    assert order[:2] == ["a", "large"]
    assert sorted(order) == ["a", "b", "c", "large"]


async def test_one_who_gives_up_holds_up_nobody(autojump_clock: trio.testing.MockClock) -> None:
    budget = ByteBudget(100)
    with budget.reservation() as whole, budget.reservation() as large, budget.reservation() as small:
        await whole.grow(60)
        whole.complete()
        async with trio.open_nursery() as nursery:

            async def give_up() -> None:
                with trio.move_on_after(5):
                    await large.grow(90)

            nursery.start_soon(give_up)
            await wait_all_tasks_blocked()
            nursery.start_soon(small.grow, 20)
            await wait_all_tasks_blocked()
            assert small.size == 0

        assert trio.current_time() == 5
        assert (large.size, small.size) == (0, 20)
