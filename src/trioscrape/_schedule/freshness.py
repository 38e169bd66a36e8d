"""When a feed is due again. Pure functions: the time is an argument, and jitter comes from the feed's id.

No server can stop a feed for ever: it can delay the next fetch by `LONGEST` at most. Jitter is a hash of the
feed's id, not a random number: the same feed always gets the same, so that nothing changes in the store
by looking twice, and no two feeds that began together stay together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from .._records import FeedState, FeedTimers

LONGEST: Final = timedelta(days=7)
"""The longest delay that a server or document can ask for."""
FIRST_BACK_OFF: Final = timedelta(minutes=15)
"""After one failure; doubled after each further one, up to `LONGEST_BACK_OFF`, then cut by up to a half."""
LONGEST_BACK_OFF: Final = timedelta(days=1)
GONE: Final = timedelta(days=30)
"""Until a feed that is gone is fetched again, to see whether it still is."""
TRUST: Final = timedelta(days=7)
"""How long a 304 is believed: this long and up to twice as long, by feed."""
DISTRUST: Final = timedelta(days=1)
"""The same for a server that was caught: it answered 304 although the body had changed."""

_NONE: Final = timedelta(0)
_LONGEST_SECONDS: Final = int(LONGEST.total_seconds())


@dataclass(frozen=True, slots=True)
class Pause:
    """What a Retry-After header asks for."""

    until: datetime
    words: str
    """For people; says so when it was cut."""


def retry_after(value: str | None, now: datetime) -> Pause | None:
    """The pause that a Retry-After header asks for, seconds or a date (RFC 9110 §10.2.3).

    None when there is no header, when it is neither of the two, and when it asks for no pause.
    """
    text = (value or "").strip()
    asked = _seconds(text)
    if asked is None:
        date = http_date(text)
        asked = None if date is None else date - now
    if asked is None or asked <= _NONE:
        return None
    until = now + min(asked, LONGEST)
    cut = f" (it said {text[:60]!r}, which is cut to {LONGEST.days} days)" if asked > LONGEST else ""
    return Pause(until, f"a pause until {format_moment(until)}{cut}")


def http_date(text: str) -> datetime | None:
    """A date in one of the three formats of RFC 9110 §5.6.7, or one that mail would take; else None."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _seconds(text: str) -> timedelta | None:
    """A number of seconds (RFC 9111 §1.2.2); of longer ones ten digits, which are 31 years at least."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    return timedelta(seconds=int(digits[:10] or "0"))


def cache_control(headers: Mapping[str, str]) -> dict[str, str]:
    """The directives of Cache-Control by name (RFC 9111 §5.2); of one that comes twice the first counts."""
    directives: dict[str, str] = {}
    for part in headers.get("cache-control", "").split(","):
        name, _, value = part.partition("=")
        directives.setdefault(name.strip().lower(), value.strip().strip('"'))
    return directives


def max_age(headers: Mapping[str, str], now: datetime) -> int | None:
    """Seconds that an answer is fresh for (RFC 9111 §4.2.1), at most a week; None when it does not say.

    max-age counts before Expires; what can't be understood is stale (§4.2.1, §5.3).
    """
    directives = cache_control(headers)
    if directives.keys() & {"no-store", "no-cache"}:
        return 0
    if "max-age" in directives:
        return _whole(_seconds(directives["max-age"]))
    if "expires" in headers:
        expires, date = http_date(headers["expires"]), http_date(headers.get("date", ""))
        return _whole(expires - (date or now) if expires else None)
    return None


def age(headers: Mapping[str, str]) -> int:
    """Seconds that the answer has spent in caches on its way (RFC 9111 §5.1)."""
    return _whole(_seconds(headers.get("age", "").strip()))


def _whole(duration: timedelta | None) -> int:
    return max(0, min(int((duration or _NONE).total_seconds()), _LONGEST_SECONDS))


def forgets(headers: Mapping[str, str]) -> bool:
    """Whether the server wants nothing to be kept of the answer: ``no-store``, or ``Expires: 0``.

    Validators of such an answer are made up for each request more often than they are true.
    """
    directives = cache_control(headers)
    return "no-store" in directives or (
        headers.get("expires", "").strip() == "0" and not _whole(_seconds(directives.get("max-age", "")))
    )


def next_fetch(now: datetime, timers: FeedTimers, age: int, next_run: datetime | None) -> datetime | None:
    """The moment before which a feed that was fetched `now` need not be fetched; None: there is none.

    Args:
      now: when it was fetched.
      timers: what it asks for; skipped hours and days are `not_before`'s.
      age: seconds by which the answer was old already.
      next_run: before which the user wants no fetch.
    """
    # Timers are bounded when they are read from a document or header, but not when others have stored them.
    wait = min(max(timers.max_age - age, timers.every), _LONGEST_SECONDS)
    due = now + timedelta(seconds=wait) if wait > 0 else None
    return max(due, next_run) if due and next_run else due or next_run


def not_before(state: FeedState, now: datetime) -> datetime | None:
    """The next moment at which the feed may be fetched; None when that is now."""
    first = max(state.next_fetch or now, now)
    moment = after_skipped(first, state.timers)
    return None if moment <= now else moment


def after_skipped(moment: datetime, timers: FeedTimers) -> datetime:
    """`moment`, or the end of the hours and days to skip; itself when that would skip all of a week."""
    later = moment
    for _ in range(7 * 24):
        if later.hour not in timers.skip_hours and later.weekday() not in timers.skip_days:
            return later
        later = later.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return moment


def back_off(feed_id: str, failures: int) -> timedelta:
    """How long not to fetch a feed that has failed so many times in a row."""
    # 2**20 quarters of an hour are thirty years: the exponent needs no more.
    doubled: int = 2 ** min(failures - 1, 20)
    return min(FIRST_BACK_OFF * doubled, LONGEST_BACK_OFF) * (
        1 - fraction(feed_id, f"failure {failures}") / 2
    )


def trusted_until(feed_id: str, now: datetime, *, caught: bool) -> datetime:
    """When to fetch without validators next: some servers answer 304 for ever.

    For a server that was `caught` doing so that is daily, until its 304 proves right again.
    """
    return now + (DISTRUST if caught else TRUST * (1 + fraction(feed_id, "unconditional")))


def fraction(feed_id: str, salt: str) -> float:
    """From 0 up to 1, evenly over feeds, always the same for the same feed and salt."""
    digest = hashlib.blake2b(f"{feed_id} {salt}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def format_moment(moment: datetime) -> str:
    """``2026-02-28 09:30 UTC``."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
