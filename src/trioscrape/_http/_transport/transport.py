"""Sends requests to what the dns lane resolved.

One httpcore connection a request, parked per origin for the host's next request. httpcore's shared pool is
the wrong tool here: its bookkeeping is quadratic in the connections, it loses slots when a request is
cancelled, and nearly every request of a scrape goes to another host. Its `AsyncHTTPConnection` adds a lock
and a layer to connecting, which `connection` does itself.

Everything that can go wrong below comes out as `FeedFailed`. httpx and httpcore are imported in
this package, `fetcher` and `hops` only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, cast

import httpcore
import httpx
import trio

from ..._config.config import Config
from ..._config.proxies import Proxy
from ..._errors import FeedFailed
from ..happy_eyeballs import Connector
from .connection import Connection
from .errors import translated
from .private_parts import is_junk_trailer
from .proxied import ProxyBackend, forwarded
from .request import Request
from .stream import Backend
from .tls import SharedContext

PARKED: Final = 64
"""Idle connections that are kept."""

Origin = tuple[bytes, bytes, int | None]


class LaneTransport:
    """Sends each request to its addresses; Host and SNI stay the URL's.

    If these are a proxy's, its connections are shared by all http URLs; each https origin has tunnels of
    its own.

    Args:
      tls: the context that all connections share.
      connector: opens TCP connections.
      config: timeouts, and whether to offer HTTP/2 in TLS, which costs 1 ms CPU for every new host.
      parked: idle connections that are kept at most.

    Raises (when a request is sent or its body read):
      FeedFailed: any of the reasons of connecting, TLS and HTTP.

    Cancellation: closes the connection of the request.
    """

    def __init__(
        self, tls: SharedContext, connector: Connector, config: Config, *, parked: int = PARKED
    ) -> None:
        self._tls, self._connector, self._http2 = tls, connector, config.http2
        self._connect_timeout = config.connect_timeout
        self._timeouts = {"read": config.read_timeout, "write": config.read_timeout}
        self._limit = parked
        self._parked: OrderedDict[Connection, Origin] = OrderedDict()
        self._by_origin: dict[Origin, list[Connection]] = {}

    async def ready_for(self, url: httpx.URL) -> None:
        """Have ready what a request to `url` needs of this machine: see `SharedContext.ready`."""
        if url.scheme == "https":
            await self._tls.ready()

    async def send(self, request: Request) -> Answer:
        """See the class. The answer's stream has to be closed."""
        origin = _origin(request)
        if (parked := await self._unpark(origin, request.addresses)) is not None:
            try:
                return await self._send(parked, request, origin)
            except FeedFailed as failed:
                # It may have been closed by the server while it was parked: that is nobody's fault.
                if failed.reason not in ("connection-lost", "protocol-error"):
                    raise
        return await self._send(self._connection(request, origin), request, origin)

    def _connection(self, request: Request, origin: Origin) -> Connection:
        scheme, host, port = origin
        core = httpcore.URL(scheme=scheme, host=host, port=port, target=b"/")
        if request.proxy is None:
            backend = Backend(request.addresses, self._connector)
        else:
            backend = ProxyBackend(
                request.proxy, request.addresses, self._connector, tunnel=scheme == b"https"
            )
        context = self._tls.context if scheme == b"https" else None
        return Connection(core.origin, backend, context, http2=self._http2)

    async def _send(self, connection: Connection, request: Request, origin: Origin) -> Answer:
        try:
            with translated():
                connection.backend.head.expect()
                core_request = _core_request(request, self._timeouts)
                answer = await connection.send(core_request, request.phases, self._connect_timeout)
                _check_status(answer)
                connection.backend.head.ended()
        except BaseException:
            await connection.aclose()  # noqa: ASYNC102 - waits for nobody
            raise
        return Answer(
            answer.status,
            answer.extensions.get("reason_phrase", b"").decode("latin-1"),
            answer.headers,
            BodyStream(answer, connection, self, origin),
            connection.backend.head.block,
            connection.backend.address,
        )

    async def _unpark(self, origin: Origin, addresses: Sequence[str]) -> Connection | None:
        while waiting := self._by_origin.get(origin):
            connection = waiting[-1]
            self._forget(connection)
            if connection.usable(addresses):
                return connection
            await connection.aclose()
        return None

    async def park(self, connection: Connection, origin: Origin) -> None:
        """Keep an idle connection for the next request to `origin`; close any other."""
        if not connection.is_clean():
            await connection.aclose()
            return
        self._parked[connection] = origin
        self._by_origin.setdefault(origin, []).append(connection)
        if len(self._parked) > self._limit:
            oldest = next(iter(self._parked))
            self._forget(oldest)
            await oldest.aclose()

    def _forget(self, connection: Connection) -> None:
        origin = self._parked.pop(connection)
        self._by_origin[origin].remove(connection)
        if not self._by_origin[origin]:
            del self._by_origin[origin]

    async def aclose(self) -> None:
        """Close what is parked."""
        while self._parked:
            connection = next(iter(self._parked))
            self._forget(connection)
            await connection.aclose()


