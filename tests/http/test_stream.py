"""A connection as httpcore sees it: the socket itself, read and written past trio's own stream."""

from __future__ import annotations

import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore
import pytest
import trio
import trio.testing

from trioscrape._errors import FeedFailed
from trioscrape._http._transport.head import Head
from trioscrape._http._transport.stream import Stream


@contextmanager
def connected() -> Iterator[tuple[Stream, socket.socket]]:
    """A stream and what its peer has."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        tcp = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        yield Stream(tcp, tcp, math.inf, Head()), theirs


async def test_what_comes_and_the_end() -> None:
    with connected() as (stream, peer):
        peer.send(b"some")
        assert await stream.read(100) == b"some"
        peer.close()
        assert await stream.read(100) == b""


async def test_more_than_the_socket_takes_at_once() -> None:
    size = 2**22
    received = 0
    with connected() as (stream, peer):
        theirs = trio.socket.from_stdlib_socket(peer)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.write, b"x" * size)
            while received < size:
                received += len(await theirs.recv(2**20))


async def test_a_peer_that_takes_nothing() -> None:
    with connected() as (stream, _), pytest.raises(FeedFailed, match="accepted no data"):
        await stream.write(b"x" * 2**22, 0.01)


async def test_a_peer_that_says_nothing() -> None:
    with connected() as (stream, _), pytest.raises(FeedFailed, match="sent nothing"):
        await stream.read(100, 0.01)


async def test_a_peer_that_has_gone() -> None:
    with connected() as (stream, peer):
        peer.close()
        with pytest.raises(httpcore.WriteError, match="Broken pipe"):
            await stream.write(b"x")


async def test_others_have_their_turn_however_much_has_come() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    with connected() as (stream, peer):
        peer.send(b"x" * 1000)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(other)
            for _ in range(1000):
                await stream.read(1)
            nursery.cancel_scope.cancel()

    assert turns >= 990


async def test_two_that_have_been_closed() -> None:
    """Their sockets have the same number then, -1, for which two tasks must not wait."""
    with connected() as (one, _), connected() as (other, _):
        await one.aclose()
        await other.aclose()
        async with trio.open_nursery() as nursery:
            for stream in one, other:
                nursery.start_soon(_is_lost, stream)


async def _is_lost(stream: Stream) -> None:
    with pytest.raises(FeedFailed, match="has been closed"):
        await stream.read(100)


async def test_one_that_is_closed_while_somebody_waits() -> None:
    with connected() as (stream, _):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_is_closed, stream)
            await trio.testing.wait_all_tasks_blocked()
            await stream.aclose()


async def _is_closed(stream: Stream) -> None:
    with pytest.raises(FeedFailed) as caught:
        await stream.read(100)
    assert caught.value.reason == "connection-lost"
