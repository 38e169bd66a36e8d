"""The user's interval, with runs from cron that take as long as they take: it does not drift."""

from __future__ import annotations

from datetime import timedelta

import pytest
from trio.testing import MockClock

from trioscrape import Feed, FeedState
from trioscrape._errors import FeedFailed
from trioscrape._run.candidates import Candidate
from trioscrape._run.next_state import after_failure, next_run
from trioscrape._schedule.freshness import FIRST_BACK_OFF
from trioscrape.testing import Site

from support.limited_hosts import Cron, make_cheap
from support.scenarios import Calendar, rss

NOW = Calendar().moment
WEEK = 7 * 24 * 4


@pytest.mark.heavy
async def test_a_quarter_of_an_hour_for_a_week(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cron is up to two seconds late, and the last feed is fetched half a minute into the run."""
    make_cheap(monkeypatch)
    cron = Cron(Site(body=rss("x"), first_byte=10), 3)
    await cron.runs(WEEK, late=(0, 2, 1, 0.5), interval=900)

    assert set(cron.fetched.values()) == {WEEK}


async def test_it_is_the_least_time_all_the_same(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs every five minutes: two of three find nothing to do."""
    make_cheap(monkeypatch)
    cron = Cron(Site(body=rss("x"), first_byte=1), 3, seconds=300)
    await cron.runs(3 * 24, interval=900)

    assert set(cron.fetched.values()) == {24}


def test_it_counts_for_failures_too() -> None:
    """Not in addition to the time that a run has taken; a longer back-off stays."""
    candidate = Candidate(Feed("http://a.test/"), "0" * 32, "a.test", state=FeedState("0" * 32, "http://a/"))
    late = NOW + timedelta(minutes=4)
    due = after_failure(candidate, FeedFailed("http-404"), late, next_run(NOW, 3600)).state.next_fetch
    assert due == NOW + timedelta(minutes=54)

    assert next_run(NOW, 0) is None
    due = after_failure(candidate, FeedFailed("http-404"), late, next_run(NOW, 60)).state.next_fetch
    assert due is not None
    assert FIRST_BACK_OFF / 2 <= due - late <= FIRST_BACK_OFF
