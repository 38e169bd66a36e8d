"""httpcore's view of a trio stream, and the backend that opens one."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore
import trio

from ..._errors import FeedFailed
from ..._lane import Phases
from ..happy_eyeballs import Connector, connect_fastest
from .head import HEAD_READ, Head
from .private_parts import has_unread_records


class Stream(httpcore.AsyncNetworkStream):
    """A trio stream as httpcore wants it, closed also when a TLS handshake is cancelled."""

    def __init__(
        self, stream: trio.abc.Stream, tcp: trio.abc.Stream, connect_by: float, head: Head, phases: Phases
    ) -> None:
        self._stream, self._tcp, self._connect_by, self._head = stream, tcp, connect_by, head
        self._phases = phases
        self._is_http2 = isinstance(stream, trio.SSLStream) and stream.selected_alpn_protocol() == "h2"

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        if self._head.has_ended:
            while data := await self._receive(max_bytes, timeout):
                if ready := self._head.body(data):
                    return ready
            return self._head.body(b"")
        while data := await self._receive(min(max_bytes, HEAD_READ), timeout):
            if self._is_http2:
                self._head.came(len(data))
                return data
            if ready := self._head.take(data):
                return ready
        return b""

    async def _receive(self, size: int, timeout: float | None) -> bytes:  # noqa: ASYNC109
        with trio.move_on_after(_seconds(timeout)):
            try:
                return bytes(await self._stream.receive_some(size))
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise FeedFailed("connection-lost", _why(error)) from error
        raise FeedFailed("read-timeout", f"the server sent nothing for {timeout:g} s")

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if not buffer:
            return
        with trio.move_on_after(_seconds(timeout)):
            try:
                await self._stream.send_all(buffer)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                # httpcore goes on to read after this one: the server may have answered already.
                raise httpcore.WriteError(_why(error)) from error
            return
        raise FeedFailed("read-timeout", f"the server accepted no data for {timeout:g} s")

    async def aclose(self) -> None:
        # Without ceremony: over TLS, polite closing would wait for the peer to take our goodbye.
        await trio.aclose_forcefully(self._tcp)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 - TCP and TLS share one timeout
    ) -> httpcore.AsyncNetworkStream:
        # A name's trailing dot belongs neither into SNI (RFC 6066 §3) nor into a certificate.
        name = server_hostname and server_hostname.rstrip(".")
        tls = trio.SSLStream(self._tcp, ssl_context, server_hostname=name, https_compatible=True)
        done, began = False, trio.current_time()
        try:
            with trio.CancelScope(deadline=self._connect_by):
                await _shake_hands(tls)
                done = True
        finally:
            self._phases.tls = trio.current_time() - began
            if not done:
                await trio.aclose_forcefully(self._tcp)
        if not done:
            raise FeedFailed("connect-timeout", "the TLS handshake did not finish in time")
        return Stream(tls, self._tcp, self._connect_by, self._head, self._phases)

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object" and isinstance(self._stream, trio.SSLStream):
            return self._stream  # it has selected_alpn_protocol(), all that httpcore asks of it
        if info == "is_readable":
            return self._is_readable()
        return None

    def _is_readable(self) -> bool:
        """Whether bytes wait to be read, or the end of them: in the socket, or on their way through TLS."""
        tls = self._stream
        if isinstance(tls, trio.SSLStream) and (tls.pending() or has_unread_records(tls)):
            return True
        return isinstance(self._tcp, trio.SocketStream) and self._tcp.socket.is_readable()


async def _shake_hands(tls: trio.SSLStream[trio.abc.Stream]) -> None:
    try:
        await tls.do_handshake()
    except (trio.BrokenResourceError, ssl.CertificateError) as error:
        cause = error.__cause__ or error
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise FeedFailed("tls", cause.verify_message) from error
        if isinstance(cause, ssl.SSLError):
            raise FeedFailed("tls", _in_words(cause)) from error
        raise FeedFailed("tls", f"the connection broke during the handshake: {_why(error)}") from error


def _in_words(error: ssl.SSLError) -> str:
    """OpenSSL's ``WRONG_VERSION_NUMBER`` is what it says of a server that answers without TLS."""
    if error.reason == "WRONG_VERSION_NUMBER":
        return "the server does not speak TLS on this port (wrong version number)"
    return error.reason.lower().replace("_", " ") if error.reason else str(error)


def _seconds(timeout: float | None) -> float:
    return float("inf") if timeout is None else timeout


def _why(error: BaseException) -> str:
    cause = error.__cause__ or error
    return (cause.strerror if isinstance(cause, OSError) else None) or str(cause)


class Backend(httpcore.AsyncNetworkBackend):
    """Connects one connection, to the addresses it was made for."""

    def __init__(self, addresses: Sequence[str], connector: Connector) -> None:
        self._addresses, self._connector = addresses, connector
        self.address = ""
        self.head = Head()
        self.phases = Phases()
        """Of the request that is under way."""

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - was resolved long ago
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        began = trio.current_time()
        connect_by = began + _seconds(timeout)
        with trio.CancelScope(deadline=connect_by):
            try:
                self.address, stream = await connect_fastest(self._addresses, port, self._connector)
            finally:
                self.phases.connect = trio.current_time() - began
            return Stream(stream, stream, connect_by, self.head, self.phases)
        raise FeedFailed("connect-timeout", f"no answer within {timeout:g} s")
