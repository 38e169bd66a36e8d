"""Cancels parts of several tasks together."""

from __future__ import annotations

import math
from types import TracebackType

import trio


class Scopes:
    """Cancel scopes in several tasks that are cancelled together; one opened later is cancelled at once."""

    def __init__(self) -> None:
        self._open: set[trio.CancelScope] = set()
        self._cancelled = False
        self._deadline = math.inf

    def open(self) -> _Open:
        """Have the body of the ``with`` cancelled by `cancel`; gives its scope, to cancel it alone."""
        return _Open(self._open, trio.CancelScope(deadline=self._deadline), cancelled=self._cancelled)

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


class _Open:
    """A scope in a set for as long as its ``with`` lasts. Each feed has one, so it is no generator."""

    __slots__ = ("_all", "_scope")

    def __init__(self, scopes: set[trio.CancelScope], scope: trio.CancelScope, *, cancelled: bool) -> None:
        self._all, self._scope = scopes, scope
        if cancelled:
            scope.cancel()

    def __enter__(self) -> trio.CancelScope:
        self._all.add(self._scope)
        return self._scope.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._all.discard(self._scope)
        return self._scope.__exit__(kind, error, traceback)
