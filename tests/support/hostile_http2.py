"""HTTP/2 servers that mean harm, and what is to become of their feeds.

Each is a script: what a server with h2's help says to a request, as bytes, part by part. What h2
would never say is written by hand: `frame`.
"""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Callable, Iterator

import h2.config
import h2.connection
import h2.events
import hpack
import trio
import trustme
from h2.errors import ErrorCodes

from support.servers import FEED, RawServer

Script = Callable[[h2.connection.H2Connection, int], Iterator[bytes]]

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY = 0, 1, 3, 4, 5, 6, 7
WINDOW_UPDATE, CONTINUATION = 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
OK = [(":status", "200"), ("content-type", "text/xml")]


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """RFC 9113 §4.1."""
    return b"%b%c%c%b%b" % (len(payload).to_bytes(3), kind, flags, stream.to_bytes(4), payload)


def headers(*fields: tuple[str, str]) -> bytes:
    return bytes(hpack.Encoder().encode(fields))


def http2_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    context.set_alpn_protocols(["h2"])
    return context


class Http2:
    """A handler for `servers.open_server`: TLS, the preface, and `script` for each request."""

    def __init__(self, context: ssl.SSLContext, script: Script) -> None:
        self._context, self._script = context, script

    async def __call__(self, tcp: trio.SocketStream, server: RawServer) -> None:
        tls = trio.SSLStream(tcp, self._context, server_side=True, https_compatible=True)
        config = h2.config.H2Configuration(
            client_side=False, validate_outbound_headers=False, normalize_outbound_headers=False
        )
        http2 = h2.connection.H2Connection(config)
        http2.initiate_connection()
        await tls.send_all(http2.data_to_send())
        while data := await tls.receive_some():
            events = http2.receive_data(data)
            await tls.send_all(http2.data_to_send())
            for event in events:
                if isinstance(event, h2.events.RequestReceived):
                    server.heads.append(str(event.headers).encode())
                    for part in self._script(http2, event.stream_id):
                        await tls.send_all(http2.data_to_send() + part)


def fine(http2: h2.connection.H2Connection, stream: int) -> Iterator[bytes]:
    http2.send_headers(stream, OK)
    http2.send_data(stream, FEED, end_stream=True)
    yield b""


def _reset(http2: h2.connection.H2Connection, stream: int) -> Iterator[bytes]:
    http2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
    yield b""


def _reset_in_the_body(http2: h2.connection.H2Connection, stream: int) -> Iterator[bytes]:
    http2.send_headers(stream, OK)
    http2.send_data(stream, FEED[:20])
    http2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
    yield b""


def _go_away(http2: h2.connection.H2Connection, stream: int) -> Iterator[bytes]:
    yield frame(GOAWAY, 0, 0, bytes(4) + ErrorCodes.ENHANCE_YOUR_CALM.to_bytes(4))


def _go_away_in_the_body(http2: h2.connection.H2Connection, stream: int) -> Iterator[bytes]:
    http2.send_headers(stream, OK)
    http2.send_data(stream, FEED[:20])
    yield http2.data_to_send() + frame(GOAWAY, 0, 0, stream.to_bytes(4) + bytes(4))


def saying(*parts: bytes, begun: bool = False) -> Script:
    """Frames as they are, after an answer has `begun` or instead of it; `%s` is no part of them."""

    def script(http2: h2.connection.H2Connection, stream: int) -> Iterator[bytes]:
        if begun:
            http2.send_headers(stream, OK)
        yield from parts

    return script


