"""What broke, recovered or went quiet since the last run: over runs of feeds that change, with each store."""

from __future__ import annotations

from datetime import timedelta

import pytest
from trio.testing import MockClock

from trioscrape import Config, FeedState, Outcome
from trioscrape._cli._report.changes import broke, how_quiet, how_recovered, recovered, went_quiet
from trioscrape._cli._report.facts import Change, RunFacts
from trioscrape._cli._report.kept import FINISHES, HOSTS, Few, Finishes, Hosts
from trioscrape.testing import Internet, MemoryStore, Site

from support.run_pages import DAY, LAST_RUN, NOW, facts, result, state
from support.scenarios import Calendar, open_virtual, rss, urls

URL = "http://a.test/"
BROKEN = {"failure": "http-404", "failures": 3, "failing_since": NOW - 3 * DAY}


class TestRules:
    @pytest.mark.parametrize(
        ("outcome", "reason", "before", "expected"),
        [
            (Outcome.FAILED, "tls", state(URL), True),
            (Outcome.GONE, "http-410", state(URL), True),
            (Outcome.FAILED, "tls", None, False),
            (Outcome.FAILED, "tls", state(URL, **BROKEN), False),
            (Outcome.FAILED, "tls", state(URL, postponed=NOW), False),
            (Outcome.FAILED, "cancelled", state(URL), False),
            (Outcome.NOT_DUE, None, state(URL), False),
            (Outcome.REFUSED, "blocked-address", state(URL), False),
        ],
    )
    def test_broke(self, outcome: Outcome, reason: str, before: FeedState | None, expected: bool) -> None:
        assert broke(result(URL, outcome, reason, before=before)) is expected

    @pytest.mark.parametrize(
        ("outcome", "before", "expected"),
        [
            (Outcome.NOT_MODIFIED, state(URL, **BROKEN), True),
            (Outcome.UPDATED, state(URL, gone=NOW - DAY), True),
            (Outcome.NEW, state(URL, **BROKEN), True),
            (Outcome.NEW, None, False),
            (Outcome.UPDATED, state(URL), False),
            (Outcome.NOT_DUE, state(URL, **BROKEN), False),
            (Outcome.FAILED, state(URL, **BROKEN), False),
        ],
    )
    def test_recovered(self, outcome: Outcome, before: FeedState | None, expected: bool) -> None:
        assert recovered(result(URL, outcome, before=before)) is expected

    @pytest.mark.parametrize(
        ("outcome", "newest", "expected"),
        [
            (Outcome.NOT_MODIFIED, 60.05, True),  # three times the longest pause, an hour ago
            (Outcome.NOT_DUE, 60.05, True),
            (Outcome.UPDATED, 60.05, False),
            (Outcome.NOT_MODIFIED, 59, False),
            (Outcome.NOT_MODIFIED, 61, False),  # it was quiet in the last run
            (Outcome.NOT_MODIFIED, None, False),
        ],
    )
    def test_went_quiet(self, outcome: Outcome, newest: float | None, expected: bool) -> None:
        newest_entry = None if newest is None else NOW - newest * DAY
        before = state(URL, newest_entry=newest_entry, longest_silence=20 * 86_400)
        one = result(URL, outcome, before=before)

        assert went_quiet(one, LAST_RUN, NOW) is expected
        assert not went_quiet(one, None, NOW)

    def test_a_broken_feed_is_not_quiet_as_well(self) -> None:
        before = state(URL, newest_entry=NOW - 60.05 * DAY, longest_silence=20 * 86_400, **BROKEN)

        assert not went_quiet(result(URL, Outcome.NOT_DUE, before=before), LAST_RUN, NOW)

    def test_in_words(self) -> None:
        silent = state(URL, newest_entry=NOW - 70 * DAY, longest_silence=20 * 86_400)

        assert how_recovered(state(URL, **BROKEN), NOW) == "after 3 days of http-404"
        assert how_recovered(state(URL, failure="tls"), NOW) == "after tls"
        assert how_recovered(state(URL, gone=NOW - timedelta(hours=5)), NOW) == "after 5 h of http-410"
        assert how_quiet(silent, NOW) == "no new entry for 70 days; the longest pause before was 20 days"
        assert how_quiet(state(URL, newest_entry=NOW - 95 * DAY), NOW) == "no new entry for 95 days"


