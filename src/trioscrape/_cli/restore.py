"""Storing the records of an import or a copy."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import IO, Final, TypeVar, TypeVarTuple, Unpack

import trio

from .._errors import ResourceError, StoreError, StoreRejected
from .._hosts.retry_after import utc_now
from .._parse.restored import safe_entry, safe_state
from .._records import FeedHistory, FeedState, StoredEntry
from .._schedule.belief import LONGEST_IF_GONE, believed, believed_entry, believed_history
from .._store import Store
from .._threads import NoThread, in_thread
from .jsonl import Record, line_of, record_of

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
R = TypeVar("R", FeedState, StoredEntry, FeedHistory)

_IN_MEMORY: Final = 4 * 2**20
_BATCH: Final = 500
_BATCH_TEXT: Final = 4 * 2**20
SHOWN: Final = 20
"""Rejected records that are shown. The others are counted."""
REJECTED: Final = 100
"""Records that are rejected before the first one is written, after which the store counts as failed."""


@dataclass(slots=True)
class Transferred:
    """How many records were read, and how many of them were written."""

    entries: int = 0
    feeds: int = 0
    entries_written: int = 0
    feeds_written: int = 0
    bad_lines: int = 0
    """Lines that could not be read."""
    rejected: int = 0
    """Records that the store did not accept."""
    rejected_examples: list[str] = field(default_factory=list)
    """The first of them, and why."""

    @property
    def complete(self) -> bool:
        """Whether nothing was left out."""
        return not (self.bad_lines or self.rejected)

    def __str__(self) -> str:
        return _counted(self.entries, self.feeds)

    @property
    def written(self) -> str:
        """``1 entry and 2 feeds``: what was written. `str` gives what was read."""
        return _counted(self.entries_written, self.feeds_written)


def _counted(entries: int, feeds: int) -> str:
    return f"{entries:,} {'entry' if entries == 1 else 'entries'} and {feeds:,} feed{'s' * (feeds != 1)}"


def checked(record: R) -> R:
    """A record of a stranger, as it could have come from a feed: safe texts and links, believable moments."""
    now = utc_now()
    if isinstance(record, FeedState):
        return believed(safe_state(record), now, LONGEST_IF_GONE)  # an interval of a month is kept
    if isinstance(record, FeedHistory):
        return believed_history(record, now)
    return believed_entry(replace(record, entry=safe_entry(record.entry)), now)


class Restoring:
    """Takes records in any order and stores them: entries as they come, feeds when all entries are stored.

    Unless they are trusted, all are `checked` first, in a thread: the sanitiser takes its time.

    The state of a feed has the validators of its last document. If a copy broke off between the state and
    the entries, the next fetch would end with "not modified", and the missing entries would never come. So
    feeds wait in a temporary file. A feed of which the store has rejected an entry is stored without them.
    """

    def __init__(self, store: Store, counts: Transferred, waiting: IO[bytes], *, trusted: bool) -> None:
        self._store, self._counts, self._waiting, self._trusted = store, counts, waiting, trusted
        self._limiter = trio.CapacityLimiter(1)
        self._entries: list[StoredEntry] = []
        self._text = 0
        self._feeds: list[FeedState] = []
        self._histories: list[FeedHistory] = []
        self._incomplete: set[str] = set()
        """Feeds of which an entry was rejected."""
        self._accepts = False
        """Whether the store has accepted anything."""

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
        elif isinstance(record, FeedHistory):
            self._histories.append(record)
        else:
            self._counts.entries += 1
            self._entries.append(record)
            self._text += len(record.entry.content or "") + len(record.entry.summary or "")
        if len(self._entries) >= _BATCH or self._text > _BATCH_TEXT:
            await self._store_entries()
        if len(self._feeds) >= _BATCH:
            await self._keep_feeds()
        if len(self._histories) >= _BATCH:
            await self._store_histories()

    async def finish(self, *, whole: bool = True) -> None:
        """Store the rest of the entries, and then the feeds. Errors and cancellation are as in `add`.

        Args:
          whole: whether all entries were read. If some may be missing, feeds are stored without validators
            and due now, so that the next run fetches them whole.
        """
        await self._store_entries()
        await self._store_histories()
        await self._keep_feeds()
        await self._with_the_file(self._waiting.seek, 0)
        while feeds := await self._with_the_file(self._some):
            states = [
                state if whole and state.feed_id not in self._incomplete else _never_fetched(state)
                for state in feeds
            ]
            self._counts.feeds_written += await self._stored(self._store.restore_feeds, states)

    async def _store_entries(self) -> None:
        entries, self._entries, self._text = self._entries, [], 0
        entries = await self._checked(entries)
        self._counts.entries_written += await self._stored(self._store.restore_entries, entries)

    async def _store_histories(self) -> None:
        histories, self._histories = self._histories, []
        await self._stored(self._store.restore_history, await self._checked(histories))

    async def _keep_feeds(self) -> None:
        feeds, self._feeds = self._feeds, []
        lines = "".join(map(line_of, await self._checked(feeds)))
        await self._with_the_file(self._waiting.write, lines.encode())

    async def _checked(self, records: list[R]) -> list[R]:
        if self._trusted or not records:
            return records
        try:
            # It can be left: it changes nothing, and nobody knows how long hostile HTML can make it take.
            return await in_thread(
                lambda: list(map(checked, records)), limiter=self._limiter, abandon_on_cancel=True
            )
        except NoThread as error:
            raise ResourceError(f"no thread to check records in: {error.strerror}") from error

    async def _stored(self, restore: Callable[[Sequence[R]], Awaitable[int]], records: Sequence[R]) -> int:
        """How many were written; those that the store rejects are found by halves, and noted."""
        try:
            written = await restore(records)
        except StoreRejected as error:
            if len(records) == 1:
                self._note_rejected(records[0], error)
                return 0
        else:
            self._accepts = self._accepts or bool(records)
            return written
        middle = len(records) // 2
        first = await self._stored(restore, records[:middle])
        return first + await self._stored(restore, records[middle:])

    def _note_rejected(self, record: Record, error: StoreRejected) -> None:
        counts = self._counts
        counts.rejected += 1
        if isinstance(record, StoredEntry):
            self._incomplete.add(record.feed_id)
            name = f"entry {record.entry.key[:200]!r} of feed {record.feed_id}"
        else:
            kind = "feed" if isinstance(record, FeedState) else "history of feed"
            name = f"{kind} {record.feed_id}"
        if counts.rejected <= SHOWN:
            counts.rejected_examples.append(f"{name}: {error}")
        if counts.rejected >= REJECTED and not self._accepts:
            raise StoreError(f"{error}; all of the first {REJECTED} records were rejected") from error

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
def restoring(store: Store, counts: Transferred, *, trusted: bool = False) -> Iterator[Restoring]:
    """Store records in `store` and count them in `counts`. No feed is stored before `Restoring.finish`.

    Args:
      store: open.
      counts: of what is read and written.
      trusted: whether records are stored as they are.
    """
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as waiting:
        yield Restoring(store, counts, waiting, trusted=trusted)