def forever(part: bytes, *, begun: bool = False) -> Script:
    def script(http2: h2.connection.H2Connection, stream: int) -> Iterator[bytes]:
        if begun:
            http2.send_headers(stream, OK)
        yield from itertools.repeat(part * max(1, 16_384 // len(part)))

    return script


def _endless_body(http2: h2.connection.H2Connection, stream: int) -> Iterator[bytes]:
    http2.send_headers(stream, OK)
    while True:
        yield frame(DATA, 0, stream, bytes(16_384))


# The client's first stream is 1.
SMALL = headers(*OK)
HTTP2: dict[str, tuple[Script, str]] = {
    "reset": (_reset, "connection-lost"),
    "reset-in-the-body": (_reset_in_the_body, "connection-lost"),
    "go-away": (_go_away, "connection-lost"),
    "go-away-in-the-body": (_go_away_in_the_body, "connection-lost"),
    "garbage": (saying(bytes(range(256)) * 9), "protocol-error"),
    "garbage-in-the-body": (saying(bytes(range(256)) * 9, begun=True), "protocol-error"),
    "answered-in-http-1": (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "read-timeout"),
    "huge-frame": (saying(frame(DATA, 0, 1, bytes(2**20)), begun=True), "protocol-error"),
    "data-without-headers": (saying(frame(DATA, END_STREAM, 1, FEED)), "protocol-error"),
    "data-of-no-stream": (saying(frame(DATA, 0, 7, FEED)), "protocol-error"),
    "headers-of-no-stream": (saying(frame(HEADERS, END_HEADERS, 7, SMALL)), "protocol-error"),
    "broken-hpack": (saying(frame(HEADERS, END_HEADERS, 1, b"\xff" * 90)), "protocol-error"),
    "broken-settings": (saying(frame(SETTINGS, 0, 0, b"12345")), "protocol-error"),
    "window-update-of-0": (saying(frame(WINDOW_UPDATE, 0, 0, bytes(4))), "protocol-error"),
    "window-overflow": (saying(frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2), "protocol-error"),
    "window-too-large": (saying(frame(SETTINGS, 0, 0, b"\0\4\x80\0\0\0")), "protocol-error"),
    "frames-of-size-0": (saying(frame(SETTINGS, 0, 0, b"\0\5" + bytes(4))), "protocol-error"),
    "push": (saying(frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + SMALL)), "protocol-error"),
    "status-abc": (saying(frame(HEADERS, 5, 1, headers((":status", "abc")))), "protocol-error"),
    "status-empty": (saying(frame(HEADERS, 5, 1, headers((":status", "")))), "protocol-error"),
    "status-99999": (saying(frame(HEADERS, 5, 1, headers((":status", "99999")))), "protocol-error"),
    "status-minus": (saying(frame(HEADERS, 5, 1, headers((":status", "-1")))), "protocol-error"),
    "no-body": (saying(frame(HEADERS, 5, 1, SMALL)), "not-a-feed"),
    "length-too-large": (
        saying(
            frame(HEADERS, END_HEADERS, 1, headers(*OK, ("content-length", "999")))
            + frame(DATA, END_STREAM, 1, FEED)
        ),
        "protocol-error",
    ),
    "length-too-small": (
        saying(
            frame(HEADERS, END_HEADERS, 1, headers(*OK, ("content-length", "9")))
            + frame(DATA, END_STREAM, 1, FEED)
        ),
        "protocol-error",
    ),
    "length-abc": (
        saying(frame(HEADERS, 5, 1, headers(*OK, ("content-length", "abc")))),
        "protocol-error",
    ),
    "headers-twice": (saying(frame(HEADERS, END_HEADERS, 1, SMALL), begun=True), "protocol-error"),
    "header-bomb": (
        saying(
            frame(
                HEADERS,
                END_HEADERS,
                1,
                headers(*OK, *[("a", "b" * 3000)] * 2000),  # after the first a byte each
            )
        ),
        "protocol-error",
    ),
    "large-header": (
        saying(
            frame(HEADERS, 0, 1, SMALL + b"\x00\x01a\x7f\xff\xff\x3f"),
            *[frame(CONTINUATION, 0, 1, b"b" * 16_384)] * 64,
        ),
        "protocol-error",
    ),
    "endless-continuation": (
        saying(frame(HEADERS, 0, 1, SMALL), *[frame(CONTINUATION, 0, 1, b"")] * 10_000),
        "protocol-error",
    ),
    "endless-1xx": (forever(frame(HEADERS, END_HEADERS, 1, headers((":status", "103")))), "protocol-error"),
    # They want an answer each, and these servers don't read: in the end, nobody can write.
    "endless-pings": (forever(frame(PING, 0, 0, bytes(8))), "read-timeout"),
    "endless-settings": (forever(frame(SETTINGS, 0, 0, b"")), "read-timeout"),
    "endless-pings-in-the-body": (forever(frame(PING, 0, 0, bytes(8)), begun=True), "read-timeout"),
    "endless-window-updates": (forever(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1")), "protocol-error"),
    "endless-resets": (forever(frame(RST_STREAM, 0, 1, bytes(4))), "connection-lost"),
    "endless-empty-data": (forever(frame(DATA, 0, 1, b""), begun=True), "fetch-timeout"),
    "endless-unknown-frames": (forever(frame(99, 0, 0, bytes(100)), begun=True), "fetch-timeout"),
    "endless-body": (_endless_body, "too-large"),
    "silence": (saying(), "read-timeout"),
    "silence-in-the-body": (saying(b"", begun=True), "read-timeout"),
}
