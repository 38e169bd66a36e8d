"""Standard output and standard error without Python's buffer."""

from __future__ import annotations

import os
from typing import TextIO


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


def write_all(file: int, data: bytes) -> None:
    """Write all of `data` to the file descriptor `file`. Blocks."""
    while data:
        data = data[os.write(file, data) :]
