"""The archive that a scrape writes to. It writes in a thread, the records of several feeds at once."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import trio

from .._errors import ResourceError
from .._threads import off_loop
from .exchange import Exchange, KeptFetch, KeptPoll, ids
from .writer import WarcWriter

TOGETHER: Final = 0.2
"""Seconds from one write to the next: a call in a thread takes as much CPU time as writing two feeds."""
MOST_BYTES: Final = 8 * 2**20
"""Bytes of bodies that may wait to be written; beyond that, they are written at once."""
MOST_RECORDS: Final = 1000
"""Exchanges and polls that may wait to be written."""


class Archive:
    """Keeps what servers send in a folder of WARC files.

    Args:
      folder: of the archive.
      writer: an open `WarcWriter` for it.
    """

    def __init__(self, folder: Path, writer: WarcWriter) -> None:
        self._folder, self._writer = folder, writer
        self._limiter = trio.CapacityLimiter(1)
        self._ids = ids()
        self._waiting = deque[Exchange | KeptPoll]()
        self._some = trio.Event()
        """Set when something has been added since the last write began."""
        self._bytes = 0
        """Size of the bodies that wait to be written."""
        self._last = -math.inf
        """When the last write began, by trio's clock."""
        self._writing = trio.Lock()

    async def add_fetch(self, fetch: KeptFetch) -> None:
        """Write the exchanges of a fetch: now, or with those that come within `TOGETHER` of the last write.

        Raises:
          ResourceError: the disk is full, or fails.

        Cancellation: a write that has begun is finished; otherwise the next write has them.
        """
        if fetch.exchanges:
            for exchange in fetch.exchanges:
                exchange.id = next(self._ids)
            self._waiting.extend(fetch.exchanges)
            self._some.set()
            self._bytes += sum(len(part) for exchange in fetch.exchanges for part in exchange.body)
            await self._write_if_due()

    async def add_poll(self, poll: KeptPoll) -> None:
        """Write a poll, in the same way. Not cancellable: the poll has ended, and its result is known.

        Raises:
          ResourceError: the disk is full, or fails.
        """
        self.note_poll(poll)
        with trio.CancelScope(shield=True):
            await self._write_if_due()

    def note_poll(self, poll: KeptPoll) -> None:
        """Add a poll to the next write without waiting for it, because the feed has been cancelled."""
        self._waiting.append(poll)
        self._some.set()

    async def keep_writing(self) -> None:
        """Write what waits although nothing more comes, `TOGETHER` after the last write; until cancelled.

        Raises:
          ResourceError: the disk is full, or fails.
        """
        while True:
            await self._some.wait()
            await trio.sleep_until(self._last + TOGETHER)
            await self._write_waiting()

    async def finish(self) -> None:
        """Write everything that waits, and close the files. Not cancellable.

        Raises:
          ResourceError: the disk is full, or fails. It says how many polls are lost.
        """
        try:
            with trio.CancelScope(shield=True):
                await self._in_thread(self._finish)
        except ResourceError as error:
            if lost := sum(isinstance(item, KeptPoll) for item in self._waiting):
                polls = "the last poll is" if lost == 1 else f"the last {lost:,} polls are"
                raise ResourceError(f"{error}; {polls} not in it") from error
            raise

    async def _write_if_due(self) -> None:
        """Write what waits, unless it is little and the last write began less than `TOGETHER` ago."""
        is_much = self._bytes >= MOST_BYTES or len(self._waiting) >= MOST_RECORDS
        if not is_much and trio.current_time() < self._last + TOGETHER:
            return
        await self._write_waiting()

    async def _write_waiting(self) -> None:
        async with self._writing:
            self._some = trio.Event()
            if self._waiting:
                bytes_before, self._bytes, self._last = self._bytes, 0, trio.current_time()
                try:
                    await self._in_thread(self._write)
                except ResourceError:
                    self._bytes += bytes_before
                    raise

    def _finish(self) -> None:
        try:
            self._write()
        finally:
            self._writer.close()

    def _write(self) -> None:
        """Write what waits, or leave it waiting; in a thread, while the event loop may add more."""
        some = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            self._writer.write(some)
        except OSError:
            self._waiting.extendleft(reversed(some))
            raise
        for item in some:
            if isinstance(item, Exchange):
                item.body.clear()

    async def _in_thread(self, call: Callable[[], None]) -> None:
        with _naming(self._folder):
            await off_loop(call, limiter=self._limiter)

    @property
    def remark(self) -> str:
        """How much has been written so far, as a sentence for people."""
        writer = self._writer
        answers = f"{writer.answers:,} answer{'' if writer.answers == 1 else 's'}"
        again = f", {writer.revisits:,} of them without a new body" if writer.revisits else ""
        return f"kept {answers}{again}: {writer.written / 1e6:,.1f} MB in {self._folder}"


@asynccontextmanager
async def open_archive(path: str) -> AsyncIterator[Archive]:
    """Open the archive in the folder at `path` for writing; the folder is created if it does not exist.

    Raises:
      ResourceError: it can't be written to, or another process is writing to it.

    Cancellation: what waits is written first.
    """
    folder = Path(path)
    with _naming(folder):
        writer = await off_loop(WarcWriter, folder, limiter=trio.CapacityLimiter(1))
    archive = Archive(folder, writer)
    try:
        yield archive
    finally:
        await archive.finish()  # noqa: ASYNC102 - is shielded inside


@contextmanager
def _naming(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResourceError(f"can't write to the archive {folder}: {error.strerror or error}") from error
