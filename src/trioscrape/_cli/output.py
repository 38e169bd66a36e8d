"""Standard output and standard error, written so that a reader who stops can't hang the program."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trio

from .._errors import ResourceError, UsageError
from .._threads import NoThread, in_thread
from .unbuffered import write_all


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

    @property
    def encoding(self) -> str:
        """That of standard output; of a file, UTF-8."""
        return sys.stdout.encoding if self._file is None and sys.stdout else "utf-8"

    async def write(self, text: str) -> None:
        """Write `text` in `encoding`; characters that it lacks are escaped.

        Raises and is cancelled like `write_bytes`.
        """
        await self.write_bytes(text.encode(self.encoding, "backslashreplace"))

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


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is written under another name, and gets its own when it is complete.

    What is no regular file, such as a FIFO or a device, is written to as it is.
    """

    descriptor: int
    _part: Path
    _path: Path

    def keep(self) -> None:
        """Give it its name; it replaces the file that has it.

        Raises:
          OSError: it can't be renamed.
        """
        if self._part != self._path:
            self._part.replace(self._path)


def is_special(name: str) -> bool:
    """Whether there is something by that name that is no regular file, and is not to be replaced.

    Raises:
      UsageError: it is a directory.
      OSError: nothing can be found out.
    """
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"{name}: is a directory")
    return path.exists() and not path.is_file()


@contextmanager
def new_file(name: str) -> Iterator[NewFile]:
    """A file to be written in the block. It is deleted at the end unless it was kept.

    Where `name` is a symbolic link, the file is replaced that it leads to.

    Raises:
      UsageError: it is a directory.
      ResourceError: it can't be written.
    """
    try:
        with opened_file(name) as file:
            yield file
    except OSError as error:
        raise ResourceError(f"{name}: {error.strerror or error}") from error


@contextmanager
def opened_file(name: str) -> Iterator[NewFile]:
    """The same with the errors of the file system.

    Raises:
      UsageError: it is a directory.
      OSError: it can't be written.
    """
    path = Path(name)
    if is_special(name):
        with path.open("wb", buffering=0) as file:
            yield NewFile(file.fileno(), path, path)
        return
    path = Path(os.path.realpath(path))
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb", buffering=0) as file:
            yield NewFile(file.fileno(), part, path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
