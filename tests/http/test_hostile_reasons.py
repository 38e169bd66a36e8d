"""Each reason of the closed set, provoked: by a real socket, or by a resolver where it is about names."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Awaitable, Callable
from typing import NoReturn

import pytest
import trio

from trioscrape import REASONS, AddressPolicy, Config, FeedDocument, StoreError, open_scrape
from trioscrape._dns.caching import ResolvedAddresses
from trioscrape._http import time_limits
from trioscrape._parse import open_process_parser
from trioscrape.testing import InlineParser, Internet, MemoryStore, Site

from support.fetching import Loopback
from support.hostile_parsers import act
from support.hostile_servers import HOSTILE, Handler, sending
from support.scenarios import rss
from support.servers import FEED, RawServer, answer, open_server, read_head

Provoking = Callable[[], Awaitable[str | None]]
PROVOKED: dict[str, Provoking] = {}


def provokes(reason: str) -> Callable[[Provoking], Provoking]:
    def remember(provoking: Provoking) -> Provoking:
        assert reason not in PROVOKED
        PROVOKED[reason] = provoking
        return provoking

    return remember


async def end_of(url: str, **how: object) -> str | None:
    """The reason of the only feed of a whole scrape."""
    seams = {"resolver": Loopback(), "parser": InlineParser(), "store": MemoryStore()} | how
    async with open_scrape([url], **seams) as scrape:  # type: ignore[arg-type]
        [reason] = [result.reason async for result in scrape]
    return reason


async def end_at(handler: Handler, **how: object) -> str | None:
    async with open_server(handler) as server:
        return await end_of(f"http://a.test:{server.port}/feed", **how)


def test_every_reason_is_provoked() -> None:
    on_a_cluster = {"worker-crash"}  # tests/distributed/test_failures.py
    assert set(PROVOKED) | on_a_cluster == set(REASONS)


@pytest.mark.parametrize("reason", PROVOKED)
async def test_reason(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limits, "GRACE", 0.3)
    with trio.fail_after(60):
        found = await PROVOKED[reason]()

    assert found == ("http-503" if reason == "http-NNN" else reason)


# The list


@provokes("not-a-url")
async def _not_a_url() -> str | None:
    return await end_of("ftp://a.test/")


# Names


class Failing:
    """A resolver that always ends in the same way."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def resolve(self, host: str) -> ResolvedAddresses:
        raise self._error


@provokes("name-not-found")
async def _name_not_found() -> str | None:
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return await end_of("http://a.test/", resolver=Failing(error))


@provokes("lookup-timeout")
async def _lookup_timeout() -> str | None:
    return await end_of("http://a.test/", resolver=Failing(TimeoutError("no answer")))


@provokes("lookup-failed")
async def _lookup_failed() -> str | None:
    error = socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure in name resolution")
    return await end_of("http://a.test/", resolver=Failing(error))


@provokes("blocked-address")
async def _blocked_address() -> str | None:
    """Opens no connection: the connector would say so."""
    internet = Internet({"a.test": Site(addresses=["127.0.0.1"])})
    config = Config(address_policy=AddressPolicy.PUBLIC)
    end = await end_of("http://a.test/", resolver=internet, connector=internet.connect, config=config)
    assert internet.connects == []
    return end


# Connections


@provokes("connection-refused")
async def _refused() -> str | None:
    async with open_server(sending()) as server:
        port = server.port
    return await end_of(f"http://a.test:{port}/")


@provokes("unreachable")
async def _unreachable() -> str | None:
    """From a socket of 127.0.0.1, a port of a network that is not there."""
    return await end_of("http://a.test/", connector=_from_nowhere)


async def _from_nowhere(address: str, port: int) -> trio.abc.Stream:
    """A real socket that has to begin at an address this machine does not have (RFC 5737)."""
    sock = trio.socket.socket()
    try:
        await sock.bind(("192.0.2.1", 0))
        await sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


@provokes("connect-timeout")
async def _connect_timeout() -> str | None:
    """A listener whose queue is full: the kernel drops what comes next, as a dead host does."""
    with trio.socket.socket() as listener:
        await listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        with trio.socket.socket() as first, trio.socket.socket() as second:
            await first.connect(address)
            with trio.move_on_after(0.1):
                await second.connect(address)
            config = Config(connect_timeout=0.2)
            return await end_of(f"http://a.test:{address[1]}/", config=config)


