"""How many bytes of documents may be held at once, over all feeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio


class ByteBudget:
    """A limit on bytes that feeds hold from the first chunk they read until they are stored.

    A feed that wants more than there is waits, except the one that has been reading longest: it
    may always go on, so that some body always gets finished and freed. That is why waiting here
    while in the http lane can't block for ever. The overshoot is one body limit at the most.

    Args:
      limit: bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._reading: dict[Held, None] = {}
        self._freed = trio.lowlevel.ParkingLot()

    @contextmanager
    def hold(self) -> Iterator[Held]:
        """What one feed holds; all of it is given back at the end of the block."""
        held = Held(self)
        try:
            yield held
        finally:
            self._used -= held.size
            self._done_reading(held)

    def _done_reading(self, held: Held) -> None:
        self._reading.pop(held, None)
        self._freed.unpark_all()

    async def _grow(self, held: Held, size: int) -> float:
        self._reading.setdefault(held)
        asked = trio.current_time()
        while self._used + size > self._limit and next(iter(self._reading)) is not held:
            await self._freed.park()
        self._used += size
        held.size += size
        return trio.current_time() - asked


class Held:
    """The bytes that one feed holds."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self.size = 0

    async def grow(self, size: int) -> float:
        """Hold `size` more bytes when there is room; the seconds that took to come."""
        return await self._budget._grow(self, size)

    def complete(self) -> None:
        """Nothing more is going to be read."""
        self._budget._done_reading(self)
