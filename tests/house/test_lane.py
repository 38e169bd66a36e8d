"""A lane: bounded, first come first served, and it knows its times."""

import trio
from trio.testing import MockClock

from trioscrape._lane import Lane, Timings


async def test_times_and_counts(autojump_clock: MockClock) -> None:
    lane = Lane("dns", 2)
    trips = [Timings() for _ in range(4)]

    async def turn(timings: Timings) -> None:
        async with lane.slot(timings):
            await trio.sleep(3)

    async with trio.open_nursery() as nursery:
        for timings in trips:
            nursery.start_soon(turn, timings)
        await trio.sleep(1)
        now = lane.statistics()

    assert (now.busy, now.waiting, now.peak_waiting, now.done) == (2, 2, 2, 0)
    after = lane.statistics()
    assert (after.busy, after.waiting, after.done) == (0, 0, 4)
    assert sorted(timings.lanes["dns"].waited for timings in trips) == [0, 0, 3, 3]
    assert {timings.lanes["dns"].worked for timings in trips} == {3}
    assert after.waited.max == 3
    assert after.worked.p50 == 3


async def test_several_turns_of_one_feed_add_up(autojump_clock: MockClock) -> None:
    lane, timings = Lane("http", 1), Timings()
    for _ in range(3):
        async with lane.slot(timings):
            await trio.sleep(1)

    assert timings.lanes["http"].worked == 3


async def test_where_a_feed_is(autojump_clock: MockClock) -> None:
    lane, first, second = Lane("http", 1), Timings(), Timings()

    async def turn(timings: Timings) -> None:
        async with lane.slot(timings):
            await trio.sleep(3)

    assert first.lane is None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turn, first)
        await trio.sleep(1)
        nursery.start_soon(turn, second)
        await trio.sleep(1)
        assert [(each.lane, each.queued) for each in (first, second)] == [("http", False), ("http", True)]
        await trio.sleep(2)
        assert [(each.lane, each.queued) for each in (first, second)] == [(None, False), ("http", False)]


async def test_cancelled_in_the_queue(autojump_clock: MockClock) -> None:
    lane = Lane("store", 1)

    async def holder() -> None:
        async with lane.slot(Timings()):
            await trio.sleep(9)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(holder)
        await trio.sleep(1)
        with trio.move_on_after(1):
            async with lane.slot(Timings()):
                raise AssertionError("there was no slot")
        assert lane.statistics().waiting == 0

    after = lane.statistics()
    assert (after.waiting, after.busy, after.done) == (0, 0, 1)


async def test_cancelled_at_work_gives_the_slot_back(autojump_clock: MockClock) -> None:
    lane = Lane("store", 1)
    with trio.move_on_after(1):
        async with lane.slot(Timings()):
            await trio.sleep_forever()

    assert lane.statistics().busy == 0


async def test_a_free_slot_is_had_at_once() -> None:
    lane, turns = Lane("http", 1), []

    async def take_turn() -> None:
        turns.append("another task's")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_turn)
        async with lane.slot(Timings()):
            turns.append("ours")
    assert turns == ["ours", "another task's"]

    with trio.CancelScope() as scope:
        scope.cancel()
        async with lane.slot(Timings()):
            raise AssertionError("it was cancelled before")
    assert scope.cancelled_caught
