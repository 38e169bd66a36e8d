"""A host with many feeds that does not answer: it holds up a run for three timeouts, and the next for one."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from trio.testing import MockClock

from trioscrape import Outcome
from trioscrape.testing import Site

from support.days import Days
from support.scenarios import rss

FEEDS = [f"http://a.test/{number}" for number in range(300)]


@pytest.mark.parametrize(
    ("site", "reason"),
    [
        (Site(connect=math.inf), "connect-timeout"),
        (Site(first_byte=math.inf), "read-timeout"),
        (Site(listens=False), "connection-refused"),
    ],
)
async def test_the_rest_is_left_to_the_next_run(autojump_clock: MockClock, site: Site, reason: str) -> None:
    days = Days({"a.test": site, "b.test": Site(body=rss("x"))}, [*FEEDS, "http://b.test/"])
    *silent, other = await days.run()

    assert len(days.internet.connects) == 3 + 1
    assert days.report.seconds < 60
    assert Counter((result.outcome, result.reason) for result in silent) == {(Outcome.FAILED, reason): 300}
    skipped = f"not fetched in this run: a.test does not answer ({reason})"
    assert [result.detail == skipped for result in silent] == [False] * 3 + [True] * 297
    assert other.outcome is Outcome.NEW
    assert days.report.remarks == (
        f"a.test does not answer ({reason}); 297 of its feeds are left to the next run",
    )
    states = days.store.feeds.values()
    assert sum(state.failures for state in states) == 3, "the others have not failed"
    assert sum(state.postponed is not None for state in states) == 297

    days.now.forward(minutes=5)
    days.internet.connects.clear()
    *silent, _ = await days.run()
    assert len(days.internet.connects) == 1 + 1, "one of them tries again"
    assert Counter(result.outcome for result in silent) == {Outcome.NOT_DUE: 3, Outcome.FAILED: 297}

    site.connect = site.first_byte = 0
    site.listens, site.body = True, rss("x")
    days.now.forward(days=1)
    assert {result.outcome for result in await days.run()} == {Outcome.NEW, Outcome.NOT_MODIFIED}
    assert {(state.failures, state.postponed) for state in days.store.feeds.values()} == {(0, None)}


async def test_a_feed_that_times_out_alone_ends_nothing(autojump_clock: MockClock) -> None:
    """Three scripts of a site are slow, with others in between."""
    sites = {"a.test": Site(body=rss("x")), "slow.test": Site(first_byte=math.inf)}
    sites["slow.test"].addresses = ["198.51.100.1"]
    days = Days(sites, ["http://slow.test/1", *FEEDS[:9], "http://slow.test/2"])
    results = await days.run()

    assert [result.outcome for result in results].count(Outcome.NEW) == 9
    assert days.report.remarks == ()


@pytest.mark.parametrize("connect", [0, math.inf], ids=["refuses", "is silent"])
async def test_silence_belongs_to_the_host_and_not_to_its_domain(
    autojump_clock: MockClock, connect: float
) -> None:
    """Where hosts are counted by domain, three dead ones end nothing for the fourth."""
    dead = [f"{name}.example.org" for name in "abc"]
    sites = {host: Site(listens=connect > 0, connect=connect) for host in dead}
    sites["d.example.org"] = Site(body=rss("x"))
    feeds = [f"http://{host}/{number}" for number in range(9) for host in sites]
    days = Days(sites, sorted(feeds))
    for _ in range(2):
        results = await days.run(group_hosts_by="domain", ignore_schedule=True)
        alive = [result for result in results if "//d." in result.feed.url]
        assert {result.outcome for result in alive} <= {Outcome.NEW, Outcome.NOT_MODIFIED}
        assert len(days.internet.connects) <= 9 + 3 * 3
        days.internet.connects.clear()
        days.now.forward(hours=1)

    reason = "connect-timeout" if connect else "connection-refused"
    assert days.report is not None
    assert days.report.remarks == tuple(
        f"{host} does not answer ({reason}); 8 of its feeds are left to the next run" for host in dead
    )
