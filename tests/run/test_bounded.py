"""Invariant 6: memory is bounded by the configuration, not by the list."""

from __future__ import annotations

import gc
import statistics
import tracemalloc

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
from trioscrape.testing import Internet, MemoryStore, Site

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


async def memory(feeds: int) -> float:
    internet = Internet(ManySites())
    internet.lookups = internet.connects = internet.requests = Nothing()
    config = Config(in_flight=50, look_ahead=200)
    list_of_feeds = (f"http://h{n}.test/" for n in range(feeds))
    samples, seen = [], 0
    gc.collect()
    gc.freeze()  # what is there already need not be looked at for each sample
    tracemalloc.start()
    async with open_scrape(
        list_of_feeds,
        store=ForgetfulStore(),
        config=config,
        resolver=internet,
        connector=internet.connect,
        parser=NoParser(),
    ) as run:
        async for _ in run:
            seen += 1
            if seen % 100 == 0:
                assert run.statistics().in_flight <= 51
                gc.collect()  # what waits for the collector is nobody's any more
                samples.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    gc.unfreeze()
    assert run.report().outcomes[Outcome.NEW] == feeds
    return statistics.median(samples)


class NoParser:
    """feedparser takes 10 ms a document under a memory trace, and is another process's in real life."""

    async def parse(self, document: FeedDocument) -> RawFeed:
        await trio.lowlevel.checkpoint()
        return RawFeed()


class Nothing(list[object]):
    """Remembers nothing."""

    def append(self, item: object) -> None:
        pass


@pytest.mark.heavy
async def test_6_five_times_the_feeds_take_the_same_memory(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trioscrape._dns.caching.CACHED_HOSTS", 100)
    monkeypatch.setattr("trioscrape._run.seen.IN_MEMORY", 100)

    few, many = await memory(700), await memory(2100)

    assert many < 1.2 * few


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
