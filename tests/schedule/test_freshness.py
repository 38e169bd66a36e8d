"""When a feed is asked again: tables."""

from datetime import UTC, datetime, timedelta

import pytest

from trioscrape import FeedState, FeedTimers
from trioscrape._schedule.freshness import (
    FIRST_BACK_OFF,
    LONGEST,
    LONGEST_BACK_OFF,
    age,
    back_off,
    forgets,
    fraction,
    http_date,
    max_age,
    not_before,
    retry_after,
    rules_of_success,
    trusted_until,
)

NOW = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)  # a Saturday
WEEK = 7 * 24 * 3600
IDS = [f"{number:032x}" for number in range(500)]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 007 ", 7),
        ("Sun, 01 Mar 2026 00:30:00 GMT", 3600),
        ("Sunday, 01-Mar-26 00:30:00 GMT", 3600),
        ("Sun Mar  1 00:30:00 2026", 3600),
        ("Sun, 01 Mar 2026 02:30:00 +0200", 3600),
        (str(WEEK), WEEK),
        (str(WEEK + 1), WEEK),
        ("9" * 5000, WEEK),
        ("Fri, 31 Dec 9999 23:59:59 GMT", WEEK),
    ],
)
def test_retry_after(value: str, seconds: int) -> None:
    """RFC 9110 §10.2.3: seconds, or a date in any of the three formats."""
    pause = retry_after(value, NOW)

    assert pause is not None
    assert pause.until == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value", [None, "", "0", "-5", "1.5", "soon", "٣", "Sat, 28 Feb 2026 23:00:00 GMT", "Xyz, 99 Foo 2026"]
)
def test_no_retry_after(value: str | None) -> None:
    assert retry_after(value, NOW) is None


def test_an_absurd_retry_after_is_cut_and_says_so() -> None:
    assert retry_after("3600", NOW).words == "a pause until 2026-03-01 00:30 UTC"
    assert retry_after("31536000", NOW).words == (
        "a pause until 2026-03-07 23:30 UTC (it said '31536000', which is cut to 7 days)"
    )


@pytest.mark.parametrize("text", ["", "0", "-1", "never", "Thu, 01 Jan 99999 00:00:00 GMT", "x" * 10_000])
def test_what_is_no_date(text: str) -> None:
    assert http_date(text) is None


DATE = "Sat, 28 Feb 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"cache-control": "public"}, None),
        ({"cache-control": "public, Max-Age=600"}, 600),
        ({"cache-control": 'max-age="600"'}, 600),
        ({"cache-control": "max-age=600, max-age=700"}, 600),
        ({"cache-control": "s-maxage=600"}, None),
        ({"cache-control": "max-age=-1"}, 0),
        ({"cache-control": "max-age=soon"}, 0),
        ({"cache-control": "max-age"}, 0),
        ({"cache-control": "max-age=" + "9" * 5000}, WEEK),
        ({"cache-control": "max-age=600, no-store"}, 0),
        ({"cache-control": "No-Cache, max-age=600"}, 0),
        ({"expires": "0"}, 0),
        ({"expires": "-1"}, 0),
        ({"expires": "Sat, 28 Feb 2026 13:00:00 GMT", "date": DATE}, 3600),
        ({"expires": "Sun, 01 Mar 2026 00:30:00 GMT"}, 3600),
        ({"expires": "Sun, 01 Mar 2026 00:30:00 GMT", "date": "now"}, 3600),
        ({"expires": "Thu, 19 Nov 1981 08:52:00 GMT", "date": DATE}, 0),
        ({"expires": "Fri, 31 Dec 9999 23:59:59 GMT", "date": DATE}, WEEK),
        ({"expires": "0", "cache-control": "max-age=600"}, 600),
    ],
)
def test_max_age(headers: dict[str, str], seconds: int | None) -> None:
    """RFC 9111 §4.2.1; max-age counts before Expires, which counts from Date."""
    assert max_age(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"), [({}, 0), ({"age": "30"}, 30), ({"age": "-1"}, 0), ({"age": "9" * 99}, WEEK)]
)
def test_age(headers: dict[str, str], seconds: int) -> None:
    assert age(headers) == seconds


