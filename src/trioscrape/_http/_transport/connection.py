"""One connection to a server or a proxy, used for one request after another."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Final

import httpcore
import trio

from .private_parts import has_unread_bytes
from .stream import Backend

PARKED_FOR: Final = 15.0
"""Seconds. Most servers close an idle connection after 5 to 75."""


class Connection:
    """One httpcore connection that remembers which address it leads to."""

    def __init__(
        self, origin: httpcore.Origin, backend: Backend, context: ssl.SSLContext | None, *, http2: bool
    ) -> None:
        self.backend = backend
        self.http = httpcore.AsyncHTTPConnection(
            origin=origin,
            ssl_context=context,
            keepalive_expiry=PARKED_FOR,
            http2=http2,
            network_backend=backend,
        )

    def usable(self, addresses: Sequence[str]) -> bool:
        """Whether it still stands and leads where this request may go."""
        return self.backend.address in addresses and self.http.is_available() and not self.http.has_expired()

    def has_leftovers(self) -> bool:
        """Whether more has come than the answer that was read: it would be taken for the next one."""
        return self.backend.head.keeps or has_unread_bytes(self.http)


async def close(connection: Connection) -> None:
    """Close `connection`, whatever it is doing. Never waits for the peer: see `Stream.aclose`."""
    with trio.CancelScope(shield=True):
        await connection.http.aclose()
