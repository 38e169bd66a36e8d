"""One fetch from each server that means harm, over real sockets: a reason, never an exception."""

from __future__ import annotations

import struct
from contextlib import aclosing

import pytest
import trio
from trio.testing import MockClock

from trioscrape import AddressPolicy, Config, FeedState
from trioscrape._errors import FeedFailed
from trioscrape.testing import Internet, Site

from support.fetching import Fetching, failure, fetch
from support.hostile_servers import FINE, HOSTILE, OK, chunked, patient
from support.servers import FEED, RawServer, answer, open_raw, open_server, read_head

CONFIG = Config(read_timeout=300, fetch_timeout=600, body_limit=2**20)


def known(url: str) -> FeedState:
    """What is stored of a feed that has been fetched before."""
    return FeedState("0" * 32, url, etag='"1"')


async def outcome(port: int, config: Config = CONFIG) -> str:
    try:
        fetched = await fetch(f"http://a.test:{port}/feed", config=config)
    except FeedFailed as failed:
        return failed.reason if failed.detail.isprintable() else repr(failed.detail)
    return "fetched" if fetched.body == FEED else "not-a-feed"


@pytest.mark.parametrize("name", HOSTILE)
async def test_each_ends_with_its_own_reason(name: str) -> None:
    handler, reason = HOSTILE[name]
    async with open_server(handler) as server:
        assert await outcome(server.port, patient(reason, body_limit=2**20)) == reason


@pytest.mark.parametrize("name", FINE)
async def test_what_is_odd_but_right(name: str) -> None:
    async with open_server(FINE[name]) as server:
        assert await outcome(server.port) == "fetched"


# Early ends

UNTIL_CLOSE = OK + b"\r\n" + FEED


@pytest.mark.parametrize("whole", [answer("200 OK", FEED), chunked(FEED), UNTIL_CLOSE])
async def test_an_early_end_at_every_byte(whole: bytes) -> None:
    """Only a body that ends with the connection can lose its tail and not be found out."""
    sizes = iter(range(len(whole)))

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        await read_head(stream)
        await stream.send_all(whole[: next(sizes)])

    ends = []
    async with open_server(handler) as server:
        for _ in range(len(whole)):
            ends.append(await outcome(server.port))

    body_begins = len(OK) + 2 if whole is UNTIL_CLOSE else len(whole)
    assert set(ends[:body_begins]) == {"connection-lost"}
    assert set(ends[body_begins:]) <= {"not-a-feed"}


async def test_a_reset_instead_of_an_end() -> None:
    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        await read_head(stream)
        await stream.send_all(answer("200 OK", FEED)[:-5])
        linger_no_second = struct.pack("ii", 1, 0)
        stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, linger_no_second)

    async with open_server(handler) as server:
        assert await outcome(server.port) == "connection-lost"


# What comes after an answer

STOLEN = answer("200 OK", b"<rss>not yours</rss>")


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(
    "first",
    [
        answer("200 OK", FEED),
        chunked(FEED),
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
    ],
)
async def test_leftovers_are_never_the_next_answer(first: bytes, later: bool) -> None:
    """Whether they come with the answer or while its connection is parked."""
    arrived = trio.Event()

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        while head := await read_head(stream):
            server.heads.append(head)
            if later:
                await stream.send_all(first)
                await arrived.wait()
            await stream.send_all(STOLEN if later else first + STOLEN)

    async with open_server(handler) as server:
        url = f"http://a.test:{server.port}/"
        fetching = Fetching(CONFIG)
        async with aclosing(fetching.transport):
            for number in range(1, 4):
                fetched = await fetching.get(url, known(url))
                assert fetched.body in (FEED, None)
                assert server.connections == number
                if later:
                    arrived.set()
                    await _until_readable(fetching)


async def _until_readable(fetching: Fetching) -> None:
    for connection in fetching.transport._parked:
        stream = connection.http._network_stream  # type: ignore[attr-defined]
        await trio.lowlevel.wait_readable(stream._tcp.socket)


