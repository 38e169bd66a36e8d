"""When a feed is fetched again: whole scrapes over several days of a wall clock that the test sets."""

from __future__ import annotations

from datetime import timedelta

import pytest
from trio.testing import MockClock

from trioscrape import Outcome
from trioscrape._schedule.freshness import FIRST_BACK_OFF, LONGEST_BACK_OFF
from trioscrape.testing import Site

from support.days import Days, alone
from support.scenarios import rss


class TestFresh:
    async def test_without_timers_a_feed_is_fetched_in_every_run(self, autojump_clock: MockClock) -> None:
        days = alone(headers={"ETag": '"1"'})
        await days.run()
        writes = days.store.writes
        for _ in range(5):
            assert (await days.one()).outcome is Outcome.NOT_MODIFIED
            assert days.requested == ["a.test"]
        assert days.store.writes == writes, "a run in which nothing has changed writes nothing"

    @pytest.mark.parametrize(
        ("headers", "minutes"),
        [
            ({"Cache-Control": "max-age=3600"}, 60),
            ({"Cache-Control": "max-age=3600", "Age": "600"}, 50),
            ({"Date": "Mon, 02 Mar 2026 12:00:00 GMT", "Expires": "Mon, 02 Mar 2026 14:00:00 GMT"}, 120),
            ({"Cache-Control": "max-age=99999999999999"}, 7 * 24 * 60),
        ],
    )
    async def test_a_fresh_feed_is_not_fetched(
        self, autojump_clock: MockClock, headers: dict[str, str], minutes: int
    ) -> None:
        days = alone(headers=headers)
        await days.run()
        until = days.now() + timedelta(minutes=minutes)

        days.now.forward(minutes=minutes, seconds=-1)
        result = await days.one()
        assert days.requested == []
        assert (result.outcome, result.reason, result.stored) == (Outcome.NOT_DUE, None, False)
        assert result.detail == f"fresh; due again at {until:%Y-%m-%d %H:%M} UTC"

        days.now.forward(seconds=1)
        await days.run()
        assert days.requested == ["a.test"]

    @pytest.mark.parametrize(
        ("timers", "minutes"),
        [
            ("<ttl>90</ttl>", 90),
            ("<ttl>99999999999999999999</ttl>", 7 * 24 * 60),
            ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>6</sy:updateFrequency>", 240),
            ("<skipHours><hour>11</hour><hour>12</hour><hour>13</hour></skipHours>", 120),
            ("<skipDays><day>Monday</day></skipDays>", 12 * 60),
        ],
    )
    async def test_what_the_document_asks_for_survives_a_304(
        self, autojump_clock: MockClock, timers: str, minutes: int
    ) -> None:
        body = rss("x").replace(b"<channel>", f"<channel>{timers}".encode())
        body = body.replace(b"<rss ", b'<rss xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" ')
        days = Days({"a.test": Site(body=body, headers={"ETag": '"1"'})})
        for outcome in Outcome.NEW, Outcome.NOT_MODIFIED:
            assert (await days.one(ignore_schedule=True)).outcome is outcome
            assert days.requested == ["a.test"]

        days.now.forward(minutes=minutes, seconds=-1)
        await days.run()
        assert days.requested == []
        days.now.forward(seconds=1)
        await days.run()
        assert days.requested == ["a.test"]

    async def test_max_age_survives_a_304_that_is_silent(self, autojump_clock: MockClock) -> None:
        """And a 304 that is not silent counts."""
        site = Site(body=rss("x"), headers={"ETag": '"1"', "Cache-Control": "max-age=3600"})
        days = Days({"a.test": site})
        await days.run()
        site.headers = {"ETag": '"1"'}
        days.now.forward(hours=1)
        await days.run()
        assert days.state.next_fetch == days.now() + timedelta(hours=1)

        site.headers = {"ETag": '"1"', "Cache-Control": "no-cache"}
        days.now.forward(hours=1)
        await days.run()
        assert days.state.next_fetch is None

    async def test_the_users_interval(self, autojump_clock: MockClock) -> None:
        days = alone()
        await days.run(interval=3600)
        days.now.forward(minutes=53)
        await days.run()
        assert days.requested == []
        days.now.forward(minutes=1)
        await days.run()
        assert days.requested == ["a.test"]

    async def test_all_are_fetched_when_the_user_says_so(self, autojump_clock: MockClock) -> None:
        days = alone(headers={"Cache-Control": "max-age=3600"})
        await days.run()
        await days.run(ignore_schedule=True)

        assert days.requested == ["a.test"]


