"""ETag and Last-Modified over several runs: what is sent, and when nothing is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from trio.testing import MockClock

from trioscrape import Outcome
from trioscrape.testing import Site

from support.days import Days, alone
from support.scenarios import rss


class TestValidators:
    @pytest.mark.parametrize("header", [{"Expires": "0"}, {"Cache-Control": "no-store"}])
    async def test_dropped_when_the_server_wants_nothing_kept(
        self, autojump_clock: MockClock, header: dict[str, str]
    ) -> None:
        days = alone(headers={"ETag": '"1"', "Last-Modified": "then", **header})
        await days.run()
        result = await days.one()

        assert "if-none-match" not in days.internet.requests[0][2]
        assert (result.outcome, result.stored) == (Outcome.NOT_MODIFIED, False)

    async def test_an_unconditional_fetch_every_week_or_two(self, autojump_clock: MockClock) -> None:
        """Of a server that says 304 for ever; from then on it is fetched so every day."""
        site = Site(body=rss("x"), headers={"ETag": '"1"'})
        days = Days({"a.test": site})
        await days.run()
        site.body = rss("x", "y")
        outcomes = []
        for _ in range(20):
            days.now.forward(days=1)
            outcomes.append((await days.one()).outcome)
            conditional = "if-none-match" in days.internet.requests[0][2]
            assert conditional is (outcomes[-1] is Outcome.NOT_MODIFIED)
            if not conditional:
                break

        assert 7 <= len(outcomes) <= 14
        assert outcomes[-1] is Outcome.UPDATED
        site.body = rss("x", "y", "z")
        days.now.forward(days=1)
        assert (await days.one()).outcome is Outcome.UPDATED

    async def test_an_unconditional_fetch_that_finds_the_same(self, autojump_clock: MockClock) -> None:
        """Is not parsed, writes no entry, and the next one is weeks away again."""
        days = alone(headers={"ETag": '"1"'})
        await days.run()
        days.now.forward(days=14)
        result = await days.one()

        assert "if-none-match" not in days.internet.requests[0][2]
        assert (result.outcome, "parse" in result.lanes) == (Outcome.NOT_MODIFIED, False)
        days.now.forward(days=6)
        await days.run()
        assert "if-none-match" in days.internet.requests[0][2]

    async def test_feeds_that_began_together_do_not_stay_together(self, autojump_clock: MockClock) -> None:
        days = Days(
            {"a.test": Site(body=rss("x"), headers={"ETag": '"1"'})},
            [f"http://a.test/{number}" for number in range(20)],
        )
        await days.run()

        assert len({state.next_unconditional for state in days.store.feeds.values()}) == 20

    @pytest.mark.parametrize("value", ['"a\r\nCookie: b"', '"\x1b"', "日本", ' "a"'])
    async def test_stored_ones_that_no_header_can_have_are_not_sent(
        self, autojump_clock: MockClock, value: str
    ) -> None:
        """Whatever store they come from. The server's own take their place."""
        days = alone(headers={"ETag": '"1"'})
        await days.run()
        [key] = days.store.feeds
        days.store.feeds[key] = replace(days.store.feeds[key], etag=value, last_modified=value)
        result = await days.one()

        assert (
            days.internet.requests[0][2].keys().isdisjoint(["if-none-match", "if-modified-since", "cookie"])
        )
        assert (result.outcome, result.stored) == (Outcome.NOT_MODIFIED, True)
        assert (days.store.feeds[key].etag, days.store.feeds[key].last_modified) == ('"1"', None)
