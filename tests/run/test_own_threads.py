"""Invariants 3 and 4: own threads, and a store that is connected before the first lookup."""

from __future__ import annotations

import pytest
import trio

from trioscrape import (
    Config,
    EntryCounts,
    Outcome,
    open_store,
    scrape,
)

from support.limiters import default_limiter_filled
from support.loopback import loopback_names
from support.servers import FEED, answer, open_raw

# Invariant 3. Own threads.


async def test_3_own_threads(monkeypatch: pytest.MonkeyPatch, store_url: str) -> None:
    """Trio's default thread limiter is filled by others for the whole run; every part is the real one."""
    async with open_raw(answer("200 OK", FEED)) as server:
        loopback_names(monkeypatch)
        feeds = [f"http://f{n}.test:{server.port}/" for n in range(20)]
        with default_limiter_filled(), trio.fail_after(60):
            async with open_store(store_url) as store:
                report = await scrape(feeds, store=store, config=Config(parse_width=1))

    assert report.outcomes[Outcome.NEW] == 20
    assert report.entries == EntryCounts(new=20)


# Invariant 4. The store is connected before the first feed lookup.


async def test_4_the_store_looks_nothing_up_once_feeds_are(
    monkeypatch: pytest.MonkeyPatch, mongodb_url: str
) -> None:
    async with open_raw(answer("200 OK", FEED)) as server:
        lookups = loopback_names(monkeypatch)
        feeds = [f"http://f{n}.test:{server.port}/" for n in range(40)]
        feeds += [f"http://127.0.0.1:{server.port}/", f"http://localhost:{server.port}/"]
        async with open_store(mongodb_url) as store:
            before = len(lookups)
            report = await scrape(feeds, store=store, config=Config(parse_width=1))

    assert report.outcomes[Outcome.NEW] == 42
    assert before >= Config().store_width, "the driver looks up each of its connections"
    assert sorted(lookups[before:]) == sorted(f"f{n}.test" for n in range(40))
