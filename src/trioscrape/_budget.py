"""How many bytes of documents may be held at once, over all feeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio


class ByteBudget:
    """A limit on bytes that feeds hold from the first chunk they read until they are stored.

    A feed that wants more than there is waits for others to give back. Whole bodies are given back
    without anybody's help. When all bytes are in half-read ones, the feed that has been reading
    longest may go on all the same, so that its body gets whole: no two can wait for each other for
    ever, and the overshoot is one body limit at the most.

    Args:
      limit: bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = self._whole = 0
        self._reading: dict[Held, None] = {}
        self._freed = trio.lowlevel.ParkingLot()

    @contextmanager
    def hold(self) -> Iterator[Held]:
        """What one feed holds; all of it is given back at the end of the block."""
        held = Held(self)
        try:
            yield held
        finally:
            held.complete()
            self._used -= held.size
            self._whole -= held.size
            self._freed.unpark_all()

    def _complete(self, held: Held) -> None:
        self._reading.pop(held, None)
        self._whole += held.size
        self._freed.unpark_all()

    def _give_back(self, held: Held, size: int) -> None:
        self._used -= size
        held.size -= size
        self._freed.unpark_all()

    async def _grow(self, held: Held, size: int) -> None:
        self._reading.setdefault(held)
        while self._used + size > self._limit and (self._whole or next(iter(self._reading)) is not held):
            await self._freed.park()
        self._used += size
        held.size += size


class Held:
    """The bytes that one feed holds."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._is_whole = False
        self.size = 0

    async def grow(self, size: int) -> None:
        """Hold `size` more bytes, as soon as there is room."""
        await self._budget._grow(self, size)

    def give_back(self, size: int) -> None:
        """Hold `size` bytes less."""
        self._budget._give_back(self, size)

    def complete(self) -> None:
        """Nothing more is going to be read."""
        if not self._is_whole:
            self._is_whole = True
            self._budget._complete(self)