class TestFailures:
    @pytest.mark.parametrize(
        ("site", "reason"),
        [
            (Site(status=404), "http-404"),
            (Site(status=500), "http-500"),
            (Site(exists=False), "name-not-found"),
            (Site(listens=False), "connection-refused"),
            (Site(body=b"<!doctype html><html>"), "not-a-feed"),
        ],
    )
    async def test_back_off(self, autojump_clock: MockClock, site: Site, reason: str) -> None:
        """Twice as long after every failure, up to a day; in between the reason stays the same."""
        days = Days({"a.test": site})
        whole = FIRST_BACK_OFF
        for failures in range(1, 9):
            result = await days.one()
            assert (result.outcome, result.reason) == (Outcome.FAILED, reason)
            assert days.state.failures == failures
            wait = days.state.next_fetch - days.now()
            assert whole / 2 <= wait <= whole
            whole = min(whole * 2, LONGEST_BACK_OFF)

            days.now.moment += wait / 2
            connects, writes = len(days.internet.lookups), days.store.writes
            result = await days.one()
            assert (result.outcome, result.reason, result.stored) == (Outcome.NOT_DUE, reason, False)
            assert result.detail.startswith("due again at 2026-03-")
            assert result.detail.endswith(f"; failures in a row: {failures}")
            assert (len(days.internet.lookups), days.store.writes) == (connects, writes)
            days.now.moment += wait / 2

    async def test_a_success_ends_it(self, autojump_clock: MockClock) -> None:
        """And what was stored before the failures is still known."""
        site = Site(body=rss("x"), headers={"ETag": '"1"'})
        days = Days({"a.test": site})
        await days.run()
        before = days.state
        site.listens = False
        await days.run()
        assert days.state.etag == '"1"'
        site.listens = True
        days.now.forward(hours=1)

        result = await days.one()

        assert (result.outcome, result.stored) == (Outcome.NOT_MODIFIED, True)
        assert days.state == before

    async def test_a_feed_that_has_only_failed_before_is_new(self, autojump_clock: MockClock) -> None:
        site = Site(body=rss("x"), status=500)
        days = Days({"a.test": site})
        await days.run()
        site.status = 200
        days.now.forward(hours=1)

        assert (await days.one()).outcome is Outcome.NEW

    async def test_our_own_refusal_does_not_put_a_feed_off(self, autojump_clock: MockClock) -> None:
        """Under other settings it may be allowed. Until then the store says what is wrong."""
        inward = Site(status=302, headers={"Location": "http://127.0.0.1/"}, addresses=["93.184.215.14"])
        days = Days({"a.test": inward})

        for _ in range(2):
            assert (await days.one()).outcome is Outcome.REFUSED
            days.now.forward(minutes=1)
        state = days.state
        assert (state.failure, state.failures, state.next_fetch) == ("blocked-address", 0, None)
        assert days.store.history[state.feed_id].polls == 2

    async def test_all_are_fetched_when_the_user_says_so(self, autojump_clock: MockClock) -> None:
        days = Days({"a.test": Site(status=404)})
        await days.run()
        await days.run(ignore_schedule=True)

        assert days.requested == ["a.test"]
        assert days.state.failures == 2


class TestGone:
    async def test_fetched_once_a_month(self, autojump_clock: MockClock) -> None:
        days = Days({"a.test": Site(status=410)})
        result = await days.one()
        assert (result.outcome, result.reason) == (Outcome.GONE, "http-410")
        for _ in range(3):
            days.now.forward(days=29)
            result = await days.one()
            assert days.requested == []
            assert (result.outcome, result.reason) == (Outcome.NOT_DUE, "http-410")
            assert result.detail.startswith("gone since 2026-03-02 12:00 UTC; due again at ")
            days.now.forward(days=1)
            assert (await days.one()).outcome is Outcome.GONE
            assert days.requested == ["a.test"]

    @pytest.mark.parametrize("how", ["wait", "all"])
    async def test_revived(self, autojump_clock: MockClock, how: str) -> None:
        site = Site(body=rss("x"), status=410)
        days = Days({"a.test": site})
        await days.run()
        site.status = 200
        if how == "wait":
            days.now.forward(days=30)

        result = await days.one(ignore_schedule=how == "all")

        assert (result.outcome, result.entries.new) == (Outcome.NEW, 1)
        assert (days.state.gone, days.state.failure, days.state.failures) == (None, None, 0)


class TestTotals:
    async def test_feeds_that_are_not_due_have_an_outcome_of_their_own(
        self, autojump_clock: MockClock
    ) -> None:
        """Fresh, backing off, gone: none of them counts as unchanged, failed or gone in the second run."""
        sites = {
            "a.test": Site(body=rss("x"), headers={"Cache-Control": "max-age=3600"}),
            "b.test": Site(status=404),
            "c.test": Site(status=410),
        }
        days = Days(sites, [f"http://{host}/" for host in sites])
        await days.run()
        assert (days.report.outcomes[Outcome.NOT_DUE], days.report.errors) == (
            0,
            {"http-404": 1, "http-410": 1},
        )

        await days.run()

        assert {outcome: feeds for outcome, feeds in days.report.outcomes.items() if feeds} == {
            Outcome.NOT_DUE: 3
        }
        assert (days.report.errors, days.report.complete) == ({}, True)
