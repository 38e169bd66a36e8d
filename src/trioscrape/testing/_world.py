"""An internet made up from a seed, to test programs in: it knows what should have become of each feed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, cast
from weakref import WeakKeyDictionary

import trio

from ._internet import Internet
from ._site import Answer, Request, Site
from ._world_clock import WorldClock
from ._world_feed import WorldFeed
from ._world_host import WorldHost
from ._world_plan import Plan


class Poll(NamedTuple):
    """One request that a server of a world has received."""

    seconds: float
    """When, from the beginning of the world."""
    url: str
    status: int
    """Of the answer."""
    feed: str
    """The URL in the list on whose behalf it was made: not `url`, where that has redirected."""


class World(Internet):
    """Hosts with feeds, made up from a seed, in virtual time.

    Some hosts have hundreds of feeds and most have one. Of all hosts and feeds a share is in trouble, in all
    the ways of `HOST_KINDS` and `KINDS`: lookups that fail or hang, servers that do not answer, limits of
    requests a minute, redirects, errors, documents that are none. Feeds publish over months, each by a
    rhythm of its own. The same arguments always give the same world. ::

        async def main() -> None:
            world = World(seed=1, feeds=500)
            store = MemoryStore(now=world.now)
            await scrape(
                world.urls,
                store=store,
                resolver=world,
                connector=world.connect,
                parser=InlineParser(),
                now=world.now,
            )
            for feed in world.feeds:
                stored = store.entries.get(feed_id(feed.url), {}).values()
                assert {entry.link: entry.title for entry in stored} == feed.served

        run_in_virtual_time(main)

    A world serves many runs: its clock goes on with trio's. `polls` takes the place of `requests`, whose
    headers would take much memory over months.

    Args:
      seed: of all that is random in it.
      feeds: how many are in the list.
      trouble: the share of hosts, and of the feeds of other hosts, that are in trouble; from 0 to 1.
      start: seconds of the world at which trio's clock is 0: to go on with the same world in another
        ``trio.run``.
    """

    def __init__(self, seed: int, feeds: int = 1000, *, trouble: float = 0.1, start: float = 0.0) -> None:
        self.clock = WorldClock(start)
        plan = Plan(seed, feeds, trouble, self.clock)
        super().__init__({host.name: host for host in plan.hosts}, lookup_timeout=10.0)
        self.feeds: list[WorldFeed] = plan.listed
        """In the order of the list."""
        self.polls: list[Poll] = []
        """Every request, in order; may be cleared."""
        self._at = {address: host for host in reversed(plan.hosts) for address in host.all_addresses}
        self._redirected: WeakKeyDictionary[trio.lowlevel.Task, WorldFeed] = WeakKeyDictionary()
        """Which feed a task fetches that has been redirected."""

    @property
    def urls(self) -> list[str]:
        """The feed list."""
        return [feed.url for feed in self.feeds]

    @property
    def hosts(self) -> Mapping[str, WorldHost]:
        """By name."""
        return cast("Mapping[str, WorldHost]", self.sites)

    def host_of(self, feed: WorldFeed) -> WorldHost:
        """The host in the URL of `feed`."""
        return self.hosts[feed.url.split("/")[2]]

    def now(self) -> datetime:
        """The wall clock, for the argument ``now`` of a scrape."""
        return self.clock.now()

    def freeze(self) -> None:
        """Let no feed publish anything from now on; the clock goes on."""
        self.clock.freeze()

    def reason(self, feed: WorldFeed) -> str | None:
        """The reason with which `feed` fails now, because of itself or of a host on its way.

        None: it is stored, in the next run at the latest in which a host that limits what it allows has
        time for it.
        """
        last = self.route(feed)[-1]
        return self.host_of(last).reason or last.reason

    def route(self, feed: WorldFeed) -> list[WorldFeed]:
        """`feed`, and where it redirects to, up to where it fails or has its document."""
        route = [feed]
        while self.host_of(feed).reason is None and feed.reason is None and feed.location is not None:
            host, path = feed.location.removeprefix("http://").split("/", 1)
            feed = self.hosts[host].feeds[f"/{path}"]
            route.append(feed)
        return route

    def answer(self, request: Request, address: str) -> Answer:  # noqa: ARG002
        """See `Internet.answer`. Each host answers at all addresses that it ever had."""
        answer = self.hosts[request.name].answer(request)
        self._note(request, answer)
        return answer

    def _note(self, request: Request, answer: Answer) -> None:
        host = self.hosts[request.name]
        url = f"http://{host.name}{request.target}"
        at = host.feeds.get(request.target)
        task = trio.lowlevel.current_task()
        feed = self._redirected.pop(task, at and (at.moved_from or at))
        if feed is None:
            return
        self.polls.append(Poll(self.clock.seconds, url, answer.status, feed.url))
        if at is not None and at.location is not None and answer.status == at.status:
            self._redirected[task] = feed
        elif at is not None and answer.status == 200 and answer.is_whole:
            feed.served |= at.entries()

    def _first_at(self, address: str) -> Site:
        return self._at[address]
