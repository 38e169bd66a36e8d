"""One fetch from each HTTP/2 server that means harm."""

from __future__ import annotations

import random
import ssl
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

import h2.connection
import pytest
import trustme

from trioscrape import Config
from trioscrape._errors import REASONS, FeedFailed

from support.fetching import Fetching
from support.hostile_http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    HTTP2,
    OK,
    SMALL,
    Http2,
    fine,
    frame,
    http2_context,
)
from support.hostile_servers import LONG, patient
from support.servers import FEED, open_server

CONFIG = Config(read_timeout=300, fetch_timeout=600, body_limit=2**18, http2=True)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    return http2_context(authority, "a.test")


@pytest.fixture
def context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def outcome(fetching: Fetching, port: int) -> str:
    try:
        fetched = await fetching.get(f"https://a.test:{port}/feed")
    except FeedFailed as failed:
        return failed.reason if failed.detail.isprintable() else repr(failed.detail)
    return "fetched" if fetched.body == FEED else "not-a-feed"


@pytest.mark.parametrize("name", HTTP2)
async def test_each_ends_with_its_own_reason(
    name: str, server_context: ssl.SSLContext, context: ssl.SSLContext
) -> None:
    script, reason = HTTP2[name]
    async with open_server(Http2(server_context, script)) as server:
        config = patient(reason, body_limit=2**18, http2=True)
        fetching = Fetching(config, context=context)
        async with aclosing(fetching.transport):
            assert await outcome(fetching, server.port) == reason
            assert bool(fetching.transport._parked) == (reason == "not-a-feed")


async def test_noise_in_right_frames(server_context: ssl.SSLContext, context: ssl.SSLContext) -> None:
    """An answer with some bytes of it wrong: whatever h2 and httpcore make of it, it is one reason."""
    noise = random.Random(9)
    whole = frame(HEADERS, END_HEADERS, 1, SMALL) + frame(DATA, END_STREAM, 1, FEED)

    def script(http2: h2.connection.H2Connection, stream: int) -> Iterator[bytes]:
        wrong = bytearray(whole)
        for _ in range(noise.randint(1, 5)):
            wrong[noise.randrange(60)] = noise.randrange(256)
        yield bytes(wrong)
        yield frame(GOAWAY, 0, 0, bytes(8))

    async with open_server(Http2(server_context, script)) as server:
        # Some of it makes the client wait for more; any reason will do, so the timeouts may be short.
        config = replace(CONFIG, read_timeout=0.4, fetch_timeout=2)
        for _ in range(500 if LONG else 40):
            fetching = Fetching(config, context=context)
            async with aclosing(fetching.transport):
                end = await outcome(fetching, server.port)
                assert end in ("fetched", "not-a-feed") or end in REASONS


async def test_a_connection_that_is_gone_is_nobodys_fault(
    server_context: ssl.SSLContext, context: ssl.SSLContext
) -> None:
    """GOAWAY while it was parked: the request goes to a new one."""

    def script(http2: h2.connection.H2Connection, stream: int) -> Iterator[bytes]:
        yield from fine(http2, stream)
        yield frame(GOAWAY, 0, 0, stream.to_bytes(4) + bytes(4))

    async with open_server(Http2(server_context, script)) as server:
        fetching = Fetching(CONFIG, context=context)
        async with aclosing(fetching.transport):
            for number in range(1, 4):
                assert await outcome(fetching, server.port) == "fetched"
                assert server.connections == number


async def test_what_nobody_reads_is_not_parked(
    server_context: ssl.SSLContext, context: ssl.SSLContext
) -> None:
    """The rest of a large body would stand in front of the next answer, and use up its window."""

    def script(http2: h2.connection.H2Connection, stream: int) -> Iterator[bytes]:
        http2.send_headers(stream, OK)
        http2.send_data(stream, bytes(16_000))
        yield b""

    async with open_server(Http2(server_context, script)) as server:
        fetching = Fetching(Config(http2=True, body_limit=100), context=context)
        async with aclosing(fetching.transport):
            assert await outcome(fetching, server.port) == "too-large"
            assert not fetching.transport._parked
