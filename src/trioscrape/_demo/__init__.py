"""The feeds of ``trioscrape demo``: 500 sites with one feed each, served on 127.0.0.1 by the program.

The feeds have ordinary URLs with host names that do not exist. The demo's resolver answers with made-up
addresses, as slowly as a real one, and its connector connects all of them to the port on 127.0.0.1
where the sites are served. So the stored URLs are the same in every run, whatever the port is, and only
name resolution and routing differ from real feeds.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple

import trio

from .._dns.caching import ResolvedAddresses
from .._exception_groups import ungrouped
from .._records import Feed
from .server import Server
from .sites import DOMAIN, Site, sites


class DemoResolver:
    """Knows the addresses of the demo's sites, and no others."""

    def __init__(self, known: Mapping[str, Site]) -> None:
        self._known = known

    async def resolve(self, host: str) -> ResolvedAddresses:
        """The address of `host`, after 5 to 80 ms.

        Raises:
          socket.gaierror: the name does not exist.
        """
        site = self._known.get(host.removesuffix(DOMAIN).removeprefix("www."))
        await trio.sleep(site.lookup_seconds if site else 0)
        if site is None or site.behaviour == "no-name":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ResolvedAddresses([site.address])


class Demo(NamedTuple):
    """The feeds of the demo, and what is needed to reach them."""

    feeds: Sequence[Feed]
    resolver: DemoResolver
    connector: Callable[[str, int], Awaitable[trio.SocketStream]]


@asynccontextmanager
async def open_demo() -> AsyncIterator[Demo]:
    """Serve the sites on a free port of 127.0.0.1 until the block ends.

    Open connections are closed then, also when the block is cancelled.
    """
    known = {site.name: site for site in sites()}
    feeds = [
        Feed(f"http://{site.host}/feed.xml", title=name.replace("-", " ").title())
        for name, site in known.items()
    ]
    with ungrouped():
        async with trio.open_nursery() as nursery:
            serve = partial(trio.serve_tcp, Server(known).serve_connection, 0, host="127.0.0.1")
            [listener] = await nursery.start(serve)
            port = listener.socket.getsockname()[1]

            async def connect(_address: str, _port: int) -> trio.SocketStream:
                return await trio.open_tcp_stream("127.0.0.1", port)

            yield Demo(feeds, DemoResolver(known), connect)
            nursery.cancel_scope.cancel()