async def test_over_three_runs(autojump_clock: MockClock) -> None:
    """The runs themselves say what was known before, and when the last run was."""
    calendar = Calendar()
    store = MemoryStore(now=calendar)
    well, ill = Site(body=rss("a")), Site(status=404)
    sites = {f"{name}.test": well for name in ("always", "breaks", "returns")}

    async def run() -> RunFacts:
        found = RunFacts(await store.last_run())
        internet = Internet(dict(sites))
        config = Config(ignore_schedule=True)
        async with open_virtual(urls(internet), internet, store, config=config, now=calendar) as scrape:
            async for each in scrape:
                found.add(each, 1.0, calendar())
        await store.record_run(scrape.report())
        return found

    sites["returns.test"] = ill
    first = await run()
    calendar.forward(days=2)
    sites["returns.test"], sites["breaks.test"] = well, ill
    second = await run()
    calendar.forward(days=1)
    third = await run()

    assert (first.last_run, first.broke.count, first.recovered.count) == (None, 0, 0)
    assert second.last_run == calendar() - 3 * DAY
    assert list(second.broke) == [Change("http://breaks.test/feed", "T", "http-404")]
    assert list(second.recovered) == [Change("http://returns.test/feed", None, "after 2 days of http-404")]
    assert (third.broke.count, third.recovered.count, third.quiet.count) == (0, 0, 0)


class TestKept:
    def test_few_are_the_same_whatever_the_order(self) -> None:
        one, other = Few[int](3), Few[int](3)
        for number in range(50):
            one.add(f"{number:02}", number)
            other.add(f"{49 - number:02}", 49 - number)

        assert list(one) == list(other) == [0, 1, 2]
        assert (one.count, one.left_out) == (50, 47)

    def test_the_slowest_hosts_are_kept_of_any_number(self) -> None:
        hosts = Hosts()
        for number in range(5 * HOSTS):
            hosts.add(f"h{number}", number % 1000 + number / 1e6)
        hosts.add("slow", 5000)
        hosts.add("slow", 1)

        slowest = hosts.slowest(2)
        assert len(hosts._hosts) <= 2 * HOSTS
        assert (slowest[0].name, slowest[0].feeds, slowest[0].longest, slowest[0].total) == (
            "slow",
            2,
            5000,
            5001,
        )
        assert slowest[1].longest > 999

    @pytest.mark.parametrize("feeds", [1, 7, 10, 1234, 100_000])
    def test_the_time_to_the_nth_feed(self, feeds: int) -> None:
        finishes = Finishes()
        for number in range(1, feeds + 1):
            finishes.add(number / 10)

        found = dict(finishes.milestones())
        assert all(seconds == pytest.approx(number / 10) for number, seconds in found.items())
        assert {10**power for power in range(6) if 10**power <= feeds} <= found.keys()
        assert max(found) == feeds
        assert len(finishes._every) < FINISHES
        if feeds > 1000:
            shares = {round(100 * number / feeds, 1) for number in found}
            assert {50.0, 90.0, 99.0} <= {round(share) for share in shares}

    def test_hosts_take_what_their_feeds_worked_and_not_what_they_waited(self) -> None:
        told = facts(result("http://a.test/1"), result("http://a.test/2"), result("ftp://b.test/", lanes={}))

        [host] = told.hosts.slowest(10)
        assert (host.name, host.feeds, host.longest, host.total) == ("a.test", 2, 1.0, 2.0)
