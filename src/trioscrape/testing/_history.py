"""What a feed of a made-up world publishes: which entries, when, and which of them it corrects later."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from random import Random
from typing import Final, NamedTuple

DAY: Final = 86_400
WEEK: Final = 7 * DAY
MOST: Final = 24.0
"""Entries a day that the liveliest feeds publish."""
EDITED: Final = 0.05
"""The share of entries that are corrected within a day or two."""


class Version(NamedTuple):
    """One state of a feed's document."""

    published: int
    """Entries so far; they are numbered from 0."""
    edited: int
    """Corrections so far."""


class History:
    """A feed's entries over time. Times are whole seconds from the beginning of the world, a Monday.

    A feed publishes at random, with a rate of its own, more often at some hours of the day than at others;
    two of three also publish less at weekends. A history is the same whenever it is looked at: each week of
    it follows from the seed.

    Args:
      seed: names the feed.
      random: gives the feed's habits.
    """

    def __init__(self, seed: str, random: Random) -> None:
        self._seed = seed
        self.rate = min(MOST, random.lognormvariate(0, 1.5))
        """Entries a day, on the average."""
        self.window = random.randint(3, 12)
        """Entries in the document."""
        self._peak, self._weekend = random.uniform(0, 24), random.choice((0.2, 0.2, 1.0))
        step = min(DAY / self.rate, 60 * DAY)
        self._published = [-int(step * (number + random.random())) for number in range(self.window, 0, -1)]
        self._edits: list[tuple[int, int]] = []
        self._weeks = 0

    def version(self, seconds: float) -> Version:
        """The state at a moment."""
        while seconds >= self._weeks * WEEK:
            self._add_week()
        edits = bisect_right(self._edits, (int(seconds), len(self._published)))
        return Version(bisect_right(self._published, seconds), edits)

    def entries(self, version: Version) -> range:
        """The numbers of the entries in the document, oldest first."""
        return range(max(0, version.published - self.window), version.published)

    def published(self, number: int) -> int:
        """When an entry was."""
        return self._published[number]

    def edited(self, version: Version) -> set[int]:
        """The entries that have been corrected by then."""
        return {number for _, number in self._edits[: version.edited]}

    def last_change(self, version: Version) -> int:
        """When the document became what it is."""
        edited = self._edits[version.edited - 1][0] if version.edited else -math.inf
        return int(max(self._published[version.published - 1], edited))

    def _add_week(self) -> None:
        random, begin = Random(f"{self._seed} week {self._weeks}"), self._weeks * WEEK  # noqa: S311
        self._weeks += 1
        last, fastest = max(begin, self._published[-1]), self.rate * 2 / DAY
        moment = float(begin)
        while (moment := moment + random.expovariate(fastest)) < begin + WEEK - 1:
            # Of the moments of the highest rate so many are kept as the rate at each says.
            if random.random() < self._share(moment) and int(moment) > last:
                last = int(moment)
                self._published.append(last)
                if random.random() < EDITED:
                    at = last + random.randint(60, 2 * DAY)
                    insort(self._edits, (at, len(self._published) - 1))

    def _share(self, moment: float) -> float:
        """From 0 to 1, a half on the average of a weekday: how lively the feed is at this hour and day."""
        day, second = divmod(moment, DAY)
        daily = 0.5 + 0.5 * math.cos(math.tau * (second / 3600 - self._peak) / 24)
        return daily * (self._weekend if day % 7 >= 5 else 1.0)
