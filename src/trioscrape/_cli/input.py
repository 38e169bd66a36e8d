"""Lines of a file or of standard input, read in a thread and without Python's buffer."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import trio

from .._errors import ResourceError, UsageError
from .._threads import in_thread

T = TypeVar("T")

_CHUNK: Final = 2**20
_ENDLESS: Final = 2**30
"""Bytes of a line after which nobody waits for its end: ``/dev/zero`` has none."""

Line = tuple[int, bytes]
"""Its number, counted from 1, and its bytes without the line feed."""


class Input:
    """Numbered lines, as they arrive; blank lines are left out.

    Args:
      name: of the file, for messages.
      file: unbuffered. A thread that waits for a pipe may be abandoned there, and must not hold a lock
        that the interpreter needs at its end.
      longest: bytes of a line that are kept. One more is kept of a longer line, to tell that it is one.
    """

    def __init__(self, name: str, file: io.RawIOBase, longest: int) -> None:
        self._name, self._file, self._longest = name, file, longest
        self._limiter = trio.CapacityLimiter(1)
        self._number = 0
        self._begun = bytearray()  # a line whose end has not come yet
        self._length = 0  # of that line, in bytes, also of those that are not kept

    async def some(self, decode: Callable[[Line], T]) -> list[T]:
        """What `decode`, called in the same thread, makes of the next lines. Empty at the end.

        Raises:
          ResourceError: they can't be read.
          UsageError: a line has no end.

        Cancellation: returns at once. The input can't be used after that.
        """
        try:
            return await in_thread(self._some, decode, limiter=self._limiter, abandon_on_cancel=True)
        except OSError as error:
            raise ResourceError(f"{self._name}: {error.strerror or error}") from error

    def _some(self, decode: Callable[[Line], T]) -> list[T]:
        while chunk := self._file.read(_CHUNK):
            *ends, rest = chunk.split(b"\n")
            lines = [self._next(end) for end in ends]
            self._begin(rest)
            if decoded := [decode(line) for line in lines if _has_text(line)]:
                return decoded
        return [decode(line) for line in [self._next(b"")] if _has_text(line)]

    def _begin(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > _ENDLESS:
            raise UsageError(f"{self._name}, line {self._number + 1}: longer than {_ENDLESS // 2**30} GiB")
        self._begun += part[: max(0, self._longest + 1 - len(self._begun))]

    def _next(self, end: bytes) -> Line:
        self._begin(end)
        line, self._begun, self._length = bytes(self._begun), bytearray(), 0
        self._number += 1
        return self._number, line


def _has_text(line: Line) -> bool:
    return bool(line[1]) and not line[1].isspace()


@contextmanager
def open_input(path: str, longest: int) -> Iterator[Input]:
    """The file at `path`; ``-`` is standard input. Blocks: call it outside of the event loop.

    Raises:
      UsageError: it can't be opened.
    """
    name = "standard input" if path == "-" else path
    try:
        opened = io.FileIO(os.dup(sys.stdin.fileno()) if path == "-" else path)
    except (OSError, AttributeError, ValueError) as error:
        raise UsageError(f"{name}: {getattr(error, 'strerror', None) or 'it is closed'}") from error
    with opened as file:
        yield Input(name, file, longest)
