"""Draining: what has begun is finished, within a time, and what only waits is left for the next run."""

from __future__ import annotations

import math

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Config, Outcome, Scrape
from trioscrape.testing import Internet, Site

from support.scenarios import counted_report, healthy, open_virtual, results_of, rss, urls


@pytest.mark.parametrize(
    ("how", "config"),
    [
        ({"first_byte": 10}, {"http_width": 3}),
        ({"lookup": 2}, {"dns_width": 3, "dns_abandoned": 0}),
        ({"lookup": 2}, {"http_width": 3}),
    ],
    ids=["http", "dns", "lookups"],
)
async def test_what_waits_is_not_started(
    autojump_clock: MockClock, how: dict[str, float], config: dict[str, int]
) -> None:
    """For a slot of a lane, or for a lookup: no server knows of it."""
    internet = healthy(20, **how)
    async with open_virtual(urls(internet), internet, config=Config(**config)) as scrape:
        await trio.sleep(1)
        begun = len(internet.requests)
        assert scrape.drain() == begun
        results = await results_of(scrape)

    assert [result.outcome for result in results] == [Outcome.NEW] * begun
    report = await counted_report(scrape)
    assert (report.not_started, report.errors) == (20 - begun, {})
    assert report.seconds < 11
    assert internet.open == 0


class Draining(Internet):
    """The first connection drains the scrape: others have their slots then, and are about to connect."""

    scrape: Scrape

    async def connect(self, address: str, port: int) -> trio.abc.Stream:
        if not self.connects:
            self.scrape.drain()
        return await super().connect(address, port)


async def test_nor_is_what_was_just_about_to_begin(autojump_clock: MockClock) -> None:
    internet = Draining(healthy(50).sites)
    async with open_virtual(urls(internet), internet) as internet.scrape:
        results = await results_of(internet.scrape)

    assert {result.outcome for result in results} == {Outcome.NEW}
    report = await counted_report(internet.scrape)
    assert (report.not_started, report.errors) == (50 - len(results), {})


async def test_a_feed_that_has_been_redirected_is_finished(autojump_clock: MockClock) -> None:
    """Also when it waits for a lane."""
    sites = {f"f{n}.test": Site(body=rss("x"), first_byte=3) for n in range(3)}
    sites["a.test"] = Site(status=302, headers={"Location": "http://f2.test/x"}, addresses=["198.51.100.1"])
    internet = Internet(sites)
    feeds = ["http://a.test/", "http://f0.test/", "http://f1.test/"]
    async with open_virtual(feeds, internet, config=Config(http_width=1)) as scrape:
        await trio.sleep(1)
        assert scrape.drain() == 2
        results = await results_of(scrape)

    assert sorted(result.feed.url for result in results) == ["http://a.test/", "http://f0.test/"]
    assert {result.outcome for result in results} == {Outcome.NEW}


async def test_after_its_timeout_it_cancels(autojump_clock: MockClock) -> None:
    sites = {"quick.test": Site(body=rss("x"), first_byte=3), "slow.test": Site(first_byte=math.inf)}
    internet = Internet(sites)
    async with open_virtual(urls(internet), internet) as scrape:
        await trio.sleep(1)
        assert scrape.drain(8) == 2
        results = await results_of(scrape)

    assert trio.current_time() == pytest.approx(9, abs=0.1)
    assert {result.feed.url: result.reason for result in results} == {
        "http://quick.test/feed": None, "http://slow.test/feed": "cancelled",
    }  # fmt: skip


async def test_the_shortest_timeout_counts(autojump_clock: MockClock) -> None:
    internet = healthy(1, first_byte=14)
    async with open_virtual(urls(internet), internet) as scrape:
        await trio.sleep(1)
        for timeout in 5, 2, math.inf:
            scrape.drain(timeout)
        (result,) = await results_of(scrape)

    assert (result.reason, round(trio.current_time())) == ("cancelled", 3)
