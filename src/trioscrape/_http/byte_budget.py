"""How many bytes of documents may be in memory at once, over all feeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio


class ByteBudget:
    """A limit on the bytes that feeds reserve, from the first chunk that they read until they are stored.

    A feed that needs more than there is waits for others to release theirs: first come, first served, so
    that many small documents can't starve a large one. Whole bodies are released sooner or later, whatever
    the others do. When all bytes are in incomplete bodies, the feed that has been reading longest may go on
    all the same, so that its body completes: no two can wait for each other for ever, and the limit is
    exceeded by the size of one body at most.

    Args:
      limit: bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.reserved = 0
        """Bytes that are reserved now."""
        self._whole = 0
        self._reading: dict[Reservation, None] = {}
        self._waiting: dict[Reservation, _Request] = {}

    @contextmanager
    def reservation(self) -> Iterator[Reservation]:
        """What one feed reserves, nothing at first; all of it is released at the end of the block."""
        reservation = Reservation(self)
        try:
            yield reservation
        finally:
            reservation.complete()
            self.reserved -= reservation.size
            self._whole -= reservation.size
            self._serve()

    def _complete(self, reservation: Reservation) -> None:
        self._reading.pop(reservation, None)
        self._whole += reservation.size
        self._serve()

    def _shrink(self, reservation: Reservation, size: int) -> None:
        self.reserved -= size
        reservation.size -= size
        self._serve()

    async def _grow(self, reservation: Reservation, size: int) -> None:
        self._reading.setdefault(reservation)
        request = self._waiting[reservation] = _Request(size)
        self._serve()
        try:
            await request.granted.wait()
        finally:
            if self._waiting.pop(reservation, None) is not None:  # cancelled, and others may wait behind it
                self._serve()

    def _serve(self) -> None:
        """Grant what can be granted, in the order of the requests."""
        while self._waiting:
            first = next(iter(self._waiting))
            if self.reserved + self._waiting[first].size > self._limit:
                break
            self._grant(first)
        oldest = next(iter(self._reading), None)
        if not self._whole and oldest in self._waiting:
            self._grant(oldest)

    def _grant(self, reservation: Reservation) -> None:
        request = self._waiting.pop(reservation)
        self.reserved += request.size
        reservation.size += request.size
        request.granted.set()


class _Request:
    """So many bytes more."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.granted = trio.Event()


class Reservation:
    """The bytes that one feed has reserved."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._is_whole = False
        self.size = 0

    async def grow(self, size: int) -> None:
        """Reserve `size` more bytes, as soon as there is room.

        Cancellation: leaves the queue.
        """
        await self._budget._grow(self, size)

    def shrink(self, size: int) -> None:
        """Release `size` bytes."""
        self._budget._shrink(self, size)

    def complete(self) -> None:
        """Note that nothing more is going to be read."""
        if not self._is_whole:
            self._is_whole = True
            self._budget._complete(self)
