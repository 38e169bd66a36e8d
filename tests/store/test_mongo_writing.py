"""How MongoDB is written to: options, commands, answers that are lost, users without rights."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import AutoReconnect

from trioscrape._records import EntryCounts
from trioscrape._store import open_store
from trioscrape._store._mongo.client import make_client
from trioscrape._store._mongo.pools import Pools
from trioscrape._store._mongo.url import parse_mongo_url

from support.mongod import Mongod, ReplicaSet
from support.stores import FEED, entry, update


@pytest.fixture
def database(mongodb_url: str) -> Iterator[Database[Any]]:
    with MongoClient[Any](mongodb_url, tz_aware=True) as client:
        yield client.get_default_database()


class NoPools(Pools):
    def __init__(self) -> None:
        """For a client that nobody waits for."""

    def _in_trio_thread(self, call: Any, address: Any) -> None: ...


def commands(server: Mongod) -> dict[str, int]:
    """How many of each the server has ever been given."""
    with MongoClient[Any](server.url) as client:
        counts = client.admin.command("serverStatus")["metrics"]["commands"]
        return {name: counts[name]["total"] for name in ("insert", "update", "find")}


async def insert_command(url: str, database: Database[Any]) -> tuple[dict[str, Any], str]:
    """The write concern with which a save inserts, and the name of the program as the server has it."""
    async with open_store(url) as store:
        database.command("profile", 2)
        await store.save(update(entry()))
        database.command("profile", 0)
    found = database.system.profile.find_one({"op": "insert"})
    assert found is not None
    return found["command"]["writeConcern"], found["appName"]


async def test_writes_are_acknowledged_by_a_majority(mongodb_url: str, database: Database[Any]) -> None:
    assert await insert_command(mongodb_url, database) == ({"w": "majority"}, "trioscrape")


async def test_options_of_the_url_win(mongodb_url: str, database: Database[Any]) -> None:
    url = f"{mongodb_url}?w=1&journal=true&appName=news&compressors=zlib"

    assert await insert_command(url, database) == ({"w": 1, "j": True}, "news")


async def test_reads_go_to_the_primary_whatever_the_url_says(replica_set: ReplicaSet) -> None:
    """A secondary may lack what has just been written; here they refuse to be asked."""
    primary = replica_set.primary()
    for member in replica_set.members:
        if member is not primary:
            member.fail("find", errorCode=13)  # unauthorized
    async with open_store(f"{replica_set.url}&readPreference=secondary") as store:
        await store.save(update(entry()))
        assert set(await store.load([FEED])) == {FEED}
        assert [found.entry async for found in store.read_entries()] == [entry()]


@pytest.mark.parametrize(
    ("options", "retry_writes", "socket_timeout"),
    [("", True, None), ("?retryWrites=false&socketTimeoutMS=7000", False, 7)],
)
def test_options_of_the_client(options: str, retry_writes: bool, socket_timeout: float | None) -> None:
    url = parse_mongo_url(f"mongodb://127.0.0.1:1/news{options}")
    with make_client(url, NoPools(), 1, 0.1) as client:
        assert client.options.retry_writes is retry_writes
        assert client.options.pool_options.socket_timeout == socket_timeout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("tls=true&tlsAllowInvalidCertificates=true", {"tls": True}),
        ("replicaSet=rs0", {"replicaSet": "rs0"}),
        ("authMechanism=SCRAM-SHA-256&authSource=other", {"authSource": "other"}),
    ],
)
def test_tls_auth_and_replica_sets_are_pymongos(options: str, expected: dict[str, Any]) -> None:
    url = parse_mongo_url(f"mongodb://user:pw@127.0.0.1:1/news?{options}")
    with make_client(url, NoPools(), 1, 0.1) as client:
        assert expected.items() <= client.options._options.items()


async def test_an_earlier_run_that_died_before_the_state(mongodb_url: str, database: Database[Any]) -> None:
    """Its entries are compared, although without a state there should be none."""
    async with open_store(mongodb_url) as store:
        await store.save(update(entry("a"), entry("b")))
        database.feeds.delete_many({})
        before = database.entries.find_one({"key": "a"})
        again = update(entry("a"), entry("b", hash="other"), entry("c"))
        assert await store.save(again) == EntryCounts(new=1, changed=1, unchanged=1)
        assert set(await store.load([FEED])) == {FEED}

    assert database.entries.find_one({"key": "a"}) == before
    assert database.entries.find_one({"key": "b"}, {"_id": 0, "hash": 1}) == {"hash": "other"}


@pytest.mark.parametrize("method", ["insert_many", "bulk_write"])
async def test_an_answer_that_is_lost(
    mongodb_url: str, database: Database[Any], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """What was written is written and counted once."""
    async with open_store(mongodb_url) as store:
        await store.save(update(entry("b")))
        real, lost = getattr(Collection, method), []

        def first_answer_lost(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = real(self, *args, **kwargs)
            if not lost:
                lost.append(method)
                raise AutoReconnect("connection lost")
            return result

        monkeypatch.setattr(Collection, method, first_answer_lost)
        again = update(entry("a"), entry("b", hash="other"), entry("c"))
        assert await store.save(again) == EntryCounts(new=2, changed=1)

    assert lost
    assert database.entries.count_documents({}) == 3


async def test_saves_that_wait_share_their_commands(own_mongod: Mongod) -> None:
    """One to write entries and one to write states; unchanged feeds need two reads."""
    async with open_store(own_mongod.url, width=1) as store:
        for expected in ({"insert": 1, "update": 1, "find": 1}, {"insert": 0, "update": 0, "find": 2}):
            before = commands(own_mongod)
            async with trio.open_nursery() as nursery:
                for number in range(20):
                    nursery.start_soon(store.save, update(entry(), feed_id=f"{number:032x}"))
            after = commands(own_mongod)
            assert {name: after[name] - before[name] for name in expected} == expected


async def test_what_is_unchanged_is_not_in_the_oplog(replica_set: ReplicaSet) -> None:
    """The oplog is what the other members have to copy."""
    with MongoClient[Any](replica_set.url) as client:

        def operations() -> int:
            return client.local["oplog.rs"].count_documents(
                {"ns": {"$regex": "^trioscrape"}, "op": {"$ne": "n"}}
            )

        async with open_store(replica_set.url) as store:
            await store.save(update(entry("a"), entry("b")))
            before = operations()
            assert await store.save(update(entry("a"), entry("b"))) == EntryCounts(unchanged=2)
            assert operations() == before
            assert await store.save(update(entry("a", hash="other"), etag="2")) == EntryCounts(changed=1)
            assert operations() == before + 2


async def test_a_user_who_may_only_read(guarded_mongod: Mongod, tmp_path: Path) -> None:
    """One clear line, and exit status 1."""
    url = f"mongodb://reader:pw@127.0.0.1:{guarded_mongod.port}/news?authSource=admin"
    feeds = tmp_path / "feeds.txt"
    feeds.write_text("http://127.0.0.1:1/feed\n")
    command = [sys.executable, "-m", "trioscrape", str(feeds), "--store", url]
    ended = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.decode().splitlines() == [
        f"connecting to mongodb://127.0.0.1:{guarded_mongod.port}/news",
        f"trioscrape: mongodb://127.0.0.1:{guarded_mongod.port}/news: "
        'not authorized on news to execute createIndexes: "entries"',
    ]


async def test_a_user_who_may_write(guarded_mongod: Mongod) -> None:
    async with open_store(
        f"mongodb://root:pw@127.0.0.1:{guarded_mongod.port}/news?authSource=admin"
    ) as store:
        assert await store.save(update(entry())) == EntryCounts(new=1)


@pytest.mark.parametrize("etag", ['"1"', '"2"'], ids=["the state stays", "the state follows"])
async def test_a_kill_of_the_server_takes_nothing_that_was_acknowledged(
    mongodb_url: str, monkeypatch: pytest.MonkeyPatch, etag: str
) -> None:
    """A state waits for the journal and thereby for its entries; entries alone wait themselves."""
    async with open_store(mongodb_url) as store:
        await store.save(update(entry("a"), etag='"1"'))
        real, waited = Collection.bulk_write, {}

        def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
            waited[self.name] = self.write_concern.document.get("j", False)
            return real(self, *args, **kwargs)

        monkeypatch.setattr(Collection, "bulk_write", noted)
        assert await store.save(update(entry("a", hash="other"), etag=etag)) == EntryCounts(changed=1)

    assert waited == ({"entries": True} if etag == '"1"' else {"entries": False, "feeds": True})
