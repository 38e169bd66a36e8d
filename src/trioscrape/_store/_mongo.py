"""The real store: MongoDB through blocking PyMongo in worker threads.

Together with the ``_mongo_*`` files beside it this is the only place that imports pymongo.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, NoReturn

import pymongo
import trio
from bson import ObjectId
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import AutoReconnect, DuplicateKeyError, ExecutionTimeout, PyMongoError

from .._errors import StoreError, StoreUnavailable
from .._types import Entry, EntryCounts, FeedState, FeedUpdate, Report
from ._mongo_errors import may_pass
from ._mongo_pools import Pools
from ._mongo_steps import in_short, retried, state_of, upsert, waiting_for_the_journal
from ._mongo_url import parse_mongo_url
from ._records import SCHEMA_VERSION, Plan, by_key, chunks, now, plan, run_record, state_record
from ._threads import Threads
from ._values import clean_state

Document = dict[str, Any]

WARM_DEADLINE: Final = 3.0
"""Seconds for the pool to fill up at the start. pymongo's own refill looks once a second."""
WARM_ROUNDS: Final = 10

FAREWELL: Final = 1.0
"""Seconds that closing waits for a server which does not answer any more."""

PATIENCE: Final = 0.2
"""Seconds of one call that waits for a server to answer; what a cancellation then waits for."""


