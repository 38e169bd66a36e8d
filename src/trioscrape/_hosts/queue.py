"""The backlog, one queue for each host, with the limit per host: which feed starts next, and when.

Waiting tasks of one big host would fill whatever bounds the feeds in flight. So the backlog is kept
as feeds in a queue per host, the hosts are served in turn, and only one with a free slot is: the last
feed of a small host then starts after 40 s instead of 440 (20,000 feeds, a fifth of them on one host).
"""

from __future__ import annotations

import heapq
import math
import random
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Final, Generic, Protocol, TypeVar

import trio

from .._errors import FeedFailed
from .record import HostRecord, Limit

JITTER: Final = 0.5
"""A delay is up to so much longer than configured, never shorter."""
MARGIN: Final = 0.5
"""Seconds to wait beyond the end of a pause: two clocks need not agree to the millisecond."""
YIELD: Final = 1.0
"""Seconds that a free slot of a host in turns stays free for one of its own feeds that has waited longer than
those in flight. Usually it is taken at once; but the feeds in flight must not wait for one that can't start,
because as many are in flight as may be."""
KEPT: Final = 10_000
"""Hosts whose limits are remembered; beyond that the oldest limit is forgotten."""


class Queued(Protocol):
    """What can wait for its host."""

    @property
    def host(self) -> str:
        """Under which it queues."""

    @property
    def waits_since(self) -> datetime:
        """Of one host's feeds the one that has waited longest goes first."""


Item = TypeVar("Item", bound=Queued)


@dataclass(slots=True)
class _Host(Generic[Item]):
    waiting: list[tuple[datetime, int, Item]] = field(default_factory=list)
    """A heap."""
    slots: int = 0
    """Those that are taken."""
    visitors: list[datetime] = field(default_factory=list)
    """Of the feeds of other hosts that were redirected here, since when they have waited; sorted."""
    not_before: float = -math.inf
    free_since: float = -math.inf
    """When a slot was last given back."""
    listed: bool = False
    """Whether it stands in the ring or in the calendar; never in both, never twice."""
    record: HostRecord = field(default_factory=HostRecord)


