"""URLs without scheme: https, and http where there is none. With real TLS, and in virtual time."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
import trustme
from trio.testing import MockClock

from trioscrape import Config, Feed, Outcome, Result, open_scrape
from trioscrape._cli.feed_list import open_feed_list
from trioscrape._dns.caching import ResolvedAddresses
from trioscrape.testing import InlineParser, MemoryStore

from support.fetching import Loopback
from support.scenarios import Calendar, rss
from support.servers import FEED, RawServer, answer, open_server, read_head

AUTHORITY = trustme.CA()


@dataclass
class Seen:
    """The requests that came over TLS, and those that came without; a handshake without a request is none."""

    port: int = 0
    https: int = 0
    http: int = 0


@asynccontextmanager
async def open_both(over_tls: bytes | None, over_http: bytes, *, name: str = "a.test") -> AsyncIterator[Seen]:
    """One port for both, with a certificate for `name`; None: it does not speak TLS."""
    seen, context = Seen(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert(name).configure_cert(context)

    async def handler(tcp: trio.SocketStream, server: RawServer) -> None:
        is_tls = await tcp.socket.recv(1, socket.MSG_PEEK) == b"\x16"
        if is_tls and over_tls is not None:
            tls = trio.SSLStream(tcp, context, server_side=True, https_compatible=True)
            if await read_head(tls):
                seen.https += 1
                await tls.send_all(over_tls)
        elif is_tls:
            await tcp.send_all(answer("400 Bad Request"))
        elif await read_head(tcp):
            seen.http += 1
            await tcp.send_all(over_http)

    async with open_server(handler) as server:
        seen.port = server.port
        yield seen


async def scraped(folder: Path, *feeds: str | Feed, store: MemoryStore | None = None) -> list[Result]:
    AUTHORITY.cert_pem.write_to_path(str(folder / "ca.pem"))
    scrape = open_scrape(
        feeds,
        store=store or MemoryStore(),
        config=Config(ca_file=str(folder / "ca.pem"), ignore_schedule=True),
        resolver=Loopback(),
        parser=InlineParser(),
    )
    async with scrape as results:
        return [result async for result in results]


async def test_https_where_it_is(tmp_path: Path) -> None:
    async with open_both(answer("200 OK", FEED), answer("500 x")) as seen:
        [result] = await scraped(tmp_path, f"a.test:{seen.port}/feed")

    assert (result.outcome, result.detail) == (Outcome.NEW, None)
    assert result.final_url == f"https://a.test:{seen.port}/feed"
    assert (seen.https, seen.http) == (1, 0)


@pytest.mark.parametrize("over_tls", [None, answer("200 OK", FEED)], ids=["no TLS", "another's certificate"])
async def test_http_where_there_is_no_https(tmp_path: Path, over_tls: bytes | None) -> None:
    async with open_both(over_tls, answer("200 OK", FEED), name="b.test") as seen:
        [result] = await scraped(tmp_path, f"a.test:{seen.port}/feed")

    assert result.outcome is Outcome.NEW
    assert result.final_url == f"http://a.test:{seen.port}/feed"
    assert result.detail == "fetched over http: https ended with tls"
    assert result.feed == Feed(f"https://a.test:{seen.port}/feed", without_scheme=True)
    assert (seen.https, seen.http) == (0, 1)


async def test_never_where_the_list_says_https(tmp_path: Path) -> None:
    async with open_both(None, answer("200 OK", FEED)) as seen:
        [result] = await scraped(tmp_path, f"https://a.test:{seen.port}/feed")

    assert (result.outcome, result.reason, seen.http) == (Outcome.FAILED, "tls", 0)


@pytest.mark.parametrize("status", ["404 x", "500 x", "429 x", "200 OK"])
async def test_an_answer_is_one_whatever_it_says(tmp_path: Path, status: str) -> None:
    async with open_both(answer(status), answer("200 OK", FEED)) as seen:
        [result] = await scraped(tmp_path, f"a.test:{seen.port}/feed")

    assert (result.outcome, seen.https, seen.http) == (Outcome.FAILED, 1, 0)


async def test_nor_where_https_redirects_to_what_fails(tmp_path: Path) -> None:
    async with open_both(None, answer("200 OK", FEED)) as other:
        there = f"Location: https://a.test:{other.port}/"
        async with open_both(answer("301 x", b"", there), answer("200 OK", FEED)) as seen:
            [result] = await scraped(tmp_path, f"a.test:{seen.port}/feed")

    assert (result.reason, seen.https, seen.http, other.http) == ("tls", 1, 0, 0)


async def test_lists_and_python_mean_the_same(tmp_path: Path) -> None:
    (tmp_path / "feeds.txt").write_text("example.org/feed A title\nhttps://example.org/other\n")
    with open_feed_list(str(tmp_path / "feeds.txt")) as feeds:
        first, second = feeds

    assert (first.url, first.without_scheme) == ("https://example.org/feed", True)
    assert (second.url, second.without_scheme) == ("https://example.org/other", False)
    assert (Feed("example.org/feed", title="A title", line=1), Feed("//example.org/feed").url) == (
        first,
        first.url,
    )


def refused(number: int) -> Callable[[], None]:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


@dataclass
class Server:
    """Answers on port 80 in virtual time, and on no other one; b.test has a feed."""

    https: Callable[[], None] | None
    """What connecting to port 443 raises; None: nothing comes back."""
    http: bytes | None = field(default_factory=lambda: answer("200 OK", rss("x"), 'ETag: "1"'))
    """None: it refuses that as well."""
    ports: list[int] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    now: Calendar = field(default_factory=Calendar)
    store: MemoryStore = field(default_factory=MemoryStore)

    async def resolve(self, host: str) -> ResolvedAddresses:
        return ResolvedAddresses(["93.184.215.14"])

    async def connect(self, address: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        self.ports.append(port)
        if port == 443 and self.https is None:
            await trio.sleep_forever()
        if port == 443 and self.https is not None:
            self.https()
        if self.http is None:
            refused(errno.ECONNREFUSED)()
        return _Connection(self)

    async def run(self, *feeds: str, **settings: float) -> Result:
        scrape = open_scrape(
            feeds or ["a.test/feed"],
            store=self.store,
            config=Config(ignore_schedule=True, **settings),  # type: ignore[arg-type]
            resolver=self,
            connector=self.connect,
            parser=InlineParser(),
            now=self.now,
        )
        async with scrape as results:
            [result] = [result async for result in results]
        return result


class _Connection(trio.abc.Stream):
    """Answers one request and closes."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._reply = b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        self._server.heads.append(bytes(data))
        is_other = b"Host: b.test" in data
        self._reply = answer("200 OK", rss("x")) if is_other else self._server.http or b""

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        reply, self._reply = self._reply, b""
        return reply

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


