"""The embedded store: one SQLite file, no server."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, TypeVar, TypeVarTuple, Unpack

from ..._errors import StoreError, StoreRejected, UsageError
from ..._records import (
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
from ..batches import CALLERS, MergedSaves
from ..pages import Paged, Wanted
from ..records import IS_FOREIGN, SCHEMA_VERSION, cannot_be_read, is_newer
from ..threads import Threads
from .errors import code_of, kind_of
from .file import Watched, connect, directory_problem, enable_wal, why_inaccessible
from .forget import count_entries, forget
from .history import add_polls, read_history, restore_history
from .lease import acquire_lease, release_lease
from .migrations import migrate, version_of
from .read import feeds_at, last_run, page_of_entries, page_of_feeds, restore_entries, restore_feeds
from .reader import FileReader
from .save import load, save_all, transaction
from .schema import REPLACE_RUN, TABLE_NAMES, run_row

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

SCHEME: Final = "sqlite:"

RELEASE_TIMEOUT: Final = 1.0
"""Seconds that releasing a lease waits for the locks of others."""


def sqlite_path(url: str) -> str:
    """The path of a ``sqlite:PATH`` URL.

    ``sqlite:///PATH`` is the same, as SQLAlchemy has it: relative after three slashes, absolute after four.

    Raises:
      UsageError: there is no path, or one that no file can have, or it would be in memory.
    """
    path = url.removeprefix(SCHEME).removeprefix("///" if url.startswith(f"{SCHEME}///") else "")
    if path in {":memory:", "//"} or "mode=memory" in path:
        raise UsageError(f"{url} would lose everything when the program ends; give the path of a file")
    if not path:
        raise UsageError(f"the store URL {url!r} has no path; it must be sqlite:PATH")
    if path.startswith("//") and not path.startswith("///"):
        raise UsageError(f"invalid store URL {url}: after two slashes comes no path; write sqlite:{path[2:]}")
    if "\0" in path:
        raise UsageError("the path in the store URL has a NUL character")
    return os.path.expanduser(path)  # shells only do that at the beginning of a word


class SqliteStore(Paged):
    """Keeps everything in one SQLite file in WAL mode: readers never wait for the scrape.

    A feed is stored as a whole or not at all. There is one writer at a time, and a commit waits for
    the disk, so all saves that wait are one transaction. What has been acknowledged survives a kill of the
    process and, with ``synchronous=FULL``, a loss of power.
    """

    def __init__(self, url: str, *, connect_timeout: float, timeout: float) -> None:
        self._url = url
        self._path = sqlite_path(url)
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._threads = Threads(1)
        self._saves = MergedSaves(self._threads, self._save_all)
        self._connection: sqlite3.Connection | None = None
        self._watched: Watched | None = None
        self._reader: FileReader | None = None

    def __repr__(self) -> str:
        return f"<SqliteStore {self.redacted_url}>"

    @property
    def width(self) -> int:
        """As many saves as one write may merge; they share one thread and one connection."""
        return CALLERS

    @property
    def writers(self) -> Writers:
        """See `Store.writers`."""
        return self._saves.writers

    @property
    def redacted_url(self) -> str:
        """See `Store.redacted_url`."""
        return self._url

    async def connect(self) -> None:
        """Open the file, or create it, and migrate it if it has an older schema version.

        Raises:
          StoreError: it can't be opened or written, is no store, or has a newer schema version.
        """
        await self._threads.run(self._connect)

    async def connect_to_read(self) -> None:
        """Open the file for reading only.

        Raises:
          StoreError: there is no such file, it is no store, or it has another schema version.
        """
        await self._threads.run(self._connect_to_read)

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        """See `Store.load`."""
        return await self._threads.run(self._read, load, feed_ids)

    async def save(self, update: FeedUpdate) -> EntryCounts:
        """See `Store.save`."""
        return await self._saves.save(update)

    async def add_polls(self, polled: Sequence[tuple[str, Poll]]) -> None:
        """See `Store.add_polls`."""
        await self._threads.run(self._written, add_polls, polled)

    async def record_run(self, report: Report) -> None:
        """See `Store.record_run`."""
        await self._threads.run(self._record_run, report)

    async def last_run(self) -> datetime | None:
        """See `Reader.last_run`."""
        return await self._threads.run(self._read, last_run)

    async def restore_entries(self, entries: Sequence[StoredEntry]) -> int:
        """See `Store.restore_entries`."""
        return await self._threads.run(self._written, restore_entries, entries)

    async def restore_feeds(self, states: Sequence[FeedState]) -> int:
        """See `Store.restore_feeds`."""
        return await self._threads.run(self._written, restore_feeds, states)

    async def read_history(self, feed_ids: Sequence[str], *, polls: bool = True) -> dict[str, FeedHistory]:
        """See `Reader.read_history`."""
        return await self._threads.run(self._read, read_history, feed_ids, () if polls else ("recent",))

    async def restore_history(self, histories: Sequence[FeedHistory]) -> int:
        """See `Store.restore_history`."""
        return await self._threads.run(self._written, restore_history, histories)

    async def count_entries(self, feed_ids: Sequence[str]) -> int:
        """See `Reader.count_entries`."""
        return await self._threads.run(self._read, count_entries, feed_ids)

    async def forget(self, feed_ids: Sequence[str]) -> int:
        """See `Store.forget`."""
        return await self._threads.run(self._written, forget, feed_ids)

    async def acquire_lease(self, lease: Lease, expiry: float) -> Lease | None:
        """See `Store.acquire_lease`."""
        return await self._threads.run(self._written, acquire_lease, lease, expiry)

    async def release_lease(self, lease: Lease) -> None:
        """See `Store.release_lease`. Waits a second at most for the locks of others."""
        await self._threads.run(self._release_lease, lease)

    async def _page_of_entries(
        self, wanted: Wanted, after: StoredEntry | None, count: int
    ) -> Sequence[StoredEntry]:
        return await self._threads.run(self._read, page_of_entries, wanted, after, count)

    async def _feeds_at(self, urls: Sequence[str]) -> Sequence[str]:
        return await self._threads.run(self._read, feeds_at, urls)

    async def _page_of_feeds(self, after: FeedState | None, count: int) -> Sequence[FeedState]:
        return await self._threads.run(self._read, page_of_feeds, after, count)

    async def aclose(self) -> None:
        """See `Store.aclose`. The last connection to be closed moves the write-ahead log into the file."""
        await self._threads.close(self._close)

    def _connect(self) -> None:
        with self._translated():
            self._connection = connect(self._path, self._connect_timeout)
            self._check_owner(self._connection)
            enable_wal(self._connection, self._connect_timeout)
            # With NORMAL a loss of power would lose the last commits, although their results have said
            # "stored"; a kill of the process loses nothing either way.
            self._connection.execute("PRAGMA synchronous = FULL")
            if version_of(self._connection) < SCHEMA_VERSION:
                with transaction(self._connection):
                    migrate(self._connection)
            self._connection.execute(f"PRAGMA busy_timeout = {int(self._timeout * 1000)}")
            self._watched = Watched(self._path)

    def _connect_to_read(self) -> None:
        if not os.access(self._path, os.F_OK):  # other than `Path.exists`, it raises nothing
            missing = directory_problem(self._path) or "there is no such file"
            raise StoreError(f"{self.redacted_url}: {missing}")
        with self._translated():
            self._reader = FileReader(self._path, self._timeout)
            self._reader.read(self._check_owner)
            version = self._reader.read(version_of)
        if problem := cannot_be_read(version):
            raise StoreError(f"{self.redacted_url} {problem}")

    def _check_owner(self, db: sqlite3.Connection) -> None:
        """Raise `StoreError` before anything is changed in a file of another program or version."""
        # In one transaction: another process may be creating the tables just now.
        db.execute("BEGIN")
        version = version_of(db)
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        db.execute("COMMIT")
        if version < 0:
            raise StoreError(
                f"{self.redacted_url} has no valid schema version: its user_version is {version}"
            )
        if names and (not version or names.isdisjoint(TABLE_NAMES)):
            raise StoreError(f"{self.redacted_url} {IS_FOREIGN}")
        if version > SCHEMA_VERSION:
            raise StoreError(f"{self.redacted_url} {is_newer(version)}")
        if version and not names:
            raise StoreError(f"{self.redacted_url} has a schema version, {version}, but no tables")

    def _save_all(self, updates: Sequence[FeedUpdate]) -> list[EntryCounts | Exception]:
        with self._open() as db:
            outcomes = save_all(db, updates)
            self._check_that_it_is_there()
        return [self._error(each, writes=True) if isinstance(each, Exception) else each for each in outcomes]

    def _record_run(self, report: Report) -> None:
        with self._open(writes=True) as db, transaction(db):
            db.execute(REPLACE_RUN, run_row(report))

    def _read(self, read: Callable[[sqlite3.Connection, Unpack[Ts]], T], *args: *Ts) -> T:
        if self._reader is not None:
            with self._translated():
                return self._reader.read(read, *args)
        with self._open() as db:
            return read(db, *args)

    def _written(self, write: Callable[[sqlite3.Connection, Unpack[Ts]], T], *args: *Ts) -> T:
        with self._open(writes=True) as db, transaction(db):
            return write(db, *args)

    def _release_lease(self, lease: Lease) -> None:
        # A run may end because the file is locked, and need not wait for that once more.
        with self._open() as db, self._waiting(db, min(self._timeout, RELEASE_TIMEOUT)), transaction(db):
            release_lease(db, lease)

    @contextmanager
    def _waiting(self, db: sqlite3.Connection, seconds: float) -> Iterator[None]:
        db.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        try:
            yield
        finally:
            db.execute(f"PRAGMA busy_timeout = {int(self._timeout * 1000)}")

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        reader, self._reader = self._reader, None
        for opened in connection, reader:
            if opened is not None:
                opened.close()

    @contextmanager
    def _open(self, *, writes: bool = False) -> Iterator[sqlite3.Connection]:
        """The connection; where the block `writes` records, they may be rejected."""
        if self._connection is None:
            state = "closed" if self._reader is None else "open for reading only"
            raise StoreError(f"{self.redacted_url} is {state}")
        with self._translated(writes=writes):
            yield self._connection
            if writes:
                self._check_that_it_is_there()

    def _check_that_it_is_there(self) -> None:
        """Raise `StoreError` if what has just been committed can't be found at the path of the file."""
        if self._watched is not None and (problem := self._watched.problem()):
            raise StoreError(f"{self.redacted_url}: {problem}; what was written since then is not there")

    @contextmanager
    def _translated(self, *, writes: bool = False) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._error(error, writes=writes) from error

    def _error(self, error: Exception, *, writes: bool) -> StoreError:
        kind = kind_of(error)
        if kind is StoreRejected and not writes:
            kind = StoreError
        raised = kind(f"{self.redacted_url}: {' '.join(self._in_words(error).split())[:300]}")
        raised.__cause__ = error
        return raised

    def _in_words(self, error: Exception) -> str:
        code = code_of(error)
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return f"another process is writing to it: {error}"
        if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
            return why_inaccessible(self._path) or str(error)
        return getattr(error, "strerror", None) or str(error)
