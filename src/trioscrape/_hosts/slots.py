"""The slot of a host that each feed in flight has, and how a redirected feed gets another host's."""

from __future__ import annotations

from typing import Any

import trio

from .._flow import Flow
from .queue import HostQueue


class HostSlots:
    """Lets feeds in flight wait for the slots of hosts that they are redirected to.

    They go before the feeds that still queue for that host, first come, first served: what is in flight
    already takes up more than what is not.

    Args:
      queue: the hosts, and the feeds that wait for them.
      flow: is told how many slots are taken.
    """

    def __init__(self, queue: HostQueue[Any], flow: Flow) -> None:
        self._queue, self._flow = queue, flow
        self._lots: dict[str, trio.lowlevel.ParkingLot] = {}

    def started(self, host: str) -> HostSlot:
        """The slot that a feed has from `HostQueue.start`, and that has been counted."""
        return HostSlot(self, host)

    def none(self) -> HostSlot:
        """What a feed has that is not fetched."""
        return HostSlot(self, None)

    def same(self, one: str, other: str) -> bool:
        """Whether two hosts count as one."""
        return self._queue.name(one) == self._queue.name(other)

    def acquire_nowait(self, host: str) -> None:
        """Take a slot of `host`.

        Raises:
          trio.WouldBlock: none is free, or the host is in a pause.
        """
        self._queue.acquire_nowait(host, trio.current_time())
        self._flow.add(slots=1)

    async def acquire(self, host: str) -> None:
        """Take a slot of `host` as soon as one is free and the host is in no pause.

        Raises:
          FeedFailed: the host leaves no time for the feed in this run.

        Cancellation: takes none.
        """
        if self._acquired(host):
            return
        acquired = False
        try:
            with self._queue.visited(host):
                while not (acquired := self._acquired(host)):
                    self._queue.check_visitor(host, trio.current_time())
                    with trio.move_on_at(self._queue.opens(host)):
                        await self._lot(host).park()
        finally:
            # A task that gives up may just have been woken: then it is the next one's turn.
            self._wake(host, 0 if acquired else 1)

    def release(self, host: str) -> None:
        """Give a slot of `host` back."""
        self._queue.release(host, trio.current_time())
        self._wake(host, 1)
        self._flow.add(slots=-1)

    def _acquired(self, host: str) -> bool:
        try:
            self.acquire_nowait(host)
        except trio.WouldBlock:
            return False
        return True

    def _lot(self, host: str) -> trio.lowlevel.ParkingLot:
        return self._lots.setdefault(self._queue.name(host), trio.lowlevel.ParkingLot())

    def _wake(self, host: str, count: int) -> None:
        """Let so many of those who wait for `host` try; forget about a host that nobody waits for."""
        name = self._queue.name(host)
        if (lot := self._lots.get(name)) is not None:
            lot.unpark(count=count)
            if not lot:
                del self._lots[name]


class HostSlot:
    """One feed's slot of a host; with a redirect it is exchanged for another host's."""

    def __init__(self, slots: HostSlots, host: str | None) -> None:
        self._slots = slots
        self.host = host
        """Whose slot it is; None while the feed waits for one, and after `release`."""

    async def switch(self, host: str) -> None:
        """Give the slot back and take one of `host`; nothing happens if that is the same host.

        It is given back first: two hosts that redirect to each other can't block each other.

        Raises:
          FeedFailed: the host leaves no time for the feed in this run. The feed has no slot then.

        Cancellation: the feed has no slot then.
        """
        if self.host is None or not self._slots.same(self.host, host):
            self.release()
            await self._slots.acquire(host)
            self.host = host

    def release(self) -> None:
        """Give the slot back, if there is one."""
        if self.host is not None:
            host, self.host = self.host, None
            self._slots.release(host)
