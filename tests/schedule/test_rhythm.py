"""When a feed publishes, as its entries' dates tell, and when it is polled because of that."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape._schedule.rhythm import (
    HOUR,
    HOURS,
    MOST,
    UNIT,
    WEEK,
    Rhythm,
    expected_delay,
    hour_of_week,
    wait,
)

MONDAY = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
DAY = 24 * HOUR


def daily(hour: int, days: int) -> list[float]:
    """An entry each day at half past `hour`, before `MONDAY`."""
    return [MONDAY - day * DAY + (hour + 0.5) * HOUR for day in range(1, days + 1)]


@pytest.mark.parametrize(("day", "hour"), [(0, 0), (0, 23), (3, 12), (6, 23)])
def test_hours_of_the_week_begin_on_monday(day: int, hour: int) -> None:
    moment = MONDAY + day * DAY + hour * HOUR + 1799
    assert hour_of_week(moment) == 24 * day + hour
    assert datetime.fromtimestamp(moment, UTC).weekday() == day


class TestCounting:
    def test_a_first_document_tells_what_was_published(self) -> None:
        rhythm = Rhythm().after(daily(9, 14), 14, MONDAY)
        assert rhythm.entries == 14
        assert {hour % 24 for hour, count in enumerate(rhythm.counts) if count} == {9}
        assert rhythm.weeks == pytest.approx(2 - 9.5 / 168, abs=0.001), "since its oldest entry"

    def test_what_is_older_than_four_weeks_tells_nothing(self) -> None:
        rhythm = Rhythm().after([MONDAY - n * WEEK for n in range(20)], 20, MONDAY)
        assert (rhythm.entries, rhythm.weeks) == (4, 3)

    def test_an_entry_counts_once(self) -> None:
        first = Rhythm().after(daily(9, 14), 14, MONDAY)
        again = first.after(daily(9, 14), 14, MONDAY + HOUR)
        assert again.counts == first.counts
        later = again.after([*daily(9, 13), MONDAY + 1.5 * HOUR], 14, MONDAY + 2 * HOUR)
        assert later.entries == first.entries + 1

    def test_entries_that_all_have_the_moment_of_the_request_count_as_one(self) -> None:
        assert Rhythm().after([MONDAY] * 50, 50, MONDAY).entries == 1

    def test_entries_without_dates_count_as_one_for_each_change(self) -> None:
        rhythm = Rhythm().after([], 10, MONDAY)
        assert rhythm.entries == 0
        assert rhythm.after([], 10, MONDAY + HOUR).entries == 1

    def test_future_dates_do_not_count(self) -> None:
        assert Rhythm().after([MONDAY + 1, MONDAY + 100 * DAY], 2, MONDAY).entries == 0

    def test_after_a_gap_only_what_the_document_tells_counts_as_observed(self) -> None:
        """Else a feed that publishes faster than it is polled would seem slow, and be polled less."""
        before = Rhythm().after(daily(9, 10), 10, MONDAY)
        last = [MONDAY + 2 * DAY - n * 60 for n in range(10)]
        rhythm = before.after(last, 10, MONDAY + 2 * DAY)
        assert rhythm.weeks - before.weeks == pytest.approx(540 / WEEK, abs=0.001)

    def test_it_is_new_until_a_week_has_been_seen(self) -> None:
        assert not Rhythm().is_new(MONDAY)
        rhythm = Rhythm().after([MONDAY - 60, MONDAY - 2 * DAY], 2, MONDAY)
        assert rhythm.is_new(MONDAY + 4 * DAY)
        assert not rhythm.is_new(MONDAY + 5 * DAY + 60), "it was observed for two days before"
        assert not Rhythm().after([MONDAY - WEEK - 60], 1, MONDAY).is_new(MONDAY)

    def test_counts_fade_by_half_in_four_weeks(self) -> None:
        before = Rhythm().after([MONDAY - n * 60.0 for n in range(50)], 60, MONDAY)
        after = before.after([MONDAY + 4 * WEEK], 60, MONDAY + 4 * WEEK)
        assert after.entries == pytest.approx(50 / 2 + 1, abs=1)
        assert after.weeks == pytest.approx(before.weeks / 2 + 4, abs=0.01)

    def test_no_count_is_larger_than_it_may_be(self) -> None:
        rhythm = Rhythm().after([MONDAY - n for n in range(1000)], 1000, MONDAY)
        assert max(rhythm.counts) <= MOST
        rate = 1000 / 1000
        assert rhythm.entries / (rhythm.weeks * WEEK) == pytest.approx(rate, rel=0.3)

    def test_a_clock_that_was_ahead_once_does_no_harm(self) -> None:
        ahead = Rhythm().after(daily(9, 5), 5, MONDAY + 400 * DAY)
        assert ahead.after(daily(9, 5), 5, MONDAY) == Rhythm().after(daily(9, 5), 5, MONDAY)


class TestText:
    @given(
        st.lists(st.integers(0, MOST), min_size=HOURS, max_size=HOURS)
        | st.lists(st.sampled_from([0, 0, 0, 0, 16]), min_size=HOURS, max_size=HOURS),
        st.floats(0, 999),
        st.integers(0, 10**10),
    )
    def test_it_is_read_as_it_was_written(self, counts: list[int], weeks: float, until: int) -> None:
        rhythm = Rhythm(tuple(counts), round(weeks, 5), until, 2930, 25, until)
        assert Rhythm.of(str(rhythm)) == rhythm
        assert len(str(rhythm)) <= 400

    @pytest.mark.parametrize(
        "text",
        [
            None,
            "",
            "nonsense",
            "nan 1 2 3 4 ZZZZZZL",
            "1e300 1 2 3 4 ZZZZZZL",
            "1.00000 1 2 3 4 ZZZZZZ",
            "1.00000 1 2 3 4 ZZZZZZLA",
            "1.00000 -1 2 3 4 ZZZZZZL",
            "1.00000 1 2 3 4 00ZZZZZZK",
            "1.00000 1 2 3 4 0ZZZZZZL",
            "1.00000 " + "9" * 5000 + " 2 3 4 ZZZZZZL",
        ],
    )
    def test_what_is_no_rhythm_knows_nothing(self, text: str | None) -> None:
        assert Rhythm.of(text) == Rhythm()


class TestRates:
    def test_of_a_feed_of_which_nothing_is_known(self) -> None:
        rates = Rhythm().rates(MONDAY)
        assert [rates.at(hour) for hour in range(HOURS)] == pytest.approx([1 / DAY] * HOURS)

    def test_hours_in_which_it_publishes_stand_out(self) -> None:
        rhythm = Rhythm().after(daily(9, 28), 28, MONDAY)
        rates = rhythm.rates(MONDAY)
        nine = [rates.at(24 * day + 9) * HOUR for day in range(7)]
        others = [rates.at(hour) * HOUR for hour in range(HOURS) if hour % 24 != 9]
        assert min(nine) > 0.7
        assert max(others) < 0.02
        assert sum(nine) + sum(others) == pytest.approx(7, rel=0.1), "it publishes seven a week"

    def test_a_feed_that_falls_silent_is_expected_to_publish_less(self) -> None:
        rhythm = Rhythm().after(daily(9, 14), 14, MONDAY)
        rates = [rhythm.rates(MONDAY + weeks * WEEK).at(9) for weeks in range(4)]
        assert rates == sorted(rates, reverse=True)
        assert rates[3] < rates[0] / 2


class TestWait:
    def even(self, a_day: float) -> Rhythm:
        """One with so many entries a day, and no rhythm."""
        count = round(a_day * 7 * 50 / HOURS * UNIT)
        return Rhythm((count,) * HOURS, 50.0, int(MONDAY))

    @pytest.mark.parametrize("a_day", [1, 24, 240])
    def test_at_an_even_rate_it_is_the_root_of_the_price(self, a_day: float) -> None:
        rhythm = self.even(a_day)
        rate = rhythm.rates(MONDAY).at(0)
        found = wait(rhythm.rates(MONDAY), MONDAY + 123, 300, math.inf, DAY)
        assert found.due - MONDAY - 123 == pytest.approx(math.sqrt(600 / rate), rel=0.01)
        assert found.waited == pytest.approx(300, rel=0.01)
        assert found.entries == pytest.approx(rate * (found.due - MONDAY - 123), rel=0.01)

    def test_it_waits_for_the_hour_in_which_the_feed_publishes(self) -> None:
        rates = Rhythm().after(daily(9, 28), 28, MONDAY).rates(MONDAY)
        hours = (wait(rates, MONDAY + 11 * HOUR, 600, math.inf, DAY).due - MONDAY) / HOUR
        assert 16 < hours < 34, "not much is expected before nine of the next day"
        assert (wait(rates, MONDAY + 9 * HOUR, 600, math.inf, DAY).due - MONDAY) / HOUR < 10

    def test_it_is_over_before_too_many_entries_are_expected(self) -> None:
        rates = self.even(240).rates(MONDAY)
        found = wait(rates, MONDAY, 1e9, 25, DAY)
        assert found.entries == pytest.approx(25)
        assert found.due - MONDAY == pytest.approx(25 / rates.at(0), rel=0.01)

    def test_it_is_over_in_any_case(self) -> None:
        assert wait(Rhythm().rates(MONDAY), MONDAY, 1e9, math.inf, DAY).due == MONDAY + DAY
        assert wait(Rhythm().rates(MONDAY), MONDAY, 1e9, math.inf, -5.0).due <= MONDAY


class TestExpectedDelay:
    def test_at_an_even_rate_it_is_half_of_the_time_between_two_polls(self) -> None:
        rates = Rhythm().rates(MONDAY)
        assert expected_delay(rates, MONDAY + 123, MONDAY + 7323) == pytest.approx(3600)
        assert expected_delay(rates, MONDAY, MONDAY) == 0

    def test_it_counts_from_the_hour_in_which_the_feed_publishes(self) -> None:
        rates = Rhythm().after(daily(9, 28), 28, MONDAY).rates(MONDAY)
        assert expected_delay(rates, MONDAY, MONDAY + 10 * HOUR) < HOUR
        assert expected_delay(rates, MONDAY, MONDAY + 24 * HOUR) > 13 * HOUR

    def test_it_is_what_the_planner_has_reckoned_with(self) -> None:
        rates = Rhythm().after(daily(9, 28), 28, MONDAY).rates(MONDAY)
        planned = wait(rates, MONDAY + 100, 900, math.inf, DAY)
        assert expected_delay(rates, MONDAY + 100, planned.due) == pytest.approx(
            planned.waited / planned.entries, rel=0.01
        )
