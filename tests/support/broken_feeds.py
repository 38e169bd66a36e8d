"""500 feeds on a real server, 40 of which break in ten ways, four in each."""

from __future__ import annotations

import functools
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import trio

import trioscrape
from trioscrape import Config, Feed, ResolvedAddresses
from trioscrape.testing import InlineParser

from support.servers import FEED, RawServer, answer, open_server, read_head

BEGIN: Final = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
EACH: Final = 4
FEEDS: Final = 500

WAYS: Final[Mapping[str, tuple[str, int]]] = {
    "lost": ("http-404", 1),
    "closed": ("http-410", 1),
    "ill": ("http-500", 1),
    "nameless": ("name-not-found", 1),
    "down": ("connection-refused", 1),
    "circling": ("redirect-loop", 3),
    "page": ("not-a-feed", 3),
    "cut": ("connection-lost", 3),
    "limited": ("rate-limited", 3),
    "denied": ("blocked-address", 3),
}
"""What the hosts are called; the reason with which their feeds fail, and since which day."""
DENIED: Final = "127.9.0.0/16"
DAYS: Final = (0, 1, 3)
"""On which the feeds are fetched."""


def names(way: str) -> list[str]:
    return [f"{way}-{number}.test" for number in range(EACH)]


def broken_on(day: int) -> set[str]:
    return {way for way, (_, since) in WAYS.items() if since <= day}


def way_of(host: str) -> str:
    return host.partition("-")[0]


class World:
    """The names and the server, on a day."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.day = 0

    async def resolve(self, host: str) -> ResolvedAddresses:
        await trio.lowlevel.checkpoint()
        way = way_of(host) if way_of(host) in broken_on(self.day) else None
        if way == "nameless":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ResolvedAddresses([{"down": "127.0.0.2", "denied": "127.9.0.1"}.get(way or "", "127.0.0.1")])

    async def serve(self, stream: trio.SocketStream, _: RawServer) -> None:
        head = await read_head(stream)
        host = head.lower().partition(b"host: ")[2].partition(b":")[0].decode()
        way = way_of(host) if way_of(host) in broken_on(self.day) else ""
        await stream.send_all(self.answer(way, host))

    def answer(self, way: str, host: str) -> bytes:
        url = f"http://{host}:{self.port}"
        answers = {
            "lost": answer("404 Not Found"),
            "closed": answer("410 Gone"),
            "ill": answer("500 Internal Server Error"),
            "circling": answer("302 Found", b"", f"Location: {url}/feed"),
            "page": answer("200 OK", b"<!DOCTYPE html><html><title>Hello</title></html>"),
            "cut": answer("200 OK", FEED)[:-50],
            "limited": answer("429 Too Many Requests", b"", "Retry-After: 7200"),
        }
        return answers.get(way, answer("200 OK", FEED, "Cache-Control: max-age=1800"))


def listed(port: int) -> list[Feed]:
    hosts = [name for way in WAYS for name in names(way)]
    hosts += [f"sound-{number}.test" for number in range(FEEDS - len(hosts))]
    return [Feed(f"http://{host}:{port}/feed", title=host, tags=("News",)) for host in hosts]


async def filled(store_url: str) -> int:
    """Fetch all of them on each of `DAYS`; the port of their server."""
    worlds: list[World] = []

    async def serve(stream: trio.SocketStream, server: RawServer) -> None:
        await worlds[0].serve(stream, server)

    config = Config(ignore_schedule=True, deny_networks=(DENIED,))
    async with open_server(serve) as server, trioscrape.open_store(store_url) as store:
        worlds.append(world := World(server.port))
        for world.day in DAYS:
            moment = BEGIN + timedelta(days=world.day)
            await trioscrape.scrape(
                listed(server.port),
                store=store,
                config=config,
                resolver=world,
                parser=InlineParser(),
                now=functools.partial(_always, moment),
            )
    return server.port


def _always(moment: datetime) -> datetime:
    return moment
