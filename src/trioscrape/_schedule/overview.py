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

from .standing import FeedStatus, Standing

WORST: Final = 10
"""Broken feeds that an overview shows."""
SLOT: Final = timedelta(minutes=5)
SLOTS: Final = 12
"""In the next hour."""
AGES: Final = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
"""What failures are sorted by: up to a day, a week, a month, and longer."""

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
    delays: Counter[int] = field(default_factory=Counter)
    """How much later than due the last polls began, in whole minutes, at most a week."""
    worst: Worst = field(default_factory=lambda: Worst(WORST))

    def add(self, status: FeedStatus) -> None:
        """Count a feed."""
        self.feeds += 1
        self.standings[status.standing] += 1
        self.moved += status.has_moved
        self.late += status.is_late
        self.longest_late = max(self.longest_late, status.late)
        self._add_due(status.due)
        if (delay := status.history.last_delay) is not None:
            self.delays[min(delay // 60, _A_WEEK)] += 1
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

    def delay(self, share: float) -> int | None:
        """Minutes that so many of the last polls were late at most; None: none is known."""
        rank = share * self.delays.total()
        for minutes, polls in sorted(self.delays.items()):
            rank -= polls
            if rank <= 0:
                return minutes
        return None


_A_WEEK: Final = 7 * 24 * 60


def badness(status: FeedStatus, now: datetime) -> float:
    """What broken feeds are sorted by: for how long they have been so; first those of which it is unknown."""
    return (now - (status.since or _NEVER)).total_seconds()
