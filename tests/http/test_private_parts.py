"""The private parts of httpcore and trio that are used have the shape that is relied upon."""

from __future__ import annotations

import ssl

import h2.config
import h2.connection
import h2.errors
import httpcore
import pytest
import trio
import trio.testing

from trioscrape._http._transport.private_parts import (
    ended_early,
    has_unread_bytes,
    has_unread_records,
    http2_error_code,
    is_junk_trailer,
)

ORIGIN = httpcore.Origin(b"http", b"a.test", 80)
URL = "http://a.test/"


def connection(*read: bytes, http2: bool = False) -> httpcore.AsyncHTTPConnection:
    """A connection to a server that sends these bytes, a read each, and then closes."""
    backend = httpcore.AsyncMockBackend(list(read), http2=http2)
    origin = httpcore.Origin(b"https", b"a.test", 443) if http2 else ORIGIN
    return httpcore.AsyncHTTPConnection(origin, http2=http2, network_backend=backend)


@pytest.mark.parametrize(("leftover", "expected"), [(b"", False), (b"HTTP/1.1 200 OK\r\n", True)])
async def test_bytes_after_an_answer(leftover: bytes, expected: bool) -> None:
    http = connection(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + leftover)
    answer = await http.request("GET", URL)

    assert answer.content == b"ok"
    assert has_unread_bytes(http._connection) is expected


@pytest.mark.parametrize(
    "read",
    [
        (b"",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsh", b""),
    ],
)
async def test_an_answer_that_ends_early(read: tuple[bytes, ...]) -> None:
    with pytest.raises(httpcore.RemoteProtocolError) as caught:
        await connection(*read).request("GET", URL)

    assert ended_early(caught.value)
    assert http2_error_code(caught.value) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"2\r\nok\r\n0\r\nX Y: z\r\n\r\n", True),
        (b"2\r\nok\r\n0\r\n folded\r\n\r\n", True),
        (b"2\r\nok\r\nno chunk\r\n", False),
        (b"2\r\nokay\r\n0\r\n\r\n", False),
    ],
)
async def test_junk_after_the_last_chunk(body: bytes, expected: bool) -> None:
    with pytest.raises(httpcore.RemoteProtocolError) as caught:
        await connection(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body).request("GET", URL)

    assert is_junk_trailer(str(caught.value)) is expected


async def test_an_answer_that_is_no_http() -> None:
    with pytest.raises(httpcore.RemoteProtocolError) as caught:
        await connection(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").request("GET", URL)

    assert not ended_early(caught.value)


async def test_the_code_with_which_a_server_ends_a_stream() -> None:
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    server.initiate_connection()
    begin = server.data_to_send()
    client = h2.connection.H2Connection()
    client.initiate_connection()
    client.send_headers(1, [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/")])
    server.receive_data(client.data_to_send())
    server.reset_stream(1, h2.errors.ErrorCodes.REFUSED_STREAM)

    with pytest.raises(httpcore.RemoteProtocolError) as caught:
        await connection(begin, server.data_to_send(), http2=True).request("GET", "https://a.test/")

    assert http2_error_code(caught.value) == "REFUSED_STREAM"


async def test_tls_records_that_nobody_has_decrypted() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    tls = trio.SSLStream(ours, ssl.create_default_context(), server_hostname="a.test")
    assert not has_unread_records(tls)
    tls._incoming.write(b"a record")
    assert has_unread_records(tls)
    assert isinstance(tls._incoming, ssl.MemoryBIO)
    await trio.aclose_forcefully(theirs)
    await trio.aclose_forcefully(ours)
