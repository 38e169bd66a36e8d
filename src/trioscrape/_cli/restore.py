"""Records on their way into a store."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, Final, TypeVar, TypeVarTuple, Unpack

import trio

from .._errors import TrioscrapeError
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
class Moved:
    """How many records have come by, and how many of them a store did not have as they are."""

    entries: int = 0
    feeds: int = 0
    entries_written: int = 0
    feeds_written: int = 0

    def __str__(self) -> str:
        return _counted(self.entries, self.feeds)

    @property
    def written(self) -> str:
        """``1 entry and 2 feeds``, as ``str`` of it says what came by."""
        return _counted(self.entries_written, self.feeds_written)


def _counted(entries: int, feeds: int) -> str:
    return f"{entries:,} {'entry' if entries == 1 else 'entries'} and {feeds:,} feed{'s' * (feeds != 1)}"


class Restoring:
    """Takes records in any order and stores them: entries as they come, feeds when all entries are there.

    A feed's state says what has been seen of the feed. In a store that lacks some of its entries, where
    a copy broke off, the next run would be told "not modified" and never see them. So feeds wait in a
    temporary file.
    """

    def __init__(self, store: Store, moved: Moved, waiting: IO[bytes]) -> None:
        self._store, self._moved, self._waiting = store, moved, waiting
        self._limiter = trio.CapacityLimiter(1)
        self._entries: list[StoredEntry] = []
        self._text = 0
        self._feeds: list[FeedState] = []

    async def add(self, record: Record) -> None:
        """Take a record; now and then store what has gathered.

        Raises:
          StoreError: the store is gone.
          TrioscrapeError: there is no room for the feeds that wait, or no thread to write them.

        Cancellation: see `Store.restore_entries`. What has gathered is not stored then.
        """
        if isinstance(record, FeedState):
            self._moved.feeds += 1
            self._feeds.append(record)
        else:
            self._moved.entries += 1
            self._entries.append(record)
            self._text += len(record.entry.content or "") + len(record.entry.summary or "")
        if len(self._entries) >= _BATCH or self._text > _BATCH_TEXT:
            await self._store_entries()
        if len(self._feeds) >= _BATCH:
            await self._keep_feeds()

    async def finish(self, *, whole: bool = True) -> None:
        """Store the rest, and then the feeds. Raises and is cancelled like `add`.

        Args:
          whole: whether all entries are there. If some may be missing, feeds lose what would keep the next
            run from fetching them again.
        """
        await self._store_entries()
        await self._keep_feeds()
        await self._with_the_file(self._waiting.seek, 0)
        while feeds := await self._with_the_file(self._some):
            states = feeds if whole else [_never_fetched(state) for state in feeds]
            self._moved.feeds_written += await self._store.restore_feeds(states)

    async def _store_entries(self) -> None:
        entries, self._entries, self._text = self._entries, [], 0
        self._moved.entries_written += await self._store.restore_entries(entries)

    async def _keep_feeds(self) -> None:
        feeds, self._feeds = self._feeds, []
        await self._with_the_file(self._waiting.write, "".join(map(line_of, feeds)).encode())

    async def _with_the_file(self, call: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
        try:
            return await in_thread(call, *args, limiter=self._limiter)
        except OSError as error:
            raise TrioscrapeError(f"the temporary file: {error.strerror or error}") from error

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
def restoring(store: Store, moved: Moved) -> Iterator[Restoring]:
    """A way into `store`, counted in `moved`. Until `Restoring.finish`, no feed is stored."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as waiting:
        yield Restoring(store, moved, waiting)
