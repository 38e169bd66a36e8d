"""Lines of a file or of standard input, read in a thread of their own, past Python's buffer."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import trio

from .._errors import TrioscrapeError, UsageError
from .._threads import in_thread

T = TypeVar("T")

_CHUNK: Final = 2**20

Line = tuple[int, bytes]
"""Its number, from 1, and its bytes without the line feed."""


class Input:
    """Numbered lines, as they come; blank ones are left out.

    Args:
      name: of the file, for people.
      file: what is read, unbuffered: a thread that waits for a pipe, and is left there, must hold no
        lock that the interpreter needs at its end.
      longest: no more than so many bytes of a line and one are kept.
    """

    def __init__(self, name: str, file: io.RawIOBase, longest: int) -> None:
        self._name, self._file, self._longest = name, file, longest
        self._limiter = trio.CapacityLimiter(1)
        self._number = 0
        self._begun = bytearray()  # a line whose end has not come yet

    async def some(self, decode: Callable[[Line], T]) -> list[T]:
        """What `decode` makes of the next lines, in the same thread; none at the end.

        Raises:
          TrioscrapeError: they can't be read.

        Cancellation: gives up at once, and so for ever.
        """
        try:
            return await in_thread(self._some, decode, limiter=self._limiter, abandon_on_cancel=True)
        except OSError as error:
            raise TrioscrapeError(f"{self._name}: {error.strerror or error}") from error

    def _some(self, decode: Callable[[Line], T]) -> list[T]:
        while chunk := self._file.read(_CHUNK):
            *ends, rest = chunk.split(b"\n")
            lines = [self._next(end) for end in ends]
            self._begin(rest)
            if decoded := [decode(line) for line in lines if _says_something(line)]:
                return decoded
        return [decode(line) for line in [self._next(b"")] if _says_something(line)]

    def _begin(self, part: bytes) -> None:
        self._begun += part[: max(0, self._longest + 1 - len(self._begun))]

    def _next(self, end: bytes) -> Line:
        self._begin(end)
        line, self._begun = bytes(self._begun), bytearray()
        self._number += 1
        return self._number, line


def _says_something(line: Line) -> bool:
    return bool(line[1]) and not line[1].isspace()


@contextmanager
def open_input(path: str, longest: int) -> Iterator[Input]:
    """The file at `path`; ``-`` is standard input. Call it where blocking does no harm.

    Raises:
      UsageError: it can't be opened.
    """
    try:
        opened = io.FileIO(os.dup(sys.stdin.fileno()) if path == "-" else path)
    except (OSError, AttributeError, ValueError) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or 'it is closed'}") from error
    with opened as file:
        yield Input(path, file, longest)
