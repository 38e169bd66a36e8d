"""Stored records of a machine whose clock was wrong, or of another program: what is believed of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape import FeedState, FeedTimers
from trioscrape._records.feed_state import FEED_STATE
from trioscrape._records.kinds import MOMENT
from trioscrape._schedule.belief import CLOCKS, believed, believed_entry
from trioscrape._schedule.freshness import GONE, LONGEST, TRUST, not_before, rules_of_success

from support.stores import state, stored

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BARE = FeedState("f" * 32, "https://a.test/feed")
CONDITIONAL = replace(BARE, etag='"1"')


def test_an_ordinary_state_stays_itself() -> None:
    ordinary = state(next_fetch=NOW + LONGEST, next_unconditional=NOW + 2 * TRUST, last_turn=NOW)
    assert believed(ordinary, NOW) is ordinary
    assert believed(BARE, NOW) is BARE


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ({"next_fetch": NOW + LONGEST + CLOCKS}, {}),
        ({"next_fetch": NOW + 8 * DAY}, {"next_fetch": None}),
        ({"next_fetch": NOW + GONE, "gone": NOW}, {}),
        ({"next_fetch": NOW + 32 * DAY, "gone": NOW}, {"next_fetch": None}),
        ({"next_fetch": datetime.max.replace(tzinfo=UTC)}, {"next_fetch": None}),
        ({"next_unconditional": NOW + 14 * DAY}, {}),
        ({"next_unconditional": NOW + 15 * DAY}, {"next_unconditional": None}),
        ({"gone": NOW + 400 * DAY}, {"gone": NOW}),
        ({"postponed": NOW + DAY, "last_turn": NOW + DAY}, {"postponed": NOW, "last_turn": NOW}),
        ({"moved_since": NOW + DAY}, {"moved_since": NOW}),
        ({"moved_since": NOW + CLOCKS}, {}),
        ({"moved_days": ("2026-03-02", "2031-01-01")}, {"moved_days": ("2026-03-02",)}),
        ({"etag": "a\r\nb"}, {"etag": None}),
        ({"etag": "a\r\nb", "last_modified": "b"}, {"etag": None}),
        ({"last_modified": "日本", "etag": None}, {"last_modified": None}),
    ],
    ids=str,
)  # fmt: skip
def test_what_no_rule_can_give_counts_as_none(given_: dict[str, Any], expected: dict[str, Any]) -> None:
    before = replace(CONDITIONAL, **given_)
    assert believed(before, NOW) == replace(before, **expected)


def test_an_interval_of_a_month_is_believed() -> None:
    monthly = replace(BARE, next_fetch=NOW + 27 * DAY)
    assert believed(monthly, NOW, timedelta(days=30)) is monthly
    assert believed(monthly, NOW, timedelta(days=14)).next_fetch is None


def test_a_feed_that_loses_its_validators_is_not_one_that_breaks_on_them() -> None:
    before = replace(BARE, etag="\0", validators_url="https://a.test/feed", next_unconditional=NOW + DAY)
    assert believed(before, NOW) == BARE


def test_timers_of_68_years() -> None:
    timers = FeedTimers(max_age=2**31 - 1, every=2**31 - 1)
    assert rules_of_success(NOW, timers, 0, None)[0].until == NOW + LONGEST


MOMENTS = st.datetimes(timezones=st.just(UTC)) | st.datetimes(
    datetime(2026, 1, 1), datetime(2026, 6, 1), timezones=st.just(UTC)
)
NAMES = [name for name, field in FEED_STATE.fields.items() if field.kind is MOMENT]
COUNTS = st.integers(0, 2**31 - 1)
STATES = st.builds(
    replace,
    st.just(BARE),
    timers=st.builds(
        FeedTimers,
        COUNTS,
        COUNTS,
        st.lists(st.integers(0, 23)).map(tuple),
        st.lists(st.integers(0, 6)).map(tuple),
    ),
    failures=COUNTS,
    moved_days=st.lists(st.dates().map(str)).map(tuple),
    **{name: st.none() | MOMENTS for name in NAMES},
)


@given(STATES, st.floats(0, 365 * 86400))
def test_whatever_is_stored_no_feed_waits_longer_than_a_rule_allows(
    stored_state: FeedState, interval: float
) -> None:
    """And a week of hours and days to skip."""
    state = believed(stored_state, NOW, timedelta(seconds=interval))

    due = not_before(state, NOW) or NOW
    longest = max(timedelta(days=31), timedelta(seconds=interval))
    assert due - NOW <= longest + CLOCKS + 7 * DAY
    assert believed(state, NOW, timedelta(seconds=interval)) is state
    for name in NAMES:
        moment = getattr(state, name)
        assert name == "updated" or moment is None or moment - NOW <= longest + CLOCKS


@given(MOMENTS, MOMENTS)
def test_an_entry_was_never_seen_in_the_future(first: datetime, last: datetime) -> None:
    found = believed_entry(replace(stored("a"), first_seen=first, last_changed=last), NOW)
    assert found.first_seen <= found.last_changed <= NOW + CLOCKS
    assert believed_entry(found, NOW) is found
