"""What a watch logs, as lines of text or of JSON on standard error.

A logger that writes by itself would stop the event loop where nobody reads: a queue and a thread are between.
The library logs nothing, and sets nothing up; this is the command's alone.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from queue import Full, Queue
from typing import Final

from .._printable import printable
from .unbuffered import Unbuffered

LOGGER: Final = logging.getLogger("trioscrape.watch")
_KEPT: Final = 10_000
"""Lines that may wait to be written; what comes after them is lost."""
_LAST_LINES: Final = 1.0
"""Seconds for writing them at the end."""


@contextmanager
def logging_to_stderr(*, as_json: bool, level: int) -> Iterator[None]:
    """For the block, have what is logged written to standard error."""
    lines: Queue[logging.LogRecord] = Queue(_KEPT)
    handler, listener = _Dropping(lines), _Writer(lines, as_json=as_json)
    root = logging.getLogger()
    before = root.level, LOGGER.level
    listener.start()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    LOGGER.setLevel(level)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before[0])
        LOGGER.setLevel(before[1])
        listener.stop()


class _Dropping(QueueHandler):
    """Where nobody reads, the newest lines are lost, and nothing is said of it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        pass


class _Writer(QueueListener):
    """No handler writes, as Python waits for the lock of each handler before it ends."""

    def __init__(self, lines: Queue[logging.LogRecord], *, as_json: bool) -> None:
        super().__init__(lines)
        self._line = _json_line if as_json else _text_line
        self._stderr = Unbuffered(sys.stderr)

    def stop(self) -> None:
        """End the thread; do not wait for one that can't write, as in a terminal stopped by Ctrl-S."""
        with suppress(Full):
            self.enqueue_sentinel()
        if self._thread is not None:
            self._thread.join(_LAST_LINES)

    def handle(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # nobody reads it any more
            self._stderr.write(self._line(record) + "\n")


def _text_line(record: logging.LogRecord) -> str:
    return printable(f"{_moment(record)} {record.levelname} {record.getMessage()}")


def _json_line(record: logging.LogRecord) -> str:
    fields = {
        "time": _moment(record),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
        **getattr(record, "fields", {}),
    }
    return json.dumps(fields, separators=(",", ":"), default=str)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
