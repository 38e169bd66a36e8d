"""The real store: MongoDB through blocking PyMongo in worker threads.

Together with the ``_mongo_*`` files beside it this is the only place that imports pymongo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

import pymongo
import trio
from bson import ObjectId
from pymongo import MongoClient, ReadPreference
from pymongo.database import Database
from pymongo.errors import AutoReconnect, ExecutionTimeout, PyMongoError

from ..._errors import StoreError, StoreUnavailable
from ..._records import EntryCounts, FeedState, FeedUpdate, Report, StoredEntry
from ..batches import CALLERS, MergedSaves
from ..pages import Paged, Wanted
from ..records import SCHEMA_VERSION, run_record
from ..threads import Threads
from .client import make_client, prepare, schema_version
from .documents import in_short, retried, waiting_for_the_journal
from .errors import may_pass
from .pools import Pools
from .read import load, page_of_entries, page_of_feeds, restore_entries, restore_feeds
from .save import save_all
from .url import parse_mongo_url

Document = dict[str, Any]
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

WARM_DEADLINE: Final = 3.0
"""Seconds for the pool to fill up at the start. pymongo's own refill looks once a second."""
WARM_ROUNDS: Final = 10

FAREWELL: Final = 1.0
"""Seconds that closing waits for a server which does not answer any more."""

PATIENCE: Final = 0.2
"""Seconds of one call that waits for a server to answer; what a cancellation then waits for."""


