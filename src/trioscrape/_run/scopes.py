"""Cancels parts of several tasks together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio


class Scopes:
    """Cancel scopes in several tasks that are cancelled together; one opened later is cancelled at once."""

    def __init__(self) -> None:
        self._open: set[trio.CancelScope] = set()
        self._cancelled = False

    @contextmanager
    def open(self) -> Iterator[None]:
        """Have the body of the ``with`` cancelled by `cancel`."""
        with trio.CancelScope() as scope:
            self._open.add(scope)
            if self._cancelled:
                scope.cancel()
            try:
                yield
            finally:
                self._open.discard(scope)

    def cancel(self) -> None:
        """Cancel every scope that is open, and each one that is opened later."""
        self._cancelled = True
        for scope in self._open:
            scope.cancel()
