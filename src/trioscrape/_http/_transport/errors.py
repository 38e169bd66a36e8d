"""The one place where httpcore's errors become reasons."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore

from ..._errors import FeedFailed
from .private_parts import ended_early, http2_error_code


@contextmanager
def translated() -> Iterator[None]:
    """Have every error of httpcore, and of what is below it, come out of the ``with`` as `FeedFailed`."""
    try:
        yield
    except (httpcore.RemoteProtocolError, httpcore.LocalProtocolError) as error:
        raise _from_protocol_error(error) from error
    except (httpcore.NetworkError, httpcore.ConnectionNotAvailable) as error:
        raise FeedFailed("connection-lost", _in_words(error)) from error
    except _strays() as error:
        # httpcore lets these through as they are: a status that is no number, a frame in the middle
        # of a body that may not be there.
        raise FeedFailed("protocol-error", _in_words(error)) from error


def _from_protocol_error(error: httpcore.RemoteProtocolError | httpcore.LocalProtocolError) -> FeedFailed:
    if (code := http2_error_code(error)) is not None:
        return FeedFailed("connection-lost", f"the server ended the stream: {code}")
    reason = "connection-lost" if ended_early(error) else "protocol-error"
    return FeedFailed(reason, _in_words(error))


def _strays() -> tuple[type[Exception], ...]:
    """int()'s, and h2's own; no such thing before a server has spoken HTTP/2: importing h2 takes 16 ms."""
    module = sys.modules.get("h2.exceptions")
    return (ValueError, module.H2Error) if module else (ValueError,)


def _in_words(error: Exception) -> str:
    """What others sent may be in it, as h11 quotes it: ``bytearray(b'…')``."""
    return re.sub(r"bytearray\(b(.*)\)", r"\1", str(error))[:200]
