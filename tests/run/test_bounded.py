"""Invariant 6: memory is bounded by the configuration, not by the list."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import lru_cache

import pytest
import trio
from trio.testing import MockClock

from trioscrape import (
    Config,
    EntryCounts,
    FeedDocument,
    FeedUpdate,
    Outcome,
    RawFeed,
    open_scrape,
)
from trioscrape._http.locations import listed
from trioscrape.testing import Internet, MemoryStore, Site

from support.long import only_in
from support.scenarios import healthy, open_virtual, rss, run_virtual, urls


class ManySites(dict[str, Site]):
    """Any name is a site with the same small feed."""

    def get(self, key: str, default: object = None) -> Site:  # type: ignore[override]
        return self[key]

    def __missing__(self, key: str) -> Site:
        return Site(body=rss("x"), first_byte=0.5, addresses=["198.18.0.1"])


class ForgetfulStore(MemoryStore):
    """Acknowledges everything and keeps nothing: what grows is then not the store."""

    async def save(self, update: FeedUpdate) -> EntryCounts:
        await trio.lowlevel.checkpoint()
        return EntryCounts(new=len(update.entries))


async def held(feeds: int, measure: Callable[[], int]) -> int:
    """What a scrape holds, by whatever measure, when so many feeds are done and the next has yet to come."""
    internet = Internet(ManySites())
    internet.lookups = internet.connects = internet.requests = Nothing()

    async def endless() -> AsyncGenerator[str]:
        for number in range(feeds):
            yield f"http://h{number}.test/"
        await trio.sleep_forever()

    async with (
        aclosing(endless()) as list_of_feeds,
        open_scrape(
            list_of_feeds,
            store=ForgetfulStore(),
            config=Config(in_flight=50, look_ahead=200),
            resolver=internet,
            connector=internet.connect,
            parser=NoParser(),
        ) as run,
    ):
        for _ in range(feeds):
            assert (await run.__anext__()).outcome is Outcome.NEW
            assert run.statistics().in_flight <= 51
        await trio.sleep(60)  # of virtual time: connections that were kept open are closed
        gc.collect()
        return measure()


class NoParser:
    """A parser takes 10 ms a document under a memory trace, and is another process's in real life."""

    async def parse(self, document: FeedDocument) -> RawFeed:
        await trio.lowlevel.checkpoint()
        return RawFeed()


class Nothing(list[object]):
    """Remembers nothing."""

    def append(self, item: object) -> None:
        pass


@pytest.fixture
def small_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Full after a hundred feeds."""
    monkeypatch.setattr("trioscrape._dns.caching.CACHED_HOSTS", 100)
    monkeypatch.setattr("trioscrape._run.seen.IN_MEMORY", 100)
    monkeypatch.setattr("trioscrape._http.hops.listed", lru_cache(100)(listed.__wrapped__))


@pytest.mark.usefixtures("small_caches")
async def test_6_800_feeds_more_take_no_more_memory(autojump_clock: MockClock) -> None:
    """Nothing is kept of a feed that is done: of twenty of them not a single block of memory."""
    few, many = await held(300, sys.getallocatedblocks), await held(1100, sys.getallocatedblocks)

    assert many - few < 800 / 20


@only_in("many")
@pytest.mark.usefixtures("small_caches")
async def test_6_ten_times_the_feeds_take_the_same_bytes(autojump_clock: MockClock) -> None:
    """Also of what is in a few large blocks."""
    tracemalloc.start()
    try:
        few, many = await held(1000, traced), await held(10_000, traced)
    finally:
        tracemalloc.stop()

    assert many < 1.1 * few


def traced() -> int:
    """Bytes."""
    return tracemalloc.get_traced_memory()[0]


async def test_6_a_slow_consumer_slows_the_lanes(autojump_clock: MockClock) -> None:
    internet = healthy(500)
    async with open_virtual(urls(internet), internet, config=Config(in_flight=20)) as run:
        await run.__anext__()
        await trio.sleep(1000)
        now = run.statistics()

    assert now.accepted <= 22


async def test_6_bytes_in_flight(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """60 bodies of 30 kB and a slow parser: no more than the limit and one body are in memory."""
    from trioscrape._http.byte_budget import ByteBudget, Reservation

    budgets, peaks = [], []
    grow = Reservation.grow

    class Watched(ByteBudget):
        def __init__(self, limit: int) -> None:
            super().__init__(limit)
            budgets.append(self)

    async def watched(reservation: Reservation, size: int) -> None:
        await grow(reservation, size)
        peaks.append(budgets[0].reserved)

    monkeypatch.setattr("trioscrape._run.wiring.ByteBudget", Watched)
    monkeypatch.setattr(Reservation, "grow", watched)
    sites = {f"f{n}.test": Site(body=rss("x") + b" " * 30_000, chunk=1000, per_chunk=0.01) for n in range(60)}
    internet = Internet(sites)
    config = Config(bytes_in_flight=100_000, body_limit=40_000, parse_width=1, fetch_timeout=2)

    _, after = await run_virtual(urls(internet), internet, config=config, parse_seconds=1)

    assert after.report().outcomes[Outcome.NEW] == 60, "waiting for room counts for no timeout"
    assert max(peaks) <= 140_000
