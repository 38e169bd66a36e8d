"""What is remembered of one poll, in the store and in an archive. Pure."""

from __future__ import annotations

from datetime import datetime

from .._archive.exchange import KeptPoll
from .._errors import FeedFailed
from .._lane import Timings
from .._records import FeedState, LaneTimes, Poll, PollTimes, Result, TimerRule
from .._records.kinds import clean_moment
from .._schedule.freshness import due
from .candidates import Candidate

_NOT_THERE = LaneTimes()


def poll_of(
    state: FeedState | None,
    now: datetime,
    timings: Timings,
    rules: tuple[TimerRule, ...],
    *,
    size: int | None = None,
    failed: FeedFailed | None = None,
) -> Poll:
    """The poll, without the numbers of its entries.

    Args:
      state: of the feed before.
      now: the time.
      timings: what it has spent in the lanes so far.
      rules: what the next fetch waits for.
      size: bytes of the document.
      failed: how it has failed; None: it has succeeded.
    """
    return Poll(
        at=clean_moment(timings.began) or now,  # what is clean already need not be made once more
        due=None if state is None else due(state),
        reason=None if failed is None else failed.reason,
        detail=None if failed is None else failed.detail[:_LONGEST_DETAIL] or None,
        status=timings.status,
        size=size,
        redirects=tuple(timings.redirects),
        times=_times(timings),
        rules=rules,
    )


def kept_poll(
    candidate: Candidate, timings: Timings, result: Result, now: datetime, next_run: datetime | None
) -> KeptPoll:
    """The poll as an archive keeps it.

    Args:
      candidate: the feed.
      timings: with what was fetched.
      result: how it has ended.
      now: the time.
      next_run: the moment before which the user wants no other fetch of the feed.
    """
    return KeptPoll(
        candidate.feed,
        candidate.feed_id,
        timings.began or now,
        timings.ended or now,
        next_run,
        tuple(timings.kept),
        str(result.outcome),
        result.reason,
        candidate.put_off,
        timings.took_turn,
    )


_LONGEST_DETAIL = 500
"""Characters that are kept with each poll; the feed has those of its last failure."""


def _times(timings: Timings) -> PollTimes:
    lanes, phases = timings.lanes, timings.phases
    dns, http, parse = (lanes.get(name, _NOT_THERE) for name in ("dns", "http", "parse"))
    return PollTimes(
        _ms(dns.waited),
        _ms(dns.worked),
        _ms(http.waited),
        _ms(http.worked),
        _ms(parse.waited),
        _ms(parse.worked),
        _ms(phases.connect),
        _ms(phases.tls),
        _ms(phases.first_byte),
        _ms(phases.body),
    )


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