class MongoStore(Paged):
    """Keeps feeds, entries and runs in three collections of the database that the URL names.

    Width and pool. pymongo looks the server's name up for every new connection, in the thread
    that needs it, and none of its timers bounds the lookup. On a machine where lookups are slow
    or queue behind a lock, a pool that grows while feeds are fetched is what starves. So the pool
    is exactly as wide as there are threads, filled before `connect` returns and never shrinks: no call
    opens a connection later, and none waits for one inside pymongo, where trio can't see it. Saves that
    wait for a thread are merged, so the store takes more calls at once than it has connections.

    Order. Entries are written before their feed's state, and the state waits for the journal: a
    killed server loses the end of its journal only, so a state is never there without its entries.

    Options of the URL win over the ones set here, except that the pool is never wider than `width`
    says. Without options, writes are acknowledged by a majority and retried by pymongo.

    Args:
      url: of the server and the database.
      width: threads and connections.
      connect_timeout: seconds for the server to answer at first.
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
        """As many calls as its connections' writes may merge."""
        return self._connections * CALLERS

    @property
    def redacted_url(self) -> str:
        """See `Store.redacted_url`."""
        return self._url.redacted_url

    async def connect(self) -> None:
        """Wait for the server, check the schema version, make the indexes, fill the pool.

        Raises:
          StoreError: no answer within the connect timeout, no access, or a newer schema version.

        Cancellation: within a fifth of a second while no server has answered, else after the step in hand.
        """
        await self._connect(self._prepare)

    async def connect_to_read(self) -> None:
        """Wait for the server and check the schema version; nothing is made. Else like `connect`."""
        await self._connect(self._look)

    async def _connect(self, prepare: Callable[[float], None]) -> None:
        ends = trio.current_time() + self._connect_timeout
        pools = Pools(self._connections)
        await self._threads.run(self._make_client, pools)
        # The monitors look again every ten seconds, but twice a second while a call waits for them.
        while not pools.answered.is_set() and trio.current_time() < ends:
            await self._threads.run(self._knock)
        if not pools.answered.is_set():
            raise StoreError(
                f"{self.redacted_url} did not answer within {self._connect_timeout:g} s{self._why()}"
            )
        await self._threads.run(prepare, max(ends - trio.current_time(), 0.1))
        await self._fill(pools)

    async def _fill(self, pools: Pools) -> None:
        # Calls that come all at once find no idle connection and open one each; a few rounds of
        # them are quicker than pymongo's own refill, which still comes when they were not enough.
        with trio.move_on_after(WARM_DEADLINE):
            for _ in range(WARM_ROUNDS):
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

    async def record_run(self, report: Report) -> None:
        """See `Store.record_run`."""
        await self._threads.run(self._record_run, report)

    async def restore_entries(self, entries: Sequence[StoredEntry]) -> int:
        """See `Store.restore_entries`."""
        return await self._threads.run(self._call, restore_entries, entries)

    async def restore_feeds(self, states: Sequence[FeedState]) -> int:
        """See `Store.restore_feeds`."""
        return await self._threads.run(self._call, restore_feeds, states)

    async def _page_of_entries(
        self, wanted: Wanted, after: StoredEntry | None, count: int
    ) -> Sequence[StoredEntry]:
        return await self._threads.run(self._call, page_of_entries, wanted, after, count)

    async def _page_of_feeds(self, after: FeedState | None, count: int) -> Sequence[FeedState]:
        return await self._threads.run(self._call, page_of_feeds, after, count)

    async def aclose(self) -> None:
        """See `Store.aclose`. Takes a second at most, also when the server has frozen."""
        await self._threads.run(self._close)

    def _make_client(self, pools: Pools) -> None:
        with self._translated():
            self._client = make_client(self._url, pools, self._connections, self._connect_timeout)

    def _prepare(self, seconds: float) -> None:
        with self._translated(), pymongo.timeout(seconds):
            version = prepare(self._database())
        self._check(version)

    def _look(self, seconds: float) -> None:
        with self._translated(), pymongo.timeout(seconds):
            version = schema_version(self._database())
        if version is None:
            raise StoreError(f"{self.redacted_url} has no feeds in it")
        self._check(version)

    def _check(self, version: int) -> None:
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self.redacted_url} has schema version {version};"
                f" this trioscrape knows up to {SCHEMA_VERSION}"
            )

    def _knock(self) -> None:
        """Wait a moment for a server; its silence is no error yet, everything else is."""
        with self._translated(), pymongo.timeout(PATIENCE), suppress(AutoReconnect, ExecutionTimeout):
            self._database().command("ping")

    def _ping(self) -> None:
        with suppress(PyMongoError), pymongo.timeout(WARM_DEADLINE):
            self._database().command("ping")

    def _save_all(self, updates: Sequence[FeedUpdate]) -> list[EntryCounts | Exception]:
        with self._translated(), pymongo.timeout(self._timeout):
            return [self._told(outcome) for outcome in save_all(self._database(), updates)]

    def _record_run(self, report: Report) -> None:
        with self._translated(), pymongo.timeout(self._timeout):
            runs = waiting_for_the_journal(self._database().runs)
            identity = {"_id": ObjectId(report.run_id)}
            retried(runs.replace_one, identity, run_record(report), upsert=True)

    def _call(self, call: Callable[[Database[Document], Unpack[Ts]], T], *args: *Ts) -> T:
        with self._translated(), pymongo.timeout(self._timeout):
            return call(self._database(), *args)

    def _close(self) -> None:
        if self._client is not None:
            # Closing tells the server which sessions have ended: a courtesy, not worth a long wait.
            with pymongo.timeout(min(self._timeout, FAREWELL)):
                self._client.close()

    def _database(self) -> Database[Document]:
        if self._client is None:
            raise StoreError(f"{self.redacted_url} is not connected")
        # A secondary may not have what has just been written, wherever the URL likes reads to go.
        return self._client.get_database(self._url.database, read_preference=ReadPreference.PRIMARY)

    def _why(self) -> str:
        """What pymongo's monitors have met so far."""
        servers = self._client.topology_description.server_descriptions() if self._client else {}
        errors = [in_short(server.error) for server in servers.values() if server.error]
        return f": {errors[0]}" if errors and self._url.is_safe(errors[0]) else ""

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (PyMongoError, OSError, ValueError) as error:
            told = self._error(error)
            raise told from told.__cause__

    def _told(self, outcome: EntryCounts | Exception) -> EntryCounts | Exception:
        return self._error(outcome) if isinstance(outcome, Exception) else outcome

    def _error(self, error: Exception) -> StoreError:
        kind = StoreUnavailable if may_pass(error) else StoreError
        if not self._url.is_safe(str(error)):
            return kind(f"{self.redacted_url}: {type(error).__name__}")
        told = kind(f"{self.redacted_url}: {in_short(error)}")
        told.__cause__ = error
        return told
