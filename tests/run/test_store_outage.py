"""A store that is unavailable for a while, or for good, in virtual time: what a scrape does meanwhile."""

from __future__ import annotations

import math

import pytest
import trio
from trio.testing import MockClock

from trioscrape import (
    Config,
    Outcome,
    Result,
    StoreError,
)

from support.faulty_stores import AwayStore, OneTooMany
from support.scenarios import counted_report, healthy, open_all, open_virtual, results_of, urls


async def test_an_outage_costs_no_feed(autojump_clock: MockClock) -> None:
    """The timeouts of feeds do not run meanwhile."""
    internet, store = healthy(200, lookup=1, first_byte=1), AwayStore((10, 200), (205, 300))
    async with open_all(internet, store, in_flight=50, lookup_timeout=2, fetch_timeout=2) as scrape:
        found = await results_of(scrape)

    assert {(r.outcome, r.stored) for r in found} == {(Outcome.NEW, True)}
    assert len(found) == len(store.feeds) == 200
    assert scrape.report().outage is None
    assert trio.current_time() > 300


@pytest.mark.parametrize("in_flight", [2, 50])
async def test_a_feed_that_is_never_stored_costs_no_other(autojump_clock: MockClock, in_flight: int) -> None:
    """What comes after it in the list is let in, although nothing else is at hand to be stored."""
    internet = healthy(200, first_byte=1)
    store = OneTooMany("http://f3.test/feed")
    async with open_all(internet, store, in_flight=in_flight) as scrape:
        found = await results_of(scrape)

    report = scrape.report()
    assert [r.feed.url for r in found if not r.stored] == ["http://f3.test/feed"]
    assert report.errors == {"not-stored": 1}
    assert len(found) == 200
    assert report.stored == len(store.feeds) == 199
    assert trio.current_time() < 400


async def test_nor_when_no_other_can_be_let_in_beside_it(autojump_clock: MockClock) -> None:
    internet, store = healthy(1), OneTooMany("http://f0.test/3")
    feeds = [f"http://f0.test/{n}" for n in range(20)]
    async with open_virtual(feeds, internet, store) as scrape:
        found = await results_of(scrape)

    assert [r.feed.url for r in found if r.reason == "not-stored"] == ["http://f0.test/3"]
    assert len(store.feeds) == 19
    assert scrape.report().outage is None


async def test_nor_do_two_of_them_that_meet(autojump_clock: MockClock) -> None:
    """What fails by itself says nothing of the store; the second one is in doubt as well."""
    internet = healthy(100, first_byte=1)
    store = OneTooMany("http://f0.test/feed", "http://f14.test/feed")
    async with open_all(internet, store, in_flight=2) as scrape:
        found = await results_of(scrape)

    assert scrape.report().errors == {"not-stored": 2}
    assert len(store.feeds) == len(found) - 2 == 98


async def test_nor_does_a_failure_that_can_not_be_remembered(autojump_clock: MockClock) -> None:
    internet, store = healthy(50), OneTooMany("http://nowhere.test/feed")
    feeds = ["http://nowhere.test/feed", *urls(internet)]
    async with open_virtual(feeds, internet, store) as scrape:
        found = await results_of(scrape)

    assert [r.reason for r in found if r.outcome is not Outcome.NEW] == ["not-stored"]
    assert len(found) == 51


