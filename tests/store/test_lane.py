"""The store behind its lane: calls that fail are made again, in virtual time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import trio
from trio.testing import MockClock

from trioscrape import (
    EntryCounts,
    FeedState,
    FeedUpdate,
    StoreError,
)
from trioscrape._errors import FeedFailed
from trioscrape._lane import Lane, Timings
from trioscrape._store.lane import FIRST_WAIT, LONGEST_WAIT, OWN_FAILURES, OutageInDoubt, StoreLane

from support.faulty_stores import AwayStore, OneTooMany
from support.stores import entry, report, update


def lane(store: AwayStore, outage_timeout: float = 300, jitter: float = 0) -> StoreLane:
    return StoreLane(store, Lane("store", store.width), outage_timeout, jitter=lambda: jitter)


async def save(lane: StoreLane, number: int, timings: Timings | None = None) -> EntryCounts:
    return await lane.save(update(entry(), feed_id=f"{number:032x}"), timings or Timings())


async def save_one_by_one(lane: StoreLane, first: int, count: int) -> None:
    for number in range(first, first + count):
        await save(lane, number)


async def test_it_is_tried_after_ever_longer_waits(autojump_clock: MockClock) -> None:
    store = AwayStore((0, 60))

    assert await save(lane(store), 1) == EntryCounts(new=1)

    waits = [called - failed for failed, called in zip(store.refused, store.calls[1:], strict=True)]
    assert waits == [min(FIRST_WAIT * 2**n, LONGEST_WAIT) for n in range(len(waits))]
    assert waits[-1] == LONGEST_WAIT


async def test_jitter_cuts_a_wait_by_up_to_a_half(autojump_clock: MockClock) -> None:
    store = AwayStore((0, math.inf))
    with trio.move_on_after(1.6):
        await save(lane(store, jitter=1), 1)

    assert store.calls == [0, 1 + FIRST_WAIT / 2]


async def test_one_at_a_time_tries_and_the_others_have_no_slot(autojump_clock: MockClock) -> None:
    store, saved = AwayStore((0, 100)), []
    waiting = lane(store)

    async def save_and_note(number: int) -> None:
        await save(waiting, number)
        saved.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(100):
            nursery.start_soon(save_and_note, number)
        await trio.sleep(1.1)
        assert store.most_busy == store.width  # those that were on their way when it was found out
        store.most_busy = 0
        await trio.sleep_until(1 + FIRST_WAIT)
        await trio.testing.wait_all_tasks_blocked()
        assert len(store.calls) == store.width + 1  # they have failed as one
        await trio.sleep_until(99)
        assert store.most_busy == 1
        assert waiting._lane.statistics().waiting == 0
        assert saved == []

    assert len(saved) == len(store.feeds) == 100
    assert store.most_busy == store.width


async def test_one_that_fails_by_itself_is_given_up(autojump_clock: MockClock) -> None:
    store = OneTooMany()
    waiting = lane(store, outage_timeout=50)
    async with trio.open_nursery() as nursery:
        for first in (1, 101, 201):
            nursery.start_soon(save_one_by_one, waiting, first, 100)
        with pytest.raises(FeedFailed) as caught:
            await save(waiting, 0)
        assert (caught.value.reason, caught.value.detail) == (
            "not-stored",
            "too slow; other feeds were stored meanwhile",
        )
        assert waiting.outage is None
        assert trio.current_time() < 100

    assert len(store.feeds) == 300
    # The first time it may have been the store, and then it is asked whether it was; and a failure
    # does not count for which nobody else was stored since the one before.
    assert 1 + OWN_FAILURES < store.too_many <= 2 * OWN_FAILURES + 1


async def test_those_that_were_merged_with_it_are_not(autojump_clock: MockClock) -> None:
    store = OneTooMany(merging=True)
    waiting = lane(store, outage_timeout=1000)
    async with trio.open_nursery() as nursery:
        for first in (1, 101, 201):
            nursery.start_soon(save_one_by_one, waiting, first, 100)
        await trio.sleep(5)
        with pytest.raises(FeedFailed, match="not-stored"):
            await save(waiting, 0)

    assert len(store.feeds) == 300
    assert store.merged >= OWN_FAILURES


async def test_alone_it_waits_for_the_outage_timeout(autojump_clock: MockClock) -> None:
    store = OneTooMany()
    waiting = lane(store, outage_timeout=50)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(save_one_by_one, waiting, 1, 15)
        with pytest.raises(FeedFailed, match="nothing could be stored for 50 s"):
            await save(waiting, 0)

    assert len(store.feeds) == 15
    assert store.too_many > 2


async def test_a_store_that_comes_and_goes_gives_up_nobody(autojump_clock: MockClock) -> None:
    store = AwayStore(*((20 * n, 20 * n + 12) for n in range(50)))
    waiting = lane(store)
    async with trio.open_nursery() as nursery:
        for number in range(300):
            nursery.start_soon(save, waiting, number)

    assert len(store.feeds) == 300
    assert trio.current_time() > 150


async def test_a_store_that_can_be_read_takes_nothing_all_the_same(autojump_clock: MockClock) -> None:
    """Its disk is full."""

    class Full(AwayStore):
        async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
            return {}

    store = Full((0, 100))
    waiting = lane(store)
    async with trio.open_nursery() as nursery:
        for number in range(2):
            nursery.start_soon(save, waiting, number)
        await trio.sleep(2)
        for _ in range(5):
            assert await waiting.load(["x"]) == {}
            assert waiting.takes_nothing
        assert trio.current_time() < 100

    assert len(store.feeds) == 2


async def test_a_single_save_that_fails_leaves_the_outage_in_doubt(autojump_clock: MockClock) -> None:
    """Another one may show that it was none, or the next one shows that it was."""
    store = AwayStore((0, 100), (200, math.inf))
    waiting = lane(store, 50)
    with pytest.raises(OutageInDoubt, match="nothing could be stored for 50 s"):
        await save(waiting, 1)
    assert waiting.outage is not None
    assert not waiting.takes_nothing
    await trio.sleep_until(150)
    assert await save(waiting, 2) == EntryCounts(new=1)
    assert waiting.outage is None

    await trio.sleep_until(200)
    with pytest.raises(OutageInDoubt):
        await save(waiting, 3)
    with pytest.raises(StoreError, match="nothing could be stored for 50 s"):
        await save(waiting, 4)
    assert waiting.takes_nothing


async def test_the_outage_timeout_begins_anew_with_each_success(autojump_clock: MockClock) -> None:
    store = AwayStore(*((100 * n, 100 * n + 25) for n in range(10)))
    waiting = lane(store, outage_timeout=30)
    for number in range(500):
        await save(waiting, number)
        await trio.sleep(1)

    assert trio.current_time() > 925


@pytest.mark.parametrize("seconds", [0.0, 0.1, 7.0, 300.0])
async def test_a_last_attempt_is_made_at_the_outage_timeout(
    autojump_clock: MockClock, seconds: float
) -> None:
    store = AwayStore((0, math.inf))
    with pytest.raises(OutageInDoubt) as caught:
        await save(lane(store, seconds), 1)

    error = caught.value.error
    assert type(error) is StoreError
    assert str(error) == "away" + (f"; nothing could be stored for {seconds:g} s" if seconds else "")
    ends = 1 + seconds  # the first attempt takes a second
    assert store.calls[-1] <= ends <= trio.current_time() <= ends + 1


async def test_what_is_no_outage_is_raised_at_once(autojump_clock: MockClock) -> None:
    class Refusing(AwayStore):
        async def save(self, update: FeedUpdate) -> EntryCounts:
            raise StoreError("no such user")

    with pytest.raises(StoreError, match=r"^no such user$"):
        await save(lane(Refusing()), 1)

    assert trio.current_time() == 0


async def test_waiting_is_charged_to_no_lane(autojump_clock: MockClock) -> None:
    store, timings = AwayStore((0, 100)), Timings()

    await save(lane(store), 1, timings)

    assert timings.lanes["store"].worked == len(store.calls)
    assert timings.lanes["store"].waited == 0


async def test_loading_and_recording_wait_as_well(autojump_clock: MockClock) -> None:
    store = AwayStore((0, 20), (100, 120))
    waiting = lane(store)

    assert await waiting.load(["x"]) == {}
    assert trio.current_time() >= 20
    await trio.sleep_until(100)
    await waiting.record_run(report())
    assert trio.current_time() >= 120
    assert len(store.runs) == 1


async def test_cancelled_while_it_waits(autojump_clock: MockClock) -> None:
    store = AwayStore((0, 55))
    waiting = lane(store)
    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(save, waiting, number)
        await trio.sleep(50)
        nursery.cancel_scope.cancel()

    await trio.sleep(10)
    assert await save(waiting, 1) == EntryCounts(new=1)
    assert waiting.outage is None
