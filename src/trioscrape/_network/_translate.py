"""The one place where httpcore's errors become reasons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpcore

from .._errors import FeedFailed


@contextmanager
def translated() -> Iterator[None]:
    """Have every error of httpcore come out of the ``with`` as `FeedFailed`."""
    try:
        yield
    except (httpcore.RemoteProtocolError, httpcore.LocalProtocolError) as error:
        # httpcore has no type for a connection that ends too early, only these words for it.
        lost = any(words in str(error) for words in ("disconnected", "peer closed connection"))
        raise FeedFailed("connection-lost" if lost else "protocol-error", str(error)[:200]) from error
    except (httpcore.NetworkError, httpcore.ConnectionNotAvailable) as error:
        raise FeedFailed("connection-lost", str(error)[:200]) from error
