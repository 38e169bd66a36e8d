"""What a store is.

To add one to trioscrape, copy ``testing/_memory_store.py``, which keeps everything in dictionaries, to a
file in this folder, and replace the dictionaries by calls of a database. Add a line to ``STORES`` in
``tests/support/stores.py``: then ``tests/store/test_contract_*.py`` check that it keeps the promises made
here. `open_store` needs to know the scheme of its URLs, see ``open``.

A store of your own needs none of that: any object with these methods can be the ``store`` of a scrape.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from .._records import (
    EntryCounts,
    FeedHistory,
    FeedState,
    FeedUpdate,
    Lease,
    Poll,
    Report,
    StoredEntry,
    Writers,
)


class Reader(Protocol):
    """A store to read from, which `open_reader` opens and closes.

    Records are read a page at a time, in a thread of the store, and nothing stays open between two
    pages. So millions of records need the memory of one page, an iteration may be left at any point, and
    writers never wait for a reader. When the store fails, the iteration raises `StoreError`.

    Cancellation: each record is a checkpoint. A page that is being read is finished first, which takes
    no longer than the timeout of the store.
    """

    @property
    def redacted_url(self) -> str:
        """Its URL without credentials, for messages."""

    def read_entries(
        self,
        *,
        feed: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
        oldest_first: bool = False,
    ) -> AsyncIterator[StoredEntry]:
        """The stored entries, those that were stored or changed last first.

        Order and `since` go by `StoredEntry.last_changed`, which the store sets itself. The dates of feeds
        do not tell what is new: feeds give entries dates in the past and in the future.

        An entry that changes during the iteration becomes the latest one: with `oldest_first` it comes
        again, else the next iteration has it. Moments are taken shortly before a write is done, so to
        miss nothing let `since` be a minute before the latest entry that you have.

        Args:
          feed: the id of a feed, see `feed_id`, or its URL: that of the list, or the present one of a feed
            that has moved; None for all feeds.
          since: only entries that were stored or changed at this moment or later; it has a time zone.
          limit: how many entries at most.
          oldest_first: the latest come last, so that a program which follows the store misses none.

        Raises:
          UsageError: `since` has no time zone, `limit` is negative, or `feed` begins like a URL and is none.
          StoreError: during the iteration: the store has failed, or has a record that is not valid.
        """

    def read_feeds(self) -> AsyncIterator[FeedState]:
        """All feeds that were ever stored, in the order of their ids.

        Raises:
          StoreError: during the iteration: the store has failed, or has a record that is not valid.
        """

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        """The states of these feeds, by feed id. A feed that is not stored is missing.

        A feed whose record is not valid is missing too, and the next `save` of the feed replaces the
        record: other programs can write to a database as well.

        Raises:
          StoreError: the store has failed.
        """

    async def find_feed(self, url: str) -> FeedState | None:
        """The feed that has this URL in the list, or else one that has moved there; None: there is none.

        Raises:
          StoreError: the store has failed.
        """

    async def read_history(self, feed_ids: Sequence[str], *, polls: bool = True) -> dict[str, FeedHistory]:
        """What is remembered of the polls of these feeds, by feed id. Where nothing is, a feed is missing.

        Args:
          feed_ids: of the feeds; a few hundred at once at most.
          polls: whether to read the single polls too, and not only their totals.

        Raises:
          StoreError: the store has failed.
        """

    async def count_entries(self, feed_ids: Sequence[str]) -> int:
        """How many entries of these feeds are stored.

        Raises:
          StoreError: the store has failed.
        """

    async def last_run(self) -> datetime | None:
        """When the last run that is recorded ended; None: none is.

        Raises:
          StoreError: the store has failed.
        """

    async def aclose(self) -> None:
        """Close connections and threads. Closing twice does nothing."""


class Store(Reader, Protocol):
    """A store to write to, which `open_store` opens and closes.

    A scrape makes at most `width` calls at once, and one more now and then for its lease. A store that
    blocks runs them in worker threads with a limiter of its own, never with trio's default one, which
    lookups of other libraries may fill.

    Every method raises `StoreUnavailable` where the same call may succeed later, `StoreRejected` where it
    will not because of the values of a record, and `StoreError` where it will not because the store has
    failed. The text is one line, and has no password in it. A scrape repeats a call that was unavailable, so
    every call is idempotent.

    Cancellation: a method that has begun to write finishes the write and returns, so that the
    caller knows what is stored; this takes no longer than the timeout of the store.
    """

    @property
    def width(self) -> int:
        """How many calls it takes at once. A store that merges saves takes more than it has connections."""

    @property
    def writers(self) -> Writers | None:
        """The writes that it makes at this moment, if it merges saves into writes; None: it does not."""

    async def save(self, update: FeedUpdate) -> EntryCounts:
        """Store the entries, then the state; return when both are acknowledged, and the poll if there is one.

        An entry is identified by feed id and key. One that is stored with the same hash is not written
        again, and neither is a state that is stored as it is. The moments of an entry are those of the write,
        unless the update has one (`FeedUpdate.at`). A poll is added to the feed's history, see `FeedHistory`,
        unless that has one of the same moment. When the call fails, the state is not stored without the
        entries. When it fails with `StoreRejected`, none of the new entries is stored either.

        Two refinements: an entry whose hash has changed while its ``updated`` has not is written at most
        24 times in a row, and counts as unchanged from then on; and an entry that is stored under another
        key than the document's, because its publisher has begun to give ids or stopped, or has gone to
        https, gets the new key. Without them a store writes some entries needlessly, and has some twice.
        """

    async def add_polls(self, polled: Sequence[tuple[str, Poll]]) -> None:
        """Add polls to the histories of feeds, of which nothing else has changed; return when acknowledged.

        A poll that is there already is not added again, as with `save`. One that the store does not accept is
        left out.

        Args:
          polled: feed ids, each with a poll of the feed; some hundreds at most.
        """

    async def record_run(self, report: Report) -> None:
        """Store the totals and lane statistics of a run.

        A run is identified by `Report.run_id`. An earlier record of it is replaced: one by an attempt
        whose acknowledgement was lost, or one of an earlier report.
        """

    async def restore_entries(self, entries: Sequence[StoredEntry]) -> int:
        """Store entries of another store with their moments, and return how many were written.

        An entry that is stored here and has changed at the same time or later stays as it is.

        They are stored as they are: whoever takes entries from strangers has to make them safe first, as
        ``trioscrape import`` does.

        Raises:
          StoreRejected: for one of them at least. Of those that are new here none was written.
        """

    async def restore_feeds(self, states: Sequence[FeedState]) -> int:
        """Store feeds of another store, after all of their entries, and return how many were written.

        A feed that is stored here stays as it is: this store has fetched it since.

        Raises:
          StoreRejected: as `restore_entries`.
        """

    async def restore_history(self, histories: Sequence[FeedHistory]) -> int:
        """Store what another store remembers of polls, and return how many feeds were written.

        What is stored here of a feed stays as it is.
        """

    async def forget(self, feed_ids: Sequence[str]) -> int:
        """Delete these feeds and their entries, and return how many entries were deleted.

        A feed that is not stored is no error. When the call fails, a part may have been deleted; the same
        call deletes the rest, and a run that comes before it fetches those feeds whole.
        """

    async def acquire_lease(self, lease: Lease, expiry: float) -> Lease | None:
        """Let one run at a time use the store, or one for each share of a list: acquire `lease`, or renew it.

        One with the same `Lease.id` is renewed. Those of other runs are deleted that were acquired or
        renewed `expiry` seconds ago or longer, or will be in as many, which means that a clock was wrong
        once. Of the rest, none may be one that `lease` excludes, see `Lease.excludes`. All of this is atomic.

        A store that lets several runs write at once returns None each time.

        Returns:
          None: the store has `lease`, renewed just now. Else the lease of another run, and `lease` was not
          acquired.
        """

    async def release_lease(self, lease: Lease) -> None:
        """Delete the lease with that `Lease.id`, if the store has it."""
