"""Real servers on loopback: one that says exactly what a test wants, and Hypercorn for TLS and HTTP/2."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import hypercorn.config
import hypercorn.trio
import trio
import trustme

FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>T</title>
<item><guid>1</guid><title>One</title><link>http://a.test/1</link></item></channel></rss>"""


def answer(status: str = "200 OK", body: bytes = b"", *headers: str) -> bytes:
    """A whole HTTP/1.1 answer, with its Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


async def read_head(stream: trio.abc.Stream) -> bytes:
    """A request up to the blank line; empty when the client has gone."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (data := await stream.receive_some()):
            return b""
        head += data
    return head


@dataclass
class RawServer:
    """Answers each request with the next of the given byte strings, then closes."""

    port: int
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0


@asynccontextmanager
async def open_server(
    handler: Callable[[trio.SocketStream, RawServer], Awaitable[object]],
) -> AsyncIterator[RawServer]:
    """Serve connections on a free port of 127.0.0.1 until the block ends."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    server = RawServer(listeners[0].socket.getsockname()[1])

    async def handle(stream: trio.SocketStream) -> None:
        server.connections += 1
        try:
            async with stream:
                await handler(stream, server)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client hung up, as clients do

    async with trio.open_nursery() as nursery:
        nursery.start_soon(functools.partial(trio.serve_listeners, handle, listeners))
        yield server
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_raw(*answers: bytes, keep_open: bool = False) -> AsyncIterator[RawServer]:
    """Answer the n-th request with the n-th of `answers`, the last one for all further ones."""
    left = list(answers)

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        while head := await read_head(stream):
            server.heads.append(head)
            await stream.send_all(left.pop(0) if len(left) > 1 else left[0])
            if not keep_open:
                return

    async with open_server(handler) as server:
        yield server


Scope = dict[str, object]
Send = Callable[[dict[str, object]], Awaitable[None]]


@asynccontextmanager
async def open_https(
    authority: trustme.CA,
    folder: Path,
    *,
    names: Sequence[str],
    seen: list[Scope],
    alpn: Sequence[str] = ("h2", "http/1.1"),
) -> AsyncIterator[int]:
    """Hypercorn with a certificate for `names`; serves `FEED`, remembers each request's scope in `seen`."""
    certificate = authority.issue_cert(*names)
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for index, pem in enumerate(certificate.cert_chain_pems):
        pem.write_to_path(folder / "cert.pem", append=index > 0)

    async def app(scope: Scope, receive: object, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        seen.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"etag", b'"1"')]})
        await send({"type": "http.response.body", "body": FEED})

    config = hypercorn.config.Config()
    config.bind = ["127.0.0.1:0"]
    config.certfile, config.keyfile = str(folder / "cert.pem"), str(folder / "key.pem")
    config.alpn_protocols = list(alpn)
    config.errorlog = None
    async with trio.open_nursery() as nursery:
        serve = functools.partial(hypercorn.trio.serve, app, config)  # type: ignore[arg-type]
        binds: list[str] = await nursery.start(serve)
        yield int(binds[0].rpartition(":")[2])
        nursery.cancel_scope.cancel()
