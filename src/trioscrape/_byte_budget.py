"""How many bytes of documents may be held at once, over all feeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio


class ByteBudget:
    """A limit on bytes that feeds hold from the first chunk they read until they are stored.

    A feed that wants more than there is waits for others to give back: first come, first served, so
    that many small documents can't keep a large one from its end. Whole bodies are given back
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
        self._waiting: dict[Held, _Wish] = {}

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
            self._serve()

    def _complete(self, held: Held) -> None:
        self._reading.pop(held, None)
        self._whole += held.size
        self._serve()

    def _give_back(self, held: Held, size: int) -> None:
        self._used -= size
        held.size -= size
        self._serve()

    async def _grow(self, held: Held, size: int) -> None:
        self._reading.setdefault(held)
        wish = self._waiting[held] = _Wish(size)
        self._serve()
        try:
            await wish.granted.wait()
        finally:
            if self._waiting.pop(held, None) is not None:  # given up, and others may have stood behind
                self._serve()

    def _serve(self) -> None:
        """Grant what can be granted, in the order in which it was asked for."""
        while self._waiting:
            first = next(iter(self._waiting))
            if self._used + self._waiting[first].size > self._limit:
                break
            self._grant(first)
        oldest = next(iter(self._reading), None)
        if not self._whole and oldest in self._waiting:
            self._grant(oldest)

    def _grant(self, held: Held) -> None:
        wish = self._waiting.pop(held)
        self._used += wish.size
        held.size += wish.size
        wish.granted.set()


class _Wish:
    """So many bytes more."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.granted = trio.Event()


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
