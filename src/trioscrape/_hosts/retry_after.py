"""Hosts that want to be left alone: 429 and 503 with Retry-After count for all feeds of a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import trio

from .._errors import FeedFailed
from .._schedule.freshness import Pause, format_moment, retry_after

UNSAID: Final = timedelta(minutes=1)
"""For how long a host is left alone that answers 429 and does not say for how long (RFC 6585 §4)."""
SHORT: Final = timedelta(seconds=30)
"""A pause that is worth waiting for: about what a single fetch may take."""
MARGIN: Final = 0.5
"""Seconds to wait longer than asked."""
KEPT: Final = 10_000
"""Hosts to remember; beyond that the one is forgotten that was asked first."""


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Hold:
    until: datetime
    reason: str


def _nobody(host: str, until: float) -> None:
    """Nobody waits."""


class Holds:
    """Which hosts are not to be asked in this run, and until when.

    The other feeds of such a host wait for the end of a short pause, and fail at once for a long one:
    a run shall not take an hour because one of ten thousand hosts wants it to.

    Args:
      now: the wall clock; in UTC.
      wait: starts no feed of a host before a moment of trio's clock.
    """

    def __init__(
        self, now: Callable[[], datetime] = utc_now, wait: Callable[[str, float], None] = _nobody
    ) -> None:
        self.now = now
        self._wait = wait
        self._hosts: dict[str, _Hold] = {}

    def check(self, host: str) -> None:
        """Raise `FeedFailed` when `host` is not to be asked; the feed then was not ``asked``."""
        hold = self._hosts.get(host)
        if hold is None:
            return
        if hold.until <= self.now():
            del self._hosts[host]
            return
        detail = f"not asked: {host} wants to be left alone until {format_moment(hold.until)}"
        raise FeedFailed(hold.reason, detail, not_before=hold.until, asked=False)

    def refused(
        self, host: str, status: int, reason: str, headers: Mapping[str, str], queue: str | None = None
    ) -> Pause | None:
        """What an error answer asks for; 429 and 503 are remembered for the host.

        `queue` is the name under which the host's feeds queue, if that is another one.
        """
        now = self.now()
        pause = retry_after(headers.get("retry-after"), now)
        if pause is None and status == 429:
            until = now + UNSAID
            pause = Pause(until, f"to be left alone, without saying how long: until {format_moment(until)}")
        if pause is not None and status in (429, 503):
            if len(self._hosts) >= KEPT:
                del self._hosts[next(iter(self._hosts))]
            self._hosts[host] = _Hold(pause.until, reason)
            if pause.until - now <= SHORT:
                # The two clocks need not agree to the millisecond.
                seconds = (pause.until - now).total_seconds() + MARGIN
                self._wait(queue or host, trio.current_time() + seconds)
        return pause
