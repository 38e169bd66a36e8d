"""With `merge_duplicates`, the entries of a feed are stored once, however many URLs of it are listed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from trio.testing import MockClock

from trioscrape import Outcome, feed_id
from trioscrape.testing import Site

from support.days import Days
from support.scenarios import rss

FIRST, OTHER = "http://a.test/feed", "http://www.a.test/feed"


def days(**other: object) -> Days:
    """Two URLs of one feed, of which the second one answers later."""
    site = Site(**({"body": rss("x"), "first_byte": 1.0} | other))  # type: ignore[arg-type]
    return Days({"a.test": Site(body=rss("x")), "www.a.test": site}, [FIRST, OTHER])


async def run(days: Days) -> list[tuple[Outcome, str | None]]:
    """Outcome and `same_as` of each feed."""
    return [(each.outcome, each.same_as) for each in await days.run(merge_duplicates=True)]


def stored(days: Days, url: str) -> set[str]:
    """The keys of its entries."""
    return set(days.store.entries.get(feed_id(url), {}))


async def test_entries_are_stored_once(autojump_clock: MockClock) -> None:
    two = days()

    assert await run(two) == [(Outcome.NEW, None), (Outcome.NOT_MODIFIED, FIRST)]

    assert (stored(two, FIRST), stored(two, OTHER)) == ({"x"}, set())
    assert two.store.feeds[feed_id(OTHER)].same_as == FIRST


async def test_the_other_one_is_fetched_once_a_day(autojump_clock: MockClock) -> None:
    """Also when it comes first that day, and with a newer document."""
    two = days()
    await run(two)
    two.now.forward(hours=12)
    two.sites["a.test"].body = rss("x", "y")

    assert await run(two) == [(Outcome.UPDATED, None), (Outcome.NOT_DUE, FIRST)]
    assert two.requested == ["a.test"]

    two.now.forward(hours=13)
    two.sites["a.test"].first_byte, two.sites["www.a.test"].first_byte = 2.0, 0.0
    two.sites["www.a.test"].body = two.sites["a.test"].body = rss("x", "y", "z")

    assert await run(two) == [(Outcome.UPDATED, None), (Outcome.NOT_MODIFIED, FIRST)]
    assert (stored(two, FIRST), stored(two, OTHER)) == ({"x", "y", "z"}, set())


async def test_it_takes_over_when_the_first_one_is_not_polled_any_more(autojump_clock: MockClock) -> None:
    two = days()
    await run(two)
    two.feeds.remove(FIRST)
    two.sites["www.a.test"].body = rss("y")
    outcomes = []
    for _ in range(4):
        two.now.forward(hours=25)
        outcomes += await run(two)

    assert (Outcome.NEW, None) in outcomes
    assert outcomes[-1] == (Outcome.NOT_MODIFIED, None)
    assert stored(two, OTHER) == {"y"}
    assert two.store.feeds[feed_id(OTHER)].same_as is None


async def test_it_takes_over_when_the_first_one_fails(autojump_clock: MockClock) -> None:
    two = days()
    await run(two)
    two.sites["a.test"].status = 404
    others = []
    for _ in range(4):
        two.now.forward(hours=25)
        failed, other = await run(two)
        assert failed == (Outcome.FAILED, None)
        others.append(other)

    assert others[:2] == [(Outcome.NOT_MODIFIED, FIRST)] * 2  # it may be back tomorrow
    assert (Outcome.NEW, None) in others
    assert stored(two, OTHER) == {"x"}


async def test_a_redirect_that_leads_elsewhere_is_another_feed(autojump_clock: MockClock) -> None:
    two = days(status=302, headers={"Location": FIRST})
    two.sites["b.test"] = Site(body=rss("b"))

    assert await run(two) == [(Outcome.NEW, None), (Outcome.NOT_MODIFIED, FIRST)]

    two.sites["www.a.test"].headers = {"Location": "http://b.test/"}
    two.now.forward(hours=25)

    assert await run(two) == [(Outcome.NOT_MODIFIED, None), (Outcome.NEW, None)]
    assert stored(two, OTHER) == {"b"}


@pytest.mark.parametrize("junk", ["ftp://a.test:21/", "nonsense", "http://gone.test/"])
async def test_what_others_have_written_to_the_store(autojump_clock: MockClock, junk: str) -> None:
    """It costs nothing but another comparison."""
    two = days()
    await run(two)
    two.store.feeds[feed_id(OTHER)] = replace(two.store.feeds[feed_id(OTHER)], same_as=junk)
    two.now.forward(hours=25)

    assert await run(two) == [(Outcome.NOT_MODIFIED, None), (Outcome.NOT_MODIFIED, FIRST)]


@pytest.mark.parametrize("merge", [False, True])
async def test_both_are_stored_unless_it_is_asked_for(autojump_clock: MockClock, merge: bool) -> None:
    two = days()

    _, other = await two.run(merge_duplicates=merge)

    assert (other.same_as, bool(stored(two, OTHER))) == (FIRST, not merge)
