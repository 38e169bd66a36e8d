"""Storing the records of an import or a copy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, Final, TypeVar, TypeVarTuple, Unpack

import trio

from .._errors import ResourceError
from .._records import FeedState, StoredEntry
from .._store import Store
from .._threads import in_thread
from .jsonl import Record, line_of, record_of

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_IN_MEMORY: Final = 4 * 2**20
_BATCH: Final = 500
_BATCH_TEXT: Final = 4 * 2**20


@dataclass(slots=True)
class Transferred:
    """How many records were read, and how many of them were written."""

    entries: int = 0
    feeds: int = 0
    entries_written: int = 0
    feeds_written: int = 0
    bad_lines: int = 0
    """Lines that could not be read."""

    def __str__(self) -> str:
        return _counted(self.entries, self.feeds)

    @property
    def written(self) -> str:
        """``1 entry and 2 feeds``: what was written. `str` gives what was read."""
        return _counted(self.entries_written, self.feeds_written)


def _counted(entries: int, feeds: int) -> str:
    return f"{entries:,} {'entry' if entries == 1 else 'entries'} and {feeds:,} feed{'s' * (feeds != 1)}"


class Restoring:
    """Takes records in any order and stores them: entries as they come, feeds when all entries are stored.

    The state of a feed has the validators of its last document. If a copy broke off between the state and
    the entries, the next fetch would end with "not modified", and the missing entries would never come. So
    feeds wait in a temporary file.
    """

    def __init__(self, store: Store, counts: Transferred, waiting: IO[bytes]) -> None:
        self._store, self._counts, self._waiting = store, counts, waiting
        self._limiter = trio.CapacityLimiter(1)
        self._entries: list[StoredEntry] = []
        self._text = 0
        self._feeds: list[FeedState] = []

    async def add(self, record: Record) -> None:
        """Take a record, and store those that have been taken when there are enough of them.

        Raises:
          StoreError: the store has failed.
          ResourceError: the temporary file can't be written or read.

        Cancellation: as `Store.restore_entries`; records that were taken and not stored are lost.
        """
        if isinstance(record, FeedState):
            self._counts.feeds += 1
            self._feeds.append(record)
        else:
            self._counts.entries += 1
            self._entries.append(record)
            self._text += len(record.entry.content or "") + len(record.entry.summary or "")
        if len(self._entries) >= _BATCH or self._text > _BATCH_TEXT:
            await self._store_entries()
        if len(self._feeds) >= _BATCH:
            await self._keep_feeds()

    async def finish(self, *, whole: bool = True) -> None:
        """Store the rest of the entries, and then the feeds. Errors and cancellation are as in `add`.

        Args:
          whole: whether all entries were read. If some may be missing, feeds are stored without validators
            and due now, so that the next run fetches them whole.
        """
        await self._store_entries()
        await self._keep_feeds()
        await self._with_the_file(self._waiting.seek, 0)
        while feeds := await self._with_the_file(self._some):
            states = feeds if whole else [_never_fetched(state) for state in feeds]
            self._counts.feeds_written += await self._store.restore_feeds(states)

    async def _store_entries(self) -> None:
        entries, self._entries, self._text = self._entries, [], 0
        self._counts.entries_written += await self._store.restore_entries(entries)

    async def _keep_feeds(self) -> None:
        feeds, self._feeds = self._feeds, []
        await self._with_the_file(self._waiting.write, "".join(map(line_of, feeds)).encode())

    async def _with_the_file(self, call: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
        try:
            return await in_thread(call, *args, limiter=self._limiter)
        except OSError as error:
            raise ResourceError(f"temporary file: {error.strerror or error}") from error

    def _some(self) -> Sequence[FeedState]:
        lines = [line for _ in range(_BATCH) if (line := self._waiting.readline())]
        return [state for line in lines if isinstance(state := record_of(line), FeedState)]


def _never_fetched(state: FeedState) -> FeedState:
    return replace(
        state,
        etag=None,
        last_modified=None,
        validators_url=None,
        body_hash=None,
        next_fetch=None,
        next_unconditional=None,
    )


@contextmanager
def restoring(store: Store, counts: Transferred) -> Iterator[Restoring]:
    """Store records in `store` and count them in `counts`. No feed is stored before `Restoring.finish`."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as waiting:
        yield Restoring(store, counts, waiting)
