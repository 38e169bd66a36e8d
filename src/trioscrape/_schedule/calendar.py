"""How many polls are planned for each minute, so that the next one goes where there are few. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Final

MINUTE: Final = 60
CHOICES: Final = 8
"""Moments that are compared for each poll: then the fullest minutes have few more than the others."""
FEW: Final = 3
"""Polls that a minute may always have."""

_ORDERS: Final = [[*range(begin, CHOICES), *range(begin)] for begin in range(CHOICES)]


class Calendar:
    """Counts planned polls by minute. All moments are seconds since 1970.

    Args:
      capacity: polls a minute at most; None: any number.
    """

    def __init__(self, capacity: float | None = None) -> None:
        self._capacity = capacity
        self._planned: Counter[int] = Counter()

    def place(self, first: float, last: float, fraction: float, room: float = 1.0) -> float:
        """A moment from `first` to `last` in a minute that has few polls; later if all of those are full.

        Args:
          first: before which there may be no poll.
          last: after which there should be none.
          fraction: from 0 up to 1, of the feed: what was polled together does not stay together.
          room: part of the capacity that may be used: more than 1 for what can't wait.
        """
        step = (last - first) / CHOICES
        planned = self._planned
        best, least = first, -1
        for n in _ORDERS[int(fraction * CHOICES * CHOICES) % CHOICES]:
            moment = first + (n + fraction) * step
            number = planned.get(int(moment // MINUTE), 0)
            if least < 0 or number < least:
                best, least = moment, number
                if not number:
                    break
        if self._capacity is not None and least >= self._capacity * room:
            return self._after(last, fraction, self._capacity * room)
        return best

    def is_crowded(self, moment: float) -> bool:
        """Whether there are far more polls in that minute than in those after it."""
        minute = int(moment // MINUTE)
        number = self._planned.get(minute, 0)
        if number <= FEW:
            return False
        later = sum(self._planned.get(minute + n, 0) for n in range(1, CHOICES + 1)) / CHOICES
        return number > 2 * later

    def _after(self, moment: float, fraction: float, capacity: float) -> float:
        """In the first minute after `moment` that is not full."""
        minute = int(moment // MINUTE) + 1
        while self._planned[minute] >= capacity:
            minute += 1
        return (minute + fraction) * MINUTE

    def add(self, moment: float) -> None:
        """Note a poll that is planned."""
        self._planned[int(moment // MINUTE)] += 1

    def remove(self, moment: float) -> None:
        """Note that it is planned no longer: it begins, or its feed has left the list."""
        minute = int(moment // MINUTE)
        self._planned[minute] -= 1
        if self._planned[minute] <= 0:
            del self._planned[minute]

    def shift(self, minutes: int) -> None:
        """Note that all polls are planned so many minutes later; earlier if it is less than 0."""
        self._planned = Counter({minute + minutes: number for minute, number in self._planned.items()})

    def between(self, first: float, last: float) -> int:
        """Polls that are planned in the minutes from `first` to before `last`."""
        minutes = range(int(first // MINUTE), int(last // MINUTE))
        return sum(self._planned.get(minute, 0) for minute in minutes)
