"""Connected sockets for dnspython.

Its own trio backend uses unconnected ones, which accept datagrams from anywhere and never see an ICMP error.
With these, a machine that runs no name server fails a lookup after one round trip instead of the timeout.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dns.asyncbackend
import dns.exception
import dns.inet
import trio


class Sockets(dns.asyncbackend.Backend):  # type: ignore[name-defined, misc] # public, says its documentation
    """A `dns.asyncbackend.Backend`. It looks nothing up: name servers have addresses."""

    def name(self) -> str:
        """See `dns.asyncbackend.Backend`."""
        return "trio"

    def datagram_connection_required(self) -> bool:
        """Whether `make_socket` is told the destination of a datagram socket."""
        return True

    async def make_socket(  # noqa: PLR0913, PLR0917 - dnspython's signature
        self,
        af: int,
        socktype: int,
        proto: int = 0,
        source: Any = None,
        destination: Any = None,
        timeout: float | None = None,  # noqa: ASYNC109
        ssl_context: Any = None,  # noqa: ARG002
        server_hostname: Any = None,  # noqa: ARG002
    ) -> _Datagrams | _Stream:
        """A socket that is connected to `destination`.

        Cancellation: leaves no socket.
        """
        sock = trio.socket.socket(af, socktype, proto)
        try:
            if source is not None:
                await sock.bind(dns.inet.low_level_address_tuple(source, af))
            with _within(timeout):
                await sock.connect(dns.inet.low_level_address_tuple(destination, af))
        except BaseException:
            sock.close()
            raise
        return _Datagrams(sock) if socktype == socket.SOCK_DGRAM else _Stream(sock)

    async def sleep(self, interval: float) -> None:
        """See `trio.sleep`."""
        await trio.sleep(interval)


class _Datagrams(dns.asyncbackend.DatagramSocket):  # type: ignore[name-defined, misc]
    def __init__(self, sock: trio.socket.SocketType) -> None:
        super().__init__(sock.family, socket.SOCK_DGRAM)
        self._socket = sock

    async def sendto(self, what: bytes, destination: Any, timeout: float | None) -> int:  # noqa: ARG002, ASYNC109
        with _within(timeout):
            return await self._socket.send(what)

    async def recvfrom(self, size: int, timeout: float | None) -> tuple[bytes, Any]:  # noqa: ASYNC109
        with _within(timeout):
            return await self._socket.recvfrom(size)

    async def close(self) -> None:
        self._socket.close()


class _Stream(dns.asyncbackend.StreamSocket):  # type: ignore[name-defined, misc]
    def __init__(self, sock: trio.socket.SocketType) -> None:
        super().__init__(sock.family, socket.SOCK_STREAM)
        self._stream = trio.SocketStream(sock)

    async def sendall(self, what: bytes, timeout: float | None) -> None:  # noqa: ASYNC109
        with _within(timeout):
            await self._stream.send_all(what)

    async def recv(self, size: int, timeout: float | None) -> bytes:  # noqa: ASYNC109
        try:
            with _within(timeout):
                return await self._stream.receive_some(size)
        except trio.BrokenResourceError as error:  # dnspython knows what an OSError means
            raise ConnectionResetError(str(error)) from error

    async def close(self) -> None:
        await self._stream.aclose()


@contextmanager
def _within(seconds: float | None) -> Iterator[None]:
    try:
        with trio.fail_after(math.inf if seconds is None else seconds):
            yield
    except trio.TooSlowError:
        raise dns.exception.Timeout(timeout=seconds) from None  # type: ignore[no-untyped-call]
