"""Pauses of hosts: the Retry-After of a 429 or 503 response counts for all feeds of the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import trio

from .._errors import FeedFailed
from .._schedule.freshness import Pause, format_moment, retry_after
from .queue import HostQueue

UNSAID: Final = timedelta(minutes=1)
"""The pause of a host that answers 429 and does not say for how long (RFC 6585 §4)."""
SHORT: Final = timedelta(seconds=30)
"""A pause that is worth waiting for: about what a single fetch may take."""
MARGIN: Final = 0.5
"""Seconds to wait beyond the end of a pause."""
KEPT: Final = 10_000
"""Pauses to remember; beyond that the oldest one is forgotten."""


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Paused:
    until: datetime
    reason: str


class Pauses:
    """Which hosts nothing is fetched from in this run, and until when.

    The other feeds of such a host wait for the end of a short pause, and fail at once in a long one:
    a run should not take an hour because one of ten thousand hosts asks for one.

    Args:
      queue: where the feeds of a host wait for the end of a short pause.
      now: the wall clock, in UTC.
    """

    def __init__(self, queue: HostQueue[Any], now: Callable[[], datetime] = utc_now) -> None:
        self._queue = queue
        self.now = now
        self._hosts: dict[str, _Paused] = {}

    def check(self, host: str) -> None:
        """Raise `FeedFailed`, with ``sent`` false, while `host` is in a pause."""
        paused = self._hosts.get(host)
        if paused is None:
            return
        if paused.until <= self.now():
            del self._hosts[host]
            return
        detail = f"not fetched: {host} asked for a pause until {format_moment(paused.until)}"
        raise FeedFailed(paused.reason, detail, not_before=paused.until, sent=False)

    def refused(
        self, host: str, status: int, reason: str, headers: Mapping[str, str], place: str | None = None
    ) -> Pause | None:
        """The pause that an error answer asks for; that of a 429 or 503 is remembered for the host.

        Args:
          host: whose answer it is.
          status: of the answer.
          reason: with which the host's other feeds fail meanwhile.
          headers: of the answer.
          place: under what the host's feeds queue, if it is another name.
        """
        now = self.now()
        pause = retry_after(headers.get("retry-after"), now)
        if pause is None and status == 429:
            until = now + UNSAID
            pause = Pause(until, f"a pause until {format_moment(until)} (it did not say for how long)")
        if pause is not None and status in (429, 503):
            if len(self._hosts) >= KEPT:
                del self._hosts[next(iter(self._hosts))]
            self._hosts[host] = _Paused(pause.until, reason)
            if pause.until - now <= SHORT:
                # The two clocks need not agree to the millisecond.
                seconds = (pause.until - now).total_seconds() + MARGIN
                self._queue.pause(place or host, trio.current_time() + seconds)
        return pause
