"""The rules for when a feed is fetched again, and which of them decides. Pure.

Whatever puts a fetch off is a `TimerRule`: it has a name, the moment at which it ends, and what it is made
of. The rule that ends last decides, and all of them are stored with the poll, so that ``explain`` tells what
has really happened and need not decide anything once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .._records import TimerRule

RETRY_AFTER: Final = "retry-after"
HOST_PAUSE: Final = "host-pause"
MAX_AGE: Final = "max-age"
TTL: Final = "ttl"
SKIPS: Final = "skip-hours"
INTERVAL: Final = "interval"
RHYTHM: Final = "rhythm"
BACK_OFF: Final = "back-off"
GONE: Final = "gone"
SAME_FEED: Final = "same-feed"

RULES: Final[Mapping[str, str]] = {
    RETRY_AFTER: "Retry-After",
    HOST_PAUSE: "the pause of",
    MAX_AGE: "Cache-Control max-age (or Expires)",
    TTL: "ttl or updatePeriod",
    SKIPS: "skipHours or skipDays",
    INTERVAL: "your interval (--interval, or --every of a watch)",
    RHYTHM: "the rhythm of the feed,",
    BACK_OFF: "the back-off after",
    GONE: "410 Gone, after which one look in 30 days is taken",
    SAME_FEED: "the limit of one fetch a day for a duplicate of",
}
"""The names of all rules, each in words; the value of the rule comes after them."""


def decided(*considered: TimerRule | None) -> tuple[TimerRule, ...]:
    """The rules that apply, the one first that ends last: the feed is due when it ends."""
    return tuple(sorted(filter(None, considered), key=lambda rule: rule.until, reverse=True))


def count(number: int, noun: str) -> str:
    """``1 failure``, ``2 failures``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
