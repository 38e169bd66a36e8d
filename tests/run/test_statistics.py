"""What a scrape says of itself while it goes on, and in its report."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

from trio import sleep
from trio.testing import MockClock

from trioscrape import Config, Delay, FailureExample, Feed, InFlight, Outcome, Result
from trioscrape._run.tally import Tally
from trioscrape.testing import Internet, MemoryStore, Site

from support.scenarios import Calendar, healthy, open_virtual, rss, run_virtual, urls


async def test_the_feeds_that_have_been_in_flight_for_longest_are_named(autojump_clock: MockClock) -> None:
    sites = {"slow.test": Site(body=rss("a"), lookup=50), **healthy(30, first_byte=60).sites}
    feeds = ["http://me:secret@slow.test/feed", *(f"http://{host}/feed" for host in sites if host[0] == "f")]
    async with open_virtual(feeds, Internet(sites), config=Config(http_width=4)) as run:
        await sleep(3)
        first, second, *others = run.statistics().slowest
        async for _ in run:
            pass

    assert first == InFlight("http://slow.test/feed", 3, "dns", queued=False)
    assert (second.lane, second.seconds) == ("http", 3)
    assert len(others) == 8
    assert {each.queued for each in (second, *others)} == {True, False}
    assert run.statistics().slowest == ()


async def test_a_run_measures_the_delay_from_publication_to_fetch(autojump_clock: MockClock) -> None:
    """Of what was published since the feed was fetched before: what a first fetch finds is of any age."""
    calendar, store, delays = Calendar(), MemoryStore(), []
    old, new = calendar() - timedelta(days=30), calendar() + timedelta(hours=1)
    for dates in [old], [new, old]:
        items = "".join(
            f"<item><guid>{at}</guid><pubDate>{format_datetime(at)}</pubDate></item>" for at in dates
        )
        body = f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'.encode()
        internet = Internet({"a.test": Site(body=body)})
        _, run = await run_virtual(urls(internet), internet, store, now=calendar)
        delays.append(run.report().delay)
        calendar.forward(hours=3)

    assert delays[0] == Delay()
    assert (delays[1].entries, delays[1].max) == (1, 7200)


async def test_a_result_says_what_was_known_before(autojump_clock: MockClock) -> None:
    internet, store, calendar = healthy(1), MemoryStore(), Calendar()
    [first], _ = await run_virtual(urls(internet), internet, store, now=calendar)
    known = dict(store.feeds)
    internet.sites["f0.test"].status = 404
    [second], _ = await run_virtual(urls(internet), internet, store, now=calendar)
    [third], _ = await run_virtual(urls(internet), internet, store, now=calendar)

    assert first.before is None
    assert second.before in known.values()
    assert third.outcome is Outcome.NOT_DUE
    assert third.before in store.feeds.values()


def test_reasons_and_examples_do_not_depend_on_which_feed_ends_first() -> None:
    results = [
        Result(Feed(f"http://{name}.test/"), Outcome.FAILED, reason)
        for name, reason in (
            ("c", "tls"),
            ("b", "http-404"),
            ("a", "tls"),
            ("d", "http-404"),
            ("e", "http-500"),
        )
    ]
    one, other = Tally(), Tally()
    for each, opposite in zip(results, reversed(results), strict=True):
        one.count(each)
        other.count(opposite)

    assert list(one.reasons.items()) == list(other.reasons.items())
    assert list(one.reasons) == ["http-404", "tls", "http-500"]
    assert one.examples == other.examples
    assert one.examples["tls"] == FailureExample("http://a.test/", None)
