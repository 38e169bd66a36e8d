"""Servers that break on conditional requests: the feed is read without validators, at once if possible."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Config, FeedState, Outcome, Result, open_scrape
from trioscrape._dns.caching import ResolvedAddresses
from trioscrape.testing import InlineParser, MemoryStore

from support.scenarios import Calendar, rss
from support.servers import answer

PAGE = b"<!doctype html><html><body>Not modified</body></html>"
BREAKAGES = {
    **{status: answer(f"{status} x") for status in ("400", "403", "404", "412", "500", "501", "503", "204")},
    "dropped": b"",
    "cut": answer("200 OK", rss("x"))[:-9],
    "no-http": b"oops\r\n\r\n",
    "empty": answer("200 OK"),
    "empty-gzip": answer("200 OK", b"", "Content-Encoding: gzip"),
    "page": answer("200 OK", PAGE, "Content-Type: text/html"),
    "text": answer("200 OK", b"Not modified"),
    "login": answer("302 x", b"", "Location: /login"),
}


@dataclass
class Server:
    """One server in virtual time: `when_conditional` of a request with validators, else a feed that grows."""

    when_conditional: bytes | None
    """None: no answer."""
    otherwise: Callable[[int], bytes] = lambda count: answer(
        "200 OK", rss(*map(str, range(count))), f'ETag: "{count}"', "Last-Modified: then"
    )
    conditional: list[bool] = field(default_factory=list)
    """Of each request for the feed whether it was."""
    now: Calendar = field(default_factory=Calendar)
    store: MemoryStore = field(default_factory=MemoryStore)

    async def resolve(self, host: str) -> ResolvedAddresses:
        return ResolvedAddresses(["93.184.215.14"])

    async def connect(self, address: str, port: int) -> trio.abc.Stream:
        return _Connection(self)

    def reply(self, head: bytes) -> bytes | None:
        if not head.startswith(b"GET /feed"):
            return answer("200 OK", PAGE)
        self.conditional.append(b"\r\nIf-" in head)
        return self.when_conditional if self.conditional[-1] else self.otherwise(len(self.conditional))

    async def run(self, **settings: float) -> Result:
        scrape = open_scrape(
            ["http://a.test/feed"],
            store=self.store,
            config=Config(**settings),  # type: ignore[arg-type]
            resolver=self,
            connector=self.connect,
            parser=InlineParser(),
            now=self.now,
        )
        async with scrape as results:
            [result] = [result async for result in results]
        return result

    @property
    def state(self) -> FeedState:
        (state,) = self.store.feeds.values()
        return state


class _Connection(trio.abc.Stream):
    """Answers one request and closes."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._reply: bytes | None = b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        self._reply = self._server.reply(bytes(data))

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        if self._reply is None:
            await trio.sleep_forever()
        reply, self._reply = self._reply, b""
        return reply or b""

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("name", BREAKAGES)
async def test_the_same_run_reads_the_feed(autojump_clock: MockClock, name: str) -> None:
    server = Server(BREAKAGES[name])
    await server.run()
    result = await server.run()

    assert server.conditional == [False, True, False]
    assert (result.outcome, result.reason, result.entries.new) == (Outcome.UPDATED, None, 2)
    assert "fetched without validators: a conditional request ended with" in (result.detail or "")
    assert (server.state.failures, server.state.etag, server.state.last_modified) == (0, None, None)


async def test_for_a_week_or_two_it_has_none(autojump_clock: MockClock) -> None:
    """Then the server is tried again: one more request that fails, and no run without the feed."""
    server = Server(answer("412 x"))
    for _ in range(60):
        assert (await server.run()).outcome in (Outcome.NEW, Outcome.UPDATED)
        server.now.forward(days=1)
    broken = [number for number, was in enumerate(server.conditional) if was]

    assert 4 <= len(broken) <= 8
    assert all(second - first >= 7 for first, second in itertools.pairwise(broken))


async def test_a_server_that_is_mended_gets_validators_again(autojump_clock: MockClock) -> None:
    server = Server(answer("500 x"))
    await server.run()
    await server.run()
    server.when_conditional = b"HTTP/1.1 304 x\r\n\r\n"
    server.now.forward(days=15)
    await server.run()

    assert (await server.run()).outcome is Outcome.NOT_MODIFIED
    assert server.conditional == [False, True, False, False, True]


async def test_one_that_fails_either_way_has_failed_once(autojump_clock: MockClock) -> None:
    """It keeps its validators, for the day that it is back."""
    server = Server(b"HTTP/1.1 304 x\r\n\r\n")
    await server.run()
    server.when_conditional, server.otherwise = answer("500 x"), lambda count: answer("502 x")
    result = await server.run()

    assert (result.outcome, result.reason) == (Outcome.FAILED, "http-502")
    assert (server.state.failures, server.state.etag) == (1, '"1"')
    assert server.conditional == [False, True, False]
    server.when_conditional = b"HTTP/1.1 304 x\r\n\r\n"
    server.now.forward(days=1)
    assert (await server.run()).outcome is Outcome.NOT_MODIFIED
    assert server.conditional[3:] == [True]


@pytest.mark.parametrize("status", ["429 x", "503 x"])
async def test_one_that_asks_for_a_pause_gets_it(autojump_clock: MockClock, status: str) -> None:
    server = Server(answer(status, b"", "Retry-After: 3600"))
    await server.run()
    result = await server.run()

    assert result.outcome is Outcome.FAILED
    assert server.conditional == [False, True]


async def test_one_that_hangs_is_asked_without_the_next_time(autojump_clock: MockClock) -> None:
    """The time of the fetch is over then; that it works is remembered for a day."""
    server = Server(None)
    await server.run()
    assert (await server.run()).reason == "read-timeout"
    assert (server.state.etag, server.state.next_unconditional) == ('"1"', server.now())
    server.now.forward(hours=1)

    assert (await server.run()).outcome is Outcome.UPDATED
    assert server.conditional == [False, True, False]
    assert server.state.etag is None
    assert server.state.next_unconditional == server.now() + timedelta(days=1)


async def test_both_requests_have_one_timeout(autojump_clock: MockClock) -> None:
    server = Server(answer("412 x"), lambda count: answer("200 OK", rss("x"), 'ETag: "1"'))
    await server.run()
    server.otherwise = lambda count: answer("200 OK", rss("x", "y"))[:-9]
    delay = trio.sleep

    async def slow(address: str, port: int) -> trio.abc.Stream:
        await delay(7)
        return _Connection(server)

    server.connect = slow  # type: ignore[method-assign]
    began = trio.current_time()
    result = await server.run(fetch_timeout=10, connect_timeout=8)

    assert result.reason == "fetch-timeout"
    assert trio.current_time() - began == pytest.approx(10)
    assert server.state.next_unconditional == server.now()
