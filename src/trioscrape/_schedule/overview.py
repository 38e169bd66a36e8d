"""Many feeds at a moment: how many are healthy, what the others lack, what the next hour brings. Pure.

Feeds are counted as they come, and only the worst are kept. So a million of them need no more memory than a
thousand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappush, heappushpop
from itertools import count
from typing import Final

from .rhythm import Rhythm
from .standing import FeedStatus, Standing

WORST: Final = 10
"""Broken feeds that an overview shows."""
SLOT: Final = timedelta(minutes=5)
SLOTS: Final = 12
"""In the next hour."""
AGES: Final = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
"""What failures are sorted by: up to a day, a week, a month, and longer."""
RECENTLY: Final = timedelta(days=7)
"""Delays measured longer ago than this say nothing about how feeds are polled now."""

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class Worst:
    """The broken feeds that have been so for longest, of all that are added; at most `size`."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: list[tuple[float, int, FeedStatus]] = []
        self._order = count()
        self.left_out = 0
        """How many there were besides."""

    def add(self, status: FeedStatus, badness: float) -> None:
        """Keep the feed, unless there are enough worse ones."""
        item = badness, -next(self._order), status
        if len(self._kept) < self._size:
            heappush(self._kept, item)
        else:
            heappushpop(self._kept, item)
            self.left_out += 1

    def __iter__(self) -> Iterator[FeedStatus]:
        return (status for _, _, status in sorted(self._kept, reverse=True, key=lambda item: item[:2]))


class WeightedMean:
    """The mean of numbers that count more or less."""

    def __init__(self) -> None:
        self._sum = self._weights = 0.0

    def add(self, number: float, weight: float) -> None:
        """Add a number."""
        self._sum += number * weight
        self._weights += weight

    @property
    def value(self) -> float | None:
        """None: there is none."""
        return self._sum / self._weights if self._weights else None


@dataclass(slots=True)
class Overview:
    """Feeds at a moment, counted."""

    now: datetime
    feeds: int = 0
    standings: Counter[Standing] = field(default_factory=Counter)
    reasons: dict[str, list[int]] = field(default_factory=dict)
    """Of broken feeds by reason: how many are so for up to each of `AGES`, and for longer."""
    moved: int = 0
    late: int = 0
    longest_late: timedelta = timedelta(0)
    due_now: int = 0
    next_hour: list[int] = field(default_factory=lambda: [0] * SLOTS)
    """Feeds that become due in each slot."""
    lateness: Counter[int] = field(default_factory=Counter)
    """How many seconds late the last polls began, see `rounded`."""
    with_gaps: int = 0
    """Feeds of which entries may have been missed, see `FeedStatus.has_gaps`."""
    delays: Counter[int] = field(default_factory=Counter)
    """Seconds from publication to storage (`rounded`) of the last entries of feeds with news `RECENTLY`."""
    expected: WeightedMean = field(default_factory=WeightedMean)
    """Seconds of the same as watches expect it, over the entries of a day."""
    worst: Worst = field(default_factory=lambda: Worst(WORST))

    def add(self, status: FeedStatus) -> None:
        """Count a feed."""
        self.feeds += 1
        self.standings[status.standing] += 1
        self.moved += status.has_moved
        self.late += status.is_late
        self.longest_late = max(self.longest_late, status.late)
        self._add_due(status.due)
        self.with_gaps += status.has_gaps
        if (late := status.history.last_lateness) is not None:
            self.lateness[rounded(late)] += 1
        self._add_delays(status)
        if status.is_broken:
            ages = self.reasons.setdefault(status.state.failure or "http-410", [0] * (len(AGES) + 1))
            ages[self._age(status.since)] += 1
            self.worst.add(status, badness(status, self.now))

    def _add_due(self, due: datetime | None) -> None:
        if due is None or due <= self.now:
            self.due_now += 1
        elif (slot := (due - self.now) // SLOT) < SLOTS:
            self.next_hour[slot] += 1

    def _age(self, since: datetime | None) -> int:
        age = self.now - (since or _NEVER)
        return next((place for place, longest in enumerate(AGES) if age <= longest), len(AGES))

    def _add_delays(self, status: FeedStatus) -> None:
        state, news = status.state, status.history.last_news
        if news is not None and self.now - news <= RECENTLY:
            self.delays.update(rounded(delay) for delay in state.delays)
        if state.expected_delay is not None and not status.is_broken:
            self.expected.add(state.expected_delay, Rhythm.of(state.rhythm).daily)


def rounded(seconds: int) -> int:
    """Seconds rounded to minutes beyond the first one, and to a week at most: few different numbers."""
    return seconds if seconds < 60 else min(seconds // 60 * 60, _A_WEEK)


def quantile(seconds: Counter[int], share: float) -> int | None:
    """The number of seconds that so large a share of them has at most; None: there are none."""
    rank = share * seconds.total()
    for number, times in sorted(seconds.items()):
        rank -= times
        if rank <= 0:
            return number
    return None


_A_WEEK: Final = 7 * 24 * 3600


def badness(status: FeedStatus, now: datetime) -> float:
    """What broken feeds are sorted by: for how long they have been so; first those of which it is unknown."""
    return (now - (status.since or _NEVER)).total_seconds()
