"""The backlog, by host: who goes next, and when.

Waiting tasks of one big host would fill whatever bounds the feeds in flight. So the backlog is kept
as feeds in a queue per host, hosts take turns, and only a host with a free slot is asked: the last
feed of a small host then starts after 40 s instead of 440 (20,000 feeds, a fifth on one host).
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Generic, Protocol, TypeVar

JITTER: Final = 0.5
"""A delay is up to so much longer than it was asked to be, never shorter."""


class Queued(Protocol):
    """What can wait for its host."""

    @property
    def host(self) -> str:
        """Under which it queues."""


Item = TypeVar("Item", bound=Queued)


@dataclass(slots=True)
class _Host(Generic[Item]):
    waiting: deque[Item] = field(default_factory=deque)
    under_way: int = 0
    visitors: int = 0
    """Feeds of other hosts that were sent here and go before the waiting ones."""
    not_before: float = -math.inf
    listed: bool = False
    """Whether it stands in the ring or in the calendar; never in both, never twice."""


class HostQueue(Generic[Item]):
    """Feeds by host. Hosts take turns; one that is busy or has to be left alone is passed over.

    A host is busy while `per_host` of its feeds are under way. It is left alone for `delay` seconds,
    and some more at random, after each start and each end of a feed: two programs that began
    together, or two feeds of one host, do not go on asking in step. All times are of trio's clock.

    Hosts that may start now stand in a ring, those whose time has not come in a calendar (a heap);
    a busy one with nothing but that to wait for stands in neither. So every operation takes O(log n)
    for n hosts, however many feeds wait, and what is remembered of a host goes when its last feed
    has ended and its time has come.

    Args:
      per_host: feeds of one host under way at once.
      delay: seconds.
      group: the name under which a host is counted; hosts with one name are one host.
      jitter: a number from 0 to 1, each time another.
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

    def __len__(self) -> int:
        return self._size

    def name(self, host: str) -> str:
        """Under which `host` is counted."""
        return self._group(host)

    def put(self, candidate: Item) -> None:
        """Add one at the end of its host's queue."""
        name = self._group(candidate.host)
        self._hosts.setdefault(name, _Host()).waiting.append(candidate)
        self._size += 1
        self._list(name)

    def start(self, now: float) -> Item | None:
        """The next one of a host that may start, which it then has; None when there is none."""
        while self._calendar and self._calendar[0][0] <= now:
            name = heapq.heappop(self._calendar)[2]
            host = self._hosts[name]
            host.listed = False
            if host.not_before > now:  # it was held once more meanwhile
                self._enter(name, host)
            else:
                self._list(name)
        while self._ring:
            name = self._ring.popleft()
            host = self._hosts[name]
            host.listed = False
            if host.visitors or host.under_way >= self._per_host:  # a visitor came first
                continue
            if host.not_before <= now:
                candidate = host.waiting.popleft()
                self._size -= 1
                host.under_way += 1
                self._leave_alone(host, now)
                self._list(name)
                return candidate
            self._enter(name, host)
        return None

    def enter(self, host: str, now: float) -> bool:
        """Take a slot of `host` for a feed that is under way already, unless it has to wait for it."""
        known = self._hosts.setdefault(self._group(host), _Host())
        free = known.under_way < self._per_host and known.not_before <= now
        if free:
            known.under_way += 1
            self._leave_alone(known, now)
        self._list(self._group(host))
        return free

    @contextmanager
    def visited(self, host: str) -> Iterator[None]:
        """For the body of the ``with``, a feed waits to `enter`: none of the host's own is started."""
        name = self._group(host)
        known = self._hosts.setdefault(name, _Host())
        known.visitors += 1
        try:
            yield
        finally:
            known.visitors -= 1
            self._list(name)

    def opens(self, host: str) -> float:
        """The time from which `enter` may succeed; `math.inf`: when a feed there has finished."""
        known = self._hosts[self._group(host)]
        return known.not_before if known.under_way < self._per_host else math.inf

    def finished(self, host: str, now: float) -> None:
        """Give back a host's slot."""
        name = self._group(host)
        known = self._hosts[name]
        known.under_way -= 1
        self._leave_alone(known, now)
        if known.not_before > now and not known.listed:
            self._enter(name, known)
        self._list(name)

    def hold(self, host: str, until: float) -> None:
        """Start nothing of `host` before `until`, a Retry-After for example. What is longer wins."""
        name = self._group(host)
        known = self._hosts.setdefault(name, _Host())
        known.not_before = max(known.not_before, until)
        if not known.listed:
            self._enter(name, known)

    @property
    def next_time(self) -> float:
        """When to ask `start` again if nothing else happens; it may be in vain. `math.inf`: never."""
        return self._calendar[0][0] if self._calendar else math.inf

    def _leave_alone(self, host: _Host[Item], now: float) -> None:
        if self._delay:
            wait = self._delay * (1 + JITTER * self._jitter())
            host.not_before = max(host.not_before, now + wait)

    def _enter(self, name: str, host: _Host[Item]) -> None:
        host.listed = True
        heapq.heappush(self._calendar, (host.not_before, next(self._order), name))

    def _list(self, name: str) -> None:
        """Put a host where it belongs."""
        host = self._hosts[name]
        if host.listed:
            return
        if host.waiting and host.under_way < self._per_host and not host.visitors:
            host.listed = True
            self._ring.append(name)
        elif not host.waiting and not host.under_way and not host.visitors:
            del self._hosts[name]
