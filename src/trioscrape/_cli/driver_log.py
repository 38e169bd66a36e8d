"""Errors of pymongo's background threads, as lines among the progress.

pymongo logs them with a traceback, which Python writes to standard error where nobody has set up logging. A
library must leave logging to its application, so this is done by the command alone.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import trio

_LOGGER: Final = logging.getLogger("pymongo")
_KEPT: Final = 100
"""Lines that may wait to be written."""


async def relay_driver_errors(warn: Callable[[str], Awaitable[None]]) -> None:
    """Pass each error on, as one line and once, until cancelled: most come again every second."""
    send, received = trio.open_memory_channel[str](_KEPT)
    said: set[str] = set()
    with _listening(_Relay(send)):
        async for line in received:
            if line not in said:
                said.add(line)
                await warn(line)


class _Relay(logging.Handler):
    """Hands what is logged, in whatever thread, to the event loop."""

    def __init__(self, send: trio.MemorySendChannel[str]) -> None:
        super().__init__(logging.WARNING)
        self._send, self._token = send, trio.lowlevel.current_trio_token()

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._pass_on, _line(record))

    def _pass_on(self, line: str) -> None:
        with suppress(trio.WouldBlock, trio.BrokenResourceError):
            self._send.send_nowait(line)


def _line(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, Exception):
        return f"pymongo: {record.getMessage()}"
    from .._store._mongo.errors import in_short  # noqa: PLC0415 - pymongo is there: it has logged something

    return f"pymongo, in the background: {in_short(error) or type(error).__name__}"


@contextmanager
def _listening(handler: logging.Handler) -> Iterator[None]:
    propagate, _LOGGER.propagate = _LOGGER.propagate, False
    _LOGGER.addHandler(handler)
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.propagate = propagate
