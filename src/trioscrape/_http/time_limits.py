"""How long a fetch may take: its timeout, and the minimum rate at which its body must arrive."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from .._errors import FeedFailed

GRACE: Final = 10.0
"""Seconds of reading before the minimum rate counts: a server may be waking up."""


class Clock:
    """The fetch timeout, for all requests of a fetch.

    It only runs in the http lane: queues and lookups are not the server's fault.
    """

    def __init__(self, seconds: float) -> None:
        self._whole = self._left = seconds
        self._scope = trio.CancelScope()

    @contextmanager
    def running(self) -> Iterator[None]:
        began = trio.current_time()
        self._scope = trio.CancelScope(deadline=began + self._left)
        try:
            with self._scope:
                yield
        finally:
            self._left = self._scope.deadline - trio.current_time()
        if self._scope.cancelled_caught:
            raise FeedFailed("fetch-timeout", f"the fetch did not finish within {self._whole:g} s")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock for the body of the ``with``: we wait for something of our own."""
        left = self._scope.deadline - trio.current_time()
        self._scope.deadline = math.inf
        try:
            yield
        finally:
            self._scope.deadline = trio.current_time() + left


class Pace:
    """How fast a body arrives: bytes on the wire by the time spent reading.

    Not by the time between its beginning and its end: what we spend decoding, or waiting for room for
    more bytes, is not the server's fault. A server that sends nothing at all runs into the read
    timeout; one that sends a little now and then runs into this.

    Args:
      minimum: bytes a second; 0: any.
    """

    def __init__(self, minimum: float) -> None:
        self._minimum = minimum
        self._seconds, self._bytes = 0.0, 0
        self._since = trio.current_time()

    def came(self, size: int) -> None:
        """Count bytes that were read since `resume`.

        Raises:
          FeedFailed: ``too-slow``.
        """
        self._seconds += trio.current_time() - self._since
        self._bytes += size
        if self._seconds > GRACE and self._bytes < self._minimum * self._seconds:
            raise FeedFailed("too-slow", f"only {self._bytes:,} bytes in {self._seconds:.1f} s of reading")

    def resume(self) -> None:
        """Go on counting the time: the next read begins."""
        self._since = trio.current_time()
