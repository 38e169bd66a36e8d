"""Dates: each form that is understood, and what is none because it does not say which day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape._parse.dates import parse_date

from support.date_forms import FORMS, MONTHS


@pytest.mark.parametrize(
    ("text", "moment"),
    [pytest.param(*row, id=f"{form}: {row[0]}") for form in FORMS for row in FORMS[form].items()],
)
def test_a_form(text: str, moment: str) -> None:
    assert parse_date(text) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize("language", MONTHS)
def test_the_months_of_a_language(language: str) -> None:
    months = MONTHS[language].split()

    assert [parse_date(f"10 {name} 2026") for name in months] == [
        datetime(2026, month, 10, tzinfo=UTC) for month in range(1, 13)
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "soon", "yesterday", "10:00", "Tuesday", "March", "10 Mar", "Tue, Mar 10"),
        *("2026", "2026-03", "March 2026", "2026-W11", "031231", "03-12-31", "10/03/26", "22013"),
        *("10/03/2026", "10-03-2026 10:00 am", "Mon, 10/03/2026"),
        *("Mon, 30 Feb 2026 10:00:00 GMT", "2026-02-30", "2025-366", "2026-W54-1", "99 Jun 2026"),
        *("2026-13-10", "13/13/2026", "10 Foo 2026", "2026年13月10日"),
        *("2026-03-10T25:00:00Z", "2026-03-10T10:60:00Z", "2026-03-10T10:00:61Z", "2026-03-10T24:00:01Z"),
        *("2026-03-10T10:00:00+99:99", "Tue, 10 Mar 2026 10:00:00 -2400", "9999-12-31T23:59:59-01:00"),
        *("-0001-11-30T00:00:00+00:00", "Wed, 30 Nov -0001 00:00:00 +0000", "0000-00-00 00:00:00"),
        *("0001-01-01T00:00:00Z", "Mon, 01 Jan 0001 00:00:00 +0000", "0001-01-01 00:00:00"),
        *("0001-01-01T00:00:00+10:00", "12026-03-10", "177313680", "17731368001", "-1773136800"),
        *("Tue, 10 Mar 2026 1:2:3:4:5 GMT", "Tue, 10 Mar 2026 10:00:00 +zz:00", "2026-03-10-01"),
        *("Tue, 10 Mar 20260 10:00:00 GMT", "March 10, 20260", "10.03.20260", "2026-03-1010:00"),
        *(
            "10 03 2026",
            "10 Mar 2026 10:00 - 11:00",
            "2026-03-10 10:00 11:00",
            "10 Mar 2026 10 30 15",
            "2026-03-10 10:000",
        ),
        *("10 13月 2026", "10 0月 2026", "10 Mar/Apr 2026", "10 Mar 2026 10::00"),
        *("10 Mar 2026 or 11 Mar 2026", "2026-03-10T10:00:00Z and more"),
        "Tue, 10 Mar 2026 10:00:00 (" + "x" * 120 + ")",
    ],
)
def test_what_does_not_say_which_day_is_no_date(text: str) -> None:
    assert parse_date(text) is None


@given(
    st.datetimes(datetime(1000, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC)),
    st.integers(-1439, 1439),
)
def test_any_moment_is_read_as_it_was_written(moment: datetime, offset: int) -> None:
    there = moment.astimezone(timezone(timedelta(minutes=offset)))
    whole = moment.replace(microsecond=0)

    assert parse_date(there.isoformat()) == whole
    assert parse_date(format_datetime(there)) == whole
    assert parse_date(there.strftime("%d.%m.%Y %H:%M:%S UTC%z")) == whole


@pytest.mark.heavy
@given(st.text("0123456789 -+:./,TZWamp年月日MarFebGT", max_size=40) | st.text(max_size=200))
def test_any_text_is_a_whole_second_in_utc_or_nothing(text: str) -> None:
    moment = parse_date(text)

    assert moment is None or (moment.tzinfo is UTC and moment.microsecond == 0)
