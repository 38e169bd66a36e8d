"""The slot of a host that each feed under way holds, and how it gets another host's on its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import trio

from .queue import HostQueue


class HostSlots:
    """Lets feeds under way wait for the slots of hosts that they are sent on to.

    Whoever is under way already goes before the feeds that still wait in the host's queue: it holds
    more than they do.

    Args:
      queue: the hosts, and the feeds that wait for them.
      freed: called when a host may have a free slot.
    """

    def __init__(self, queue: HostQueue[Any], freed: Callable[[], object]) -> None:
        self._queue, self._freed = queue, freed
        self._lots: dict[str, trio.lowlevel.ParkingLot] = {}
        self.waiting = 0
        """Feeds that wait for a slot of another host."""
        self.waiting_changed: Callable[[], object] = lambda: None
        """Called when that number has changed."""

    def held(self, host: str) -> HostSlot:
        """The slot that `HostQueue.start` has given to a feed of `host`."""
        return HostSlot(self, host)

    def same(self, one: str, other: str) -> bool:
        """Whether two hosts count as one."""
        return self._queue.name(one) == self._queue.name(other)

    def enter_nowait(self, host: str) -> bool:
        """Take a slot of `host`, if that may be done at once."""
        return self._queue.enter(host, trio.current_time())

    async def enter(self, host: str) -> None:
        """Take a slot of `host` as soon as there is one and the host need not be left alone."""
        if self.enter_nowait(host):
            return
        entered = False
        try:
            with self._waiting_for(host):
                while not (entered := self.enter_nowait(host)):
                    with trio.move_on_at(self._queue.opens(host)):
                        await self._lot(host).park()
        finally:
            # Who gives up may have been woken: the next one is.
            self._wake(host, 0 if entered else 1)
            self._freed()

    @contextmanager
    def _waiting_for(self, host: str) -> Iterator[None]:
        self.waiting += 1
        self.waiting_changed()
        try:
            with self._queue.visited(host):
                yield
        finally:
            self.waiting -= 1
            self.waiting_changed()

    def leave(self, host: str) -> None:
        """Give a slot of `host` back."""
        self._queue.finished(host, trio.current_time())
        self._wake(host, 1)
        self._freed()

    def _lot(self, host: str) -> trio.lowlevel.ParkingLot:
        return self._lots.setdefault(self._queue.name(host), trio.lowlevel.ParkingLot())

    def _wake(self, host: str, count: int) -> None:
        """Let so many of those who wait for `host` try; forget about a host that nobody waits for."""
        lot = self._lot(host)
        lot.unpark(count=count)
        if not lot:
            del self._lots[self._queue.name(host)]


class HostSlot:
    """One feed's slot; it moves with the feed."""

    def __init__(self, slots: HostSlots, host: str) -> None:
        self._slots = slots
        self.host: str | None = host
        """Whose slot it is; None while the feed waits for one, or has given it back."""

    async def move(self, host: str) -> None:
        """Have a slot of `host`, in exchange for the one that is held.

        That one is given back first: two hosts that redirect to each other can't block each other.

        Cancellation: no slot is held then.
        """
        if not self._is_at(host):
            self.release()
            await self._slots.enter(host)
            self.host = host

    def move_nowait(self, host: str) -> bool:
        """Whether the slot of `host` is held now; if it would have to be waited for, none is."""
        if not self._is_at(host):
            self.release()
            self.host = host if self._slots.enter_nowait(host) else None
        return self.host is not None

    def _is_at(self, host: str) -> bool:
        return self.host is not None and self._slots.same(self.host, host)

    def release(self) -> None:
        """Give it back, if there is one."""
        if self.host is not None:
            host, self.host = self.host, None
            self._slots.leave(host)
