"""Small chunks are joined: the same body, and less work. What is not beyond doubt is left to h11."""

from __future__ import annotations

import itertools
from contextlib import aclosing

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape import FeedState
from trioscrape._http import fetcher
from trioscrape._http._decode import Body
from trioscrape._http._transport.chunks import SMALL, Chunks
from trioscrape._http._transport.stream import Stream

from support.fetching import Fetching, fetch
from support.hostile_servers import CHUNKED, sending
from support.servers import FEED, open_raw, open_server

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def read(stream: list[bytes]) -> tuple[bytes, str]:
    """What h11 makes of a body, and how it ends."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(HEAD)
    client.next_event()
    body = b""
    for part in [*stream, b""]:
        try:
            client.receive_data(part)
            while (event := client.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.EndOfMessage):
                    return body, f"{client.trailing_data[0]!r}"
                body += bytes(event.data)
        except h11.RemoteProtocolError as error:
            return body, type(error).__name__
    raise AssertionError("nothing has ended it")


def joined(stream: list[bytes]) -> list[bytes]:
    chunks = Chunks()
    return [*filter(None, map(chunks.take, stream)), *filter(None, [chunks.end()])]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[begin:end] for begin, end in itertools.pairwise(bounds)]


CHUNK = st.one_of(
    st.builds(
        lambda content, zeros, extension, upper: (
            (b"%X" if upper else b"%x") % len(content)
        ).rjust(zeros, b"0") + extension + b"\r\n" + content + b"\r\n",
        st.binary(min_size=1, max_size=8) | st.integers(200, 600).map(bytes),
        st.integers(0, 6),
        st.sampled_from([b"", b"", b";a=b", b" ", b";" + b"x" * 80]),
        st.booleans(),
    ),
    st.sampled_from(
        [b"", b"\r\n", b"1\r\nab\r\n", b"2\nab\n", b"-1\r\na\r\n", b"0x1\r\na\r\n", b"1\r\na", b"g\r\n"]
    ),
)  # fmt: skip


@given(
    st.lists(CHUNK, max_size=20),
    st.lists(st.integers(0, 10**6), max_size=20),
    st.sampled_from([b"0\r\n\r\n", b""]),
)
def test_it_is_the_same_body(chunks: list[bytes], places: list[int], end: bytes) -> None:
    """Also when it is wrong, and wherever it is cut: h11 finds the same."""
    stream = b"".join(chunks) + end

    assert read(joined(cut(stream, places))) == read([stream])


def test_many_become_one() -> None:
    chunks = Chunks()
    data = b"1\r\nx\r\n" * 10_000

    assert chunks.take(data) == b"2710\r\n" + b"x" * 10_000 + b"\r\n"


def test_large_ones_are_left_alone() -> None:
    data = (b"%x\r\n" % (SMALL + 1)) + bytes(SMALL + 1) + b"\r\n0\r\nTrailer: a\r\n\r\n"

    assert b"".join(joined([data[n : n + 7] for n in range(0, len(data), 7)])) == data


class Counted:
    """How often a method is called."""

    def __init__(self, patched: pytest.MonkeyPatch, owner: type, name: str) -> None:
        self.calls = 0
        original = getattr(owner, name)

        def counting(*args: object, **kwargs: object) -> object:
            self.calls += 1
            return original(*args, **kwargs)

        patched.setattr(owner, name, counting)


CHUNKS = 20_000


@pytest.mark.parametrize("chunk", [b"1\r\nx\r\n", b"01;a=b\r\nx\r\n"])
async def test_work_goes_by_bytes(monkeypatch: pytest.MonkeyPatch, chunk: bytes) -> None:
    """Chunks of a byte are no more work than the same bytes in a few chunks."""
    reads = Counted(monkeypatch, Stream, "_receive")
    events = Counted(monkeypatch, h11.Connection, "next_event")
    fed = Counted(monkeypatch, Body, "feed")
    async with open_raw(CHUNKED + chunk * CHUNKS + b"0\r\n\r\n") as server:
        fetched = await fetch(f"http://127.0.0.1:{server.port}/")

    assert fetched.body == b"x" * CHUNKS
    assert events.calls <= 3 * reads.calls + 10
    assert fed.calls <= 2 * len(fetched.body) / fetcher.JOINED + reads.calls + 2


@pytest.mark.parametrize("size", [1, 10])
async def test_pieces_that_h11_must_see_are_joined_behind_it(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """A long extension is left to h11, and still only costs that."""
    fed = Counted(monkeypatch, Body, "feed")
    chunk = b"%x;%b\r\n%b\r\n" % (size, b"x" * 80, b"x" * size)
    async with open_raw(CHUNKED + chunk * 1000 + b"0\r\n\r\n") as server:
        fetched = await fetch(f"http://127.0.0.1:{server.port}/")

    assert fetched.body == b"x" * 1000 * size
    assert fed.calls <= 1000 / fetcher.JOINED_CHUNKS + 10 * 1000 / fetcher.JOINED + 1


async def test_what_comes_behind_an_answer_without_a_body_is_not_lost() -> None:
    """Though it looks like the beginning of a chunk: the connection is not used again."""
    empty = b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n1"
    async with open_server(sending(empty, linger=True)) as server:
        fetching = Fetching()
        async with aclosing(fetching.transport):
            url = f"http://127.0.0.1:{server.port}/"
            fetched = await fetching.get(url, FeedState("0" * 32, url, etag="1"))
            assert fetched.status == 304
            assert not fetching.transport._parked


async def test_a_body_that_is_sound_keeps_its_connection() -> None:
    body = b"".join(b"1\r\n%c\r\n" % byte for byte in FEED)
    async with open_server(sending(CHUNKED + body + b"0\r\n\r\n", linger=True)) as server:
        fetching = Fetching()
        async with aclosing(fetching.transport):
            fetched = await fetching.get(f"http://127.0.0.1:{server.port}/")
            assert len(fetching.transport._parked) == 1

    assert fetched.body == FEED