class HostQueue(Generic[Item]):
    """Feeds by host, and the slots of the hosts.

    Hosts are served in turn; one without a free slot, or in a pause, is passed over. A host has
    `per_host` slots. After each start and each end of a feed it pauses for `delay` seconds and some
    more at random, so that two programs that began together, or two feeds of one host, do not stay in
    step. All times are of trio's clock.

    Of a host that limits what it allows no more feeds wait than it leaves time for within the patience of
    its `Limit`. The others, which have waited least, are put off: see `put_off`.

    Feeds of other hosts that are redirected to a host are its visitors. They go before its own feeds, as what
    is in flight takes up more than what is not. At a host that limits what it allows they take turns with
    those, which else would be put off in every run.

    Hosts that may start now stand in a ring, those in a pause in a calendar (a heap); one that only
    waits for a slot stands in neither. So every operation takes O(log n) for n hosts, however many
    feeds wait, and a host is forgotten when its last feed has ended and its pause is over.

    Args:
      per_host: slots of a host.
      delay: seconds.
      group: the name under which a host is counted; hosts with one name are one host.
      jitter: gives a number from 0 to 1, a new one with each call.
    """

    def __init__(
        self,
        per_host: int,
        *,
        delay: float = 0.0,
        group: Callable[[str], str] = str,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._per_host, self._delay, self._group, self._jitter = per_host, delay, group, jitter
        self._hosts: dict[str, _Host[Item]] = {}
        self._ring: deque[str] = deque()
        self._calendar: list[tuple[float, int, str]] = []
        self._order = count()
        self._size = 0
        self._limited: dict[str, None] = {}
        """Hosts whose limit is remembered, the oldest one first."""
        self._crowded: dict[str, None] = {}
        """Hosts that may have more feeds than they leave time for."""
        self._put_off: deque[tuple[Item, Limit]] = deque()

    def __len__(self) -> int:
        return self._size

    def name(self, host: str) -> str:
        """The name under which `host` is counted."""
        return self._group(host)

    def put(self, item: Item) -> None:
        """Add one to its host's queue, after those that have waited as long."""
        self._put(item, next(self._order)).record.feeds += 1

    def put_back(self, item: Item) -> None:
        """Add one that was started in vain, before those that have waited as long."""
        self._put(item, -next(self._order))

    def _put(self, item: Item, order: int) -> _Host[Item]:
        name = self._group(item.host)
        host = self._host(name)
        heapq.heappush(host.waiting, (item.waits_since, order, item))
        self._size += 1
        if host.record.limit_of(item.host) is not None:
            self._crowded[name] = None
        self._list(name)
        return host

    def start(self, now: float) -> Item | None:
        """Take the next feed whose host has a free slot, and that slot; None when there is none."""
        self._thin_out(now)
        while self._calendar and self._calendar[0][0] <= now:
            name = heapq.heappop(self._calendar)[2]
            host = self._hosts[name]
            host.listed = False
            if host.not_before > now:  # its pause has become longer meanwhile
                self._schedule(name, host)
            else:
                self._list(name)
        while self._ring:
            name = self._ring.popleft()
            host = self._hosts[name]
            host.listed = False
            if host.slots >= self._per_host or self._visitor_goes_first(host):
                continue
            if not host.waiting:  # they have been put off
                self._list(name)
            elif host.not_before <= now:
                item = heapq.heappop(host.waiting)[2]
                self._size -= 1
                self._take_slot(host, now)
                self._list(name)
                return item
            else:
                self._schedule(name, host)
        return None

    def put_off(self) -> tuple[Item, FeedFailed] | None:
        """Take a feed that its host leaves no time for in this run, and why; None when there is none."""
        if not self._put_off:
            return None
        self._size -= 1
        item, limit = self._put_off.popleft()
        return item, limit.failure()

    def _thin_out(self, now: float) -> None:
        """Put off the feeds for which their hosts leave no time."""
        for name in self._crowded:
            if (host := self._hosts.get(name)) is None:
                continue
            self._put_off_silent(host)
            if (limit := host.record.limit) is not None:
                room = limit.room(host.not_before - now - MARGIN)
                if len(host.waiting) + len(host.visitors) > room:
                    host.waiting.sort()  # which leaves it a heap
                    ranks = (n + bisect_right(host.visitors, e[0]) for n, e in enumerate(host.waiting))
                    kept = sum(rank < room for rank in ranks)
                    host.record.put_off += len(host.waiting) - kept
                    self._put_off.extend((item, limit) for _, _, item in host.waiting[kept:])
                    del host.waiting[kept:]
        self._crowded.clear()

    def _put_off_silent(self, host: _Host[Item]) -> None:
        silent = {name: each for name, each in host.record.unanswered.items() if each.limit is not None}
        if not silent:  # with each batch that is read there may be thousands to look at
            return
        left = [entry for entry in host.waiting if entry[2].host not in silent]
        if len(left) < len(host.waiting):
            for _, _, item in sorted(host.waiting):
                each = silent.get(item.host)
                if each is not None and each.limit is not None:
                    each.put_off += 1
                    self._put_off.append((item, each.limit))
            heapq.heapify(left)
            host.waiting = left

    def acquire_nowait(self, host: str, now: float, since: datetime) -> None:
        """Take a slot of `host` for a feed that is in flight already, and has waited since `since`.

        Raises:
          trio.WouldBlock: all of them are taken, the host is in a pause, or it is another feed's turn.
        """
        known = self._host(self._group(host))
        if known.slots >= self._per_host or self._opens(known, since) > now:
            raise trio.WouldBlock
        self._take_slot(known, now)

    @contextmanager
    def visited(self, host: str, since: datetime) -> Iterator[None]:
        """For the body of the ``with``, a feed in flight waits for a slot, and has waited since `since`."""
        name = self._group(host)
        known = self._host(name)
        insort(known.visitors, since)
        if known.record.limit is not None:
            self._crowded[name] = None
        try:
            yield
        finally:
            known.visitors.remove(since)
            self._list(name)

    def check_visitor(self, host: str, now: float, before: int, since: datetime) -> None:
        """Raise `FeedFailed` when `host` leaves no time for a feed that waits for a slot.

        Args:
          host: whose slot it waits for.
          now: the time.
          before: other visitors that go before it.
          since: since when it has waited.
        """
        known = self._hosts[self._group(host)]
        limit = known.record.limit_of(host)
        if limit is not None:
            before += sum(waits < since for waits, _, _ in known.waiting)
            if limit.room(known.not_before - now - MARGIN) <= before:
                raise limit.failure()

    def check(self, host: str, now: float) -> None:
        """Raise `FeedFailed` when a feed that has a slot of `host` must not be fetched after all."""
        record = self.record(host)
        limit = record.limit_of(host)
        if limit is not None and max(record.paused_until - now, 0) > limit.patience:
            raise limit.failure()

    def opens(self, host: str, since: datetime) -> float:
        """From when on `acquire_nowait` may succeed; `math.inf`: once a slot has been released."""
        known = self._hosts[self._group(host)]
        return self._opens(known, since) if known.slots < self._per_host else math.inf

    def _opens(self, host: _Host[Item], since: datetime) -> float:
        if host.waiting and host.record.in_turns and host.waiting[0][0] < since:
            return max(host.not_before, host.free_since) + YIELD
        return host.not_before

    def _visitor_goes_first(self, host: _Host[Item]) -> bool:
        if not (host.visitors and host.waiting and host.record.in_turns):
            return bool(host.visitors)
        return host.visitors[0] <= host.waiting[0][0]

    def release(self, host: str, now: float) -> None:
        """Give a slot of `host` back."""
        name = self._group(host)
        known = self._hosts[name]
        known.slots -= 1
        known.free_since = now
        self._delay_next(known, now)
        if known.not_before > now and not known.listed:
            self._schedule(name, known)
        self._list(name)

    def pause(self, host: str, until: float) -> None:
        """Start nothing of `host` before `until`, for a Retry-After for example. A longer pause stays."""
        name = self._group(host)
        known = self._host(name)
        known.not_before = max(known.not_before, until)
        if not known.listed:
            self._schedule(name, known)

    def take_turns(self, host: str) -> None:
        """Have the feeds of `host` take turns with its visitors: some were put off in earlier runs."""
        self._host(self._group(host)).record.takes_turns = True

    def limit(self, host: str, limit: Limit) -> None:
        """Let no more feeds of `host` wait than it leaves time for."""
        self._hosts[self._group(host)].record.limit = limit
        self.limited(host)

    def limited(self, host: str) -> None:
        """Note that the record of `host` has a new limit, for all its feeds or for those of one host."""
        name = self._group(host)
        self._crowded[name] = None
        self._limited[name] = None
        self._list(name)
        if len(self._limited) > KEPT:
            oldest = next(iter(self._limited))
            del self._limited[oldest]
            self._hosts[oldest].record.limit = None
            self._hosts[oldest].record.unanswered.clear()
            self._list(oldest)

    def begin_round(self, now: float) -> None:
        """Forget which hosts nothing more is fetched from in this run. Pauses and learned rates stay.

        The limit of a host stays until its pause is over: else its feeds would wait here instead of being
        put off, and fill what is read ahead.
        """
        for name in list(self._limited):
            record = self._hosts[name].record
            record.unanswered.clear()
            record.feeds = record.put_off = record.refusals = 0
            learned = record.limit is not None and record.limit.spacing and record.limit.patience >= 0
            if learned or record.paused_until > now:
                continue
            record.limit = None
            del self._limited[name]
            self._list(name)

    def record(self, host: str) -> HostRecord:
        """That of a host which a feed waits for, or has a slot of."""
        return self._host(self._group(host)).record

    def adopt(self, host: str, record: HostRecord) -> None:
        """Go on with what an earlier scrape has learned of `host`, before any feed waits for it."""
        self._host(self._group(host)).record = record
        if record.paused_until > -math.inf:
            self.pause(host, record.paused_until + MARGIN)
        if record.limit is not None or any(each.limit for each in record.unanswered.values()):
            self.limited(host)

    def knows(self, host: str) -> bool:
        """Whether there is a record of `host`."""
        return self._group(host) in self._hosts

    @property
    def next_time(self) -> float:
        """When to try `start` again if nothing else happens; it may be in vain. `math.inf`: never."""
        return self._calendar[0][0] if self._calendar else math.inf

    def _host(self, name: str) -> _Host[Item]:
        """A new one, if it is not there."""
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host()
        return host

    def _take_slot(self, host: _Host[Item], now: float) -> None:
        host.slots += 1
        host.record.started(now)
        if host.record.limit is not None:
            host.not_before = max(host.not_before, now + host.record.limit.spacing)
        self._delay_next(host, now)

    def _delay_next(self, host: _Host[Item], now: float) -> None:
        if self._delay:
            wait = self._delay * (1 + JITTER * self._jitter())
            host.not_before = max(host.not_before, now + wait)

    def _schedule(self, name: str, host: _Host[Item]) -> None:
        host.listed = True
        heapq.heappush(self._calendar, (host.not_before, next(self._order), name))

    def _list(self, name: str) -> None:
        """Put a host where it belongs."""
        host = self._hosts[name]
        if host.listed:
            return
        if host.waiting and host.slots < self._per_host and not self._visitor_goes_first(host):
            host.listed = True
            self._ring.append(name)
        elif not (host.waiting or host.slots or host.visitors or name in self._limited):
            del self._hosts[name]
