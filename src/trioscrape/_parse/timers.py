"""How often a document asks to be fetched: ``ttl``, ``sy:updatePeriod``, ``skipHours``, ``skipDays``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .._records import FeedTimers

_WEEK: Final = 7 * 24 * 3600
_PERIODS: Final = {
    "hourly": 3600,
    "daily": 24 * 3600,
    "weekly": _WEEK,
    "monthly": 30 * 24 * 3600,
    "yearly": 365 * 24 * 3600,
}
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def timers(
    *,
    ttl: str | None = None,
    period: str | None = None,
    frequency: str | None = None,
    hours: Iterable[str] = (),
    days: Iterable[str] = (),
) -> FeedTimers:
    """The timers of a document, from its texts; what is none of what it can be says nothing.

    Args:
      ttl: minutes (RSS 2.0 ``ttl``).
      period: of updates (RSS 1.0 module Syndication).
      frequency: updates in a period.
      hours: 0 to 23, or 1 to 24 in RSS 0.91 (``skipHours``).
      days: names (``skipDays``).
    """
    seconds = _PERIODS.get((period or "").lower(), 0) // (_number(frequency) or 1)
    skipped = (_number(hour) for hour in hours if hour[:9].isdigit())
    names = (day.lower() for day in days)
    return FeedTimers(
        every=max(60 * _number(ttl), seconds),
        skip_hours=tuple({hour % 24 for hour in skipped if hour <= 24}),
        skip_days=tuple({_DAYS.index(day) for day in names if day in _DAYS}),
    )


def bounded(timers: FeedTimers) -> FeedTimers:
    """`timers` within their bounds, whoever has read them. ``max_age`` is for headers to say."""
    return FeedTimers(
        max_age=0,
        every=max(0, min(timers.every, _WEEK)),
        skip_hours=tuple(sorted(set(timers.skip_hours) & set(range(24)))),
        skip_days=tuple(sorted(set(timers.skip_days) & set(range(7)))),
    )


def _number(text: str | None) -> int:
    digits = (text or "")[:9]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
