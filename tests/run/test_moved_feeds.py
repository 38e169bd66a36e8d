"""Permanent redirects over several days, and feeds that arrive at one URL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from trio.testing import MockClock

from trioscrape import Outcome, feed_id
from trioscrape.testing import Site

from support.days import Days
from support.scenarios import rss

MOVED = {"Location": "http://b.test/feed"}


class TestMoves:
    def days(self, *statuses: int, target: Site | None = None) -> Days:
        """a.test redirects to b.test, over as many hops as there are statuses."""
        hops = [Site(status=status) for status in statuses]
        names = ["a.test", *(f"hop{number}.test" for number in range(1, len(hops))), "b.test"]
        for hop, name in zip(hops, names[1:], strict=True):
            hop.headers = {"Location": f"http://{name}/feed"}
            hop.addresses = ["93.184.215.14"]
        target = target or Site(body=rss("x"), addresses=["93.184.215.15"])
        for number, hop in enumerate(hops):
            hop.addresses = [f"93.184.216.{number + 1}"]
        return Days(dict(zip(names, [*hops, target], strict=True)))

    @pytest.mark.parametrize("statuses", [(301,), (308,), (301, 308)])
    async def test_after_three_days_of_permanent_redirects(
        self, autojump_clock: MockClock, statuses: tuple[int, ...]
    ) -> None:
        """The URL changes; the feed's id, and so its entries, stay."""
        days = self.days(*statuses)
        days.now.forward(hours=-12)
        for found in 1, 1, 2, 2:  # twice a day counts once
            await days.run()
            assert days.requested[0] == "a.test"
            assert (days.state.url, days.state.moved_to) == ("http://a.test/feed", "http://b.test/feed")
            assert len(days.state.moved_days) == found
            days.now.forward(hours=12)
        before = list(days.store.feeds)
        await days.run()

        assert list(days.store.feeds) == before
        assert (days.state.url, days.state.moved_to) == ("http://b.test/feed", None)

    async def test_from_then_on_the_old_url_is_not_fetched(self, autojump_clock: MockClock) -> None:
        days = self.days(301)
        for _ in range(3):
            await days.run()
            days.now.forward(days=1)
        days.sites["b.test"].body = rss("x", "y")

        result = await days.one()

        assert days.requested == ["b.test"]
        assert (result.outcome, result.entries.new, result.entries.unchanged) == (Outcome.UPDATED, 1, 1)
        assert result.feed.url == "http://a.test/feed"
        writes = days.store.writes
        await days.run()
        assert days.store.writes == writes

    @pytest.mark.parametrize("statuses", [(302,), (307,), (301, 302), (302, 301), (303,)])
    async def test_no_other_redirect_moves_a_feed(
        self, autojump_clock: MockClock, statuses: tuple[int, ...]
    ) -> None:
        days = self.days(*statuses)
        for _ in range(5):
            await days.run()
            days.now.forward(days=1)

        assert (days.state.url, days.state.moved_to) == ("http://a.test/feed", None)

    async def test_a_day_with_another_answer_begins_it_anew(self, autojump_clock: MockClock) -> None:
        days = self.days(301)
        for status in 301, 301, 302, 301, 301:
            days.sites["a.test"].status = status
            await days.run()
            days.now.forward(days=1)
        assert days.state.url == "http://a.test/feed"
        await days.run()
        assert days.state.url == "http://b.test/feed"

    async def test_not_while_it_leads_to_another_place_every_day(self, autojump_clock: MockClock) -> None:
        days = self.days(301)
        for day in range(8):
            days.sites["a.test"].headers = {"Location": f"http://b.test/feed?session={day % 2}"}
            await days.run()
            days.now.forward(days=1)

        assert days.state.url == "http://a.test/feed"

    async def test_not_to_a_private_address(self, autojump_clock: MockClock) -> None:
        """Redirects between private servers are followed every time, and never believed."""
        days = self.days(301, target=Site(body=rss("x"), addresses=["10.0.0.2"]))
        days.sites["a.test"].addresses = ["10.0.0.1"]
        for _ in range(5):
            assert (await days.one()).outcome is not Outcome.REFUSED
            days.now.forward(days=1)

        assert days.state.url == "http://a.test/feed"

    async def test_where_it_has_moved_to_is_trusted_no_more_than_a_redirect(
        self, autojump_clock: MockClock
    ) -> None:
        """A name that leads to a private address once nobody looks at the redirect any more."""
        days = self.days(301)
        for _ in range(3):
            await days.run()
            days.now.forward(days=1)
        days.sites["b.test"].addresses = ["127.0.0.1"]
        connects = len(days.internet.connects)

        result = await days.one()

        assert (result.outcome, result.reason) == (Outcome.REFUSED, "blocked-address")
        assert len(days.internet.connects) == connects

    async def test_a_new_place_that_fails_is_left_for_the_old_one(self, autojump_clock: MockClock) -> None:
        days = self.days(301)
        for _ in range(3):
            await days.run()
            days.now.forward(days=1)
        days.sites["b.test"].status = 404
        days.sites["a.test"].headers = {"Location": "http://c.test/feed"}
        days.sites["c.test"] = Site(body=rss("x", "y"), addresses=["93.184.215.16"])
        fetched = []
        for _ in range(4):
            await days.run()
            fetched.append(days.requested)
            days.now.forward(days=2)

        assert fetched == [["b.test"]] * 3 + [["a.test", "c.test"]]
        assert days.state.url == "http://a.test/feed"

    async def test_it_is_found_by_the_url_of_the_list(self, autojump_clock: MockClock) -> None:
        """And by the present one, with since when it has been there and from where."""
        days = self.days(301)
        for _ in range(3):
            await days.run()
            days.now.forward(days=1)
        moved = days.now() - timedelta(days=1)
        assert (days.state.url, days.state.listed_url) == ("http://b.test/feed", "http://a.test/feed")
        assert (days.state.moved_from, days.state.moved_since) == ("http://a.test/feed", moved)

        for _ in range(2):
            await days.run()
            days.now.forward(days=1)
            assert (days.state.moved_from, days.state.moved_since) == ("http://a.test/feed", moved)
        for url in "http://a.test/feed", "http://B.test/feed", feed_id("http://a.test/feed"):
            entries = [stored.entry.key async for stored in days.store.read_entries(feed=url)]
            assert len(entries) == len(set(entries)) > 0, url

    async def test_it_moves_on(self, autojump_clock: MockClock) -> None:
        days = self.days(301)
        days.sites["c.test"] = Site(body=rss("x"), addresses=["93.184.215.16"])
        for number in range(7):
            await days.run()
            days.now.forward(days=1)
            if number == 3:
                days.sites["b.test"].status, days.sites["b.test"].headers = (
                    308,
                    {"Location": "http://c.test/"},
                )

        assert (days.state.url, days.state.listed_url) == ("http://c.test/", "http://a.test/feed")
        assert days.state.moved_from == "http://b.test/feed"

    async def test_credentials_stay_with_the_server_of_the_list(self, autojump_clock: MockClock) -> None:
        days = self.days(301)
        days.feeds = ["http://me:secret@a.test/feed"]
        for _ in range(4):
            await days.run()
            days.now.forward(days=1)

        assert days.requested == ["b.test"]
        assert all("authorization" not in headers for _, _, headers in days.internet.requests)

    async def test_the_slot_is_that_of_the_host_which_is_fetched_from(
        self, autojump_clock: MockClock
    ) -> None:
        """Feeds of many hosts that have moved to one are fetched one after the other."""
        sites = {f"f{n}.test": Site(status=301, headers={"Location": f"http://b.test/{n}"}) for n in range(5)}
        sites["b.test"] = Site(body=rss("x"), first_byte=1)
        for number, site in enumerate(sites.values()):
            site.addresses = [f"93.184.216.{number + 1}"]
        days = Days(sites, [f"http://f{n}.test/" for n in range(5)])
        for _ in range(3):
            await days.run()
            days.now.forward(days=1)
        await days.run()

        assert days.requested == ["b.test"] * 5
        assert days.report.seconds >= 5


