"""The feed list of a watch: read again when its file changes, and on SIGHUP."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Final

import trio

from .._errors import UsageError
from .._records import Feed
from .._threads import NoThread, in_thread
from .feed_list import open_feed_list
from .logs import LOGGER

LOOK: Final = 10.0
"""Seconds from one look at the file to the next."""


class ListCopy:
    """A list as it was at one moment, to be read once: then its file is closed.

    Raises:
      UsageError: see `open_feed_list`.
    """

    def __init__(self, path: str) -> None:
        self._stack = ExitStack()
        self._feeds = self._stack.enter_context(open_feed_list(path, copied=True))
        self.count = self._feeds.count
        """Lines or outlines with a feed."""
        self.closed = False

    def __iter__(self) -> Iterator[Feed]:
        try:
            yield from self._feeds
        finally:
            self.close()

    def close(self) -> None:
        """Close its file, if that is open yet."""
        self._stack.close()
        self.closed = True


class ListFile:
    """The file of a list, and what was read of it; close it at the end.

    Args:
      path: as `open_feed_list` takes it.

    Raises:
      UsageError: see `open_feed_list`.
    """

    def __init__(self, path: str) -> None:
        self._path, self._limiter = path, trio.CapacityLimiter(1)
        self._copies = list[ListCopy]()
        self._changed = trio.Event()
        self._seen = self._mark()
        self.feeds = self._read()

    def hang_up(self) -> None:
        """Read the list again at once, changed or not: SIGHUP."""
        self._seen = None
        self._changed.set()

    async def follow(self, reload: Callable[[ListCopy], None]) -> None:
        """Pass on each new list until cancelled. One that can't be read is logged, and the old one stays.

        A file that has changed is read when it is the same at two looks: it may still be written.
        """
        before = self._seen
        while True:
            with trio.move_on_after(LOOK):
                await self._changed.wait()
            self._changed = trio.Event()
            mark, seen = None, self._seen
            with suppress(NoThread):  # it is looked at again later
                mark = await in_thread(self._mark, limiter=self._limiter)
            is_written, before = seen is not None and mark != before, mark
            if mark is None or mark == self._seen or is_written:
                continue
            self._seen = mark
            try:
                self.feeds = await in_thread(self._read, limiter=self._limiter)
            except UsageError as error:
                LOGGER.error("the list was not read again: %s", error)
            except NoThread as error:
                self._seen = seen
                LOGGER.error("the list was not read again: %s", error)
            else:
                LOGGER.info("the list has changed: %d lines", self.feeds.count)
                reload(self.feeds)

    def _mark(self) -> tuple[int, int, int] | None:
        """What changes with the file; None: there is no file, or none that can be read twice."""
        with suppress(OSError, ValueError):
            found = os.stat(self._path)
            return found.st_mtime_ns, found.st_size, found.st_ino
        return None

    def _read(self) -> ListCopy:
        copy = ListCopy(self._path)
        self._copies = [*(each for each in self._copies if not each.closed), copy]
        return copy

    def close(self) -> None:
        """Close all files."""
        for copy in self._copies:
            copy.close()
