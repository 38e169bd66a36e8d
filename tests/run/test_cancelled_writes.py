"""Cancelling while feeds are being written or let in: stored and told, or neither."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trio
from trio.testing import MockClock

from trioscrape import (
    Result,
    Scrape,
)

from support.faulty_stores import SlowStore
from support.scenarios import counted_report, healthy, open_all, open_virtual, results_of


@pytest.mark.parametrize("moment", [0.0, 1.0, 2.5, 6.0, 7.0, 9.0, 11.5, 20.0])
@pytest.mark.parametrize("how", ["cancel", "leave"])
async def test_cancelled_in_a_write_it_is_stored_and_told_or_neither(
    autojump_clock: MockClock, moment: float, how: str
) -> None:
    internet, store, found = healthy(20, first_byte=1), SlowStore(), list[Result]()
    async with open_all(internet, store) as scrape:
        with trio.move_on_after(moment):
            async for result in scrape:
                found.append(result)
        if how == "cancel":
            scrape.cancel()
            found += await results_of(scrape)

    report = await counted_report(scrape)
    assert report.stored == len(store.feeds)
    assert sum(report.outcomes.values()) + report.not_started == report.feeds == 20
    if how == "cancel":
        assert len(found) + report.not_started == 20
        assert {r.feed.redacted_url for r in found if r.stored} == {f.url for f in store.feeds.values()}


async def test_cancelled_between_being_let_in_and_the_first_step(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which of the two comes first is up to trio's dice, so it is tried a few times."""
    monkeypatch.setattr("trioscrape._run.feed_source.READ_AHEAD", 1)
    internet = healthy(1, first_byte=1)
    scrapes: list[Scrape] = []

    def feeds() -> Iterator[str]:
        yield "http://f0.test/feed"
        scrapes[-1].cancel()

    for _ in range(20):
        async with open_virtual(feeds(), internet) as scrape:
            scrapes.append(scrape)
            assert [result.reason for result in await results_of(scrape)] == ["cancelled"]
