"""A lane: one kind of work, how much of it may go on at once, and how long it takes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import trio

from ._archive.exchange import KeptFetch
from ._flow import Flow
from ._records import LaneStatistics, LaneTimes, Quantiles, Result

_GROWTH: Final = 1.05
"""Each bucket is 5 % wider than the one before: from 1 µs to an hour in 450 buckets."""
_LOG_GROWTH: Final = math.log(_GROWTH)
_SMALLEST: Final = 1e-6


class Histogram:
    """Durations in buckets of a fixed relative width, as HdrHistogram does."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self._count = 0
        self._max = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self._buckets[math.ceil(math.log(max(seconds, _SMALLEST) / _SMALLEST) / _LOG_GROWTH)] += 1
        self._count += 1
        self._max = max(self._max, seconds)

    def __add__(self, other: Histogram) -> Histogram:
        """The sum of both histograms, without loss: as if one had counted all durations."""
        both = Histogram()
        both._buckets.update(self._buckets)
        both._buckets.update(other._buckets)
        both._count = self._count + other._count
        both._max = max(self._max, other._max)
        return both

    @property
    def count(self) -> int:
        """How many were counted."""
        return self._count

    def quantiles(self) -> Quantiles:
        """What was counted so far; all zero when nothing was."""
        ordered = sorted(self._buckets.items())
        return Quantiles(self._at(0.50, ordered), self._at(0.99, ordered), self._max)

    def _at(self, share: float, ordered: list[tuple[int, int]]) -> float:
        rank = share * self._count
        seen = 0
        for bucket, count in ordered:
            seen += count
            if seen >= rank:
                return min(_SMALLEST * _GROWTH**bucket, self._max)
        return 0.0


@dataclass(frozen=True, slots=True)
class LaneTotals:
    """A lane at one moment, as `LaneStatistics`, but with whole histograms: those of several can be added."""

    name: str
    width: int = 0
    busy: int = 0
    waiting: int = 0
    peak_waiting: int = 0
    done: int = 0
    overdue: int = 0
    waited: Histogram = field(default_factory=Histogram)
    worked: Histogram = field(default_factory=Histogram)

    def __add__(self, other: LaneTotals) -> LaneTotals:
        """The same lane of two parts of a scrape.

        Parts may have gone on at once in several processes, or one after the other in one. So `width` is that
        of one process, the largest of them, and not a sum; `peak_waiting` is the largest of any part.
        """
        return LaneTotals(
            name=self.name,
            width=max(self.width, other.width),
            busy=self.busy + other.busy,
            waiting=self.waiting + other.waiting,
            peak_waiting=max(self.peak_waiting, other.peak_waiting),
            done=self.done + other.done,
            overdue=self.overdue + other.overdue,
            waited=self.waited + other.waited,
            worked=self.worked + other.worked,
        )

    def statistics(self) -> LaneStatistics:
        """The same with quantiles."""
        return LaneStatistics(
            name=self.name,
            width=self.width,
            busy=self.busy,
            waiting=self.waiting,
            peak_waiting=self.peak_waiting,
            done=self.done,
            waited=self.waited.quantiles(),
            worked=self.worked.quantiles(),
            overdue=self.overdue,
        )


@dataclass(slots=True)
class Phases:
    """How long the parts of a request took, in seconds; 0 of what was not needed."""

    connect: float = 0.0
    tls: float = 0.0
    first_byte: float = 0.0
    """From when the request could be sent to the end of the headers of its answer."""
    body: float = 0.0


class Timings:
    """What one feed spends in each lane, and what its requests have met."""

    def __init__(self) -> None:
        self.lanes: dict[str, LaneTimes] = {}
        self.began: datetime | None = None
        """When the feed was admitted, by the wall clock."""
        self.ended: datetime | None = None
        """When it was decided what is to be stored, by the wall clock."""
        self.phases = Phases()
        """Of the last request."""
        self.status: int | None = None
        """Of the last answer."""
        self.redirects: list[str] = []
        """Status and target of each redirect of the last fetch, ``301 https://example.org/feed``."""
        self.lane: str | None = None
        """The lane that the feed is in, or waits for; None: it is between two."""
        self.queued = False
        """Whether it waits for that lane."""
        self.took_turn = False
        """Whether the feeds of its host take turns, because the host limits what it allows."""
        self.kept: list[KeptFetch] = []
        """What the archive has of its fetches, if there is an archive."""
        self.begun = False
        """Whether more has happened than waiting and lookups: a server was contacted, or the feed has failed.
        A scrape that drains finishes what has begun."""
        self.stored: Result | None = None
        """Of a feed that was interrupted after its document had been stored."""

    def spent(self, lane: str, waited: float, worked: float) -> None:
        """Add a pass through `lane` to what the feed spent there before."""
        before = self.lanes.get(lane, LaneTimes())
        self.lanes[lane] = LaneTimes(before.waited + waited, before.worked + worked)


