"""The store for MongoDB: blocking PyMongo in worker threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Final, TypeVar, TypeVarTuple, Unpack

import pymongo
import trio
from bson import ObjectId
from pymongo import MongoClient, ReadPreference
from pymongo.database import Database
from pymongo.errors import AutoReconnect, ExecutionTimeout, PyMongoError

from ..._errors import StoreError
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
from ..records import SCHEMA_VERSION, cannot_be_read, is_newer, run_record
from ..threads import Threads
from .client import make_client
from .documents import Document, journaled
from .errors import in_short, kind_of, retried
from .forget import count_entries, forget
from .history import add_polls, read_history, restore_history
from .lease import acquire_lease, release_lease
from .pools import Pools
from .read import feeds_at, last_run, load, page_of_entries, page_of_feeds, restore_entries, restore_feeds
from .save import save_all
from .schema import NotUsable, changes_since, finish_migration, migrate_some, prepare, schema_version
from .url import parse_mongo_url

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

FILL_TIMEOUT: Final = 3.0
"""Seconds for the pool to fill up at the start. pymongo's own thread refills it once a second."""
FILL_ROUNDS: Final = 10

CLOSE_TIMEOUT: Final = 1.0
"""Seconds that closing waits for a server which has stopped answering."""

PING_TIMEOUT: Final = 0.2
"""Seconds of one call that waits for a server to answer, and so the delay of a cancellation."""


