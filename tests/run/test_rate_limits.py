"""Hosts that allow so many requests a minute, with many feeds, over days."""

from __future__ import annotations

from collections import Counter

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Outcome
from trioscrape._run.feed_source import READ_AHEAD
from trioscrape.testing import Site

from support.limited_hosts import Cron, Limited, make_cheap


@pytest.fixture(autouse=True)
def cheap_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days of them."""
    make_cheap(monkeypatch)


@pytest.mark.parametrize(
    ("feeds", "allowed", "runs"),
    [
        (12, 1, 30),
        (12, 4, 20),
        (12, 60, 10),
        pytest.param(100, 1, 30, marks=pytest.mark.heavy),
        (100, 4, 10),
        (100, 60, 5),
        pytest.param(1000, 1, 100, marks=pytest.mark.heavy),
        pytest.param(1000, 4, 45, marks=pytest.mark.heavy),
        pytest.param(1000, 60, 3, marks=pytest.mark.heavy),
    ],
)
async def test_every_feed_is_read_by_runs_from_cron(
    autojump_clock: MockClock, feeds: int, allowed: int, runs: int
) -> None:
    """Every quarter of an hour."""
    site = Limited(allowed)
    cron = Cron(site, feeds)
    await cron.runs(runs)

    assert cron.spread <= 2
    assert max(report.seconds for report in cron.reports) < 900
    assert site.refused <= 2 * runs, "once it has said what it allows, it is not pressed"
    assert {state.failures for state in cron.store.feeds.values()} == {0}


@pytest.mark.parametrize(
    ("feeds", "allowed"),
    [
        (12, 1),
        (100, 4),
        pytest.param(1000, 1, marks=pytest.mark.heavy),
        pytest.param(1000, 60, marks=pytest.mark.heavy),
    ],
)
async def test_every_feed_is_read_by_one_long_run(
    autojump_clock: MockClock, feeds: int, allowed: int
) -> None:
    """With patience for it."""
    site = Limited(allowed)
    cron = Cron(site, feeds)
    report = await cron.run(host_patience=2 * 86400)

    assert report.outcomes[Outcome.NEW] == feeds
    assert report.seconds < 1.1 * 60 * feeds / allowed
    assert site.refused <= 2


@pytest.mark.parametrize("feeds", [20, pytest.param(READ_AHEAD + 10, marks=pytest.mark.heavy)])
@pytest.mark.parametrize("says", [True, False])
async def test_one_feed_a_run(autojump_clock: MockClock, says: bool, feeds: int) -> None:
    """The host allows one request an hour, and may not say so: the feeds take turns, all of the list."""
    cron = Cron(Limited(1, 3500, says=says), feeds, seconds=3600)
    await cron.runs(feeds + 5)

    assert set(cron.fetched.values()) == {1, 2}


async def test_a_pause_holds_in_the_next_run_for_all_feeds_of_the_host(autojump_clock: MockClock) -> None:
    """Also for those that were fetched before the host has asked for it, and are due again."""
    site = Limited(4, 3600)
    cron = Cron(site, 12, seconds=1800)
    await cron.runs(2)

    assert [report.outcomes[Outcome.NEW] for report in cron.reports] == [4, 0]
    assert site.refused == 1
    assert {state.failures for state in cron.store.feeds.values()} == {0}

    await trio.sleep_until(3600 + 60)  # when it is over
    await cron.runs(1)
    assert cron.reports[-1].outcomes[Outcome.NEW] >= 3


async def test_it_says_what_a_host_allows(autojump_clock: MockClock) -> None:
    cron = Cron(Limited(1), 12)
    report = await cron.run()

    assert report.remarks == ("reddit.test allows about 1 request in 60 s; its 12 feeds take 12 min",)
    assert report.seconds == pytest.approx(11 * 60.5, rel=0.05)


async def test_feeds_that_are_redirected_to_such_a_host_take_turns(autojump_clock: MockClock) -> None:
    """From hosts of their own to one that allows five requests an hour."""
    limited = Limited(5, 3500)
    cron = Cron(limited, 20, seconds=3600)
    sites = {
        f"f{number}.test": Site(status=302, headers={"Location": f"http://reddit.test/{number}"})
        for number in range(20)
    }
    cron.internet.sites = {"reddit.test": limited, **sites}
    cron.feeds = [f"http://{host}/" for host in sites]
    cron.fetched = Counter(dict.fromkeys(cron.feeds, 0))
    await cron.runs(12)

    assert cron.spread <= 2
    assert {state.failures for state in cron.store.feeds.values()} == {0}
