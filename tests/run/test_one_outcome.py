"""Invariants 1 and 9: each feed has exactly one result, and a bad feed is a value like any other."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from trioscrape import (
    Config,
    Outcome,
)

from support.scenarios import MIXED, counted_report, healthy, mixed, open_virtual, run_virtual, urls

# Invariant 1. One outcome a feed.


async def test_1_one_outcome_a_feed(autojump_clock: MockClock) -> None:
    internet = mixed()
    feeds = [*urls(internet), "not a url", *urls(internet)]

    results, after = await run_virtual(feeds, internet)

    assert len(results) == len(MIXED) + 1
    assert {r.feed.redacted_url for r in results} == {*urls(internet), "not a url"}
    report = after.report()
    assert (report.feeds, report.not_started, report.duplicates) == (len(results), 0, len(MIXED))
    assert sum(report.outcomes.values()) == report.feeds


@pytest.mark.parametrize("how", ["drain", "leave", "cancel"])
async def test_1_accepted_and_not_started_are_all_feeds(autojump_clock: MockClock, how: str) -> None:
    internet = healthy(300, first_byte=1)
    feeds = [*urls(internet), "not a url"]
    config = Config(in_flight=10, look_ahead=40)
    with trio.CancelScope() as scope:
        async with open_virtual(feeds, internet, config=config) as run:
            seen = 0
            async for _ in run:
                seen += 1
                if seen == 25 and how == "drain":
                    run.drain()
                elif seen == 25 and how == "leave":
                    break
                elif seen == 25:
                    scope.cancel()

    report = await counted_report(run)
    assert report.feeds == 301
    assert report.not_started > 200
    assert sum(report.outcomes.values()) + report.not_started == 301
    if how == "drain":
        assert seen == report.outcomes[Outcome.NEW]
        assert report.errors == {}
    else:
        assert set(report.errors) <= {"cancelled"}


# Invariant 9. A bad feed is a value, not an exception.


async def test_9_a_bad_feed_is_a_value(autojump_clock: MockClock) -> None:
    internet = mixed()

    results, _ = await run_virtual(urls(internet), internet)

    assert {r.feed.url[7:-5]: (r.outcome, r.reason) for r in results} == MIXED
