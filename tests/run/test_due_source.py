"""The feeds of a watch as they fall due: what the budget allows, and what a clock does that is set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import trio
from trio.testing import MockClock

from trioscrape import Outcome, Polling, Result
from trioscrape._hosts.queue import HostQueue
from trioscrape._hosts.retry_after import Pauses
from trioscrape._lane import Lane
from trioscrape._run.candidates import Candidate
from trioscrape._run.due_source import DueSource
from trioscrape._schedule.planner import Planner
from trioscrape._store.lane import StoreLane
from trioscrape.testing import MemoryStore

BEGAN = datetime(2026, 3, 2, 12, tzinfo=UTC)


class WallClock:
    """One that may be set, and is looked at a bounded number of times."""

    def __init__(self) -> None:
        self.set_by, self.looks = timedelta(), 0

    def __call__(self) -> datetime:
        self.looks += 1
        assert self.looks < 1000, "nobody waits here"
        return BEGAN + timedelta(seconds=trio.current_time()) + self.set_by


@asynccontextmanager
async def opened(feeds: list[str], now: WallClock, budget: float | None = None) -> AsyncIterator[DueSource]:
    store = StoreLane(MemoryStore(), Lane("store", 1), 1.0)
    pauses = Pauses(HostQueue[Candidate](1), now)
    source = DueSource(feeds, store, Planner(Polling()), pauses, now, budget)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(source.receive)
        yield source
        nursery.cancel_scope.cancel()
    await source.aclose()


async def test_a_budget_that_misses_next_to_nothing_is_there(autojump_clock: MockClock) -> None:
    await trio.sleep(1000)
    async with opened(["http://a.test/"], WallClock(), budget=1.0) as source:
        source._saved = 1 - 2**-53
        assert len(await source.take()) == 1


async def test_a_clock_that_is_set_back_puts_nothing_off(autojump_clock: MockClock) -> None:
    now = WallClock()
    async with opened([f"http://{name}.test/" for name in "abc"], now) as source:
        for each in await source.take():
            due = now() + timedelta(minutes=30)
            await source.ended(Result(each.feed, Outcome.UPDATED, next_fetch=due))
        with trio.move_on_after(60):
            await source.take()
        now.set_by = timedelta(days=-60)
        assert len(await source.take()) == 3
        assert trio.current_time() < 32 * 60
        assert source.planner.calendar.between(0, now().timestamp() + 86_400) == 0
