"""What a store is. A new one is a file beside this one and a line in ``tests/test_contract_saving.py``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from .._records import EntryCounts, FeedState, FeedUpdate, Report, StoredEntry


class Reader(Protocol):
    """Where entries are. Open while it is in your hands; `open_reader` gives one and closes it.

    What is read comes in pages, each read in a thread of the store; nothing is held between two of
    them. So millions of records need the memory of a page, an iteration may be left at any point, and
    what is written meanwhile waits for no reader. A reader that is at it when the store fails for good
    gets a `StoreError`.

    Cancellation: at each record; a page that is being read is finished first, for at most the store's
    timeout.
    """

    @property
    def redacted_url(self) -> str:
        """Its URL without credentials, for people."""

    def read_entries(
        self,
        *,
        feed: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
        oldest_first: bool = False,
    ) -> AsyncIterator[StoredEntry]:
        """The stored entries in the order in which they came in or changed, the latest first.

        The order, like `since`, goes by `last_changed`, which the store sets itself. What feeds say of
        their dates is no help in telling what is new: they date back, and forward.

        An entry that changes while you read moves to the end that is the latest: with `oldest_first`
        it comes again, else the change is left to who reads next. Moments are taken a little before
        their write is done, so let `since` be a minute before the last time you read.

        Args:
          feed: the id of a feed, see `feed_id`; None for all.
          since: nothing that came in or changed before; aware.
          limit: how many at most.
          oldest_first: the earliest first: whoever follows a store misses nothing that way.

        Raises:
          UsageError: `since` has no time zone, or `limit` is negative.
        """

    def read_feeds(self) -> AsyncIterator[FeedState]:
        """All feeds that were ever stored, in the order of their ids.

        Raises:
          StoreError: at a record that is none of trioscrape's; the text names it.
        """

    async def aclose(self) -> None:
        """Give up connections and threads. Closing twice does nothing."""


class Store(Reader, Protocol):
    """Where entries go. Open while it is in your hands; `open_store` gives one and closes it.

    The store lane calls it from at most `width` tasks at once. A store that blocks does so in
    worker threads of a limiter of its own, never of trio's default one.

    Every method raises `StoreError` when the store is gone for good or refuses the work, and
    `StoreUnavailable` where another attempt may help, with a text that holds no password.

    Cancellation: a method that has begun to write finishes the write and returns, so that the
    caller knows what is stored; it is bounded by the store's own timeout.
    """

    @property
    def width(self) -> int:
        """How many calls it takes at once: more than it has connections where it merges those that wait."""

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        """What it remembers of these feeds, by feed id; unknown ones are missing.

        So is a feed whose record others have spoiled: a field is missing, or is nothing that it can be.
        Its next `save` makes the record whole.
        """

    async def save(self, update: FeedUpdate) -> EntryCounts:
        """Store the entries, then the state; return when both are acknowledged.

        Idempotent: an entry is one by feed id and key. An entry that is stored with the same hash
        is not written again, a state that is stored as it is neither. When the call fails, the
        state is never stored without the entries.

        An entry whose hash has changed while its ``updated`` has not is written 24 times in a row at
        most, and counts as unchanged then. Where more than half of a document is unknown and its
        keys are URLs, an entry that is stored under the same URL but for scheme or host gets its
        new key.
        """

    async def record_run(self, report: Report) -> None:
        """Store a run's totals and lane statistics, one document or row a run.

        Idempotent: a run is one by `Report.run_id`. Whatever was recorded of it before, by an attempt
        whose answer was lost or by an earlier report, is replaced.
        """

    async def restore_entries(self, entries: Sequence[StoredEntry]) -> int:
        """Store entries as another store had them, with their times; how many were written.

        One that is here already and has changed at the same time or later stays as it is.
        """

    async def restore_feeds(self, states: Sequence[FeedState]) -> int:
        """Store feeds as another store had them, after all of their entries; how many were written.

        One that is known stays as it is: this store has asked it since.
        """
