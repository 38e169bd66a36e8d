"""Servers that mean harm, or only ever got HTTP half right, and what is to become of their feeds.

Each is a handler for `servers.open_server`. All of them can be run at once around a healthy scrape.
"""

from __future__ import annotations

import functools
import gzip
import itertools
import os
import zlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import brotli
import trio

from trioscrape import Config
from trioscrape._http._decode.codings import zstd

from support.servers import FEED, RawServer, answer, read_head

LONG = bool(os.environ.get("TRIOSCRAPE_TEST_LONG"))
"""More of everything."""

Handler = Callable[[trio.abc.Stream, RawServer], Awaitable[object]]

BOMB = 400 * 2**20
"""Bytes that a bomb is decoded."""
BLOCK = bytes(2**20)
PAUSE = 0.05
"""Seconds between two bytes of a drip."""


@functools.cache
def gzip_bomb(size: int = BOMB) -> bytes:
    """One gzip stream of `size` zeros: a full flush makes its blocks independent, so one is enough."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = deflate.compress(BLOCK) + deflate.flush(zlib.Z_FULL_FLUSH)
    count = size // len(BLOCK)
    check = functools.reduce(lambda crc, _: zlib.crc32(BLOCK, crc), range(count), 0)
    trailer = check.to_bytes(4, "little") + size.to_bytes(4, "little")
    return gzip.compress(b"")[:10] + block * count + b"\x03\0" + trailer


@functools.cache
def brotli_bomb() -> bytes:
    compressor = brotli.Compressor(quality=1)
    blocks: list[bytes] = [compressor.process(BLOCK) for _ in range(BOMB // len(BLOCK))]
    return b"".join([*blocks, compressor.finish()])


@functools.cache
def zstd_bomb() -> bytes:
    compressor = zstd.ZstdCompressor()
    return b"".join([*(compressor.compress(BLOCK) for _ in range(BOMB // len(BLOCK))), compressor.flush()])


def encoded(body: Callable[[], bytes], encoding: str) -> Handler:
    async def handler(stream: trio.abc.Stream, server: RawServer) -> None:
        await read_head(stream)
        await stream.send_all(answer("200 OK", body(), f"Content-Encoding: {encoding}"))
        await _linger(stream)

    return handler


def sending(
    *parts: bytes, forever: Iterable[bytes] = (), pause: float = 0.0, linger: bool = False
) -> Handler:
    """Send `parts`, then what `forever` yields with a pause before each, until the client hangs up."""

    async def handler(stream: trio.abc.Stream, server: RawServer) -> None:
        server.heads.append(await read_head(stream))
        for part in parts:
            await stream.send_all(part)
        for part in forever:
            await trio.sleep(pause)
            await stream.send_all(part)
        if linger:
            await _linger(stream)

    return handler


async def _linger(stream: trio.abc.Stream) -> None:
    """Until the client hangs up: else the kernel may take back what it has not read yet."""
    while await stream.receive_some():
        pass


def repeated(data: bytes) -> Iterable[bytes]:
    """`data` for ever, about 64 KiB at a time. Each call gives a new one."""
    return itertools.repeat(data * (65_536 // len(data)))


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def chunked(body: bytes) -> bytes:
    return CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


BOMBS: dict[str, tuple[Handler, str]] = {
    "gzip-bomb": (encoded(gzip_bomb, "gzip"), "decompression-bomb"),
    "br-bomb": (encoded(brotli_bomb, "br"), "decompression-bomb"),
    "zstd-bomb": (encoded(zstd_bomb, "zstd"), "decompression-bomb"),
    "gzip-in-gzip": (encoded(lambda: gzip.compress(gzip_bomb()), "gzip, gzip"), "decompression-bomb"),
    "gzip-in-zstd": (encoded(lambda: zstd.compress(gzip_bomb()), "gzip, zstd"), "decompression-bomb"),
    "three-codings": (encoded(lambda: FEED, "gzip, gzip, gzip"), "bad-encoding"),
}

ENDLESS: dict[str, tuple[Handler, str]] = {
    "endless-body": (sending(OK + b"\r\n", forever=repeated(b"<rss>")), "too-large"),
    "endless-chunks": (sending(CHUNKED, forever=repeated(b"1\r\nx\r\n")), "too-large"),
    "endless-chunk-size": (sending(CHUNKED, forever=repeated(b"0")), "protocol-error"),
    "endless-extension": (sending(CHUNKED + b"5;", forever=repeated(b"x")), "protocol-error"),
    "endless-trailer": (sending(CHUNKED + b"0\r\n", forever=repeated(b"A: b\r\n")), "protocol-error"),
    "endless-headers": (sending(OK, forever=repeated(b"A: b\r\n")), "protocol-error"),
    "endless-header": (sending(OK + b"A: ", forever=repeated(b"b")), "protocol-error"),
    "endless-status-line": (sending(b"HTTP/1.1 200 ", forever=repeated(b"b")), "protocol-error"),
    "endless-1xx": (sending(forever=repeated(b"HTTP/1.1 103 Early Hints\r\n\r\n")), "protocol-error"),
    "endless-blank-lines": (sending(forever=repeated(b"\r\n")), "protocol-error"),
    "large-header": (sending(OK + b"A: " + bytes(97 for _ in range(2**20)) + b"\r\n\r\n"), "protocol-error"),
    "drip": (sending(OK + b"\r\n", forever=itertools.repeat(b"<"), pause=PAUSE), "fetch-timeout"),
    "drip-of-headers": (sending(OK, forever=itertools.repeat(b"A"), pause=PAUSE), "fetch-timeout"),
    "drip-of-1xx": (
        sending(forever=itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"), pause=PAUSE),
        "fetch-timeout",
    ),
    "silence": (sending(linger=True), "read-timeout"),
    "silence-in-the-body": (sending(answer("200 OK", FEED)[:-9], linger=True), "read-timeout"),
}

BROKEN: dict[str, tuple[Handler, str]] = {
    "length-too-large": (sending(OK + b"Content-Length: 999\r\n\r\n" + FEED), "connection-lost"),
    "length-absurd": (
        sending(OK + b"Content-Length: 99999999999999999999\r\n\r\n" + FEED),
        "connection-lost",
    ),
    "length-too-small": (sending(OK + b"Content-Length: 9\r\n\r\n" + FEED), "not-a-feed"),
    "length-negative": (sending(OK + b"Content-Length: -9\r\n\r\n" + FEED), "protocol-error"),
    "two-lengths": (sending(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), "protocol-error"),
    "chunk-without-end": (sending(CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n"), "protocol-error"),
    "chunk-size-absurd": (sending(CHUNKED + b"f" * 20 + b"\r\n" + FEED), "connection-lost"),
    "chunk-size-negative": (sending(CHUNKED + b"-1\r\n" + FEED), "protocol-error"),
    "chunk-garbage": (sending(CHUNKED + b"\0garbage\r\n" * 9), "protocol-error"),
    "unknown-transfer-encoding": (sending(OK + b"Transfer-Encoding: compress\r\n\r\n"), "protocol-error"),
    "nul-in-a-header": (sending(OK + b"A: \0\r\n\r\n"), "protocol-error"),
    "no-status": (sending(b"HTTP/1.1 OK\r\n\r\n"), "protocol-error"),
    "status-of-four-digits": (sending(b"HTTP/1.1 2000 OK\r\n\r\n"), "protocol-error"),
    "status-999": (sending(answer("999 Denied")), "http-999"),
    "switching-protocols": (
        sending(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"),
        "protocol-error",
    ),
    "another-protocol": (sending(b"SSH-2.0-OpenSSH_9.2\r\n", linger=True), "read-timeout"),
    "http-0.9": (sending(FEED), "connection-lost"),
    "closed-at-once": (sending(b""), "connection-lost"),
    "redirect-to-file": (sending(answer("302 x", b"", "Location: file:///etc/passwd")), "bad-redirect"),
    "redirect-to-data": (sending(answer("302 x", b"", "Location: data:,<rss/>")), "bad-redirect"),
    "part-of-a-document": (
        sending(answer("206 x", FEED[:50], f"Content-Range: bytes 0-49/{len(FEED)}")),
        "http-206",
    ),
    "endless-junk-headers": (sending(OK, forever=repeated(b"no header\r\n")), "protocol-error"),
    "endless-folded-header": (sending(OK + b"A: b\r\n", forever=repeated(b" c\r\n")), "protocol-error"),
    "endless-header-of-gzip": (
        sending(OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08" + bytes(6), forever=repeated(b"x")),
        "bad-encoding",
    ),
    "endless-cookies": (
        sending(OK.replace(b"200 OK", b"302 x"), forever=repeated(b"Set-Cookie: a=b\r\n")),
        "protocol-error",
    ),
    "redirect-to-itself": (sending(answer("302 x", b"", "Location: /feed")), "redirect-loop"),
    "redirect-with-endless-body": (
        sending(b"HTTP/1.1 302 x\r\nLocation: /feed\r\n\r\n", forever=repeated(b"x")),
        "redirect-loop",
    ),
    "error-with-endless-body": (sending(b"HTTP/1.1 500 x\r\n\r\n", forever=repeated(b"x")), "http-500"),
    "too-often": (sending(answer("429 Too Many Requests")), "rate-limited"),
    "puzzle": (sending(answer("403 x", b"<html>", "cf-mitigated: challenge")), "challenge"),
}

HOSTILE = {**BOMBS, **ENDLESS, **BROKEN}


def patient(reason: str, **more: Any) -> Config:
    """Settings under which a server can only end for `reason`, however slow this machine is.

    A timeout is short only where it is the reason that is expected.
    """
    return Config(
        read_timeout=0.4 if reason == "read-timeout" else 300,
        fetch_timeout=2 if reason == "fetch-timeout" else 600,
        minimum_rate=0,
        **more,
    )


FINE: dict[str, Handler] = {
    "plain": sending(answer("200 OK", FEED)),
    "chunked": sending(chunked(FEED)),
    "until-close": sending(OK + b"\r\n" + FEED),
    "one-byte-a-time": sending(forever=[bytes([byte]) for byte in answer("200 OK", FEED)]),
    "some-1xx": sending(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9 + answer("200 OK", FEED)),
    "length-and-chunked": sending(chunked(FEED).replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n", 1)),
}
"""Odd, but right: the same feed from each of them."""
