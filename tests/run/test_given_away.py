"""A feed may give its entries to another one; no document and no redirect gets those of another feed."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from trioscrape import Outcome, feed_id
from trioscrape.testing import Answer, Request, Site

from support.days import Days
from support.scenarios import rss

REAL, COPY = "http://a.test/feed", "http://copy.test/x"


def named(body: bytes, url: str = REAL) -> bytes:
    """The same document, which names `url` as its own."""
    own = f'<link xmlns="http://www.w3.org/2005/Atom" rel="self" href="{url}"/>'
    return body.replace(b"<channel>", b"<channel>" + own.encode())


def days(copy: Site, *, body: bytes | None = None) -> Days:
    """The copy answers first."""
    real = Site(body=named(rss("x")) if body is None else body, first_byte=1.0)
    return Days({"a.test": real, "copy.test": copy}, [COPY, REAL])


async def run(days: Days, **settings: object) -> tuple[set[str], set[str]]:
    """The keys of the entries of both, after one more run a day later."""
    await days.run(merge_duplicates=True, **settings)
    days.now.forward(hours=25)
    copied, real = (set(days.store.entries.get(feed_id(url), {})) for url in days.feeds)
    return copied, real


def duplicates(days: Days) -> list[str | None]:
    return [days.store.feeds[feed_id(url)].same_as for url in days.feeds]


async def test_a_copy_that_comes_first_gets_nothing(autojump_clock: MockClock) -> None:
    """From the second run on it is the duplicate."""
    two = days(Site(body=named(rss("x"))))

    assert await run(two) == ({"x"}, {"x"})
    assert duplicates(two) == [None, None]

    assert await run(two) == ({"x"}, {"x"})
    assert duplicates(two) == [REAL, None]

    two.sites["a.test"].body, two.sites["copy.test"].body = named(rss("y")), named(rss("evil"))

    _, real = await run(two)

    assert real == {"x", "y"}


async def test_a_redirect_that_comes_first_gets_nothing(autojump_clock: MockClock) -> None:
    class SlowAtFirst(Site):
        def answer(self, request: Request) -> Answer:
            self.first_byte = 0.0 if self.first_byte else 5.0
            return super().answer(request)

    two = days(Site(status=302, headers={"Location": REAL}, first_byte=1.0))
    two.sites["a.test"] = SlowAtFirst(body=rss("x"))

    assert await run(two, per_host=2) == ({"x"}, {"x"})
    assert duplicates(two) == [None, None]

    await run(two, per_host=2)
    assert duplicates(two) == [REAL, None]


@pytest.mark.parametrize("third", ["http://third.test/", "http://www.third.test/feed"])
async def test_two_that_name_a_third_one_are_not_merged(autojump_clock: MockClock, third: str) -> None:
    """Either may be a copy of the other. The result says that they are the same."""
    body = named(rss("x"), third)
    two = days(Site(body=body), body=body)

    assert await run(two) == ({"x"}, {"x"})

    await run(two)
    assert duplicates(two) == [None, None]
    assert two.report is not None
    assert two.report.same_feeds == 1


async def test_what_was_given_away_by_mistake_comes_back(autojump_clock: MockClock) -> None:
    """The feed of a category names the main feed as its own, and is the same for a while."""
    two = days(Site(body=named(rss("x")), first_byte=2.0))
    await run(two)
    assert duplicates(two) == [REAL, None]
    two.sites["copy.test"].body = named(rss("only here"))

    await run(two)

    assert duplicates(two) == [None, None]
    assert set(two.store.entries[feed_id(COPY)]) == {"only here"}


async def test_a_document_that_is_newer_than_the_stored_one_is_no_other_feed(
    autojump_clock: MockClock,
) -> None:
    """The duplicate is polled first that day."""
    two = days(Site(body=named(rss("x")), first_byte=2.0))
    await run(two)
    two.sites["copy.test"].first_byte = 0.0
    two.sites["copy.test"].body = two.sites["a.test"].body = named(rss("x", "y"))

    assert await run(two) == (set(), {"x", "y"})
    assert duplicates(two) == [REAL, None]


async def test_a_third_feed_is_given_to_the_one_that_is_named(autojump_clock: MockClock) -> None:
    """Not to the one that was there before, and named it too."""
    two = days(Site(body=named(rss("x"))))
    two.sites["later.test"] = Site(body=named(rss("x")), first_byte=2.0)
    two.feeds.append("http://later.test/")
    for _ in range(2):
        await two.run(merge_duplicates=True)
        two.now.forward(hours=25)

    assert duplicates(two) == [REAL, None, REAL]


async def test_a_feed_that_is_not_due_is_polled_all_the_same(autojump_clock: MockClock) -> None:
    """It is fetched once a week; the other one has no entries of its own meanwhile."""
    two = days(Site(body=named(rss("x")), first_byte=2.0))
    two.sites["a.test"].headers = {"Cache-Control": "max-age=604800"}
    for _ in range(6):
        assert await run(two) == (set(), {"x"})

    *_, outcome = [each.outcome for each in await two.run(merge_duplicates=True)]
    assert outcome is Outcome.NOT_DUE

    two.feeds.remove(REAL)
    for _ in range(4):
        await two.run(merge_duplicates=True)
        two.now.forward(hours=25)
    assert set(two.store.entries[feed_id(COPY)]) == {"x"}
