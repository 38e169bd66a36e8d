"""One host of a made-up world: how it is reached, how much it allows, and what it has seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Final

from ._history import DAY
from ._site import Answer, Request, Site
from ._world_clock import WorldClock
from ._world_feed import WorldFeed

HOST_KINDS: Final = {
    "ok": None,
    "slow-lookup": None,
    "moving": None,
    "limited": None,
    "maintenance": None,
    "no-name": "name-not-found",
    "lookup-fails": "lookup-failed",
    "lookup-stuck": "lookup-timeout",
    "refuses": "connection-refused",
    "black-hole": "connect-timeout",
    "silent": "read-timeout",
}
"""What hosts may be like, and the reason with which all of their feeds fail; None: they need not.

* ``ok``: does what it should.
* ``slow-lookup``: its name server takes seconds.
* ``moving``: has another address every hour.
* ``limited``: allows so many requests a minute, or an hour; to others it says 429, with Retry-After.
* ``maintenance``: says 503 with Retry-After until some moment within the first hours.
* ``no-name``, ``lookup-fails``, ``lookup-stuck``: there is no such name, its name server says that it has
  failed, or nothing at all.
* ``refuses``, ``black-hole``, ``silent``: no connection is accepted, attempts to connect are not answered, or
  requests are not.
"""


class WorldHost(Site):
    """A host; `Internet.sites` has it under its `name`.

    Args:
      name: its host name.
      kind: one of `HOST_KINDS`.
      addresses: its own; it uses one at a time.
      clock: of the world.
      random: gives its habits.
    """

    def __init__(
        self, name: str, kind: str, addresses: Sequence[str], clock: WorldClock, random: Random
    ) -> None:
        lookup = random.uniform(2, 6) if kind == "slow-lookup" else min(1.0, random.lognormvariate(-3.2, 1))
        super().__init__(
            lookup=math.inf if kind == "lookup-stuck" else lookup,
            ttl=300.0 if kind == "moving" else random.choice((60.0, 300.0, 3600.0)),
            connect=math.inf if kind == "black-hole" else random.uniform(0.01, 0.25),
            first_byte=math.inf if kind == "silent" else min(2.0, random.lognormvariate(-2, 0.8)),
            exists=kind != "no-name",
            listens=kind != "refuses",
            lookup_fails=kind == "lookup-fails",
        )
        self.name, self.kind, self.all_addresses, self._clock = name, kind, tuple(addresses), clock
        self.feeds: dict[str, WorldFeed] = {}
        """By path."""
        self.allowed: int | None = None
        """Requests that a ``limited`` host allows in each `window`, which begins with the first one."""
        self.window = random.choice((60.0, 60.0, 3600.0))
        """Seconds."""
        self.opens = random.uniform(0, DAY / 4) if kind == "maintenance" else 0.0
        """When the maintenance ends, in seconds of the world."""
        self.most_at_once = 0
        """Requests that it was answering at the same time."""
        self.early: list[tuple[float, float]] = []
        """Requests that came before the moment which the host had asked to wait for, with Retry-After: when,
        and when it had asked, in seconds of the world."""
        self._answers: list[Answer] = []
        self._asked_at = self._asked_until = -math.inf
        self._window_ends, self._left = -math.inf, 0

    @property
    def addresses(self) -> Sequence[str]:
        """The one that its name leads to now."""
        hour = int(self._clock.seconds // 3600) if self.kind == "moving" else 0
        return (self.all_addresses[hour % len(self.all_addresses)],)

    @addresses.setter
    def addresses(self, _: Sequence[str]) -> None:
        """They follow from the time."""

    @property
    def reason(self) -> str | None:
        """The reason with which all of its feeds fail; None: they need not."""
        return HOST_KINDS[self.kind]

    def answer(self, request: Request) -> Answer:
        """The answer to a request that comes now."""
        now = self._clock.seconds
        if self._asked_at <= now < self._asked_until:
            self.early.append((now, self._asked_at))
        if wait := self._wait(now):
            answer = Answer(status=503 if self.allowed is None else 429, headers={"Retry-After": f"{wait}"})
            # It can be expected to be heard when it has been read.
            self._asked_at, self._asked_until = now + self.first_byte + 0.001, now + wait
        else:
            feed = self.feeds.get(request.target)
            answer = feed.answer(request) if feed is not None else Answer(status=404)
        answer.first_byte += self.first_byte
        self._answers = [each for each in self._answers if not each.ended] + [answer]
        self.most_at_once = max(self.most_at_once, len(self._answers))
        return answer

    def _wait(self, now: float) -> int:
        """Whole seconds until it takes requests again; 0: it takes this one."""
        if now < self.opens:
            return math.ceil(self.opens - now)
        if self.allowed is None:
            return 0
        if now >= self._window_ends:
            self._window_ends, self._left = now + self.window, self.allowed
        self._left -= 1
        return math.ceil(self._window_ends - now) if self._left < 0 else 0