class Answer(NamedTuple):
    """The head of an answer, and its body to be read."""

    status: int
    reason_phrase: str
    """Decoded as latin-1, which keeps every byte (RFC 9110 §5.5)."""
    headers: Sequence[tuple[bytes, bytes]]
    stream: BodyStream
    head: bytes
    """All of that as it came over HTTP/1, repaired if need be: see `head`. Empty over HTTP/2."""
    address: str
    """The IP address that it came from: the server's, or its proxy's."""


def _origin(request: Request) -> Origin:
    """Where a connection for `request` leads; all http URLs of a proxy share the proxy's."""
    url, proxy = request.url, _forwarder(request)
    if proxy is not None:
        return b"http", proxy.host.encode("ascii"), proxy.port
    return url.raw_scheme, url.raw_host, url.port


def _forwarder(request: Request) -> Proxy | None:
    """The proxy that takes `request` as it is; https goes through a tunnel instead."""
    return request.proxy if request.url.scheme == "http" else None


def _core_request(request: Request, timeouts: Mapping[str, float]) -> httpcore.Request:
    if (proxy := _forwarder(request)) is not None:
        return forwarded(request, proxy, timeouts)
    url = request.url
    return httpcore.Request(
        "GET",
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers,
        extensions={"timeout": timeouts},
    )


class BodyStream:
    """The body of an answer. Closing it keeps its connection for the next request, if that is safe."""

    def __init__(
        self, answer: httpcore.Response, connection: Connection, lot: LaneTransport, origin: Origin
    ) -> None:
        self._connection, self._lot, self._origin = connection, lot, origin
        self._answer, self._chunks = answer, aiter(cast("AsyncIterable[bytes]", answer.stream))
        self._under_way = self._complete = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self._under_way = True
        has_more = False
        try:
            with translated():
                chunk = await anext(self._chunks)
            has_more = True
        except StopAsyncIteration:
            self._complete = True
            raise
        except FeedFailed as failed:
            if failed.reason == "protocol-error" and is_junk_trailer(failed.detail):
                raise StopAsyncIteration from failed  # and so not complete: the connection is closed
            raise
        finally:
            self._under_way = has_more
        return chunk

    def distrust(self) -> None:
        """Something in this answer was tolerated: its connection is not used again."""
        self._connection.backend.head.tolerated = True

    async def aclose(self) -> None:
        """Be done with the body. Never waits for the peer, also when cancelled."""
        if self._under_way or self._connection.is_http2:
            with trio.CancelScope(shield=True):
                await self._close()
        else:  # nothing in this is a checkpoint
            await self._close()

    async def _close(self) -> None:
        if was_abandoned := self._under_way:
            await self._abandon()
        await self._answer.aclose()
        if self._complete and not was_abandoned:
            await self._lot.park(self._connection, self._origin)
        else:
            # Over HTTP/2 the server would go on sending what nobody reads.
            await self._connection.aclose()

    async def _abandon(self) -> None:
        # httpcore reads a body in async generators, one inside of another. They end only when the
        # innermost one does, and that one does when it finds its connection closed.
        await self._connection.aclose()
        with suppress(FeedFailed):
            async for _ in self:
                await trio.lowlevel.checkpoint()  # there may be thousands of chunks in one read


def _check_status(answer: httpcore.Response) -> None:
    """h11 takes three digits alone, h2 whatever comes."""
    if not 100 <= answer.status <= 999:
        raise FeedFailed("protocol-error", f"the status is {answer.status}")
