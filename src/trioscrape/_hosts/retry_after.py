"""What hosts allow: a 429, or a 503 with Retry-After, is an answer of the host for all of its feeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import trio

from .._errors import FeedFailed, http_status_reason
from .._flow import Flow
from .._records import FeedState
from .._schedule.freshness import Pause, format_moment, retry_after
from .queue import MARGIN, HostQueue
from .record import NEVER, HostRecord, Limit

UNSAID: Final = timedelta(minutes=1)
"""The pause of a host that answers 429 and does not say for how long (RFC 6585 §4)."""
SHORT: Final = timedelta(seconds=30)
"""A pause that is worth waiting for at a host of which nothing else is known: what a fetch may take."""
REFUSALS: Final = 3
"""Refusals in a row after which nothing more is fetched from a host in this run."""
SHOWN: Final = 10
"""Hosts of which a report tells what they allow."""
RATE_LIMITED: Final = http_status_reason(429)


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class QueueAgain(Exception):
    """A feed has been refused because of its host, which will take it later in this run."""


class Pauses:
    """The pauses that hosts ask for, and the rates that are learned from them.

    The feeds of such a host are spread over the time that it gives, in the order in which they have
    waited, for as long as `patience` lasts. Those for which there is no time are put off, and go first in
    the next run: a run should not take a day because one of ten thousand hosts has many feeds.

    Args:
      queue: where the feeds of a host wait.
      now: the wall clock, in UTC.
      patience: seconds.
      flow: is told when any server has answered.
    """

    def __init__(
        self,
        queue: HostQueue[Any],
        now: Callable[[], datetime] = utc_now,
        patience: float = 0.0,
        flow: Flow | None = None,
    ) -> None:
        self._queue, self.now, self._patience, self._flow = queue, now, patience, flow or Flow()
        self._shown: dict[str, HostRecord] = {}

    def remember(self, state: FeedState) -> None:
        """Note the pause that a host asked for in an earlier run: it counts for all of its feeds.

        A feed that was put off is due when it ends; others of the host were fetched before it began, and may
        be due at any time.
        """
        place, until, now = state.postponed_by, state.next_fetch, self.now()
        if place is None or until is None or until <= now:
            return
        left = (until - now).total_seconds()
        record, end = self._queue.record(place), trio.current_time() + left
        if record.paused_until < end:
            record.paused_until = end
            self._queue.pause(place, end + MARGIN)
            reason = RATE_LIMITED if state.failures else state.failure or RATE_LIMITED
            detail = f"not fetched: {place} asked for a pause until {format_moment(until)}"
            self._queue.limit(place, Limit(place, reason, detail, SHORT.total_seconds(), until=until))

    def adopt(self, place: str, record: HostRecord) -> None:
        """Go on with what an earlier scrape has learned of a host, before any feed waits for it."""
        self._queue.adopt(place, record)
        if record.limit is not None and record.limit.spacing:
            self._queue.pause(place, trio.current_time() + record.limit.spacing)
            self._shown[record.limit.host] = record

    def record(self, place: str) -> HostRecord:
        """What is known of a host, for the next scrape to `adopt`."""
        return self._queue.record(place)

    def check(self, place: str) -> None:
        """Raise `FeedFailed` when nothing more is fetched from a host in this run, or for now."""
        self._queue.check(place, trio.current_time())

    def answered(self, place: str, status: int) -> None:
        """Note an answer of the host whose slot the feed has."""
        if not self._flow.now.reached:
            self._flow.note(reached=True)
        record = self._queue.record(place)
        record.heard(place)
        if status not in (429, 503):
            record.answer()

    def refused(
        self, host: str, status: int, reason: str, headers: Mapping[str, str], place: str | None = None
    ) -> Pause | None:
        """The pause that an error answer asks for, if it counts for its feed alone.

        Args:
          host: whose answer it is.
          status: of the answer.
          reason: with which the host's feeds end that are put off.
          headers: of the answer.
          place: under what the host's feeds queue, if it is another name.

        Raises:
          QueueAgain: the answer is one for the host, and the feed has to wait for it in this run.
          FeedFailed: it is one for the host, which leaves no time for the feed in this run.
        """
        now = self.now()
        pause = retry_after(headers.get("retry-after"), now)
        if pause is None and status == 429:
            until = now + UNSAID
            pause = Pause(until, f"a pause until {format_moment(until)} (it did not say for how long)")
        if pause is None or status not in (429, 503):
            return pause
        place, host = place or host, self._queue.name(host)
        if self._pause(host, place, pause, reason):
            raise QueueAgain
        detail = f"{host} asked for {pause.words}"
        raise FeedFailed(reason, detail, not_before=pause.until, postponed_by=place)

    def _pause(self, host: str, place: str, pause: Pause, reason: str) -> bool:
        """Whether the pause is waited for."""
        now = trio.current_time()
        until = now + (pause.until - self.now()).total_seconds()
        record = self._queue.record(place)
        spacing = record.refuse(now, until)
        patience = self._patience if spacing else SHORT.total_seconds()
        if record.refusals >= REFUSALS:
            patience = NEVER
        self._queue.pause(place, until + MARGIN)
        waits = until - now <= patience
        if spacing and waits:
            detail, due = f"not fetched in this run: {host} allows {rate(spacing)}", None
            if host in self._shown or len(self._shown) < SHOWN:
                self._shown[host] = record
        else:
            detail, due = f"not fetched: {host} asked for {pause.words}", pause.until
        self._queue.limit(place, Limit(place, reason, detail, patience, spacing, due))
        return waits

    def begin_round(self) -> None:
        """Let hosts be tried again that have refused too often, or did not answer. Pauses stay."""
        self._queue.begin_round(trio.current_time())
        self._shown.clear()

    def remarks(self) -> list[str]:
        """A line for each host whose rate has been learned."""
        return [_remark(host, record) for host, record in self._shown.items()]


def _remark(host: str, record: HostRecord) -> str:
    spacing = record.limit.spacing if record.limit is not None else 0.0
    feeds, left = f"{record.feeds:,} feed{'s' if record.feeds > 1 else ''}", record.put_off
    rest = f"; {left:,} of them are left to the next runs" if left else ""
    takes = "take" if record.feeds > 1 else "takes"
    return f"{host} allows {rate(spacing)}; its {feeds} {takes} {duration(record.feeds * spacing)}{rest}"


def rate(spacing: float) -> str:
    """``about 1 request in 60 s``, for the seconds from one request to the next."""
    if spacing < 1:
        return f"about {1 / spacing:.0f} requests in 1 s"
    return f"about 1 request in {duration(spacing)}"


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``16 h 40 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return " ".join(filter(None, (f"{hours:,} h" if hours else "", f"{minutes} min" if minutes else "")))