async def test_nobody_is_let_in_meanwhile(autojump_clock: MockClock) -> None:
    """Although there is room for more."""
    internet, store = healthy(1), AwayStore((10, 200))
    feeds = [f"http://f0.test/{n}" for n in range(300)]
    config = Config(host_delay=1, per_host=300)
    async with (
        open_virtual(feeds, internet, store, config=config) as scrape,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(results_of, scrape)
        await trio.sleep_until(15)
        began = scrape.statistics()
        await trio.sleep_until(199)
        ended = scrape.statistics()

    assert began.accepted == ended.accepted < 20
    assert ended.outage is not None
    assert len(store.feeds) == 300


async def test_what_is_in_flight_stays_there(autojump_clock: MockClock) -> None:
    internet, store, found = healthy(400), AwayStore((10, 200)), list[Result]()
    async with open_all(internet, store, in_flight=50) as scrape, trio.open_nursery() as nursery:

        async def note_results() -> None:
            found.extend(await results_of(scrape))

        nursery.start_soon(note_results)
        await trio.sleep_until(30)
        began = scrape.statistics()
        await trio.sleep_until(199)
        ended = scrape.statistics()

    assert began.accepted == ended.accepted < 200
    assert ended.in_flight == 50
    assert ended.outage is not None
    assert ended.outage.detail == "away"
    assert ended.outage.seconds == pytest.approx(188, abs=2)
    assert len(store.feeds) == len(found) == 400


async def test_reading_ahead_waits_too(autojump_clock: MockClock) -> None:
    internet, store = healthy(10), AwayStore((0, 100))
    async with open_all(internet, store) as scrape:
        await trio.sleep_until(99)
        assert internet.requests == []
        assert len(await results_of(scrape)) == 10


async def test_after_the_outage_timeout_each_feed_has_its_result(autojump_clock: MockClock) -> None:
    """The next run goes on where this one has ended."""
    internet, store, found = healthy(300, first_byte=1), AwayStore((10, 100)), list[Result]()
    with pytest.raises(StoreError, match="away; nothing could be stored for 60 s"):
        async with open_all(internet, store, in_flight=50, look_ahead=100, outage_timeout=60) as scrape:
            async for result in scrape:
                found.append(result)

    report = await counted_report(scrape)
    stored = {r.feed.url for r in found if r.stored}
    assert len({r.feed.url for r in found}) == len(found) == report.feeds - report.not_started
    assert {r.reason for r in found} == {None, "not-stored"}
    assert len(stored) == report.stored == len(store.feeds) > 10
    assert report.errors == {"not-stored": len(found) - len(stored)}
    assert report.not_started > 150
    assert len(report.not_stored_examples) == 10
    assert "away" in (report.not_stored_examples[0].detail or "")

    await trio.sleep_until(100)
    async with open_all(internet, store) as scrape:
        again = await results_of(scrape)
    assert len(store.feeds) == len(again) == 300
    assert {r.feed.url for r in again if r.outcome is not Outcome.NEW} == stored


async def test_nobody_waits_for_what_can_not_be_stored_any_more(autojump_clock: MockClock) -> None:
    internet, store = healthy(10), AwayStore((2, math.inf))
    internet.sites["f0.test"].first_byte = 14  # type: ignore[index]
    found = []
    with pytest.raises(StoreError, match="away"):
        async with open_all(internet, store, outage_timeout=3) as scrape:
            async for result in scrape:
                found.append(result)

    assert len(found) == 10
    assert {r.feed.url: r.reason for r in found}["http://f0.test/feed"] == "not-stored"
    assert trio.current_time() < 10


async def test_without_an_outage_timeout_it_ends_at_once(autojump_clock: MockClock) -> None:
    internet, store = healthy(50), AwayStore((0, math.inf))
    with pytest.raises(StoreError, match=r"^away$"):
        async with open_all(internet, store, outage_timeout=0) as scrape:
            await results_of(scrape)

    assert trio.current_time() == 1
    assert await scrape.count_not_started() == 50


async def test_drained_in_an_outage_it_waits_for_the_store(autojump_clock: MockClock) -> None:
    internet, store = healthy(500), AwayStore((20, 200))
    async with open_all(internet, store, in_flight=50) as scrape, trio.open_nursery() as nursery:

        async def drain() -> None:
            await trio.sleep_until(30)
            scrape.drain()

        nursery.start_soon(drain)
        found = await results_of(scrape)

    report = await counted_report(scrape)
    assert trio.current_time() > 200
    assert len(found) == report.stored == len(store.feeds) < 200
    assert report.not_started == 500 - len(found)


async def test_drained_while_it_reads_ahead_it_ends_at_once(autojump_clock: MockClock) -> None:
    internet, store = healthy(50), AwayStore((0, math.inf))
    async with open_all(internet, store) as scrape:
        await trio.sleep(20)
        scrape.drain()
        assert await results_of(scrape) == []

    assert trio.current_time() < 22
    assert await scrape.count_not_started() == 50


async def test_cancelled_in_an_outage_it_ends_at_once(autojump_clock: MockClock) -> None:
    internet, store = healthy(500), AwayStore((20, 200))
    async with open_all(internet, store, in_flight=50) as scrape, trio.open_nursery() as nursery:

        async def cancel() -> None:
            await trio.sleep_until(30)
            scrape.cancel()

        nursery.start_soon(cancel)
        found = await results_of(scrape)

    assert trio.current_time() <= 31
    assert {r.reason for r in found} == {None, "cancelled"}
    assert len(found) + (await counted_report(scrape)).not_started == 500
    assert len(store.feeds) == sum(r.stored for r in found)
