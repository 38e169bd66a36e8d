"""Polls that changed nothing are written together, soon, and not at the expense of anything else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Outcome, Poll, StoreError
from trioscrape._run.poll_log import GRACE, PERIOD, TOGETHER
from trioscrape.testing import Internet, MemoryStore, Site

from support.scenarios import healthy, open_all, results_of, rss

PATIENT = {"read_timeout": 200, "fetch_timeout": 300}


class CountingStore(MemoryStore):
    """Knows when polls were added, and how many each time; fails to add any for as long as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.added: list[tuple[float, int]] = []
        self.fails_until = 0.0

    async def add_polls(self, polled: Sequence[tuple[str, Poll]]) -> None:
        self.unavailable = "away" if trio.current_time() < self.fails_until else None
        await super().add_polls(polled)
        self.added.append((trio.current_time(), len(polled)))

    @property
    def polls(self) -> set[int]:
        """How many polls feeds have had."""
        return {history.polls for history in self.history.values()}


async def fetched(internet: Internet) -> CountingStore:
    """A store that has all feeds."""
    store = CountingStore()
    async with open_all(internet, store, **PATIENT) as scrape:
        assert {result.outcome for result in await results_of(scrape)} == {Outcome.NEW}
    assert store.added == []
    return store


async def test_many_are_written_together(autojump_clock: MockClock) -> None:
    internet = healthy(2 * TOGETHER + 100)
    store = await fetched(internet)
    writes = store.writes
    async with open_all(internet, store) as scrape:
        found = await results_of(scrape)

    assert {(result.outcome, result.stored) for result in found} == {(Outcome.NOT_MODIFIED, False)}
    assert [polls for _, polls in store.added] == [TOGETHER, TOGETHER, 100]
    assert (store.polls, store.writes) == ({2}, writes)


async def test_one_alone_is_written_soon(autojump_clock: MockClock) -> None:
    internet = healthy(1)
    internet.sites["slow.test"] = Site(body=rss("slow"), first_byte=20)
    store = await fetched(internet)
    began = trio.current_time()
    async with open_all(internet, store, **PATIENT) as scrape:
        await results_of(scrape)

    (first, _), (second, _) = store.added
    assert began <= first < began + 2 * PERIOD
    assert began + 20 <= second == trio.current_time()


@pytest.mark.parametrize("how", ["drain", "cancel", "the block is left"])
async def test_what_is_there_is_written_at_an_early_end(autojump_clock: MockClock, how: str) -> None:
    internet = healthy(10)
    internet.sites["slow.test"] = Site(body=rss("slow"), first_byte=20)
    store = await fetched(internet)
    async with open_all(internet, store, **PATIENT) as scrape:
        for _ in range(10):
            await anext(scrape)
        assert store.added == []
        if how == "drain":
            scrape.drain(0)
        elif how == "cancel":
            scrape.cancel()
        if how != "the block is left":
            await results_of(scrape)

    assert [polls for _, polls in store.added] == [10]


async def test_an_outage_costs_no_poll(autojump_clock: MockClock) -> None:
    internet = healthy(2 * TOGETHER, first_byte=1)
    internet.sites["slow.test"] = Site(body=rss("slow"), first_byte=100)
    store = await fetched(internet)
    store.fails_until = trio.current_time() + 50
    async with open_all(internet, store, **PATIENT) as scrape:
        await results_of(scrape)

    assert store.polls == {2}


async def test_at_the_end_they_are_not_worth_a_long_wait(autojump_clock: MockClock) -> None:
    internet = healthy(10)
    store = await fetched(internet)
    store.fails_until, began = trio.current_time() + 1000, trio.current_time()
    async with open_all(internet, store) as scrape:
        assert len(await results_of(scrape)) == 10
        store.unavailable = None

    assert trio.current_time() - began < GRACE + 1
    assert store.polls == {1}


async def test_a_store_that_is_gone_ends_the_run(autojump_clock: MockClock) -> None:
    internet = healthy(10)
    internet.sites["slow.test"] = Site(body=rss("slow"), first_byte=100)
    store = await fetched(internet)
    store.fails_until = trio.current_time() + 1000
    with pytest.raises(StoreError, match="away"):
        async with open_all(internet, store, outage_timeout=5, **PATIENT) as scrape:
            await results_of(scrape)
