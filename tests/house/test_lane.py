"""A lane: bounded, first come first served, and it knows its times."""

import trio
from trio.testing import MockClock

from trioscrape._lane import Lane, Trip


async def test_times_and_counts(autojump_clock: MockClock) -> None:
    lane = Lane("dns", 2)
    trips = [Trip() for _ in range(4)]

    async def turn(trip: Trip) -> None:
        async with lane.slot(trip):
            await trio.sleep(3)

    async with trio.open_nursery() as nursery:
        for trip in trips:
            nursery.start_soon(turn, trip)
        await trio.sleep(1)
        now = lane.statistics()

    assert (now.busy, now.waiting, now.peak_waiting, now.done) == (2, 2, 2, 0)
    after = lane.statistics()
    assert (after.busy, after.waiting, after.done) == (0, 0, 4)
    assert sorted(trip.lanes["dns"].waited for trip in trips) == [0, 0, 3, 3]
    assert {trip.lanes["dns"].worked for trip in trips} == {3}
    assert after.waited.max == 3
    assert after.worked.p50 == 3


async def test_several_turns_of_one_feed_add_up(autojump_clock: MockClock) -> None:
    lane, trip = Lane("http", 1), Trip()
    for _ in range(3):
        async with lane.slot(trip):
            await trio.sleep(1)

    assert trip.lanes["http"].worked == 3


async def test_cancelled_in_the_queue(autojump_clock: MockClock) -> None:
    lane = Lane("store", 1)

    async def holder() -> None:
        async with lane.slot(Trip()):
            await trio.sleep(9)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(holder)
        await trio.sleep(1)
        with trio.move_on_after(1):
            async with lane.slot(Trip()):
                raise AssertionError("there was no slot")
        assert lane.statistics().waiting == 0

    after = lane.statistics()
    assert (after.waiting, after.busy, after.done) == (0, 0, 1)


async def test_cancelled_at_work_gives_the_slot_back(autojump_clock: MockClock) -> None:
    lane = Lane("store", 1)
    with trio.move_on_after(1):
        async with lane.slot(Trip()):
            await trio.sleep_forever()

    assert lane.statistics().busy == 0