class Lane:
    """A `trio.CapacityLimiter` with a name and a memory of how long feeds waited and worked.

    Waiting is first come, first served. Nothing may wait for a lane while it has a slot of
    another one: then no lane can starve another, and no set of feeds can block each other.

    Args:
      name: of the lane.
      width: feeds at once.
      spare: how much wider the lane may get while some of its feeds are `overdue`.
      flow: is told how many are.
    """

    def __init__(self, name: str, width: int, *, spare: int = 0, flow: Flow | None = None) -> None:
        self.name = name
        self.width = width
        self._spare = spare
        self._slots = trio.CapacityLimiter(width)
        self._waiting = self._peak_waiting = self._done = 0
        self._overdue_now = self._overdue = 0
        self._flow = flow or Flow()
        self._waited, self._worked = Histogram(), Histogram()

    def slot(self, timings: Timings) -> _Slot:
        """Wait for a slot, and have it for the body of the ``async with``.

        A slot that is free is taken without a checkpoint: what it is taken for has some.

        Cancellation: while waiting, leaves the queue; in the body, releases the slot.
        """
        return _Slot(self, timings)

    @contextmanager
    def overdue(self) -> Iterator[None]:
        """For the body of the ``with``, one of the slots will not be released soon.

        The lane is two wider meanwhile: one slot makes up for the lost one, and one is there because
        where one feed is stuck, others in the lane are too and only have not been noticed. So it
        doubles from one discovery to the next, as TCP's window does in its slow start. If it grew by
        one only, with half of the names dead and a dead one taking five times as long to notice as a
        healthy one takes to look up, five of six slots would be lost to dead names at any time.
        """
        self._overdue += 1
        self._widen(1)
        try:
            yield
        finally:
            self._widen(-1)

    def _widen(self, overdue: int) -> None:
        self._overdue_now += overdue
        self._slots.total_tokens = self.width + min(2 * self._overdue_now, self._spare)
        self._flow.add(stuck=overdue)

    async def _acquire(self) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            self._slots.acquire_nowait()
        except trio.WouldBlock:
            self._waiting += 1
            self._peak_waiting = max(self._peak_waiting, self._waiting)
            try:
                await self._slots.acquire()
            finally:
                self._waiting -= 1

    def _release(self, timings: Timings, waited: float, worked: float) -> None:
        self._slots.release()
        self._done += 1
        self._waited.add(waited)
        self._worked.add(worked)
        timings.spent(self.name, waited, worked)

    def totals(self) -> LaneTotals:
        """The lane at this moment. Its histograms are the lane's own, which go on counting."""
        return LaneTotals(
            name=self.name,
            width=self.width,
            busy=self._slots.borrowed_tokens,
            waiting=self._waiting,
            peak_waiting=self._peak_waiting,
            done=self._done,
            overdue=self._overdue,
            waited=self._waited,
            worked=self._worked,
        )

    def statistics(self) -> LaneStatistics:
        """The lane at this moment."""
        return self.totals().statistics()


class _Slot:
    """A slot of a lane, for an ``async with``; four a feed, and a generator takes three times as long."""

    __slots__ = ("_began", "_lane", "_queued", "_timings")

    def __init__(self, lane: Lane, timings: Timings) -> None:
        self._lane, self._timings = lane, timings
        self._queued = self._began = 0.0

    async def __aenter__(self) -> None:
        timings = self._timings
        timings.lane, timings.queued = self._lane.name, True
        self._queued = trio.current_time()
        await self._lane._acquire()
        self._began = trio.current_time()
        timings.queued = False

    async def __aexit__(self, *_: object) -> None:
        began = self._began
        self._lane._release(self._timings, began - self._queued, trio.current_time() - began)
        self._timings.lane = None