class MongoStore:
    """Keeps feeds, entries and runs in three collections of the database that the URL names.

    Width and pool. pymongo looks the server's name up for every new connection, in the thread
    that needs it, and none of its timers bounds the lookup. On a machine where lookups are slow
    or queue behind a lock, a pool that grows while feeds are fetched is what starves. So the pool
    is exactly as wide as the lane, filled before `connect` returns and never shrinks: no call
    opens a connection later, and none waits for one inside pymongo, where trio can't see it.

    Order. Entries are written before their feed's state, and the state waits for the journal: a
    killed server loses the end of its journal only, so a state is never there without its entries.

    Options of the URL win over the ones set here, except that the pool is never wider than the lane.
    """

    def __init__(self, url: str, *, width: int, connect_deadline: float, deadline: float) -> None:
        self._url = parse_mongo_url(url)
        # maxPoolSize=0 means unlimited.
        self._width = min(width, self._url.options.get("maxpoolsize") or width)
        self._connect_deadline = connect_deadline
        self._deadline = deadline
        self._threads = Threads(self._width)
        self._client: MongoClient[Document] | None = None

    def __repr__(self) -> str:
        return f"<MongoStore {self.shown}>"

    @property
    def width(self) -> int:
        """See `Store.width`."""
        return self._width

    @property
    def shown(self) -> str:
        """See `Store.shown`."""
        return self._url.shown

    async def connect(self) -> None:
        """Wait for the server, check the schema version, make the indexes, fill the pool.

        Raises:
          StoreError: no answer within the connect deadline, no access, or a newer schema version.

        Cancellation: within a fifth of a second while no server has answered, else after the step in hand.
        """
        ends = trio.current_time() + self._connect_deadline
        pools = Pools(self._width)
        await self._threads.run(self._make_client, pools)
        # The monitors look again every ten seconds, but twice a second while a call waits for them.
        while not pools.answered.is_set() and trio.current_time() < ends:
            await self._threads.run(self._knock)
        if not pools.answered.is_set():
            raise StoreError(f"{self.shown} did not answer within {self._connect_deadline:g} s{self._why()}")
        await self._threads.run(self._prepare, max(ends - trio.current_time(), 0.1))
        await self._fill(pools)

    async def _fill(self, pools: Pools) -> None:
        # Calls that come all at once find no idle connection and open one each; a few rounds of
        # them are quicker than pymongo's own refill, which still comes when they were not enough.
        with trio.move_on_after(WARM_DEADLINE):
            for _ in range(WARM_ROUNDS):
                async with trio.open_nursery() as nursery:
                    for _ in range(self._width):
                        nursery.start_soon(self._threads.run, self._ping)
                if pools.full.is_set():
                    return
            await pools.full.wait()

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        """See `Store.load`."""
        return await self._threads.run(self._load, feed_ids)

    async def save(self, update: FeedUpdate) -> EntryCounts:
        """See `Store.save`."""
        return await self._threads.run(self._save, update)

    async def record_run(self, report: Report) -> None:
        """See `Store.record_run`."""
        await self._threads.run(self._record_run, report)

    async def aclose(self) -> None:
        """See `Store.aclose`. Takes a second at most, also when the server has frozen."""
        await self._threads.run(self._close)

    def _make_client(self, pools: Pools) -> None:
        milliseconds = int(self._connect_deadline * 1000)
        defaults: dict[str, Any] = {
            "appname": "trioscrape",
            "connectTimeoutMS": milliseconds,
            "maxConnecting": self._width,
            # One connection and one lookup less than the streaming of server states.
            "serverMonitoringMode": "poll",
            "serverSelectionTimeoutMS": milliseconds,
        }
        with self._translated():
            self._client = MongoClient(
                self._url.url,
                event_listeners=[pools],
                maxPoolSize=self._width,
                minPoolSize=self._width,
                tz_aware=True,
                **{name: value for name, value in defaults.items() if name.lower() not in self._url.options},
            )

    def _prepare(self, seconds: float) -> None:
        with self._translated(), pymongo.timeout(seconds):
            meta = self._collection("meta", journaled=True)
            schema = meta.find_one({"_id": "schema"})
            if schema is None:
                with suppress(DuplicateKeyError):  # another process was first
                    meta.insert_one({"_id": "schema", "version": SCHEMA_VERSION})
            elif schema["version"] > SCHEMA_VERSION:
                raise StoreError(
                    f"{self.shown} has schema version {schema['version']},"
                    f" this trioscrape knows up to {SCHEMA_VERSION}"
                )
            entries = self._collection("entries")
            entries.create_index([("feed", 1), ("key", 1)], unique=True)
            entries.create_index([("feed", 1), ("published", -1)])

    def _knock(self) -> None:
        """Wait a moment for a server; its silence is no error yet, everything else is."""
        with self._translated(), pymongo.timeout(PATIENCE), suppress(AutoReconnect, ExecutionTimeout):
            self._database().command("ping")

    def _ping(self) -> None:
        with suppress(PyMongoError), pymongo.timeout(WARM_DEADLINE):
            self._database().command("ping")

    def _load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        states: dict[str, FeedState] = {}
        with self._translated(), pymongo.timeout(self._deadline):
            for some in chunks(feed_ids):
                found = retried(self._find, "feeds", {"_id": {"$in": list(some)}})
                states.update((document["_id"], state_of(document)) for document in found)
        return states

    def _save(self, update: FeedUpdate) -> EntryCounts:
        state, entries = clean_state(update.state), by_key(update)
        with self._translated(), pymongo.timeout(self._deadline):
            # Counted once: after a lost answer a second look would find the new entries unchanged.
            todo, differs = retried(self._compare, state, entries)
            # With no state to follow them, the entries themselves wait for the journal.
            collection = self._collection("entries", journaled=not differs)
            moment = now()
            for some in chunks(todo.writes):
                writes = [upsert(state.feed_id, entry, moment) for entry in some]
                retried(collection.bulk_write, writes, ordered=False)
            if differs:
                values = state_record(state)
                identity = {"_id": values.pop("feed_id")}
                feeds = self._collection("feeds", journaled=True)
                retried(feeds.update_one, identity, {"$set": values}, upsert=True)
        return todo.counts

    def _compare(self, state: FeedState, entries: Mapping[str, Entry]) -> tuple[Plan, bool]:
        """What to write of the entries, and whether the state differs from the stored one."""
        stored: dict[str, str] = {}
        for keys in chunks(tuple(entries)):
            wanted = {"feed": state.feed_id, "key": {"$in": list(keys)}}
            found = self._find("entries", wanted, {"_id": 0, "key": 1, "hash": 1})
            stored.update((document["key"], document["hash"]) for document in found)
        known = self._find("feeds", {"_id": state.feed_id})
        return plan(entries, stored), [state_of(document) for document in known] != [state]

    def _find(self, collection: str, *args: Document) -> list[Document]:
        return self._collection(collection).find(*args).to_list()

    def _record_run(self, report: Report) -> None:
        with self._translated(), pymongo.timeout(self._deadline):
            document = {"_id": ObjectId(), **run_record(report)}
            runs = self._collection("runs", journaled=True)
            # An upsert, not an insert: a second attempt after a lost answer makes no second run.
            retried(runs.replace_one, {"_id": document["_id"]}, document, upsert=True)

    def _close(self) -> None:
        if self._client is not None:
            # Closing tells the server which sessions have ended: a courtesy, not worth a long wait.
            with pymongo.timeout(min(self._deadline, FAREWELL)):
                self._client.close()

    def _database(self) -> Database[Document]:
        if self._client is None:
            raise StoreError(f"{self.shown} is not connected")
        return self._client[self._url.database]

    def _collection(self, name: str, *, journaled: bool = False) -> Collection[Document]:
        collection = self._database()[name]
        return waiting_for_the_journal(collection) if journaled else collection

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
            self._fail(error)

    def _fail(self, error: Exception) -> NoReturn:
        kind = StoreUnavailable if may_pass(error) else StoreError
        if not self._url.is_safe(str(error)):
            raise kind(f"{self.shown}: {type(error).__name__}") from None
        raise kind(f"{self.shown}: {in_short(error)}") from error
