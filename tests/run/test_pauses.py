"""Hosts that answer with a Retry-After: what becomes of their other feeds, in this run and later ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Outcome
from trioscrape.testing import Internet, MemoryStore, Site

from support.days import Days
from support.scenarios import Calendar, counted_report, open_virtual, rss, run_virtual

MOVED = {"Location": "http://b.test/feed"}


class TestHosts:
    @pytest.mark.parametrize(
        ("status", "headers", "reason", "seconds"),
        [
            (429, {"Retry-After": "7200"}, "rate-limited", 7200),
            (503, {"Retry-After": "Mon, 02 Mar 2026 14:00:00 GMT"}, "http-503", 7200),
            (503, {"Retry-After": "31536000"}, "http-503", 7 * 86400),
            (429, {}, "rate-limited", 60),
        ],
    )
    async def test_a_host_that_asks_for_a_pause(
        self, status: int, headers: dict[str, str], reason: str, seconds: int
    ) -> None:
        """One request, and none for its other feeds, in this run and in the next ones. Others are fetched."""
        site = Site(body=rss("x"), status=status, headers=headers)
        feeds = [*(f"http://a.test/{number}" for number in range(5)), "http://b.test/"]
        days = Days({"a.test": site, "b.test": Site(body=rss("x"))}, feeds)

        *paused, other = await days.run()

        assert days.requested.count("a.test") == 1
        assert {(result.outcome, result.reason) for result in paused} == {(Outcome.FAILED, reason)}
        told = "not fetched: a.test asked for a pause until "
        assert sorted(result.detail.startswith(told) for result in paused) == [False, True, True, True, True]
        assert other.outcome is Outcome.NEW
        # None of them has failed, they are postponed; all are due when the pause is over.
        states = [state for state in days.store.feeds.values() if state.failure is not None]
        until = days.now() + timedelta(seconds=seconds)
        assert [(state.failures, state.next_fetch, state.postponed) for state in states] == [
            (0, until, days.now())
        ] * 5

        days.now.forward(seconds=seconds - 1)
        *paused, _ = await days.run()
        assert days.requested == ["b.test"]
        assert {(result.outcome, result.reason) for result in paused} == {(Outcome.NOT_DUE, reason)}

        site.status, site.headers = 200, {}
        days.now.forward(minutes=15)
        results = await days.run()
        assert [result.outcome for result in results] == [*[Outcome.NEW] * 5, Outcome.NOT_MODIFIED]
        assert {state.postponed for state in days.store.feeds.values()} == {None}

    async def test_absurd_values_are_cut_and_it_is_said(self, autojump_clock: MockClock) -> None:
        days = Days({"a.test": Site(status=503, headers={"Retry-After": "31536000"})})

        detail = (await days.one()).detail

        assert detail == (
            "a.test asked for a pause until 2026-03-09 12:00 UTC (it said '31536000', which is cut to 7 days)"
        )

    async def test_a_503_that_asks_for_nothing_is_the_feeds_own(self, autojump_clock: MockClock) -> None:
        days = Days({"a.test": Site(status=503)}, ["http://a.test/1", "http://a.test/2"])
        await days.run()

        assert days.requested == ["a.test", "a.test"]

    async def test_feeds_that_are_redirected_there_stop_before_it(self, autojump_clock: MockClock) -> None:
        sites = {f"f{number}.test": Site(status=302, headers=MOVED) for number in range(5)}
        sites["b.test"] = Site(status=429, first_byte=1)
        sites["late.test"] = Site(status=302, headers=MOVED, first_byte=5)
        days = Days(sites, ["http://f0.test/", "http://late.test/"])

        _, late = await days.run()

        assert days.requested.count("b.test") == 1
        assert late.detail.startswith("not fetched: b.test asked for a pause until ")

    async def test_a_short_pause_is_waited_for(self, autojump_clock: MockClock) -> None:
        """All feeds of the host start when it is over, the one that has met it first."""
        site = Site(body=rss("x"), status=429, headers={"Retry-After": "20"})
        feeds = [f"http://a.test/{number}" for number in range(3)]
        days = Days({"a.test": site}, feeds, Running())
        began = days.now()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(recover, site)
            results = await days.run()

        assert [result.outcome for result in results] == [Outcome.NEW] * 3
        assert [target for _, target, _ in days.internet.requests] == ["/0", "/0", "/1", "/2"]
        assert days.report.outcomes[Outcome.NEW] == days.report.feeds == 3
        assert timedelta(seconds=20) < days.now() - began < timedelta(seconds=22)

    async def test_it_is_over_in_the_same_run_when_the_time_has_come(self, autojump_clock: MockClock) -> None:
        """A long run, in which a feed of the host comes late."""
        site = Site(body=rss("x"), status=429, headers={"Retry-After": "100"})
        days = Days({"a.test": site}, ["http://a.test/1", "http://a.test/2"], Running())

        async def listed() -> AsyncIterator[str]:
            yield days.feeds[0]
            await trio.sleep(200)
            site.status = 200
            yield days.feeds[1]

        results, _ = await run_virtual(listed(), days.internet, days.store, now=days.now)

        assert [result.outcome for result in results] == [Outcome.FAILED, Outcome.NEW]

    async def test_a_drain_leaves_what_waits_for_the_end_of_a_pause(self, autojump_clock: MockClock) -> None:
        """Also the feed that was refused: it counts as not started, and nothing is stored of it."""
        site = Site(status=429, headers={"Retry-After": "20"})
        feeds = [f"http://a.test/{number}" for number in range(3)]
        store = MemoryStore()
        async with open_virtual(feeds, Internet({"a.test": site}), store, now=Running()) as run:
            await trio.sleep(10)
            run.drain()
            assert [result async for result in run] == []

        report = await counted_report(run)
        assert (report.feeds, report.not_started, sum(report.outcomes.values())) == (3, 3, 0)
        assert store.feeds == {}

    async def test_a_pause_is_that_of_the_domain(self, autojump_clock: MockClock) -> None:
        sites = {f"{name}.big.test": Site(status=429, headers={"Retry-After": "600"}) for name in "abc"}
        days = Days(sites, [f"http://{host}/" for host in sites])
        results = await days.run(group_hosts_by="domain")

        assert len(days.requested) == 1
        assert {result.detail.removeprefix("not fetched: ") for result in results} == {
            "big.test asked for a pause until 2026-03-02 12:10 UTC"
        }

    async def test_a_redirect_to_a_host_that_allows_little_is_no_failure(
        self, autojump_clock: MockClock
    ) -> None:
        sites = {f"f{number}.test": Site(status=302, headers=MOVED) for number in range(5)}
        sites["b.test"] = Site(status=503, headers={"Retry-After": "3600"})
        days = Days(sites, [f"http://f{number}.test/" for number in range(5)])
        results = await days.run()

        assert days.requested.count("b.test") == 1
        assert {result.reason for result in results} == {"http-503"}
        assert {state.failures for state in days.store.feeds.values()} == {0}


async def recover(site: Site) -> None:
    await trio.sleep(10)
    site.status = 200


class Running(Calendar):
    """Goes as fast as trio's clock."""

    def __call__(self) -> datetime:
        return self.moment + timedelta(seconds=trio.current_time())
