"""The internet in memory, seen from a client that is not trioscrape's."""

from __future__ import annotations

import errno
import math
import socket

import pytest
import trio
from trio.testing import MockClock

from trioscrape.testing import Answer, Internet, Request, Site


async def connected(internet: Internet, host: str) -> trio.abc.Stream:
    (address,) = (await internet.resolve(host)).addresses
    return await internet.connect(address, 80)


async def exchanged(stream: trio.abc.Stream, target: str = "/", size: int | None = None) -> bytes:
    """What comes at once after a request."""
    await stream.send_all(f"GET {target} HTTP/1.1\r\nHost: a.test:80\r\nX:  y \r\n\r\n".encode())
    return bytes(await stream.receive_some(size))


async def test_a_request_and_its_answer(autojump_clock: MockClock) -> None:
    internet = Internet({"a.test": Site(body=b"hello", headers={"ETag": '"1"'}, first_byte=2)})
    stream = await connected(internet, "a.test")

    assert await exchanged(stream) == b'HTTP/1.1 200 \r\nETag: "1"\r\nContent-Length: 5\r\n\r\nhello'
    assert trio.current_time() == 2
    assert internet.requests == [Request("a.test:80", "/", {"host": "a.test:80", "x": "y"})]
    assert internet.requests[0].name == "a.test"


async def test_a_request_may_come_in_pieces_and_an_answer_may_be_read_in_them() -> None:
    stream = await connected(Internet({"a.test": Site(body=b"hello")}), "a.test")
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: a.")

    assert await exchanged(stream, "", 8) == b"HTTP/1.1"


async def test_chunks_come_one_after_the_other(autojump_clock: MockClock) -> None:
    stream = await connected(Internet({"a.test": Site(body=b"abc", chunk=2, per_chunk=1)}), "a.test")

    parts = [await exchanged(stream), await stream.receive_some(), await stream.receive_some()]
    assert parts == [b"HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\n", b"ab", b"c"]
    assert trio.current_time() == 2


class Breaking(Site):
    """Answers the whole, then a part, then nothing."""

    def answer(self, request: Request) -> Answer:
        """By the target."""
        return Answer(body=b"hello", breaks_after=None if request.target == "/" else int(request.target[1:]))


async def test_a_connection_that_is_reset() -> None:
    internet = Internet({"a.test": Breaking()})
    stream = await connected(internet, "a.test")

    assert (await exchanged(stream)).endswith(b"hello")
    assert (await exchanged(stream, "/3")).endswith(b"Content-Length: 5\r\n\r\nhel")
    with pytest.raises(trio.BrokenResourceError) as broken:
        await stream.receive_some()
    assert isinstance(broken.value.__cause__, OSError)
    assert broken.value.__cause__.errno == errno.ECONNRESET
    await stream.aclose()
    assert internet.open == 0


@pytest.mark.parametrize(
    ("site", "number"),
    [(Site(lookup_fails=True), socket.EAI_AGAIN), (Site(exists=False), socket.EAI_NONAME)],
)
async def test_lookups_that_fail(site: Site, number: int) -> None:
    with pytest.raises(socket.gaierror) as failed:
        await Internet({"a.test": site}).resolve("a.test")
    assert failed.value.errno == number


async def test_a_lookup_that_is_stuck(autojump_clock: MockClock) -> None:
    with pytest.raises(TimeoutError, match=r"^no answer within 5 s$"):
        await Internet({"a.test": Site(lookup=math.inf)}).resolve("a.test")
    assert trio.current_time() == 5


async def test_100_000_hosts_have_an_address_each() -> None:
    """And it takes no longer for the last one than for the first."""
    internet = Internet({f"f{number}.test": Site() for number in range(100_000)})
    found = {(await internet.resolve(host)).addresses[0] for host in internet.sites}

    assert len(found) == 100_000
    assert {address.rpartition(".")[0].split(".")[1] for address in found} == {"18", "19"}


async def test_nobody_reads_a_post() -> None:
    stream = await connected(Internet({"a.test": Site()}), "a.test")

    with pytest.raises(ValueError, match="not a GET"):
        await stream.send_all(b"POST / HTTP/1.1\r\nHost: a.test\r\n\r\n")
