"""One connection to a server or a proxy, used for one request after another."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Final

import httpcore
import trio

from ..._lane import Phases
from .private_parts import has_unread_bytes, http2_connection, without_lock
from .stream import Backend, Stream

PARKED_FOR: Final = 15.0
"""Seconds. Most servers close an idle connection after 5 to 75."""
_HTTP1_OR_2: Final = ["http/1.1", "h2"]


class Connection:
    """One httpcore connection that remembers which address it leads to.

    Args:
      origin: the server, or a proxy that forwards to it.
      backend: connects to it.
      context: for TLS with it; None: without TLS.
      http2: whether to offer HTTP/2.
    """

    def __init__(
        self, origin: httpcore.Origin, backend: Backend, context: ssl.SSLContext | None, *, http2: bool
    ) -> None:
        self.backend = backend
        self.http: httpcore.AsyncConnectionInterface | None = None
        """None before it is connected."""
        self._origin, self._context, self._http2 = origin, context, http2

    async def send(
        self, request: httpcore.Request, phases: Phases, connect_timeout: float
    ) -> httpcore.Response:
        """Connect if need be, send `request`, and wait for the headers of its answer."""
        if self.http is None:
            self.http = self._connection(await self._connect(phases, connect_timeout))
        began = trio.current_time()
        answer = await self.http.handle_async_request(request)
        phases.first_byte = trio.current_time() - began
        return answer

    async def _connect(self, phases: Phases, timeout: float) -> Stream:  # noqa: ASYNC109
        host = self._origin.host.decode("ascii")
        began = trio.current_time()
        try:
            stream = await self.backend.connect(host, self._origin.port, timeout)
        finally:
            phases.connect = trio.current_time() - began
        if self._context is None:
            return stream
        self._context.set_alpn_protocols(_HTTP1_OR_2 if self._http2 else _HTTP1_OR_2[:1])
        began = trio.current_time()
        try:
            return await stream.start_tls(self._context, host)
        finally:
            phases.tls = trio.current_time() - began

    def _connection(self, stream: Stream) -> httpcore.AsyncConnectionInterface:
        if stream.is_http2:
            return http2_connection(self._origin, stream, PARKED_FOR)
        # There is one task at a time that uses it.
        return without_lock(httpcore.AsyncHTTP11Connection(self._origin, stream, PARKED_FOR))

    @property
    def is_http2(self) -> bool:
        """Whether it is connected and speaks HTTP/2."""
        return self.http is not None and not isinstance(self.http, httpcore.AsyncHTTP11Connection)

    def usable(self, addresses: Sequence[str]) -> bool:
        """Whether it still stands and leads where this request may go."""
        http = self.http
        return (
            http is not None
            and self.backend.address in addresses
            and http.is_available()
            and not http.has_expired()
        )

    def is_clean(self) -> bool:
        """Whether its last answer has been read whole, was sound, and nothing has come after it.

        That would be taken for the next answer.
        """
        http, head = self.http, self.backend.head
        return (
            http is not None
            and http.is_idle()
            and not (head.tolerated or head.keeps)
            and not has_unread_bytes(http)
        )

    async def aclose(self) -> None:
        """Close it, whatever it is doing, without waiting for the peer: see `Stream.aclose`."""
        if self.http is not None:
            await self.http.aclose()