class TestTwins:
    async def test_two_feeds_that_arrive_at_one_url(self, autojump_clock: MockClock) -> None:
        """Both keep their results; the second one says whose twin it is."""
        days = Days(
            {"a.test": Site(status=302, headers=MOVED, first_byte=1), "b.test": Site(body=rss("x"))},
            ["http://a.test/feed", "http://b.test/feed", "http://b.test/other"],
        )

        moved, direct, other = await days.run()

        assert {moved.outcome, direct.outcome, other.outcome} == {Outcome.NEW}
        assert (moved.same_as, direct.same_as, other.same_as) == ("http://b.test/feed", None, None)
        assert (days.report.same_feeds, days.report.same_feed_examples) == (1, (moved,))
        assert len(days.store.feeds) == 3

    async def test_another_spelling_with_the_same_document(self, autojump_clock: MockClock) -> None:
        """In this run and, where both answer 304, in the next one."""
        urls = ["http://a.test/feed", "http://www.a.test/feed/"]
        first, second = Site(body=rss("x"), headers={"ETag": '"1"'}), Site(body=rss("x"), first_byte=1)
        second.headers = {"ETag": '"2"'}
        days = Days({"a.test": first, "www.a.test": second}, urls)
        for _ in range(2):
            direct, other = await days.run()

            assert (direct.same_as, other.same_as) == (None, urls[0])
        second.body, second.headers = rss("y"), {}

        direct, other = await days.run()

        assert (direct.same_as, other.same_as) == (None, None)

    async def test_the_same_self_link_and_document(self, autojump_clock: MockClock) -> None:
        own = b'<link xmlns="http://www.w3.org/2005/Atom" rel="self" href="https://a.test/feed"/>'
        body = rss("x").replace(b"<item>", own + b"<item>")
        urls = ["http://a.test/feed", "http://copy.test/", "http://other.test/"]
        days = Days(
            {
                "a.test": Site(body=body),
                "copy.test": Site(body=body, first_byte=1),
                "other.test": Site(body=body.replace(b"About", b"More"), first_byte=2),
            },
            urls,
        )

        direct, copy, other = await days.run()

        assert (direct.same_as, copy.same_as, other.same_as) == (None, urls[0], None)
        assert days.report.same_feeds == 1