CLOSED = {
    "connection-refused": refused(errno.ECONNREFUSED),
    "unreachable": refused(errno.EHOSTUNREACH),
    "connect-timeout": None,
}


@pytest.mark.parametrize("reason", CLOSED)
async def test_a_port_that_is_closed_or_filtered(autojump_clock: MockClock, reason: str) -> None:
    server = Server(CLOSED[reason])
    result = await server.run()

    assert (result.outcome, server.ports) == (Outcome.NEW, [443, 80])
    assert result.detail == f"fetched over http: https ended with {reason}"


async def test_both_have_one_timeout(autojump_clock: MockClock) -> None:
    server = Server(None)
    began = trio.current_time()
    result = await server.run(fetch_timeout=7, connect_timeout=8)

    assert (result.reason, server.ports) == ("fetch-timeout", [443])
    assert trio.current_time() - began == pytest.approx(7)


async def test_the_feed_stays_the_same_one_and_https_is_tried_first(autojump_clock: MockClock) -> None:
    """Validators go back to where they came from."""
    server = Server(refused(errno.ECONNREFUSED))
    for _ in range(3):
        result = await server.run()
        server.now.forward(days=1)
        server.http = b"HTTP/1.1 304 x\r\n\r\n"
    (state,) = server.store.feeds.values()

    assert server.ports == [443, 80] * 3
    assert [b'If-None-Match: "1"' in head for head in server.heads] == [False, True, True]
    assert result.outcome is Outcome.NOT_MODIFIED
    assert (state.url, state.listed_url) == ("https://a.test/feed", "https://a.test/feed")
    assert (state.moved_from, state.failures, len(server.store.feeds)) == (None, 0, 1)


async def test_it_is_where_the_server_breaks_on_validators_as_well(autojump_clock: MockClock) -> None:
    server = Server(refused(errno.ECONNREFUSED))
    await server.run()
    server.http = answer("412 x")
    result = await server.run()

    assert server.ports == [443, 80, 443, 80, 80]
    assert result.reason == "http-412"
    assert result.detail is not None
    assert "over http, as https ended with connection-refused" in result.detail


async def test_what_fails_both_ways_has_failed_over_https(autojump_clock: MockClock) -> None:
    server = Server(refused(errno.ECONNREFUSED), None)
    result = await server.run()

    assert (result.reason, server.ports) == ("connection-refused", [443, 80])
    assert result.detail == "Connection refused (93.184.215.14); over http: connection-refused"
    (state,) = server.store.feeds.values()
    assert (state.failures, state.failure) == (1, "connection-refused")


async def test_permanent_redirects_are_followed_but_not_kept(autojump_clock: MockClock) -> None:
    """Whoever can block https can send them."""
    server = Server(refused(errno.ECONNREFUSED), answer("301 x", b"", "Location: http://b.test/feed"))
    for _ in range(5):
        result = await server.run()
        server.now.forward(days=1)
    (state,) = server.store.feeds.values()

    assert (result.outcome, result.final_url) == (Outcome.NOT_MODIFIED, "http://b.test/feed")
    assert (state.url, state.moved_to, state.moved_days) == ("https://a.test/feed", None, ())
    assert server.ports == [443, 80, 80] * 5


async def test_the_address_policy_holds_over_http_too(autojump_clock: MockClock) -> None:
    inward = answer("302 x", b"", "Location: http://127.0.0.1/")
    server = Server(refused(errno.ECONNREFUSED), inward)
    result = await server.run()

    assert (result.outcome, result.reason, server.ports) == (Outcome.REFUSED, "blocked-address", [443, 80])
