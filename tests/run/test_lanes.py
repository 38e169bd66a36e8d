"""Invariants 2 and 5: no lane holds up another one, and timeouts measure work, not queues."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from trioscrape import (
    Config,
    Outcome,
)
from trioscrape._lane import Lane, Timings
from trioscrape.testing import Internet, Site

from support.scenarios import healthy, mixed, open_virtual, rss, run_virtual, urls

# Invariant 2. One lane at a time.


async def test_2_no_feed_waits_for_a_lane_while_in_another(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: dict[trio.lowlevel.Task, list[str]] = {}
    turns = []
    slot = Lane.slot

    @asynccontextmanager
    async def watched(lane: Lane, timings: Timings) -> AsyncIterator[None]:
        mine = taken.setdefault(trio.lowlevel.current_task(), [])
        assert mine == [], f"waits for {lane.name} while in {mine}"
        async with slot(lane, timings):
            mine.append(lane.name)
            turns.append(lane.name)
            try:
                yield
            finally:
                mine.remove(lane.name)

    monkeypatch.setattr(Lane, "slot", watched)
    internet = mixed()

    await run_virtual(urls(internet), internet)

    assert set(turns) == {"dns", "http", "parse", "store"}


async def test_2_lanes_of_width_one_never_block_each_other(autojump_clock: MockClock) -> None:
    """Redirects come back to the dns lane from the http lane: with a slot in hand they would deadlock."""
    sites = {f"a{n}.test": Site(status=302, headers={"Location": f"http://b{n}.test/"}) for n in range(30)}
    sites |= {f"b{n}.test": Site(body=rss("x"), lookup=0.1, first_byte=0.1) for n in range(30)}
    config = Config(dns_width=1, http_width=1, parse_width=1, store_width=1)

    _, after = await run_virtual([f"http://a{n}.test/" for n in range(30)], Internet(sites), config=config)

    assert after.report().outcomes[Outcome.NEW] == 30


async def test_2_a_full_lane_starves_no_other(autojump_clock: MockClock) -> None:
    """500 lookups of 4 s in a lane of 32; feeds that need no lookup pass through the other three at once."""
    internet = healthy(500, lookup=4)
    literal = Site(body=rss("x"), addresses=["198.51.100.1"])
    internet.sites |= {"x.test": literal}  # type: ignore[operator]
    feeds = [*urls(internet)[:500], *(f"http://198.51.100.1/{n}" for n in range(20))]
    began, at = trio.current_time(), []
    async with open_virtual(feeds, internet, config=Config(per_host=20, dns_abandoned=0)) as run:
        async for result in run:
            if "198.51" in result.feed.url:
                at.append(trio.current_time() - began)

    assert len(at) == 20
    assert max(at) < 0.5
    assert run.report().lanes["dns"].waited.max == pytest.approx(60, rel=0.05)


# Invariant 5. Timeouts measure work, not queues.


async def test_5_timeouts_measure_work(autojump_clock: MockClock) -> None:
    """Each lane is so narrow that every feed waits for many times its timeout, and none of them fails."""
    internet = healthy(30, lookup=1, connect=1, first_byte=1)
    internet.lookup_timeout = 1.5
    config = Config(
        dns_width=1, http_width=1, parse_width=1, store_width=1,
        connect_timeout=1.5, read_timeout=1.5, fetch_timeout=2.5, parse_timeout=1.5,
    )  # fmt: skip

    _, after = await run_virtual(urls(internet), internet, config=config, parse_seconds=2)

    report = after.report()
    assert report.outcomes[Outcome.NEW] == 30
    assert report.lanes["dns"].waited.max > 20
    assert report.lanes["http"].waited.max > 20


async def test_5_each_timeout_has_its_own_reason(autojump_clock: MockClock) -> None:
    internet = mixed()

    results, _ = await run_virtual(urls(internet), internet)

    timeouts = {"lookup-timeout", "connect-timeout", "read-timeout", "fetch-timeout"}
    assert {r.feed.url[7:-5]: r.reason for r in results if r.reason in timeouts} == {
        "dead.test": "lookup-timeout",
        "hole.test": "connect-timeout",
        "stall.test": "read-timeout",
        "drip.test": "fetch-timeout",
    }
