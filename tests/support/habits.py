"""Servers whose answers are not as the standards have them, though there is a feed in them.

Each is a handler for `servers.open_server` that keeps its connections open; the same feed comes from all.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable

import trio

from trioscrape._http._decode.codings import zstd

from support.hostile_servers import OK, Handler, chunked, repeated, sending
from support.servers import FEED, RawServer, answer, read_head

PACKED = gzip.compress(FEED)
DEFLATED = zlib.compress(FEED)


def keeping(reply: bytes | Callable[[bytes, int], bytes], *, close: bool = False) -> Handler:
    """Answer every request of a connection; `reply` may be made of the request and the server's port."""

    async def handler(stream: trio.abc.Stream, server: RawServer) -> None:
        while head := await read_head(stream):
            server.heads.append(head)
            await stream.send_all(reply if isinstance(reply, bytes) else reply(head, server.port))
            if close:
                return

    return handler


def coded(encoding: str, body: bytes) -> Handler:
    return keeping(answer("200 OK", body, f"Content-Encoding: {encoding}"))


def with_line(line: bytes, body: bytes = FEED) -> Handler:
    """An answer with a line among its headers that is none; others come before and after it."""
    head = b"Content-Type: text/xml\r\n" + line + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    return keeping(OK + head + body)


def transferred(*lines: str) -> Handler:
    """A chunked answer with these lines instead of its Transfer-Encoding."""
    return keeping(chunked(FEED).replace(b"Transfer-Encoding: chunked", "\r\n".join(lines).encode()))


def target_of(head: bytes) -> bytes:
    return head.split(b" ", 2)[1]


def redirecting(*lines: bytes, to: bytes = b"/there") -> Handler:
    """Redirect with these lines, in which PORT is the port; the feed is only where the path is `to`."""

    def reply(head: bytes, port: int) -> bytes:
        if target_of(head) == to:
            return answer("200 OK", FEED)
        if target_of(head) != b"/feed":
            return answer("404 Not Found")
        said = b"\r\n".join(lines).replace(b"PORT", b"%d" % port)
        return b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n" + said + b"\r\n\r\n"

    return keeping(reply)


HEADERS: dict[str, Handler] = {
    "space-in-a-name": with_line(b"X Powered By: PHP"),
    "space-after-a-name": with_line(b"X-Powered-By : PHP"),
    "tab-after-a-name": with_line(b"X-Powered-By\t: PHP"),
    "no-name": with_line(b": value"),
    "only-a-colon": with_line(b":"),
    "no-colon": with_line(b"This is no header"),
    "name-not-ascii": with_line("X-Größe: 1".encode()),
    "name-in-latin-1": with_line(b"X-T\xefle: x"),
    "brackets-in-a-name": with_line(b"X-[A]: b"),
    "quotes-in-a-name": with_line(b'"X-A": b'),
    "control-in-a-name": with_line(b"X-\x01A: b"),
    "carriage-return-in-a-value": with_line(b"X-A: b\rc"),
    "form-feed-in-a-value": with_line(b"X-A: b\fc"),
    "html-in-the-headers": with_line(
        b"<br />\r\n<b>Warning</b>: PHP Startup: no such file in Unknown on line 0"
    ),
    "folded-junk": with_line(b"no header\r\n  : goes on\r\n\tand on"),
    "folded-at-once": keeping(
        OK + b" goes on: with nothing\r\n" + answer("200 OK", FEED).split(b"\r\n", 1)[1]
    ),
    "space-after-the-name-of-the-length": keeping(OK + b"Content-Length : %d\r\n\r\n" % len(FEED) + FEED),
    "blank-line-before-the-status-line": keeping(b"\r\n" + answer("200 OK", FEED)),
    "byte-order-mark-before-the-status-line": keeping(b"\xef\xbb\xbf" + answer("200 OK", FEED)),
    "status-line-twice": with_line(b"HTTP/1.1 200 OK"),
    "lines-end-in-lf": keeping(answer("200 OK", FEED, "No Header").replace(b"\r\n", b"\n")),
    "an-empty-length-and-one": with_line(b"Content-Length:"),
    "the-same-length-twice": with_line(b"Content-Length: %d" % len(FEED)),
    "junk-in-the-trailer": keeping(chunked(FEED)[:-2] + b"X Y: z\r\nno header\r\n\r\n"),
}