async def test_an_answer_with_two_ends_is_the_last_of_its_connection() -> None:
    """RFC 9112 §6.3: Content-Length and Transfer-Encoding at once."""
    both = chunked(FEED).replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % len(FEED), 1)
    async with open_raw(both, keep_open=True) as server:
        fetching = Fetching(CONFIG)
        async with aclosing(fetching.transport):
            for _ in range(2):
                assert (await fetching.get(f"http://a.test:{server.port}/")).body == FEED

    assert server.connections == 2


async def test_an_answer_that_was_given_up_on_is_the_last_of_its_connection() -> None:
    """Also when all of it has been received: httpcore would take the closed connection for an idle one."""
    body = b"1\r\nx\r\n" * 5000
    async with open_raw(
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n", keep_open=True
    ) as server:
        fetching = Fetching(Config(body_limit=100))
        async with aclosing(fetching.transport):
            for _ in range(2):
                assert (await fetching.failure(f"http://a.test:{server.port}/")).reason == "too-large"
                assert not fetching.transport._parked

    assert server.connections == 2


async def test_a_304_leaves_its_connection_for_the_next_feed() -> None:
    async with open_raw(b"HTTP/1.1 304 Not Modified\r\n\r\n", keep_open=True) as server:
        url = f"http://a.test:{server.port}/"
        fetching = Fetching()
        async with aclosing(fetching.transport):
            for _ in range(3):
                await fetching.get(url, known(url))

    assert server.connections == 1


@pytest.mark.parametrize("status", ["302 Found", "404 Not Found"])
async def test_bodies_that_nobody_wants_are_not_read(status: str) -> None:
    """The server can't get rid of more than the buffers on the way hold."""
    sent = 0

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        nonlocal sent
        await read_head(stream)
        await stream.send_all(f"HTTP/1.1 {status}\r\nLocation: /feed\r\n\r\n".encode())
        while True:
            await stream.send_all(bytes(65_536))
            sent += 65_536

    async with open_server(handler) as server:
        await failure(f"http://a.test:{server.port}/feed")

    assert sent < 16 * 2**20


# Names that change their minds. Decided without a socket: the scenario records what would be connected to.

PUBLIC, METADATA = "93.184.215.14", "169.254.169.254"


async def test_a_name_that_leads_elsewhere_the_next_time(autojump_clock: MockClock) -> None:
    """Not through a fresh connection, and not through the one that is parked."""
    internet = Internet({"a.test": Site(body=FEED, addresses=[PUBLIC])})
    config = Config(address_policy=AddressPolicy.PUBLIC)
    fetching = Fetching(config, resolver=internet, connector=internet.connect)
    async with aclosing(fetching.transport):
        await fetching.get("http://a.test/")
        internet.sites["a.test"].addresses = [METADATA]
        fetching.names._answers.clear()
        assert (await fetching.failure("http://a.test/")).reason == "blocked-address"

    assert internet.connects == [(PUBLIC, 80)]


async def test_a_name_that_leads_elsewhere_from_one_hop_to_the_next(autojump_clock: MockClock) -> None:
    """A redirect to itself, with another answer of its name server: as good as one to somewhere else."""
    site = Site(status=302, headers={"Location": "/b"}, addresses=[PUBLIC])
    internet = Internet({"a.test": site})
    fetching = Fetching(resolver=internet, connector=internet.connect)

    async def connect(address: str, port: int) -> trio.abc.Stream:
        site.addresses = [METADATA]
        fetching.names._answers.clear()
        return await internet.connect(address, port)

    fetching.transport._connector = connect
    async with aclosing(fetching.transport):
        assert (await fetching.failure("http://a.test/")).reason == "blocked-address"

    assert internet.connects == [(PUBLIC, 80)]


async def test_an_answer_with_some_of_each(autojump_clock: MockClock) -> None:
    """Only the addresses that have passed are connected to, also when they don't answer."""
    internet = Internet({"a.test": Site(listens=False, addresses=[METADATA, PUBLIC, "10.0.0.1"])})
    config = Config(address_policy=AddressPolicy.PUBLIC)

    assert (
        await failure("http://a.test/", config=config, resolver=internet, connector=internet.connect)
    ).reason == "connection-refused"
    assert internet.connects == [(PUBLIC, 80)]
