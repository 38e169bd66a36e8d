"""A world for ``--demo``: 500 sites with a feed each, served on loopback by the program itself.

The feeds have ordinary URLs of hosts that do not exist. The demo's resolver gives their addresses,
with the latency of a real one, and its connector takes a connection to any of them to the port on
127.0.0.1 where the sites are. So the stored URLs are the same in every run, whatever the port, and
all of trioscrape but the last metre is what it is for real feeds.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple

import trio

from .._dns.caching import ResolvedAddresses
from .._groups import ungrouped
from .._records import Feed
from .server import Server
from .sites import DOMAIN, Site, sites


class DemoResolver:
    """Knows the addresses of the demo's sites, and of nothing else."""

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
    """What a scrape of the demo is given."""

    feeds: Sequence[Feed]
    resolver: DemoResolver
    connector: Callable[[str, int], Awaitable[trio.SocketStream]]


@asynccontextmanager
async def open_demo() -> AsyncIterator[Demo]:
    """Serve the sites on a free port of 127.0.0.1 for as long as the block lasts.

    Cancellation: nothing is left behind; connections that are open when the block ends are closed.
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
