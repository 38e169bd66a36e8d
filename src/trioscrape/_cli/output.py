"""Standard output and standard error, written so that a reader who stops can't hang the program."""

from __future__ import annotations

import os
import sys
from typing import TextIO

import trio

from .._threads import NoThread, in_thread


class Unbuffered:
    """Standard output or standard error without Python's buffer; rich takes it for a text file.

    A thread that writes to a stopped terminal (Ctrl-S) may never return. It must not hold the lock of
    the buffer then: the interpreter needs that lock at its end, and would hang.

    Args:
      stream: `sys.stdout` or `sys.stderr`. It is None when it was closed before the start; then
        everything is discarded.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.encoding = stream.encoding if stream else "utf-8"

    def write(self, text: str) -> int:
        """Write all of `text`. Characters that the encoding lacks are escaped. Blocks."""
        if self._stream:
            write_all(self._stream.fileno(), text.encode(self.encoding, "backslashreplace"))
        return len(text)

    def flush(self) -> None:
        """Does nothing: there is no buffer."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream is not None and self._stream.isatty()


class Output:
    """Standard output, written in a thread of its own and without Python's buffer: see `Unbuffered`.

    Its reader may stop for as long as they like, a pager for example. That delays results and so,
    in the end, the lanes. It must not delay the event loop, where timeouts would expire meanwhile.

    Args:
      file: the descriptor of a file to write to instead of standard output.
    """

    def __init__(self, file: int | None = None) -> None:
        self._file = file
        self._limiter = trio.CapacityLimiter(1)

    async def write(self, text: str) -> None:
        """Write `text` in the encoding of standard output; characters that it lacks are escaped.

        Raises and is cancelled like `write_bytes`.
        """
        encoding = sys.stdout.encoding if sys.stdout else "utf-8"
        await self.write_bytes(text.encode(encoding, "backslashreplace"))

    async def write_bytes(self, data: bytes) -> None:
        """Write `data`. When standard output was closed before the start (``>&-``), nobody wants it.

        Raises:
          BrokenPipeError: nobody reads it any more.
          OSError: it can't be written.

        Cancellation: returns at once; part of the data may have been written.
        """
        if self._file is None and sys.stdout is None:
            return
        file = sys.stdout.fileno() if self._file is None else self._file
        try:
            await in_thread(write_all, file, data, limiter=self._limiter, abandon_on_cancel=True)
        except NoThread:  # better late than never
            self._limiter = trio.CapacityLimiter(1)  # a thread that has died does not return its token
            write_all(file, data)


def write_all(file: int, data: bytes) -> None:
    """Write all of `data` to the file descriptor `file`. Blocks."""
    while data:
        data = data[os.write(file, data) :]
