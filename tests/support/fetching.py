"""One fetch through real dns and http lanes, in one call."""

from __future__ import annotations

import ssl
from contextlib import aclosing
from typing import Any

from trioscrape import Config, Feed, FeedState
from trioscrape._dns.caching import Names, ResolvedAddresses, Resolver
from trioscrape._errors import FeedFailed
from trioscrape._flow import Flow
from trioscrape._hosts.queue import HostQueue
from trioscrape._hosts.retry_after import Pauses
from trioscrape._hosts.slots import HostSlot, HostSlots
from trioscrape._http import Clock, FetchContext, Fetched, Fetcher, Routes
from trioscrape._http._transport import LaneTransport, SharedContext
from trioscrape._http.byte_budget import ByteBudget
from trioscrape._http.happy_eyeballs import Connector, open_tcp
from trioscrape._lane import Lane, Timings


class Loopback:
    """Every name is this machine."""

    async def resolve(self, host: str) -> ResolvedAddresses:
        return ResolvedAddresses(["127.0.0.1"])


class Fetching:
    """A fetcher for several fetches; its connections stay parked between them."""

    def __init__(
        self,
        config: Config | None = None,
        *,
        resolver: Resolver | None = None,
        connector: Connector = open_tcp,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.config = config = config or Config()
        self.dns, self.http = Lane("dns", config.dns_width), Lane("http", config.http_width)
        self.transport = LaneTransport(
            SharedContext(lambda: context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)),
            connector,
            config,
        )
        self.names = Names(resolver or Loopback(), self.dns)
        queue = HostQueue[Any](1)
        self.fetcher = Fetcher(Routes(self.names, config), self.http, self.transport, config, Pauses(queue))
        self.slots = HostSlots(queue, Flow())
        self.budget = ByteBudget(config.bytes_in_flight)

    async def get(self, url: str, state: FeedState | None = None) -> Fetched:
        slot = HostSlot(self.slots, None)
        try:
            with self.budget.reservation() as reservation:
                clock = Clock(self.config.fetch_timeout)
                context = FetchContext(Feed(url), state, Timings(), reservation, slot, clock)
                return await self.fetcher.fetch(context)
        finally:
            slot.release()

    async def failure(self, url: str, state: FeedState | None = None) -> FeedFailed:
        """How it fails; fails itself when it does not."""
        try:
            fetched = await self.get(url, state)
        except FeedFailed as failed:
            return failed
        raise AssertionError(f"{url} was fetched: {fetched}")


async def fetch(url: str, state: FeedState | None = None, **how: object) -> Fetched:
    fetching = Fetching(**how)  # type: ignore[arg-type]
    async with aclosing(fetching.transport):
        return await fetching.get(url, state)


async def failure(url: str, state: FeedState | None = None, **how: object) -> FeedFailed:
    fetching = Fetching(**how)  # type: ignore[arg-type]
    async with aclosing(fetching.transport):
        return await fetching.failure(url, state)
