"""Cancels parts of several tasks together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import trio


class Scopes:
    """Cancel scopes in several tasks that are cancelled together; one opened later is cancelled at once."""

    def __init__(self) -> None:
        self._open: set[trio.CancelScope] = set()
        self._cancelled = False
        self._deadline = math.inf

    @contextmanager
    def open(self) -> Iterator[trio.CancelScope]:
        """Have the body of the ``with`` cancelled by `cancel`; gives its scope, to cancel it alone."""
        with trio.CancelScope(deadline=self._deadline) as scope:
            self._open.add(scope)
            if self._cancelled:
                scope.cancel()
            try:
                yield scope
            finally:
                self._open.discard(scope)

    def cancel_at(self, moment: float) -> None:
        """The same at a moment of trio's clock, unless an earlier one was given."""
        self._deadline = min(self._deadline, moment)
        for scope in self._open:
            scope.deadline = self._deadline

    def cancel(self) -> None:
        """Cancel every scope that is open, and each one that is opened later."""
        self._cancelled = True
        for scope in self._open:
            scope.cancel()
