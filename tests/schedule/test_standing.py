"""How a feed stands: the first standing that is true of it, since when, and what to do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trioscrape import REASONS, FeedHistory, FeedState, FeedTimers
from trioscrape._schedule.advice import ADVICE, OF_STATUS, advice
from trioscrape._schedule.overview import AGES, Overview, Worst, quantile
from trioscrape._schedule.rhythm import Rhythm
from trioscrape._schedule.standing import MISSED, FeedStatus, Standing, status_of

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FETCHED = FeedState("f" * 32, "http://a.test/", body_hash="b", newest_entry=NOW - DAY)


def status(history: FeedHistory | None = None, **changes: object) -> FeedStatus:
    return status_of(replace(FETCHED, **changes), history, NOW)  # type: ignore[arg-type]


FAILED = {"failure": "http-404", "failures": 2, "failing_since": NOW - DAY}


@pytest.mark.parametrize(
    ("changes", "standing", "since"),
    [
        ({}, Standing.HEALTHY, None),
        ({"body_hash": None, "newest_entry": None}, Standing.UNFETCHED, None),
        (FAILED, Standing.FAILING, NOW - DAY),
        ({**FAILED, "next_fetch": NOW - HOUR}, Standing.FAILING, NOW - DAY),
        ({**FAILED, "next_fetch": NOW + HOUR}, Standing.RESTING, NOW - DAY),
        ({**FAILED, "body_hash": None}, Standing.FAILING, NOW - DAY),
        ({**FAILED, "failing_since": None}, Standing.FAILING, None),
        ({"failure": "blocked-address", "failing_since": NOW}, Standing.FAILING, NOW),
        ({"postponed": NOW - HOUR, "failure": "rate-limited"}, Standing.PAUSED, NOW - HOUR),
        ({**FAILED, "gone": NOW - 3 * DAY}, Standing.GONE, NOW - 3 * DAY),
        ({"newest_entry": NOW - 8 * DAY, "longest_silence": 86400}, Standing.QUIET, None),
        ({"newest_entry": NOW - 8 * DAY, "longest_silence": 3 * 86400}, Standing.HEALTHY, None),
        ({"newest_entry": NOW - 6 * DAY, "longest_silence": 60}, Standing.HEALTHY, None),
        ({"newest_entry": NOW - 89 * DAY}, Standing.HEALTHY, None),
        ({"newest_entry": NOW - 91 * DAY}, Standing.QUIET, None),
        ({"newest_entry": None}, Standing.HEALTHY, None),
    ],
)
def test_standing(changes: dict[str, object], standing: Standing, since: datetime | None) -> None:
    found = status(**changes)
    assert (found.standing, found.since) == (standing, since)
    assert found.is_broken is (standing in {"failing", "resting", "paused", "gone"})
    assert (found.what_to_do is not None) is (found.is_broken or standing is Standing.QUIET)


def test_without_dates_silence_counts_from_the_last_new_entry() -> None:
    history = FeedHistory("f" * 32, last_news=NOW - 100 * DAY)
    assert status(history, newest_entry=None).standing is Standing.QUIET


@pytest.mark.parametrize(
    ("next_fetch", "timers", "late"),
    [
        (None, FeedTimers(), 0),
        (NOW + HOUR, FeedTimers(), 0),
        (NOW - 2 * HOUR, FeedTimers(), 2),
        # It may be fetched from 11:00 on only.
        (NOW - 2 * HOUR, FeedTimers(skip_hours=(10,)), 1),
    ],
)
def test_lateness(next_fetch: datetime | None, timers: FeedTimers, late: int) -> None:
    found = status(next_fetch=next_fetch, timers=timers)
    assert (found.late, found.is_late) == (late * HOUR, late > 1)


def test_what_to_do_about_feeds_that_are_not_broken() -> None:
    assert status().what_to_do is None
    assert "forget --unlisted" in (status(next_fetch=NOW - 8 * DAY).what_to_do or "")
    missed = FeedHistory("f" * 32, last_gap=NOW - MISSED)
    assert "Poll it more often" in (status(missed).what_to_do or "")
    assert status(replace(missed, last_gap=NOW - MISSED - HOUR)).what_to_do is None
    moved = status(moved_to="http://b.test/")
    assert moved.has_moved
    assert (moved.what_to_do or "").endswith(": http://b.test/")


def test_there_is_advice_for_each_reason() -> None:
    assert ADVICE.keys() == set(REASONS)
    sentences = [*ADVICE.values(), *OF_STATUS.values()]
    assert all(sentence[0].isupper() and sentence[-1] == "." for sentence in sentences)
    assert {advice(reason) for reason in REASONS if reason != "http-NNN"} <= set(ADVICE.values())
    assert advice("http-404") == OF_STATUS[404]
    assert advice("http-503") == advice("http-500") != advice("http-418") == ADVICE["http-NNN"]
    assert advice("of a later version") == ADVICE["http-NNN"]


class TestOverview:
    def test_it_counts(self) -> None:
        overview = Overview(NOW)
        for found in (
            status(),
            status(next_fetch=NOW + timedelta(minutes=7)),
            status(next_fetch=NOW + 2 * HOUR),
            status(FeedHistory("f" * 32, last_lateness=600), next_fetch=NOW - 3 * HOUR),
            status(FeedHistory("f" * 32, last_lateness=60), moved_to="http://b.test/"),
            status(**{**FAILED, "failing_since": NOW - 8 * DAY}),
            status(**FAILED, next_fetch=NOW + HOUR / 2),
        ):
            overview.add(found)

        assert overview.feeds == overview.standings.total() == 7
        assert (overview.moved, overview.late, overview.longest_late) == (1, 1, 3 * HOUR)
        assert (overview.due_now, overview.next_hour[1], overview.next_hour[6]) == (4, 1, 1)
        assert overview.reasons == {"http-404": [1, 0, 1, 0]}
        assert (quantile(overview.lateness, 0.5), quantile(overview.lateness, 1)) == (60, 600)
        assert [found.since for found in overview.worst] == [NOW - 8 * DAY, NOW - DAY]

    def test_delays_are_those_of_feeds_that_have_published_lately(self) -> None:
        overview = Overview(NOW)
        recent, old = (FeedHistory("f" * 32, last_news=NOW - days * DAY) for days in (1, 8))
        for found in (
            status(recent, delays=(7, 125, 600)),
            status(old, delays=(86400,)),
            status(delays=(86400,)),
            status(recent),
        ):
            overview.add(found)

        assert (quantile(overview.delays, 0.5), quantile(overview.delays, 1)) == (120, 600)
        assert overview.expected.value is None

    def test_the_expected_delay_counts_entries_and_not_feeds(self) -> None:
        """A feed with six entries a day has six times the weight of one with an entry a day."""
        overview = Overview(NOW)
        moments = [NOW.timestamp() - hour * 3600 for hour in range(0, 24 * 28, 4)]
        often, daily = Rhythm().after(moments, 168, moments[0]), Rhythm().after(moments[::6], 28, moments[0])
        for found in (
            status(expected_delay=60, rhythm=str(often)),
            status(expected_delay=600, rhythm=str(daily)),
            status(expected_delay=9999, rhythm=str(often), **FAILED),
            status(rhythm=str(often)),
        ):
            overview.add(found)

        weight = often.daily / daily.daily
        assert weight == pytest.approx(6, rel=0.1)
        assert overview.expected.value == pytest.approx((weight * 60 + 600) / (weight + 1))

    def test_ages_are_those_of_the_page(self) -> None:
        assert len(AGES) == 3

    def test_only_the_worst_are_kept(self) -> None:
        worst = Worst(3)
        found = [status(title=str(number)) for number in range(9)]
        for number in (4, 8, 1, 7, 2, 6):
            worst.add(found[number], number)

        assert [each.state.title for each in worst] == ["8", "7", "6"]
        assert worst.left_out == 3
