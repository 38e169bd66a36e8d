"""httpcore's view of a trio stream, and the backend that opens one."""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from typing import Any

import httpcore
import trio

from ..._errors import FeedFailed
from ..happy_eyeballs import Connector, connect_fastest
from .head import HEAD_READ, Head
from .private_parts import has_unread_records


class Stream(httpcore.AsyncNetworkStream):
    """A trio stream as httpcore wants it, closed also when a TLS handshake is cancelled.

    Of a plain TCP connection, which nearly all are that are not TLS, the socket itself is read and written:
    trio's stream looks first whether there is something to read, and waits for its turn after each call.
    """

    def __init__(self, stream: trio.abc.Stream, tcp: trio.abc.Stream, connect_by: float, head: Head) -> None:
        self._stream, self._tcp, self._connect_by, self._head = stream, tcp, connect_by, head
        self._socket = stream.socket if isinstance(stream, trio.SocketStream) else None
        self.is_http2 = isinstance(stream, trio.SSLStream) and stream.selected_alpn_protocol() == "h2"

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        if self._head.has_ended:
            while data := await self._receive(max_bytes, timeout):
                if ready := self._head.body(data):
                    return ready
            return self._head.body(b"")
        while data := await self._receive(min(max_bytes, HEAD_READ), timeout):
            if self.is_http2:
                self._head.came(len(data))
                return data
            if ready := self._head.take(data):
                return ready
        return b""

    async def _receive(self, size: int, timeout: float | None) -> bytes:  # noqa: ASYNC109
        with trio.move_on_after(_seconds(timeout)):
            try:
                if self._socket is None:
                    return bytes(await self._stream.receive_some(size))
                return await _received(self._socket, size)
            except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
                raise FeedFailed("connection-lost", _why(error)) from error
        raise FeedFailed("read-timeout", f"the server sent nothing for {timeout:g} s")

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        try:
            if self._socket is not None:
                buffer = _unsent(self._socket, buffer)
            if not buffer:
                return
            with trio.move_on_after(_seconds(timeout)):
                await self._stream.send_all(buffer)
                return
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
            # httpcore goes on to read after this one: the server may have answered already.
            raise httpcore.WriteError(_why(error)) from error
        raise FeedFailed("read-timeout", f"the server accepted no data for {timeout:g} s")

    async def aclose(self) -> None:
        # Without ceremony: over TLS, polite closing would wait for the peer to take our goodbye.
        if isinstance(self._tcp, trio.SocketStream):
            self._tcp.socket.close()
        else:
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(self._tcp)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 - TCP and TLS share one timeout
    ) -> Stream:
        # A name's trailing dot belongs neither into SNI (RFC 6066 §3) nor into a certificate.
        name = server_hostname and server_hostname.rstrip(".")
        tls = trio.SSLStream(self._tcp, ssl_context, server_hostname=name, https_compatible=True)
        done = False
        try:
            with trio.CancelScope(deadline=self._connect_by):
                await _shake_hands(tls)
                done = True
        finally:
            if not done:
                await self.aclose()
        if not done:
            raise FeedFailed("connect-timeout", "the TLS handshake did not finish in time")
        return Stream(tls, self._tcp, self._connect_by, self._head)

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


async def _received(sock: trio.socket.SocketType, size: int) -> bytes:
    """What comes next; nothing at the end. Whatever has come already, others have their turn first."""
    while True:
        if sock.fileno() < 0:  # who waits for such a file waits with all others that do
            raise trio.ClosedResourceError("the connection has been closed")
        await trio.lowlevel.wait_readable(sock)
        try:
            return os.read(sock.fileno(), size)
        except BlockingIOError:  # there was something, and it had a wrong checksum (select(2))
            continue


def _unsent(sock: trio.socket.SocketType, data: bytes) -> bytes:
    """What is left of `data` when as much has been sent as the socket takes at once: all of most requests."""
    try:
        return data[os.write(sock.fileno(), data) :] if data else data
    except BlockingIOError:
        return data


def _seconds(timeout: float | None) -> float:
    return float("inf") if timeout is None else timeout


def _why(error: BaseException) -> str:
    cause = error.__cause__ or error
    return (cause.strerror if isinstance(cause, OSError) else None) or str(cause)


class Backend:
    """Connects one connection, to the addresses it was made for."""

    def __init__(self, addresses: Sequence[str], connector: Connector) -> None:
        self._addresses, self._connector = addresses, connector
        self.address = ""
        self.head = Head()

    async def connect(self, host: str, port: int, timeout: float) -> Stream:  # noqa: ARG002, ASYNC109
        """A connection to one of the addresses; `host` was resolved long ago.

        Raises:
          FeedFailed: see `connect_fastest`.

        Cancellation: closes it.
        """
        connect_by = trio.current_time() + timeout
        with trio.CancelScope(deadline=connect_by):
            self.address, stream = await connect_fastest(self._addresses, port, self._connector)
            return Stream(stream, stream, connect_by, self.head)
        raise FeedFailed("connect-timeout", f"no answer within {timeout:g} s")
