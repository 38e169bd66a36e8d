"""Collections that stay small, however many feeds a run has."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

HOSTS: Final = 5_000
"""Hosts whose times are kept: the slowest so far."""
FINISHES: Final = 1_024
"""Results whose moments are kept."""


class Few(Generic[T]):
    """The first `most` of all that is added, in the order of the keys: the same ones in each run."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[tuple[str, int, T]] = []
        self.count = 0
        """How many items were added."""

    def add(self, key: str, item: T) -> None:
        """Keep it, unless there are enough with smaller keys."""
        self.count += 1
        if len(self._kept) < self._most or key < self._kept[-1][0]:
            insort(self._kept, (key, self.count, item), key=lambda each: each[:2])
            del self._kept[self._most :]

    def __iter__(self) -> Iterator[T]:
        return (item for _, _, item in self._kept)

    @property
    def left_out(self) -> int:
        """How many items were added and not kept."""
        return self.count - len(self._kept)


@dataclass(slots=True)
class Host:
    """What the feeds of a host took, without waiting for lanes: lookups and requests. In seconds."""

    name: str
    feeds: int = 0
    longest: float = 0.0
    total: float = 0.0


class Hosts:
    """The hosts whose feeds took longest."""

    def __init__(self) -> None:
        self._hosts: dict[str, Host] = {}

    def add(self, name: str, seconds: float) -> None:
        """Count a feed."""
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = Host(name)
        host.feeds += 1
        host.total += seconds
        host.longest = max(host.longest, seconds)
        if len(self._hosts) > 2 * HOSTS:
            self._hosts = {each.name: each for each in self.slowest(HOSTS)}

    def slowest(self, number: int) -> list[Host]:
        """The `number` slowest hosts, by their slowest feed, the slowest first."""
        return sorted(self._hosts.values(), key=lambda host: (-host.longest, host.name))[:number]


class Finishes:
    """When the n-th feed had its result, for some n: all powers of ten, and every k-th."""

    def __init__(self) -> None:
        self._each = 1
        self._every: list[float] = []
        self._powers: dict[int, float] = {}
        self._next_power = 1
        self._last = 0.0
        self.count = 0
        """Results so far."""

    def add(self, seconds: float) -> None:
        """Count a result, and note how many seconds after the beginning it came."""
        self.count += 1
        self._last = seconds
        if self.count == self._next_power:
            self._powers[self.count] = seconds
            self._next_power *= 10
        if self.count % self._each == 0:
            self._every.append(seconds)
            if len(self._every) == FINISHES:
                self._each *= 2
                self._every = self._every[1::2]

    def milestones(self) -> list[tuple[int, float]]:
        """Numbers of results and seconds: the powers of ten, half of them, 90 %, 99 %, and all.

        The shares are accurate to a thousandth of all results.
        """
        found = dict(self._powers)
        for percent in 50, 90, 99:
            place = min(len(self._every), self.count * percent // 100 // self._each) - 1
            if place >= 0:
                found.setdefault((place + 1) * self._each, self._every[place])
        if self.count:
            found[self.count] = self._last
        return sorted(found.items())
