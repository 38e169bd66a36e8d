"""What is used of httpcore, httpx and trio beyond their public interfaces, all in one place.

pyproject.toml pins httpcore and httpx to their minor versions; ``tests/http/test_private_parts.py`` fails
when a new version has changed one of these.
"""

from __future__ import annotations

from typing import Final

import httpcore
import trio

# httpcore has no error type of its own for a connection that ends in the middle of an answer, only these
# words: of AsyncHTTP11Connection and AsyncHTTP2Connection ("Server disconnected …"), and of h11 ("peer
# closed connection without sending complete message body …").
_ENDED_EARLY: Final = ("disconnected", "closed connection")
# And h11's words for a line among the headers that is none.
_NO_HEADER: Final = ("illegal header line", "continuation line")


def has_unread_bytes(http: httpcore.AsyncConnectionInterface) -> bool:
    """Whether the server has sent more than the answer that was read; over HTTP/2 that can't be.

    The bytes lie in the socket, or already in the buffer of h11, which would take them for the next answer.
    """
    if not isinstance(http, httpcore.AsyncHTTP11Connection):
        return False
    return http.has_expired() or bool(http._h11_state.trailing_data[0])


class _NoLock:
    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass


_NO_LOCK: Final = _NoLock()


def without_lock(http: httpcore.AsyncHTTP11Connection) -> httpcore.AsyncHTTP11Connection:
    """`http`, for one task at a time: its lock is two passes through the event loop for each request."""
    http._state_lock = _NO_LOCK  # type: ignore[assignment]
    return http


def http2_connection(
    origin: httpcore.Origin, stream: httpcore.AsyncNetworkStream, keepalive_expiry: float
) -> httpcore.AsyncConnectionInterface:
    """An HTTP/2 connection. Its public name may stand for nothing: see `process.without_unused`."""
    from httpcore._async.http2 import AsyncHTTP2Connection  # noqa: PLC0415 - h2 takes 20 ms

    return AsyncHTTP2Connection(origin, stream, keepalive_expiry)


def is_junk_trailer(words: str) -> bool:
    """Whether an error in a body is about a line after its last chunk (RFC 9112 §7.1.2): it is whole then."""
    return any(said in words for said in _NO_HEADER)


def has_unread_records(tls: trio.SSLStream[trio.abc.Stream]) -> bool:
    """Whether TLS records have arrived that nobody has decrypted yet."""
    return bool(tls._incoming.pending)


def ended_early(error: httpcore.RemoteProtocolError | httpcore.LocalProtocolError) -> bool:
    """Whether the error says that the connection was closed before the answer was complete."""
    return any(words in str(error) for words in _ENDED_EARLY)


def http2_error_code(error: httpcore.RemoteProtocolError | httpcore.LocalProtocolError) -> str | None:
    """The name of the code with which the server ended a stream or the connection (RFC 9113 §7).

    httpcore passes on h2's event, ``StreamReset`` or ``ConnectionTerminated``, as the error's argument.
    """
    event = error.args[0] if error.args else None
    code = getattr(event, "error_code", None)
    if code is None or isinstance(event, Exception):
        return None
    return str(getattr(code, "name", code))
