"""Invariant 7: what is said to be stored has been acknowledged, and nothing is stored twice."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from trioscrape import (
    EntryCounts,
    Outcome,
    StoreError,
    scrape,
)
from trioscrape.testing import InlineParser

from support.faulty_stores import WatchedStore
from support.scenarios import MIXED, counted_report, healthy, mixed, open_virtual, run_virtual, urls


async def test_7_stored_is_said_after_the_acknowledgement_only(autojump_clock: MockClock) -> None:
    internet, store = mixed(), WatchedStore()
    stored = []
    async with open_virtual(urls(internet), internet, store) as run:
        async for result in run:
            if result.stored:
                assert result.feed.url in store.acknowledged
                stored.append(result.feed.url)

    assert sorted(stored) == sorted(store.acknowledged)
    assert len(stored) == len(MIXED)


async def test_7_a_store_that_is_gone_raises_as_itself(autojump_clock: MockClock) -> None:
    """Several writers fail at once; the caller sees one StoreError, and a true result of each feed."""
    internet, store = healthy(50), WatchedStore(fail_at=7)
    results = []
    with pytest.raises(StoreError, match="gone"):
        async with open_virtual(urls(internet), internet, store) as run:
            async for result in run:
                results.append(result)

    assert sorted(r.feed.url for r in results if r.stored) == sorted(store.acknowledged)
    assert {r.reason for r in results if not r.stored} == {"not-stored"}
    assert 7 <= len(store.acknowledged) <= 7 + store.width
    report = await counted_report(run)
    assert len(results) == report.feeds - report.not_started == 50
    assert (report.stored, report.errors) == (len(store.acknowledged), {"not-stored": 50 - report.stored})


@pytest.mark.parametrize("how", ["asleep", "between results", "no loop"])
async def test_7_a_store_that_is_gone_raises_whatever_the_caller_does(
    autojump_clock: MockClock, how: str
) -> None:
    """Also when nobody waits for a result at that moment."""
    for fail_at in range(0, 40, 5):
        internet, store = healthy(50), WatchedStore(fail_at=fail_at)
        with pytest.raises(StoreError, match="gone"):
            if how == "no loop":
                await scrape(
                    urls(internet),
                    store=store,
                    resolver=internet,
                    connector=internet.connect,
                    parser=InlineParser(),
                )
            async with open_virtual(urls(internet), internet, store) as run:
                if how == "asleep":
                    await trio.sleep(100)
                async for _ in run:
                    await trio.sleep(0.1)


AGAIN = {Outcome.NEW: Outcome.NOT_MODIFIED, Outcome.FAILED: Outcome.NOT_DUE, Outcome.GONE: Outcome.NOT_DUE}
"""What becomes of a feed that is fetched again at once."""


async def test_7_running_again_stores_nothing_again(autojump_clock: MockClock) -> None:
    internet, store = mixed(), WatchedStore()
    await run_virtual(urls(internet), internet, store)
    writes = store.writes

    results, after = await run_virtual(urls(internet), internet, store)

    assert store.writes == writes
    assert not any(result.stored for result in results)
    assert after.report().entries == EntryCounts()
    assert {r.feed.url[7:-5]: (r.outcome, r.reason) for r in results} == {
        host: (AGAIN.get(outcome, outcome), reason) for host, (outcome, reason) in MIXED.items()
    }
