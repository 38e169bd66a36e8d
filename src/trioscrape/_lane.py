"""A lane: one kind of work, and how much of it may go on at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from ._quantiles import Histogram
from ._types import LaneStatistics, LaneTimes


class Trip:
    """What one feed spends in each lane on its way."""

    def __init__(self) -> None:
        self.lanes: dict[str, LaneTimes] = {}

    def spent(self, lane: str, waited: float, worked: float) -> None:
        """Add one turn in `lane` to what the feed spent there before."""
        before = self.lanes.get(lane, LaneTimes())
        self.lanes[lane] = LaneTimes(before.waited + waited, before.worked + worked)


class Lane:
    """A `trio.CapacityLimiter` with a name and a memory of how long feeds waited and worked.

    Waiting is first come, first served. Nothing may wait for a lane while it holds a slot of
    another one: then no lane can starve another, and no set of feeds can block each other.
    """

    def __init__(self, name: str, width: int) -> None:
        self.name = name
        self.width = width
        self._slots = trio.CapacityLimiter(width)
        self._waiting = self._peak_waiting = self._done = 0
        self._waited, self._worked = Histogram(), Histogram()

    @asynccontextmanager
    async def slot(self, trip: Trip) -> AsyncIterator[None]:
        """Hold one slot for the body of the ``async with``.

        Cancellation: while waiting, leaves the queue; in the body, gives the slot back.
        """
        asked = trio.current_time()
        await self._enter()
        began = trio.current_time()
        try:
            yield
        finally:
            self._slots.release()
            ended = trio.current_time()
            self._done += 1
            self._waited.add(began - asked)
            self._worked.add(ended - began)
            trip.spent(self.name, began - asked, ended - began)

    async def _enter(self) -> None:
        try:
            self._slots.acquire_nowait()
        except trio.WouldBlock:
            self._waiting += 1
            self._peak_waiting = max(self._peak_waiting, self._waiting)
            try:
                await self._slots.acquire()
            finally:
                self._waiting -= 1
        else:
            await trio.lowlevel.cancel_shielded_checkpoint()

    def statistics(self) -> LaneStatistics:
        """The lane at this moment."""
        return LaneStatistics(
            name=self.name,
            width=self.width,
            busy=self._slots.borrowed_tokens,
            waiting=self._waiting,
            peak_waiting=self._peak_waiting,
            done=self._done,
            waited=self._waited.quantiles(),
            worked=self._worked.quantiles(),
        )
