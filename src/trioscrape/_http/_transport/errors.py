"""The one place where httpcore's errors become reasons."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore

from ..._errors import FeedFailed


@contextmanager
def translated() -> Iterator[None]:
    """Have every error of httpcore, and of what is below it, come out of the ``with`` as `FeedFailed`."""
    try:
        yield
    except (httpcore.RemoteProtocolError, httpcore.LocalProtocolError) as error:
        raise _from_protocol_error(error) from error
    except (httpcore.NetworkError, httpcore.ConnectionNotAvailable) as error:
        raise FeedFailed("connection-lost", _printable(str(error))) from error
    except _strays() as error:
        # httpcore lets these through as they are: a status that is no number, a frame in the middle
        # of a body that may not be there.
        raise FeedFailed("protocol-error", _printable(str(error))) from error


def _from_protocol_error(error: httpcore.RemoteProtocolError | httpcore.LocalProtocolError) -> FeedFailed:
    cause = error.args[0] if error.args else None
    code = getattr(cause, "error_code", None)
    if code is not None and not isinstance(cause, Exception):
        # An event of h2, StreamReset or ConnectionTerminated (RFC 9113 §5.4).
        return FeedFailed("connection-lost", f"the server ended it: {getattr(code, 'name', code)}")
    # httpcore has no type for a connection that ends too early, only these words for it.
    lost = any(words in str(error) for words in ("disconnected", "closed connection"))
    return FeedFailed("connection-lost" if lost else "protocol-error", _printable(str(error)))


def _strays() -> tuple[type[Exception], ...]:
    """int()'s, and h2's own; no such thing before a server has spoken HTTP/2: importing h2 takes 16 ms."""
    module = sys.modules.get("h2.exceptions")
    return (ValueError, module.H2Error) if module else (ValueError,)


def _printable(text: str) -> str:
    """What others sent may be in it."""
    return "".join(char if char.isprintable() else " " for char in text[:200])
