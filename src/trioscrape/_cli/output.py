"""Standard output and standard error, for those who may be stuck in them for ever."""

from __future__ import annotations

import os
import sys
from typing import TextIO

import trio

from .._threads import in_thread


class Unbuffered:
    """Standard output or standard error past Python's buffer, as much of a text file as rich needs.

    A thread that writes to a stopped terminal may never come back. It must not hold the buffer's lock
    then: the interpreter wants that at its end, and hangs without it.

    Args:
      stream: `sys.stdout` or `sys.stderr`; None, as they are when they were closed from the start, takes
        everything.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.encoding = stream.encoding if stream else "utf-8"

    def write(self, text: str) -> int:
        """Write all of it. What the encoding does not have becomes an escape. Blocks."""
        if self._stream:
            write_all(self._stream.fileno(), text.encode(self.encoding, "backslashreplace"))
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream is not None and self._stream.isatty()


class Output:
    """Standard output, written in a thread of its own, past Python's buffer: see `Unbuffered`.

    Who reads it may stop for as long as they like (a pager). That holds up results and so, in the
    end, the lanes; it must not hold up the event loop, where deadlines would run out meanwhile.
    """

    def __init__(self) -> None:
        self._limiter = trio.CapacityLimiter(1)

    async def write(self, text: str) -> None:
        """Write `text` in the encoding of standard output; what that does not have becomes an escape.

        Raises and is cancelled like `write_bytes`.
        """
        await self.write_bytes(text.encode(sys.stdout.encoding, "backslashreplace"))

    async def write_bytes(self, data: bytes) -> None:
        """Write `data`.

        Raises:
          BrokenPipeError: nobody reads it.
          OSError: it can't be written, or no thread be started.

        Cancellation: gives up at once; part of the data may have been written.
        """
        await in_thread(write_all, sys.stdout.fileno(), data, limiter=self._limiter, abandon_on_cancel=True)


def write_all(file: int, data: bytes) -> None:
    """Write all of `data` to the file descriptor `file`. Blocks."""
    while data:
        data = data[os.write(file, data) :]
