"""Unwraps the exception groups that nurseries put around a single error."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import trio


class ungrouped:  # noqa: N801 - read as a keyword: ``with ungrouped():``
    """Let the one error of the nursery in the ``with`` block come out as itself.

    ::

        with ungrouped():
            async with trio.open_nursery() as nursery:
                ...

    A nursery raises an exception group even when a single task or its own body has failed, and no
    ``except`` clause for that error would match. Only the group of this nursery is taken away: a group
    that its body or a task has raised is an error like any other.

    Several errors stay in their group, since each of them may be the one that matters. But a
    `KeyboardInterrupt` or a `SystemExit` among them is meant for the whole program, and comes out alone.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not isinstance(error, BaseExceptionGroup):
            return
        only = _only_error(error)
        # Raised while its group is handled, it would get that group as its context.
        context = only.__context__
        try:
            raise only
        finally:
            only.__context__ = context
            # A frame that refers to the exception that has gone through it is a reference cycle.
            del only, context, error, traceback


def _only_error(group: BaseExceptionGroup[Any]) -> BaseException:
    errors = [error for error in group.exceptions if not _is_cancellation(error)]
    if not errors:
        return _leaf(group)
    for error in errors:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            return error
    return errors[0] if len(errors) == 1 else group


def _is_cancellation(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_cancellation, error.exceptions))
    return isinstance(error, trio.Cancelled)


def _leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
