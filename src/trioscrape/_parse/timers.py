"""How often a document wants to be fetched: ``ttl``, ``sy:updatePeriod``, ``skipHours``, ``skipDays``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

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
# feedparser keeps the last hour and the last day only. Short names and values: what is longer is
# no hour and no day, and the pattern can't be made to look at the same text twice.
_SKIPPED: Final = re.compile(rb"<(hour|day)>\s{0,99}(\w{1,9})\s{0,99}</\1>", re.IGNORECASE)
_LISTS: Final = re.compile(
    rb"<skip(?:hours|days)>(.{0,4000}?)</skip(?:hours|days)>", re.IGNORECASE | re.DOTALL
)


def timers(feed: Mapping[str, Any], body: bytes) -> FeedTimers:
    """The timers of a document.

    Args:
      feed: feedparser's record of the feed.
      body: the document itself, for the lists that feedparser does not keep.
    """
    every = max(60 * _number(feed.get("ttl")), _period(feed))
    # Looked for only where feedparser has seen the elements in the feed itself: an entry may show some.
    listed = "skiphours" in feed or "skipdays" in feed
    hours, days = set(), set()
    for name, value in _skipped(body) if listed else ():
        if name == "hour" and value.isdigit() and int(value) <= 24:
            hours.add(int(value) % 24)  # RSS 0.91 counts them from 1 to 24
        elif name == "day" and value in _DAYS:
            days.add(_DAYS.index(value))
    return FeedTimers(0, every, tuple(hours), tuple(days))


def bounded(timers: FeedTimers) -> FeedTimers:
    """`timers` within their bounds, whoever has read them. ``max_age`` is for headers to say."""
    return FeedTimers(
        max_age=0,
        every=max(0, min(timers.every, _WEEK)),
        skip_hours=tuple(sorted(set(timers.skip_hours) & set(range(24)))),
        skip_days=tuple(sorted(set(timers.skip_days) & set(range(7)))),
    )


def _period(feed: Mapping[str, Any]) -> int:
    """Seconds between updates, as the syndication module of RSS 1.0 has it; 0 when it is not used."""
    period = _PERIODS.get(str(feed.get("sy_updateperiod")).strip().lower(), 0)
    return period // (_number(feed.get("sy_updatefrequency")) or 1)


def _number(text: Any) -> int:
    # An element that has attributes is a dict of these to feedparser.
    digits = text.strip() if isinstance(text, str) else ""
    return int(digits[:9]) if digits.isascii() and digits.isdigit() else 0


def _skipped(body: bytes) -> Iterator[tuple[str, str]]:
    for found in _LISTS.finditer(body):
        for name, value in _SKIPPED.findall(found[1]):
            yield name.decode().lower(), value.decode("ascii", "replace").lower()