TRANSFERS: dict[str, Handler] = {
    "chunked-in-two-headers": transferred("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "chunked-twice": transferred("Transfer-Encoding: chunked, chunked"),
    "chunked-and-identity": transferred("Transfer-Encoding: identity, chunked"),
    "identity-and-chunked": transferred("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    "space-before-the-colon": transferred("Transfer-Encoding : chunked"),
    "chunked-and-lengths": transferred(
        "Transfer-Encoding: chunked", "Content-Length: 1", "Content-Length: 2"
    ),
    "chunked-and-no-coding": transferred("Transfer-Encoding: UTF-8, Chunked"),
    "identity-and-length": keeping(answer("200 OK", FEED, "Transfer-Encoding: identity")),
    "binary-and-length": keeping(answer("200 OK", FEED, "Transfer-Encoding: binary")),
    "identity-until-close": keeping(OK + b"Transfer-Encoding: identity\r\n\r\n" + FEED, close=True),
    "gzip-as-transfer-coding": keeping(answer("200 OK", PACKED, "Transfer-Encoding: gzip")),
    "gzip-and-chunked": keeping(
        chunked(PACKED).replace(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked")
    ),
}

ENCODINGS: dict[str, Handler] = {
    **{f"coding-{name}": coded(name, FEED) for name in ("UTF-8", "none", "binary", "chunked", "*", "8bit")},
    "charset-and-gzip": coded("utf-8, gzip", PACKED),
    "gzip-and-charset": coded("gzip;q=1.0, gzip, utf-8", PACKED),
    "gzip-named-twice": coded("gzip, gzip", PACKED),
    "gzip-in-two-headers": keeping(
        answer("200 OK", PACKED, "Content-Encoding: gzip", "Content-Encoding: gzip")
    ),
    "gzip-said": coded("gzip", FEED),
    "gzip-said-byte-order-mark": coded("gzip", b"\xef\xbb\xbf" + FEED),
    "gzip-said-blank-line": coded("gzip", b"\r\n" + FEED),
    "gzip-said-twice": coded("gzip, gzip", FEED),
    "deflate-said": coded("deflate", FEED),
    "br-said": coded("br", FEED),
    "zstd-said": coded("zstd", FEED),
    "compress-said": coded("compress", FEED),
    "gzip-said-zlib-sent": coded("gzip", DEFLATED),
    "deflate-said-gzip-sent": coded("deflate", PACKED),
    "br-said-gzip-sent": coded("br", PACKED),
    "gzip-said-zstd-sent": coded("gzip", zstd.compress(FEED)),
    "gzip-no-trailer": coded("gzip", PACKED[:-8]),
    "gzip-half-a-trailer": coded("gzip", PACKED[:-4]),
    "gzip-wrong-checksum": coded("gzip", PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:]),
    "gzip-wrong-size": coded("gzip", PACKED[:-4] + b"\1\0\0\0"),
    "zlib-no-trailer": coded("deflate", DEFLATED[:-4]),
    "zlib-half-a-trailer": coded("deflate", DEFLATED[:-2]),
    "zlib-wrong-checksum": coded("deflate", DEFLATED[:-4] + b"\0\0\0\0"),
}


def flushed(bits: int) -> bytes:
    """A stream that was flushed and never finished."""
    compressor = zlib.compressobj(wbits=bits)
    return compressor.compress(FEED) + compressor.flush(zlib.Z_SYNC_FLUSH)


ENCODINGS |= {
    "gzip-never-finished": coded("gzip", flushed(31)),
    "zlib-never-finished": coded("deflate", flushed(15)),
    "deflate-never-finished": coded("deflate", flushed(-15)),
}

LOCATIONS: dict[str, Handler] = {
    "location-twice": redirecting(b"Location: /there", b"Location: /there"),
    "location-empty-and-one": redirecting(b"Location:", b"Location: /there"),
    "two-locations": redirecting(b"Location: /there", b"Location: http://elsewhere.test/"),
    "location-in-latin-1": redirecting(b"Location: /caf\xe9/feed", to=b"/caf%E9/feed"),
    "location-in-windows-1251": redirecting(b"Location: /f?q=\xcf\xf0", to=b"/f?q=%CF%F0"),
    "location-in-utf-8": redirecting("Location: /café?é".encode(), to=b"/caf%C3%A9?%C3%A9"),
    "location-escaped-and-not": redirecting(b"Location: /%e9/\xe9", to=b"/%e9/%E9"),
    "location-with-a-space": redirecting(b"Location: /my feed", to=b"/my%20feed"),
    "location-with-a-tab": redirecting(b"Location: /the\tre"),
    "three-slashes": redirecting(b"Location: http:///a.test:PORT/there"),
    "one-slash": redirecting(b"Location: http:/a.test:PORT/there"),
    "backslashes": redirecting(b"Location: http:\\\\a.test:PORT\\there"),
    "three-slashes-no-scheme": redirecting(b"Location: ///a.test:PORT/there"),
    "backslash-path": redirecting(b"Location: \\there"),
    "scheme-in-capitals": redirecting(b"Location: HTTP://A.TEST:PORT/there"),
    "host-escaped": redirecting(b"Location: http://%61.test:PORT/there"),
    "trailing-dot": redirecting(b"Location: http://a.test.:PORT/there"),
    "emoji-domain": redirecting("Location: http://📮.test:PORT/there".encode()),
}

UNASKED: dict[str, Handler] = {
    "206-whole": keeping(
        answer("206 Partial Content", FEED, f"Content-Range: bytes 0-{len(FEED) - 1}/{len(FEED)}")
    ),
    "206-unknown-size": keeping(
        answer("206 Partial Content", FEED, f"Content-Range: bytes 0-{len(FEED) - 1}/*")
    ),
    "206-no-range": keeping(answer("206 Partial Content", FEED)),
    **{
        f"{name}-twice".lower(): keeping(answer("200 OK", FEED, f"{name}: {value}", f"{name}: {value}"))
        for name, value in {"Last-Modified": "x", "ETag": '"1"', "Retry-After": "9", "Age": "1"}.items()
    },
}

TOLERATED = {**HEADERS, **TRANSFERS, **ENCODINGS, **LOCATIONS, **UNASKED}
"""After each of these the connection is not used again, but for some of `SOUND_AT_THE_END`."""

STATUSES: dict[str, Handler] = {
    status.replace(" ", "-").lower(): keeping(answer(status, FEED))
    for status in ("201 Created", "202 Accepted", "203 x", "218 This is fine", "226 IM Used", "299 x")
}
"""Unusual, but nothing is wrong with them."""


def cookie_wall(*, to: bytes = b"/feed", attributes: str = "; Path=/; HttpOnly") -> Handler:
    """Sends everybody without its cookie back to the same URL, or by way of `to`."""

    def reply(head: bytes, port: int) -> bytes:
        if re.search(rb"\r\nCookie: (?:a=b; )?seen=1(?:; a=b)?\r\n", head):
            return answer("200 OK", FEED)
        if target_of(head) == b"/feed":
            cookies = f"Set-Cookie: seen=1{attributes}", f"Set-Cookie: a=b{attributes}"
            return answer("302 Found", b"", f"Location: {to.decode()}", *cookies)
        return answer("302 Found", b"", "Location: /feed")

    return keeping(reply)


LATER = "Wed, 01 Jan 2098 00:00:00 GMT"
COOKIES: dict[str, Handler] = {
    "cookie-wall": cookie_wall(),
    "cookie-wall-by-another-path": cookie_wall(to=b"/check?again"),
    "cookie-wall-no-path": cookie_wall(attributes=""),
    "cookie-wall-until": cookie_wall(attributes=f"; expires={LATER}; max-age=3600; samesite=lax"),
    "cookie-wall-of-a-domain": cookie_wall(attributes="; domain=.a.test"),
}

REFUSED: dict[str, tuple[Handler, str, str]] = {
    "206-a-part": (
        keeping(answer("206 Partial Content", FEED[:50], f"Content-Range: bytes 0-49/{len(FEED)}")),
        "http-206",
        f"bytes 0 to 49 of {len(FEED)}",
    ),
    "206-the-end": (
        keeping(answer("206 x", FEED, f"Content-Range: bytes 1-{len(FEED)}/*")),
        "http-206",
        "bytes 1 to",
    ),
    "206-parts": (
        keeping(answer("206 x", FEED, "Content-Type: multipart/byteranges; boundary=x")),
        "http-206",
        "parts of the document",
    ),
    "202-empty": (keeping(answer("202 Accepted")), "http-202", "Accepted: the server sent no document"),
    "204": (keeping(answer("204 No Content")), "http-204", "the server sent no document"),
    "205": (keeping(answer("205 Reset Content")), "http-205", "the server sent no document"),
    "compress": (coded("compress", b"\x1f\x9d\x90"), "bad-encoding", "'compress'"),
    "three-codings": (coded("gzip, gzip, gzip", PACKED), "bad-encoding", "3 codings"),
    "gzip-cut": (coded("gzip", PACKED[:-20]), "bad-encoding", "did not send all of it"),
    "gzip-said-no-end": (
        sending(OK + b"Content-Encoding: gzip\r\n\r\n", forever=repeated(b"<rss>")),
        "too-large",
        "more than",
    ),
    "gzip-said-noise-sent": (coded("gzip", b"\xff" * 100), "bad-encoding", "there is no gzip in it"),
    "compress-as-transfer-coding": (
        keeping(answer("200 OK", FEED, "Transfer-Encoding: compress")),
        "protocol-error",
        "Transfer-Encoding compress",
    ),
    "two-lengths": (
        with_line(b"Content-Length: 5"),
        "protocol-error",
        "different Content-Lengths",
    ),
    "nul": (with_line(b"X: \0"), "protocol-error", "NUL byte"),
    "no-location": (keeping(answer("302 Found")), "bad-redirect", "without saying where to"),
    "location-to-mail": (redirecting(b"Location: mailto:me@a.test"), "bad-redirect", "begin with http"),
    "location-host-with-a-space": (redirecting(b"Location: http://a b/"), "bad-redirect", "no host can have"),
    "location-host-with-a-control": (
        redirecting(b"Location: http://a\x01b/"),
        "bad-redirect",
        "no host can have",
    ),
    "location-credentials": (
        redirecting(b"Location: ftp://me:s3cret@a.test/"),
        "bad-redirect",
        "redirected to 'ftp://a.test/': ",
    ),
    "location-port": (redirecting(b"Location: http://a.test:99999/"), "bad-redirect", "65535"),
    "cookies-for-ever": (
        keeping(
            lambda head, port: answer(
                "302 Found", b"", "Location: /feed", f"Set-Cookie: n={len(re.findall(rb'x', head))}" + "x" * 9
            )
        ),
        "redirect-loop",
        "back to",
    ),
}
"""With the reason and words of the detail: what the server did."""
