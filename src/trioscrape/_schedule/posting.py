"""The rhythm in which a feed has posted, from the dates of its entries, for people. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MOSTLY: Final = 0.9
"""The share of entries that make "mostly"."""


class Posting(NamedTuple):
    """When a feed posts."""

    entries: int
    """With a date."""
    first: datetime
    last: datetime
    median_seconds: float
    """Seconds from one entry to the next."""
    days: tuple[str, ...]
    """The fewest days of the week, in UTC, on which most entries came; empty: no days in particular."""
    hours: tuple[int, int] | None
    """The shortest time of the day in which most entries came, from and to, in UTC; None: any."""


def posting(dates: Sequence[datetime]) -> Posting | None:
    """The rhythm of entries with these dates; None: there are fewer than two."""
    if len(dates) < 2:
        return None
    ordered = sorted(dates)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(ordered)]
    return Posting(len(ordered), ordered[0], ordered[-1], median(gaps), _days(ordered), _hours(ordered))


def median(numbers: Sequence[float]) -> float:
    """The median of numbers, of which there must be some."""
    # Importing `statistics` takes as long as the rest of the command.
    ordered, middle = sorted(numbers), len(numbers) // 2
    return ordered[middle] if len(numbers) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _days(dates: Sequence[datetime]) -> tuple[str, ...]:
    counts = Counter(date.weekday() for date in dates)
    chosen, covered = [], 0
    for day, entries in counts.most_common():
        chosen.append(day)
        covered += entries
        if covered >= _MOSTLY * len(dates):
            break
    return tuple(DAYS[day] for day in sorted(chosen)) if len(chosen) < 6 else ()


def _hours(dates: Sequence[datetime]) -> tuple[int, int] | None:
    counts = Counter(date.hour for date in dates)
    for width in range(1, 13):
        best = max(range(24), key=lambda first: sum(counts[(first + n) % 24] for n in range(width)))
        if sum(counts[(best + n) % 24] for n in range(width)) >= _MOSTLY * len(dates):
            return best, (best + width) % 24
    return None
