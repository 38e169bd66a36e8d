"""Which hosts and feeds a made-up world has."""

from __future__ import annotations

from random import Random
from typing import Final

from ._world_clock import WorldClock
from ._world_feed import KINDS, WorldFeed
from ._world_host import HOST_KINDS, WorldHost

_TROUBLED_HOSTS: Final = [kind for kind in HOST_KINDS if kind != "ok"]
_TROUBLED_FEEDS: Final = [kind for kind in KINDS if kind != "healthy"]
_SOUND: Final = ("healthy", "slow", "unvalidated", "renamed", "unclosed")
"""Feeds that are where they are, and that others may redirect to."""


class Plan:
    """The hosts and feeds of one world; see `World` for its arguments.

    The feeds of a host follow a Pareto distribution, as on the internet: half of all hosts have one, and the
    largest have up to a twentieth of all feeds.
    """

    def __init__(self, seed: int, feeds: int, trouble: float, clock: WorldClock) -> None:
        self._random, self._clock, self._trouble = Random(f"world {seed}"), clock, trouble  # noqa: S311
        self.hosts: list[WorldHost] = []
        self.listed: list[WorldFeed] = []
        self._addresses = 0
        largest = max(1, feeds // 20)
        while len(self.listed) < feeds:
            size = min(int(self._random.paretovariate(1.1)), largest, feeds - len(self.listed))
            self._add_host(size)
        self._redirect()
        self._random.shuffle(self.listed)

    def _add_host(self, size: int) -> None:
        random = self._random
        kind = random.choice(_TROUBLED_HOSTS) if random.random() < self._trouble else "ok"
        host = self._host(kind)
        for number in range(size):
            troubled = random.random() < self._trouble
            self.listed.append(
                self._feed(host, f"/feed{number}", random.choice(_TROUBLED_FEEDS) if troubled else "healthy")
            )
        if kind == "limited":
            host.allowed = max(size // 3 + 1, random.choice((1, 4, 20, 60)))

    def _host(self, kind: str) -> WorldHost:
        before = self.hosts[-1] if self.hosts else None
        if kind == "ok" and before is not None and before.kind == "ok" and self._random.random() < 0.2:
            addresses = before.all_addresses  # they have one server
        else:
            addresses = tuple(self._address() for _ in range(3 if kind == "moving" else 1))
        host = WorldHost(f"h{len(self.hosts)}.test", kind, addresses, self._clock, self._random)
        self.hosts.append(host)
        return host

    def _address(self) -> str:
        """One that counts as public, where nobody is: the 6bone had them, which was given up (RFC 3701)."""
        self._addresses += 1
        return f"3ffe::{self._addresses >> 16:x}:{self._addresses & 0xFFFF:x}"

    def _feed(self, host: WorldHost, path: str, kind: str) -> WorldFeed:
        feed = WorldFeed(f"http://{host.name}{path}", kind, self._clock, self._random)
        host.feeds[path] = feed
        return feed

    def _redirect(self) -> None:
        """Give the feeds that redirect a target."""
        random, targets = self._random, [feed for feed in self.listed if feed.kind in _SOUND]
        for feed in [feed for feed in self.listed if feed.kind in ("moved", "elsewhere", "loop")]:
            if feed.kind == "moved":
                self._move(feed, random.choice((1, 1, 1, 2, 4)))
            elif feed.kind == "loop" or not targets:
                feed.kind, feed.status, feed.location = "loop", 301, feed.url
            else:
                feed.status, feed.location = random.choice((302, 303, 307)), random.choice(targets).url

    def _move(self, feed: WorldFeed, hops: int) -> None:
        listed = feed
        for number in range(hops):
            host = self._random.choice(self.hosts)
            feed.status = self._random.choice((301, 308))
            kind = "healthy" if number == hops - 1 else "moved"
            following = self._feed(host, f"/moved{len(host.feeds)}", kind)
            feed.location, following.moved_from = following.url, listed
            feed = following
