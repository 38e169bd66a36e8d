"""An httpx transport that connects to what the dns lane resolved.

One `httpcore.AsyncHTTPConnection` a request, parked per origin for the host's next request.
httpcore's shared pool is the wrong tool here: its bookkeeping is quadratic in the connections, it
loses slots when a request is cancelled, and nearly every request of a scrape goes to another host.

Everything that can go wrong below comes out as `FeedFailed`. httpx and httpcore are imported in
this package, `fetcher` and `hops` only.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import suppress
from typing import Final, cast

import httpcore
import httpx
import trio

from ..._config.proxies import Proxy
from ..._errors import FeedFailed, ResourceError, UsageError
from ..._lane import Phases
from ..happy_eyeballs import Connector
from .connection import Connection, close
from .errors import translated
from .private_parts import is_junk_trailer
from .proxied import ProxyBackend, forwarded
from .stream import Backend

PARKED: Final = 64
"""Idle connections that are kept."""

ADDRESSES: Final = "trioscrape.addresses"
"""The request extension with the addresses that may be connected to, best first."""
PROXY: Final = "trioscrape.proxy"
"""The request extension with the `Proxy` whose addresses they are; None or missing: nobody's."""

PHASES: Final = "trioscrape.phases"
"""The request extension with the `Phases` to fill in; missing: nobody wants to know."""

_Origin = tuple[bytes, bytes, int | None]


class LaneTransport(httpx.AsyncBaseTransport):
    """Sends one request to the addresses in its `ADDRESSES` extension; Host and SNI stay the URL's.

    With a `PROXY` these are the proxy's. Its connections are shared by all http URLs; each https
    origin has tunnels of its own.

    Args:
      context: shared by all connections; building one costs 20 to 90 ms.
      connector: opens TCP connections.
      http2: offer HTTP/2 in TLS. Costs 1 ms CPU for every new host.
      parked: idle connections that are kept at most.

    Raises (when a request is sent or its body read):
      FeedFailed: any of the reasons of connecting, TLS and HTTP.

    Cancellation: closes the connection of the request.
    """

    def __init__(
        self, context: ssl.SSLContext, connector: Connector, *, http2: bool = False, parked: int = PARKED
    ) -> None:
        self._context, self._connector, self._http2 = context, connector, http2
        self._limit = parked
        self._parked: OrderedDict[Connection, _Origin] = OrderedDict()
        self._by_origin: dict[_Origin, list[Connection]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See the class."""
        origin = _origin(request)
        addresses: Sequence[str] = request.extensions[ADDRESSES]
        if (parked := await self._unpark(origin, addresses)) is not None:
            try:
                return await self._send(parked, request, origin)
            except FeedFailed as failed:
                # It may have been closed by the server while it was parked: that is nobody's fault.
                if failed.reason not in ("connection-lost", "protocol-error"):
                    raise
        return await self._send(self._connection(request, origin), request, origin)

    def _connection(self, request: httpx.Request, origin: _Origin) -> Connection:
        addresses, proxy = request.extensions[ADDRESSES], request.extensions.get(PROXY)
        scheme, host, port = origin
        core = httpcore.URL(scheme=scheme, host=host, port=port, target=b"/")
        if proxy is None:
            backend = Backend(addresses, self._connector)
        else:
            backend = ProxyBackend(proxy, addresses, self._connector, tunnel=scheme == b"https")
        return Connection(core.origin, backend, self._context, http2=self._http2)

    async def _send(self, connection: Connection, request: httpx.Request, origin: _Origin) -> httpx.Response:
        core_request = _core_request(request)
        phases = connection.backend.phases = request.extensions.get(PHASES) or Phases()
        began = trio.current_time()
        try:
            with translated():
                connection.backend.head.expect()
                answer = await connection.http.handle_async_request(core_request)
                phases.first_byte = trio.current_time() - began - phases.connect - phases.tls
                _check_status(answer)
                connection.backend.head.ended()
        except BaseException:
            await close(connection)  # noqa: ASYNC102 - is shielded and waits for nobody
            raise
        response = httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=BodyStream(answer, connection, self, origin),
            extensions=answer.extensions,
        )
        # httpx would guess one encoding for all headers; latin-1 keeps every byte (RFC 9110 §5.5).
        response.headers.encoding = "iso-8859-1"
        return response

    async def _unpark(self, origin: _Origin, addresses: Sequence[str]) -> Connection | None:
        while waiting := self._by_origin.get(origin):
            connection = waiting[-1]
            self._forget(connection)
            if connection.usable(addresses):
                return connection
            await close(connection)
        return None

    async def park(self, connection: Connection, origin: _Origin) -> None:
        """Keep an idle connection for the next request to `origin`; close any other."""
        if not connection.http.is_idle() or connection.has_leftovers() or connection.backend.head.tolerated:
            await close(connection)
            return
        self._parked[connection] = origin
        self._by_origin.setdefault(origin, []).append(connection)
        if len(self._parked) > self._limit:
            oldest = next(iter(self._parked))
            self._forget(oldest)
            await close(oldest)

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
            await close(connection)


def _origin(request: httpx.Request) -> _Origin:
    """Where a connection for `request` leads; all http URLs of a proxy share the proxy's."""
    url, proxy = request.url, _forwarder(request)
    if proxy is not None:
        return b"http", proxy.host.encode("ascii"), proxy.port
    return url.raw_scheme, url.raw_host, url.port


def _forwarder(request: httpx.Request) -> Proxy | None:
    """The proxy that takes `request` as it is; https goes through a tunnel instead."""
    proxy: Proxy | None = request.extensions.get(PROXY)
    return proxy if request.url.scheme == "http" else None


def _core_request(request: httpx.Request) -> httpcore.Request:
    if (proxy := _forwarder(request)) is not None:
        return forwarded(request, proxy)
    url = request.url
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


class BodyStream(httpx.AsyncByteStream):
    """The body of an answer. Closing it keeps its connection for the next request, if that is safe."""

    def __init__(
        self, answer: httpcore.Response, connection: Connection, lot: LaneTransport, origin: _Origin
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
        with trio.CancelScope(shield=True):
            if was_abandoned := self._under_way:
                await self._abandon()
            await self._answer.aclose()
            if self._complete and not was_abandoned:
                await self._lot.park(self._connection, self._origin)
            else:
                # Over HTTP/2 the server would go on sending what nobody reads.
                await close(self._connection)

    async def _abandon(self) -> None:
        # httpcore reads a body in async generators, one inside of another. They end only when the
        # innermost one does, and that one does when it finds its connection closed.
        await close(self._connection)
        with suppress(FeedFailed):
            async for _ in self:
                await trio.lowlevel.checkpoint()  # there may be thousands of chunks in one read


def _check_status(answer: httpcore.Response) -> None:
    """h11 takes three digits alone, h2 whatever comes."""
    if not 100 <= answer.status <= 999:
        raise FeedFailed("protocol-error", f"the status is {answer.status}")


def client_context(ca_file: str | None = None) -> ssl.SSLContext:
    """TLS as clients should: certificates verified against the system's authorities or `ca_file`'s.

    Raises:
      UsageError: `ca_file` can't be read or has no certificate in it.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:  # an OSError, whose text is about OpenSSL's own names
        if ca_file is None:
            raise ResourceError(f"TLS can't be set up: {error.reason or error}") from error
        raise UsageError(f"ca_file must be a PEM file with certificates, not {ca_file!r}") from None
    except OSError as error:
        raise UsageError(f"ca_file {ca_file!r} can't be read: {error.strerror or error}") from None
