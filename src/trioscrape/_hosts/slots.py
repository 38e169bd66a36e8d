"""The host slots of feeds in flight: a feed that is redirected to another host waits for a slot of that host.

`queue` enforces the limit: how many slots a host has, and when the next feed may start.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import trio

from .._flow import Flow
from .queue import HostQueue

_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)


class HostSlots:
    """Lets feeds in flight wait for the slots of hosts that they are redirected to.

    Among them the one goes first that has waited longest, over all runs.

    Args:
      queue: the hosts, and the feeds that wait for them.
      flow: is told how many slots are taken.
    """

    def __init__(self, queue: HostQueue[Any], flow: Flow) -> None:
        self._queue, self._flow = queue, flow
        self._lots: dict[str, list[_Visitor]] = {}
        """By host, those who wait for it, in their order."""
        self._order = count()

    def started(self, host: str, since: datetime = _ALWAYS) -> HostSlot:
        """The slot that a feed has from `HostQueue.start`, and that has been counted.

        Args:
          host: whose slot it is.
          since: how long the feed has waited, see `acquire`.
        """
        return HostSlot(self, host, since)

    def none(self) -> HostSlot:
        """What a feed has that is not fetched."""
        return HostSlot(self, None)

    def same(self, one: str, other: str) -> bool:
        """Whether two hosts count as one."""
        return self._queue.name(one) == self._queue.name(other)

    def limits(self, host: str) -> bool:
        """Whether `host` limits what it allows."""
        return self._queue.knows(host) and self._queue.record(host).limit_of(host) is not None

    def acquire_nowait(self, host: str, since: datetime = _ALWAYS) -> None:
        """Take a slot of `host`.

        Raises:
          trio.WouldBlock: none is free, the host is in a pause, or it is another feed's turn.
        """
        self._queue.acquire_nowait(host, trio.current_time(), since)
        self._flow.add(slots=1)

    async def acquire(self, host: str, since: datetime = _ALWAYS) -> None:
        """Take a slot of `host` as soon as one is free and the host is in no pause.

        Args:
          host: where the feed was redirected to.
          since: of those that wait here, the one that has waited longest goes first.

        Raises:
          FeedFailed: the host leaves no time for the feed in this run.

        Cancellation: takes none.
        """
        if not self._lots.get(self._queue.name(host)) and self._acquired(host, since):
            return
        lot = self._lots.setdefault(self._queue.name(host), [])
        me = _Visitor(since, next(self._order))
        insort(lot, me)
        try:
            with self._queue.visited(host, since):
                while not (lot[0] is me and self._acquired(host, since)):
                    before = bisect_left(
                        lot, me
                    )  # list.index would compare with each: there may be thousands
                    self._queue.check_visitor(host, trio.current_time(), before, since)
                    with trio.move_on_at(self._queue.opens(host, since)):
                        await me.turn.wait()
                    me.turn = trio.Event()
        finally:
            del lot[bisect_left(lot, me)]
            # The next one may be able to start as well; or it was the turn of this one, which gives up.
            self._wake(host)

    def release(self, host: str) -> None:
        """Give a slot of `host` back."""
        self._queue.release(host, trio.current_time())
        self._wake(host)
        self._flow.add(slots=-1)

    def _acquired(self, host: str, since: datetime) -> bool:
        try:
            self.acquire_nowait(host, since)
        except trio.WouldBlock:
            return False
        return True

    def _wake(self, host: str) -> None:
        """Let the first of those who wait for `host` try; forget about a host that nobody waits for.

        Where the host limits what it allows, all look whether there is still time for them.
        """
        name = self._queue.name(host)
        if lot := self._lots.get(name):
            for visitor in lot if self.limits(host) else lot[:1]:
                visitor.turn.set()
        else:
            self._lots.pop(name, None)


@dataclass(slots=True, order=True)
class _Visitor:
    """A feed in flight that waits for the slot of a host."""

    since: datetime
    order: int
    turn: trio.Event = field(default_factory=trio.Event, compare=False)


class HostSlot:
    """One feed's slot of a host; with a redirect it is exchanged for another host's."""

    def __init__(self, slots: HostSlots, host: str | None, since: datetime = _ALWAYS) -> None:
        self._slots, self._since = slots, since
        self.host = host
        """Whose slot it is; None while the feed waits for one, and after `release`."""

    @property
    def is_limited(self) -> bool:
        """Whether its host limits what it allows."""
        return self.host is not None and self._slots.limits(self.host)

    async def switch(self, host: str) -> None:
        """Give the slot back and take one of `host`; nothing happens if that is the same host.

        It is given back first: two hosts that redirect to each other can't block each other.

        Raises:
          FeedFailed: the host leaves no time for the feed in this run. The feed has no slot then.

        Cancellation: the feed has no slot then.
        """
        if self.host is None or not self._slots.same(self.host, host):
            self.release()
            await self._slots.acquire(host, self._since)
            self.host = host

    def release(self) -> None:
        """Give the slot back, if there is one."""
        if self.host is not None:
            host, self.host = self.host, None
            self._slots.release(host)