class MongoStore(Paged):
    """Keeps feeds, entries and runs in three collections of the database that the URL names.

    Pool. pymongo looks up the name of the server for every new connection, in the thread
    that needs it, and none of its timeouts bounds the lookup. Where lookups are slow
    or queue behind a lock, a pool that grows while feeds are fetched makes writes wait for them. So the
    pool has exactly one connection for each thread, is filled before `connect` returns, and never shrinks:
    no call opens a connection later, or waits for one inside pymongo, where trio can't see it. Saves that
    wait for a thread are merged, so the store takes more calls at once than it has connections.

    Order. Entries are written before the state of their feed, and the write of the state waits for the
    journal: a server that is killed loses only the end of its journal, so no state is without its entries.

    The options of the URL override the defaults set here, but the pool is never wider than `width`.
    By default writes are acknowledged by a majority and retried by pymongo.

    Args:
      url: of the server and the database.
      width: threads and connections.
      connect_timeout: seconds for the server to answer.
      timeout: seconds for each call after that, once it has a thread.
    """

    def __init__(self, url: str, *, width: int, connect_timeout: float, timeout: float) -> None:
        self._url = parse_mongo_url(url)
        # maxPoolSize=0 means unlimited.
        self._connections = min(width, self._url.options.get("maxpoolsize") or width)
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._threads = Threads(self._connections)
        self._saves = MergedSaves(self._threads, self._save_all)
        self._client: MongoClient[Document] | None = None

    def __repr__(self) -> str:
        return f"<MongoStore {self.redacted_url}>"

    @property
    def width(self) -> int:
        """As many calls as the writes of its connections may merge."""
        return self._connections * CALLERS

    @property
    def writers(self) -> Writers:
        """See `Store.writers`."""
        return self._saves.writers

    @property
    def redacted_url(self) -> str:
        """See `Store.redacted_url`."""
        return self._url.redacted_url

    async def connect(self) -> None:
        """Wait for the server, create the indexes, migrate documents of an older version, fill the pool.

        Raises:
          StoreError: no answer within the connect timeout, no access, or a newer schema version.

        Cancellation: within a fifth of a second while no server has answered, else after the current step.
        """
        version = await self._connect(self._prepare)
        if version < SCHEMA_VERSION:
            await self._migrate(version)

    async def connect_to_read(self) -> None:
        """Wait for the server, check the schema version, fill the pool.

        Raises:
          StoreError: as `connect`, and when nothing is stored yet or the schema version is an older one.

        Cancellation: as `connect`.
        """
        await self._connect(self._check_that_it_can_be_read)

    async def _connect(self, prepare: Callable[[float], T]) -> T:
        deadline = trio.current_time() + self._connect_timeout
        pools = Pools(self._connections)
        await self._threads.run(self._make_client, pools)
        # pymongo's monitors try every ten seconds, but twice a second while a call waits for a server.
        while not pools.answered.is_set() and trio.current_time() < deadline:
            await self._threads.run(self._wait_a_moment_for_a_server)
        if not pools.answered.is_set():
            raise StoreError(
                f"{self.redacted_url} did not answer within {self._connect_timeout:g} s{self._why()}"
            )
        prepared = await self._threads.run(prepare, max(deadline - trio.current_time(), 0.1))
        await self._fill(pools)
        return prepared

    async def _migrate(self, version: int) -> None:
        for collection, changes in changes_since(version).items():
            first = await self._threads.run(self._call, migrate_some, collection, changes, None)
            while first is not None:
                first = await self._threads.run(self._call, migrate_some, collection, changes, first)
        await self._threads.run(self._call, finish_migration)

    async def _fill(self, pools: Pools) -> None:
        # Calls that come all at once find no idle connection and open one each; a few rounds of
        # them are quicker than pymongo's own refill, which is waited for if they were not enough.
        with trio.move_on_after(FILL_TIMEOUT):
            for _ in range(FILL_ROUNDS):
                async with trio.open_nursery() as nursery:
                    for _ in range(self._connections):
                        nursery.start_soon(self._threads.run, self._ping)
                if pools.full.is_set():
                    return
            await pools.full.wait()

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        """See `Store.load`."""
        return await self._threads.run(self._call, load, feed_ids)

    async def save(self, update: FeedUpdate) -> EntryCounts:
        """See `Store.save`."""
        return await self._saves.save(update)

    async def add_polls(self, polled: Sequence[tuple[str, Poll]]) -> None:
        """See `Store.add_polls`."""
        await self._threads.run(self._call, add_polls, polled)

    async def record_run(self, report: Report) -> None:
        """See `Store.record_run`."""
        await self._threads.run(self._record_run, report)

    async def last_run(self) -> datetime | None:
        """See `Reader.last_run`."""
        return await self._threads.run(self._call, last_run)

    async def restore_entries(self, entries: Sequence[StoredEntry]) -> int:
        """See `Store.restore_entries`."""
        return await self._threads.run(self._call, restore_entries, entries)

    async def restore_feeds(self, states: Sequence[FeedState]) -> int:
        """See `Store.restore_feeds`."""
        return await self._threads.run(self._call, restore_feeds, states)

    async def read_history(self, feed_ids: Sequence[str], *, polls: bool = True) -> dict[str, FeedHistory]:
        """See `Reader.read_history`."""
        return await self._threads.run(self._call, read_history, feed_ids, () if polls else ("recent",))

    async def restore_history(self, histories: Sequence[FeedHistory]) -> int:
        """See `Store.restore_history`."""
        return await self._threads.run(self._call, restore_history, histories)

    async def count_entries(self, feed_ids: Sequence[str]) -> int:
        """See `Reader.count_entries`."""
        return await self._threads.run(self._call, count_entries, feed_ids)

    async def forget(self, feed_ids: Sequence[str]) -> int:
        """See `Store.forget`."""
        return await self._threads.run(self._call, forget, feed_ids)

    async def acquire_lease(self, lease: Lease, expiry: float) -> Lease | None:
        """See `Store.acquire_lease`."""
        return await self._threads.run(self._call, acquire_lease, lease, expiry)

    async def release_lease(self, lease: Lease) -> None:
        """See `Store.release_lease`. Takes a second at most, like `aclose`."""
        await self._threads.run(self._release_lease, lease)

    async def _page_of_entries(
        self, wanted: Wanted, after: StoredEntry | None, count: int
    ) -> Sequence[StoredEntry]:
        return await self._threads.run(self._call, page_of_entries, wanted, after, count)

    async def _feeds_at(self, urls: Sequence[str]) -> Sequence[str]:
        return await self._threads.run(self._call, feeds_at, urls)

    async def _page_of_feeds(self, after: FeedState | None, count: int) -> Sequence[FeedState]:
        return await self._threads.run(self._call, page_of_feeds, after, count)

    async def aclose(self) -> None:
        """See `Store.aclose`. Takes a second at most, even if the server does not answer."""
        await self._threads.close(self._close)

    def _make_client(self, pools: Pools) -> None:
        with self._translated():
            self._client = make_client(self._url, pools, self._connections, self._connect_timeout)

    def _prepare(self, seconds: float) -> int:
        with self._translated(), pymongo.timeout(seconds):
            version = prepare(self._database())
        if version > SCHEMA_VERSION:
            raise StoreError(f"{self.redacted_url} {is_newer(version)}")
        return version

    def _check_that_it_can_be_read(self, seconds: float) -> None:
        with self._translated(), pymongo.timeout(seconds):
            version = schema_version(self._database())
        if problem := cannot_be_read(version):
            raise StoreError(f"{self.redacted_url} {problem}")

    def _wait_a_moment_for_a_server(self) -> None:
        """No answer is no error yet; everything else is."""
        with self._translated(), pymongo.timeout(PING_TIMEOUT), suppress(AutoReconnect, ExecutionTimeout):
            self._database().command("ping")

    def _ping(self) -> None:
        with suppress(PyMongoError), pymongo.timeout(FILL_TIMEOUT):
            self._database().command("ping")

    def _save_all(self, updates: Sequence[FeedUpdate]) -> list[EntryCounts | Exception]:
        outcomes = self._call(save_all, updates)
        return [self._error(each) if isinstance(each, Exception) else each for each in outcomes]

    def _record_run(self, report: Report) -> None:
        with self._translated(), pymongo.timeout(self._timeout):
            runs = journaled(self._database().runs)
            identity = {"_id": ObjectId(report.run_id)}
            retried(runs.replace_one, identity, run_record(report), upsert=True)

    def _call(self, call: Callable[[Database[Document], Unpack[Ts]], T], *args: *Ts) -> T:
        with self._translated(), pymongo.timeout(self._timeout):
            return call(self._database(), *args)

    def _release_lease(self, lease: Lease) -> None:
        with self._translated(), pymongo.timeout(min(self._timeout, CLOSE_TIMEOUT)):
            release_lease(self._database(), lease)

    def _close(self) -> None:
        if self._client is not None:
            # Closing tells the server which sessions have ended, which is not worth a long wait.
            with pymongo.timeout(min(self._timeout, CLOSE_TIMEOUT)):
                self._client.close()

    def _database(self) -> Database[Document]:
        if self._client is None:
            raise StoreError(f"{self.redacted_url} is not connected")
        # Whatever read preference the URL has: a secondary may lack what has just been written.
        return self._client.get_database(self._url.database, read_preference=ReadPreference.PRIMARY)

    def _why(self) -> str:
        """The last error of pymongo's monitors."""
        servers = self._client.topology_description.server_descriptions() if self._client else {}
        errors = [in_short(server.error) for server in servers.values() if server.error]
        return f": {errors[0]}" if errors and self._url.is_safe(errors[0]) else ""

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except NotUsable as error:
            raise StoreError(f"{self.redacted_url} {error}") from None
        except (PyMongoError, OSError, ValueError) as error:
            raised = self._error(error)
            raise raised from raised.__cause__

    def _error(self, error: Exception) -> StoreError:
        kind = kind_of(error)
        if not self._url.is_safe(str(error)):
            return kind(f"{self.redacted_url}: {type(error).__name__}")
        raised = kind(f"{self.redacted_url}: {in_short(error)}")
        raised.__cause__ = error
        return raised
