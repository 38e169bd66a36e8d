"""The rhythm of a feed, from the dates of its entries."""

from datetime import UTC, datetime, timedelta

from trioscrape._schedule.posting import posting

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def test_two_dates_are_needed() -> None:
    assert posting([]) is posting([MONDAY]) is None


def test_a_weekly_feed() -> None:
    found = posting([MONDAY + timedelta(weeks=week) for week in range(5)])
    assert found is not None
    assert (found.entries, found.median_seconds) == (5, 7 * 86400)
    assert (found.days, found.hours) == (("Mon",), (9, 10))


def test_a_feed_of_office_hours() -> None:
    dates = [MONDAY + timedelta(days=day, hours=hour) for day in (0, 1, 2, 3, 4) for hour in (0, 2, 4)]
    found = posting(dates[::-1])
    assert found is not None
    assert found.days == ("Mon", "Tue", "Wed", "Thu", "Fri")
    assert found.hours == (9, 14)
    assert (found.first, found.last) == (dates[0], dates[-1])


def test_a_feed_without_rhythm() -> None:
    found = posting([MONDAY + timedelta(hours=5 * number) for number in range(200)])
    assert found is not None
    assert (found.days, found.hours) == ((), None)


def test_around_midnight() -> None:
    found = posting([MONDAY.replace(hour=hour) + timedelta(days=day) for hour in (0, 23) for day in range(9)])
    assert found is not None
    assert found.hours == (23, 1)