@provokes("tls")
async def _tls() -> str | None:
    async def handler(stream: trio.abc.Stream, server: RawServer) -> None:
        await stream.receive_some()
        await stream.send_all(answer("400 Bad Request"))

    async with open_server(handler) as server:
        return await end_of(f"https://a.test:{server.port}/")


# Parsing and the whole


@provokes("not-a-feed")
async def _not_a_feed() -> str | None:
    return await end_at(sending(answer("200 OK", b"<!doctype html><title>Hello</title>")))


@provokes("malformed")
async def _malformed() -> str | None:
    return await end_at(sending(answer("200 OK", b"<rss version='2.0'><channel>")))


@provokes("too-many-entries")
async def _too_many_entries() -> str | None:
    return await end_at(sending(answer("200 OK", rss(*"123"))), config=Config(entries_limit=2))


async def _end_of_parsing(command: bytes, parse_timeout: float) -> str | None:
    async with open_process_parser(1, parse_timeout, act) as parser:
        return await end_at(sending(answer("200 OK", command)), parser=parser)


@provokes("parse-timeout")
async def _parse_timeout() -> str | None:
    return await _end_of_parsing(b"hang", 0.3)


@provokes("parse-crash")
async def _parse_crash() -> str | None:
    return await _end_of_parsing(b"exit", 60)


class _Greedy:
    """A parser that needs more memory than there is."""

    async def parse(self, document: FeedDocument) -> NoReturn:
        raise MemoryError


@provokes("out-of-memory")
async def _out_of_memory() -> str | None:
    return await end_at(sending(answer("200 OK", FEED)), parser=_Greedy())


@provokes("not-stored")
async def _not_stored() -> str | None:
    store = MemoryStore()

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        await read_head(stream)
        store.unavailable = "the disk is full"
        await stream.send_all(answer("200 OK", FEED))

    found = []
    async with open_server(handler) as server:
        url = f"http://a.test:{server.port}/feed"
        config = Config(outage_timeout=0)
        with pytest.raises(StoreError, match="the disk is full"):
            async with open_scrape(
                [url], store=store, config=config, resolver=Loopback(), parser=InlineParser()
            ) as scrape:
                async for result in scrape:
                    found.append(result.reason)
    [reason] = found
    return reason


@provokes("cancelled")
async def _cancelled() -> str | None:
    """The scrape is left while the feed waits for its server."""
    asked = trio.Event()

    async def handler(stream: trio.abc.Stream, server: RawServer) -> None:
        await read_head(stream)
        asked.set()
        await trio.sleep_forever()

    async with open_server(handler) as server:
        feeds = [f"http://a.test:{server.port}/"]
        async with open_scrape(
            feeds, store=MemoryStore(), resolver=Loopback(), parser=InlineParser()
        ) as scrape:
            await asked.wait()
        return next(iter(scrape.report().errors))


# Answers


@provokes("too-slow")
async def _too_slow() -> str | None:
    """A byte every 20 ms is less than 100 bytes/s; the grace is shortened by the test."""
    drip = sending(answer("200 OK", FEED)[:-99], forever=itertools.repeat(b"x", 99), pause=0.02)
    return await end_at(drip, config=Config(fetch_timeout=50))


def _table(reason: str, name: str, **settings: float) -> None:
    """One of the hostile servers; the settings are small to make it quick."""

    @provokes(reason)
    async def provoking() -> str | None:
        return await end_at(HOSTILE[name][0], config=Config(**settings))  # type: ignore[arg-type]


_table("connection-lost", "closed-at-once")
_table("protocol-error", "endless-headers")
_table("read-timeout", "silence", read_timeout=0.2)
_table("fetch-timeout", "drip", fetch_timeout=0.5, minimum_rate=0)
_table("too-large", "endless-body")
_table("decompression-bomb", "gzip-bomb")
_table("bad-encoding", "three-codings")
_table("redirect-loop", "redirect-to-itself")
_table("bad-redirect", "redirect-to-file")
_table("rate-limited", "too-often")
_table("challenge", "puzzle")


@provokes("http-NNN")
async def _http_nnn() -> str | None:
    return await end_at(sending(answer("503 Busy")))


@provokes("too-many-redirects")
async def _too_many_redirects() -> str | None:
    numbers = itertools.count()

    async def handler(stream: trio.abc.Stream, server: RawServer) -> None:
        await read_head(stream)
        await stream.send_all(answer("302 Found", b"", f"Location: /{next(numbers)}"))

    return await end_at(handler)
