"""The TLS context that all connections share, and when it is made."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import trio

from ..._errors import ResourceError, UsageError
from ..._threads import off_loop


class SharedContext:
    """Makes an `ssl.SSLContext` when the first connection needs one: that takes 20 to 90 ms.

    Args:
      make: the function that does; it is called in a thread.
    """

    def __init__(self, make: Callable[[], ssl.SSLContext]) -> None:
        self._make = make
        self._made: ssl.SSLContext | None = None
        self._making = trio.Lock()

    async def ready(self) -> None:
        """Have it made, if it is not there yet.

        Raises:
          UsageError, ResourceError: see `client_context`.

        Cancellation: waits for its end.
        """
        if self._made is None:
            async with self._making:
                if self._made is None:
                    self._made = await off_loop(self._make, limiter=trio.CapacityLimiter(1))

    @property
    def context(self) -> ssl.SSLContext:
        """It, when it is `ready`."""
        assert self._made is not None  # noqa: S101
        return self._made


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
