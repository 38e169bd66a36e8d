"""Dates, exactly as feedparser understands them, but the two usual forms without its nine parsers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from .. import feedparser_private
from ..feedparser_reader import moment

_ISO: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_RFC822: Final = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d\d?) ([A-Z][a-z][a-z]) (\d{4}) (\d\d):(\d\d):(\d\d)"
    r" (?:([+-])(\d\d)(\d\d)|GMT|UTC|Z)",
    re.ASCII,
)
_MONTHS: Final = {
    name: number
    for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)  # noqa: SIM905
}


def parse_date(text: str) -> datetime | None:
    """The moment that feedparser finds in `text`, or None."""
    try:
        if _ISO.fullmatch(text):
            return datetime.fromisoformat(text).replace(microsecond=0).astimezone(UTC)
        if match := _RFC822.fullmatch(text):
            return _rfc822(match)
    except (ValueError, OverflowError, KeyError):
        pass  # February 30th, the month of Foo: feedparser may still make something of it.
    return _unusual(text) if text else None


def _rfc822(match: re.Match[str]) -> datetime:
    day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
    stamp = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    if sign is None:
        return stamp
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return stamp + offset if sign == "-" else stamp - offset


@lru_cache(maxsize=1024)
def _unusual(text: str) -> datetime | None:
    return moment(feedparser_private.parse_date(text))
