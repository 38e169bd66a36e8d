"""When a feed that has just been fetched is due again: as one run has it, and as a watch does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from .._records import FeedTimers
from .._schedule.freshness import after_skipped, next_fetch
from .._schedule.planner import Planner
from .._schedule.rhythm import Rhythm


class Plan(Protocol):
    """Plans the next fetch of a feed."""

    def next_fetch(
        self, feed_id: str, rhythm: str | None, timers: FeedTimers, age: int, now: datetime
    ) -> datetime | None:
        """The moment before which a feed that was fetched `now` is not fetched again; None: there is none.

        Args:
          feed_id: of the feed.
          rhythm: of the feed, see `FeedState.rhythm`.
          timers: what it asks for.
          age: seconds by which the answer was old already.
          now: when it was fetched.
        """

    def found(self, delays: Sequence[float]) -> None:
        """Note that entries were found which had been published so many seconds ago."""

    def after_failure(self, now: datetime) -> datetime | None:
        """The moment before which the user wants no other fetch of a feed that has failed `now`."""


@dataclass(frozen=True, slots=True)
class ForTheNextRun:
    """Nothing is planned: another run fetches what is due then."""

    next_run: datetime | None
    """Before which the user wants no fetch; None: there is no such moment."""

    def next_fetch(
        self,
        feed_id: str,  # noqa: ARG002
        rhythm: str | None,  # noqa: ARG002
        timers: FeedTimers,
        age: int,
        now: datetime,
    ) -> datetime | None:
        """See `Plan.next_fetch`."""
        return next_fetch(now, timers, age, self.next_run)

    def found(self, delays: Sequence[float]) -> None:
        """Nothing to do."""

    def after_failure(self, now: datetime) -> datetime | None:  # noqa: ARG002
        """See `Plan.after_failure`."""
        return self.next_run


@dataclass(frozen=True, slots=True)
class ForAWatch:
    """Each fetch has its minute: see `planner`."""

    planner: Planner

    def next_fetch(
        self, feed_id: str, rhythm: str | None, timers: FeedTimers, age: int, now: datetime
    ) -> datetime:
        """See `Plan.next_fetch`."""
        known, since = Rhythm.of(rhythm), now.timestamp()
        earliest = next_fetch(now, timers, age, None) or now
        moment = self.planner.next_poll(feed_id, known, known.rates(since), since, earliest.timestamp())
        return after_skipped(datetime.fromtimestamp(moment, UTC), timers)

    def found(self, delays: Sequence[float]) -> None:
        """See `Plan.found`."""
        for delay in delays:
            self.planner.delays.add(delay)

    def after_failure(self, now: datetime) -> datetime:
        """See `Plan.after_failure`."""
        return now + timedelta(seconds=self.planner.every)