@pytest.mark.parametrize(
    ("headers", "does"),
    [
        ({}, False),
        ({"expires": "0"}, True),
        ({"expires": " 0 "}, True),
        ({"expires": "0", "cache-control": "max-age=0"}, True),
        ({"expires": "0", "cache-control": "max-age=60"}, False),
        ({"expires": DATE}, False),
        ({"cache-control": "NO-STORE"}, True),
        ({"cache-control": "no-cache, must-revalidate"}, False),
    ],
)
def test_servers_that_want_nothing_kept(headers: dict[str, str], does: bool) -> None:
    assert forgets(headers) is does


@pytest.mark.parametrize(
    ("timers", "old", "interval", "seconds"),
    [
        (FeedTimers(), 0, 0, None),
        (FeedTimers(), 0, 60, 60),
        (FeedTimers(max_age=600), 0, 60, 600),
        (FeedTimers(max_age=600), 500, 60, 100),
        (FeedTimers(max_age=600), 700, 0, None),
        (FeedTimers(max_age=600, every=3600), 700, 60, 3600),
        (FeedTimers(every=3600), 0, 30 * 86400, 30 * 86400),
    ],
)
def test_the_latest_of_all_timers_counts(
    timers: FeedTimers, old: int, interval: float, seconds: int | None
) -> None:
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    next_run = NOW + timedelta(seconds=interval) if interval else None
    rules = rules_of_success(NOW, timers, old, next_run)

    assert (rules[0].until if rules else None) == expected


@pytest.mark.parametrize(
    ("timers", "next_", "expected"),
    [
        (FeedTimers(), None, None),
        (FeedTimers(), NOW - timedelta(hours=1), None),
        (FeedTimers(), NOW, None),
        (FeedTimers(), NOW + timedelta(hours=1), NOW + timedelta(hours=1)),
        (FeedTimers(skip_hours=(22, 1)), None, None),
        (FeedTimers(skip_hours=(23, 0)), None, datetime(2026, 3, 1, 1, 0, tzinfo=UTC)),
        (FeedTimers(skip_days=(6,)), None, None),
        (FeedTimers(skip_days=(5, 6)), None, datetime(2026, 3, 2, tzinfo=UTC)),
        (
            FeedTimers(skip_days=(6,), skip_hours=(0,)),
            NOW + timedelta(hours=1),
            datetime(2026, 3, 2, 1, tzinfo=UTC),
        ),
        (FeedTimers(skip_hours=tuple(range(24))), None, None),
        (FeedTimers(skip_days=tuple(range(7))), NOW + timedelta(hours=1), NOW + timedelta(hours=1)),
    ],
)
def test_not_before(timers: FeedTimers, next_: datetime | None, expected: datetime | None) -> None:
    state = FeedState(IDS[0], "http://a.test/", timers=timers, next_fetch=next_)

    assert not_before(state, NOW) == expected


def test_back_off_doubles_up_to_a_day() -> None:
    """From a half of the whole up to the whole, never longer, never for ever."""
    whole = FIRST_BACK_OFF
    for failures in (*range(1, 30), 10**9):
        delays = [back_off(feed_id, failures) for feed_id in IDS]
        assert whole / 2 < min(delays) < whole * 0.55
        assert whole * 0.95 < max(delays) <= whole
        whole = min(2 * whole, LONGEST_BACK_OFF)
    assert whole == LONGEST_BACK_OFF < LONGEST


def test_jitter_is_the_same_for_a_feed_and_differs_between_feeds() -> None:
    assert fraction(IDS[0], "a") == fraction(IDS[0], "a")
    assert len({fraction(feed_id, "a") for feed_id in IDS}) == len(IDS)
    assert fraction(IDS[0], "a") != fraction(IDS[0], "b")
    assert all(0 <= fraction(feed_id, "a") < 1 for feed_id in IDS)


def test_a_304_is_trusted_for_one_to_two_weeks() -> None:
    waits = [trusted_until(feed_id, NOW, caught=False) - NOW for feed_id in IDS]

    assert timedelta(days=7) <= min(waits) < timedelta(days=7.1)
    assert timedelta(days=13.9) < max(waits) < timedelta(days=14)
    assert trusted_until(IDS[0], NOW, caught=True) - NOW == timedelta(days=1)
