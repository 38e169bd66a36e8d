"""When a feed that has just been fetched is due again: as one run has it, and as a watch does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from .._lane import Histogram
from .._records import FeedTimers, TimerRule
from .._schedule.freshness import rule_of_skips, rules_of_success
from .._schedule.planner import Planner
from .._schedule.rhythm import Rhythm, expected_delay
from .._schedule.rules import INTERVAL, RHYTHM, decided


class Planned(NamedTuple):
    """The next fetch of a feed."""

    rules: tuple[TimerRule, ...]
    """What it waits for, see `decided`; none: for nothing."""
    expected_delay: int | None = None
    """See `FeedState.expected_delay`."""


class Plan(Protocol):
    """Plans the next fetch of a feed."""

    def after_success(
        self, feed_id: str, rhythm: str | None, timers: FeedTimers, age: int, now: datetime
    ) -> Planned:
        """The next fetch of a feed that was fetched `now`.

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
    delays: Histogram = field(default_factory=Histogram)
    """From the publication of entries to the fetch that has found them."""

    def after_success(
        self,
        feed_id: str,  # noqa: ARG002
        rhythm: str | None,  # noqa: ARG002
        timers: FeedTimers,
        age: int,
        now: datetime,
    ) -> Planned:
        """See `Plan.after_success`."""
        return Planned(rules_of_success(now, timers, age, self.next_run))

    def found(self, delays: Sequence[float]) -> None:
        """See `Plan.found`."""
        for delay in delays:
            self.delays.add(delay)

    def after_failure(self, now: datetime) -> datetime | None:  # noqa: ARG002
        """See `Plan.after_failure`."""
        return self.next_run


@dataclass(frozen=True, slots=True)
class ForAWatch:
    """Each fetch has its minute: see `planner`."""

    planner: Planner

    def after_success(
        self, feed_id: str, rhythm: str | None, timers: FeedTimers, age: int, now: datetime
    ) -> Planned:
        """See `Plan.after_success`."""
        known, since = Rhythm.of(rhythm), now.timestamp()
        rates = known.rates(since)
        asked = rules_of_success(now, timers, age, None)
        earliest = asked[0].until.timestamp() if asked else since
        moment = self.planner.next_poll(feed_id, known, rates, since, earliest)
        until = datetime.fromtimestamp(moment, UTC)
        planned = TimerRule(INTERVAL, until)
        if self.planner.by_rhythm:
            planned = TimerRule(RHYTHM, until, f"{_pace(known.daily)} expected")
        # Where the rules of the feed allow no earlier moment, it is theirs, and they come first.
        rules = decided(rule_of_skips(until, timers), *asked, planned)
        return Planned(rules, round(expected_delay(rates, since, rules[0].until.timestamp())))

    def found(self, delays: Sequence[float]) -> None:
        """See `Plan.found`."""
        for delay in delays:
            self.planner.delays.add(delay)

    def after_failure(self, now: datetime) -> datetime:
        """See `Plan.after_failure`."""
        return now + timedelta(seconds=self.planner.every)


def _pace(daily: float) -> str:
    return f"{daily:.1f} entries a day" if daily >= 1 else f"an entry in {1 / daily:.1f} days"
