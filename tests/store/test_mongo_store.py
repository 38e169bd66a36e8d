"""What only MongoDB has: documents and indexes, a pool that is held, a server that dies or freezes."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
import trio
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.database import Database

from trioscrape import (
    Category,
    Enclosure,
    Entry,
    EntrySource,
    StoredEntry,
    StoreError,
    StoreUnavailable,
    Transcript,
)
from trioscrape._lane import Lane
from trioscrape._records import EntryCounts
from trioscrape._store import open_store
from trioscrape._store.batches import CALLERS
from trioscrape._store.lane import StoreLane

from support.mongod import Mongod
from support.stores import FEED, FULL_ENTRY, entry, report, state, update

DUPLICATE = {"keyPattern": {"feed": 1, "key": 1}, "keyValue": {"feed": FEED, "key": "a"}}


@pytest.fixture
def database(mongodb_url: str) -> Iterator[Database[Any]]:
    with MongoClient[Any](mongodb_url, tz_aware=True) as client:
        yield client.get_default_database()


class TestDocuments:
    async def test_an_entry_is_a_document(self, mongodb_url: str, database: Database[Any]) -> None:
        async with open_store(mongodb_url) as store:
            await store.save(update(FULL_ENTRY))

        found = database.entries.find_one({"feed": FEED})
        assert found is not None
        assert found["enclosures"][0] == {
            "url": "https://a.test/1.mp3",
            "type": "audio/mpeg",
            "length": 2**40,
        }
        assert found["published"] == FULL_ENTRY.published
        assert found["truncated"] is False
        assert found["first_seen"] == found["last_changed"]

    async def test_first_seen_stays_and_last_changed_moves(
        self, mongodb_url: str, database: Database[Any]
    ) -> None:
        async with open_store(mongodb_url) as store:
            await store.save(update(entry()))
            database.entries.update_one({}, {"$set": {"first_seen": 1, "last_changed": 1}})
            await store.save(update(entry(hash="other")))

        found = database.entries.find_one({})
        assert found is not None
        assert found["first_seen"] == 1
        assert found["last_changed"] != 1

    async def test_a_feed_is_a_document(self, mongodb_url: str, database: Database[Any]) -> None:
        async with open_store(mongodb_url) as store:
            await store.save(update(entry()))

        known = state()
        assert list(database.feeds.find()) == [
            {
                "_id": FEED,
                "url": known.url,
                "listed_url": known.listed_url,
                "moved_from": known.moved_from,
                "moved_since": known.moved_since,
                "title": known.title,
                "listed_title": "My A",
                "tags": ["News", "Tech"],
                "link": known.link,
                "subtitle": known.subtitle,
                "language": known.language,
                "updated": known.updated,
                "self_link": known.self_link,
                "hub": known.hub,
                "cloud": known.cloud,
                "newest_entry": known.newest_entry,
                "longest_silence": known.longest_silence,
                "distrusts_ids": True,
                "shared_keys": ["1", "https://a.test/"],
                "etag": known.etag,
                "last_modified": known.last_modified,
                "validators_url": known.validators_url,
                "body_hash": known.body_hash,
                "timers": {"max_age": 3600, "every": 7200, "skip_hours": [0, 23], "skip_days": [5, 6]},
                "next_fetch": known.next_fetch,
                "next_unconditional": known.next_unconditional,
                "failures": known.failures,
                "failure": known.failure,
                "failure_detail": known.failure_detail,
                "failing_since": known.failing_since,
                "postponed": known.postponed,
                "postponed_by": known.postponed_by,
                "last_turn": known.last_turn,
                "gone": known.gone,
                "moved_to": known.moved_to,
                "moved_days": ["2024-02-28", "2024-02-29"],
                "rhythm": known.rhythm,
                "delays": [60, 86400],
                "expected_delay": 720,
                "same_as": known.same_as,
            }
        ]

    async def test_a_run_is_a_document(self, mongodb_url: str, database: Database[Any]) -> None:
        async with open_store(mongodb_url) as store:
            await store.record_run(report())

        (found,) = database.runs.find()
        assert found["outcomes"] == {"new": 400, "failed": 99}
        assert found["errors"] == {"http-404": 98, "tls": 1}
        assert found["lanes"]["dns"]["waited"] == {"p50": 0.001, "p99": 0.5, "max": 1.25}

    async def test_documents_that_are_none_of_ours(self, mongodb_url: str, database: Database[Any]) -> None:
        """They lack fields, or hold what Python has no value for; for an import they have no times."""
        ids = [f"{number:032x}" for number in range(4)]
        keys = ("a", "https://a.test/b")
        late = DatetimeMS(10**15)
        latin_1 = bson.encode({"_id": ids[1], "url": "é"}).replace(b"\xc3", b"x")
        async with open_store(mongodb_url) as store:
            database.feeds.insert_one({"_id": ids[0]})
            database.feeds.insert_one(RawBSONDocument(latin_1))
            for feed_id in ids[2:]:
                await store.save(update(*map(entry, keys), feed_id=feed_id))
            database.feeds.update_one({"_id": ids[2]}, {"$set": {"next_fetch": late}})
            database.entries.update_many({"feed": ids[3]}, {"$set": {"updated": late}})
            database.entries.insert_many([{"feed": feed_id, "key": 5} for feed_id in ids])
            database.entries.insert_many([{"feed": feed_id, "key": "c"} for feed_id in ids])

            assert set(await store.load(ids)) == {ids[3]}
            moment = datetime(2024, 1, 1, tzinfo=UTC)
            assert await store.restore_entries([StoredEntry(ids[0], entry("c"), moment, moment)]) == 1
            moved = ("c", "http://a.test/b", "x", "y")
            saved = [await store.save(update(*map(entry, moved), feed_id=feed_id)) for feed_id in ids]
            assert saved == [
                EntryCounts(new=3, unchanged=1),
                *[EntryCounts(new=3, changed=1)] * 2,
                EntryCounts(new=2, changed=2),
            ]
            assert set(await store.load(ids)) == set(ids)

    async def test_the_largest_entry_fits_a_document(self, mongodb_url: str, database: Database[Any]) -> None:
        """Every field as long as it may be, of characters that take the most bytes."""
        long = "\N{BALLOON}" * 2**21
        words = tuple(f"{number:03}{long[:600]}" for number in range(300))
        enclosures = tuple(
            Enclosure(f"https://a.test/{number:03}{'x' * 16_366}", words[0], 2**60) for number in range(300)
        )
        link = "https://a.test/" + "x" * 16_369
        largest = Entry(
            long, long, link, long, long[: 2**19], "html", long[: 6 * 2**18], "html",
            words, None, None, words, enclosures, words[0],
            tuple(Category(word, word, word) for word in words), link, link, EntrySource(long, link),
            chapters=link, transcripts=tuple(Transcript(each.url, words[0], words[0]) for each in enclosures),
        )  # fmt: skip
        async with open_store(mongodb_url) as store:
            assert await store.save(update(largest, entry())) == EntryCounts(new=2)

        found = database.entries.find_one({"truncated": True})
        assert found is not None
        assert (len(found["enclosures"]), len(found["tags"]), len(found["link"])) == (200, 200, 16_384)
        assert 14 * 2**20 < len(bson.encode(found)) < 15.5 * 2**20


class TestPool:
    async def test_no_name_is_looked_up_after_opening(
        self, mongodb_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lookups = []
        getaddrinfo = socket.getaddrinfo

        def counted(*args: Any, **kwargs: Any) -> Any:
            lookups.append(args)
            return getaddrinfo(*args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", counted)
        async with open_store(mongodb_url, width=8) as store:
            opening = len(lookups)
            async with trio.open_nursery() as nursery:
                for number in range(200):
                    nursery.start_soon(store.save, update(entry(), feed_id=f"{number:032x}"))

            assert opening >= 8
            assert len(lookups) == opening

    async def test_a_narrower_pool_in_the_url_narrows_the_store(self, mongodb_url: str) -> None:
        async with open_store(f"{mongodb_url}?maxPoolSize=2&appName=news", width=8) as store:
            assert store.width == 2 * CALLERS
            assert await store.save(update(entry())) == EntryCounts(new=1)

        async with open_store(f"{mongodb_url}?maxPoolSize=0", width=3) as store:
            assert store.width == 3 * CALLERS


class TestServerTrouble:
    """A server of its own, which is killed or frozen while the store is in use."""

    async def test_killed_for_good(self, own_mongod: Mongod) -> None:
        async with open_store(own_mongod.url, call_timeout=1) as store:
            await store.save(update(entry()))
            own_mongod.kill()
            for call in (store.save(update(entry("b"))), store.load([FEED]), store.record_run(report())):
                with pytest.raises(StoreUnavailable, match=own_mongod.url):
                    await call

    async def test_killed_in_the_middle_of_many_saves(self, own_mongod: Mongod) -> None:
        """What was acknowledged is there after the restart, and no state without its entries."""
        acknowledged: list[str] = []

        async def save(feed_id: str) -> None:
            try:
                await store.save(update(*(entry(str(key)) for key in range(10)), feed_id=feed_id))
            except StoreError:
                return
            acknowledged.append(feed_id)
            if len(acknowledged) == 100:
                enough.set()

        enough = trio.Event()
        ids = [f"{number:032x}" for number in range(600)]
        async with open_store(own_mongod.url, call_timeout=1) as store, trio.open_nursery() as nursery:
            for feed_id in ids:
                nursery.start_soon(save, feed_id)
            await enough.wait()
            own_mongod.kill()
            nursery.cancel_scope.cancel()

        own_mongod.start()
        with MongoClient[Any](own_mongod.url) as client:
            database = client.trioscrape
            states = set(database.feeds.distinct("_id"))
            whole = database.entries.aggregate([{"$sortByCount": "$feed"}, {"$match": {"count": 10}}])
            entries = {found["_id"] for found in whole}
        assert 100 <= len(acknowledged) < 600
        assert set(acknowledged) <= states <= entries

    async def test_restarted_within_the_deadline(self, own_mongod: Mongod) -> None:
        async with open_store(own_mongod.url, call_timeout=60) as store:
            own_mongod.kill()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.to_thread.run_sync, own_mongod.start)
                assert await store.save(update(entry())) == EntryCounts(new=1)

    @pytest.mark.parametrize(
        "how",
        [
            pytest.param({"closeConnection": True}, id="connection lost"),
            pytest.param({"errorCode": 10107}, id="no primary"),
            pytest.param({"errorCode": 11000, "errorExtraInfo": DUPLICATE}, id="two upserts of one key"),
        ],
    )
    async def test_errors_that_pass_are_got_over(self, own_mongod: Mongod, how: dict[str, Any]) -> None:
        async with open_store(own_mongod.url, call_timeout=60) as store:
            own_mongod.fail("update", 2, **how)
            assert await store.save(update(entry("a"), entry("b"))) == EntryCounts(new=2)
            own_mongod.fail("find", 1, **how)
            assert await store.save(update(entry("a"), entry("c"))) == EntryCounts(new=1, unchanged=1)

    async def test_an_error_that_stays_is_told(self, own_mongod: Mongod) -> None:
        async with open_store(own_mongod.url) as store:
            own_mongod.fail("update", 1, errorCode=13)  # unauthorized
            with pytest.raises(StoreError, match="failCommand") as caught:
                await store.save(update(entry()))
            assert type(caught.value) is StoreError
            assert await store.load([FEED]) == {}

    @pytest.mark.parametrize(
        "how",
        [
            pytest.param({"errorCode": 14031}, id="no room on its disk"),
            pytest.param({"errorCode": 50}, id="too slow"),
            pytest.param({"errorCode": 11601}, id="operation killed"),
            pytest.param({"errorCode": 262}, id="overloaded"),
            pytest.param({"writeConcernError": {"code": 64, "errmsg": "no majority"}}, id="no majority"),
            pytest.param({"writeConcernError": {"code": 91, "errmsg": "going down"}}, id="going down"),
            pytest.param({"errorCode": 13435}, id="no primary for long"),
        ],
    )
    async def test_an_outage_is_told_as_such(self, own_mongod: Mongod, how: dict[str, Any]) -> None:
        """Whatever the call was about: entries, the state of a feed, a run, or what is known of feeds."""
        async with open_store(own_mongod.url, call_timeout=0.7) as store:
            own_mongod.fail("update", **how)
            for call in (store.save(update(entry())), store.record_run(report())):
                with pytest.raises(StoreUnavailable, match=own_mongod.url):
                    await call
            if "errorCode" in how:
                own_mongod.fail("find", **how)
                with pytest.raises(StoreUnavailable, match=own_mongod.url):
                    await store.load([FEED])
            own_mongod.heal()
            await store.save(update(entry()))
            assert set(await store.load([FEED])) == {FEED}

    async def test_a_run_whose_acknowledgement_was_lost_is_one_document(self, own_mongod: Mongod) -> None:
        """The server has carried the write out each time, and each time has said that it may be lost."""
        async with open_store(own_mongod.url, call_timeout=0.3) as store:
            own_mongod.fail("update", 2, writeConcernError={"code": 64, "errmsg": "no majority"})
            await StoreLane(store, Lane("store", 1), 300).record_run(report())

        with MongoClient[Any](own_mongod.url) as client:
            assert client.trioscrape.runs.count_documents({}) == 1

    async def test_an_index_of_ones_own_that_forbids_the_entries(
        self, mongodb_url: str, database: Database[Any]
    ) -> None:
        """Another attempt could have helped against E11000, but does not here."""
        database.entries.create_index("title", unique=True)
        async with open_store(mongodb_url) as store:
            with pytest.raises(StoreError, match=r"E11000 duplicate key error .* title_1"):
                await store.save(update(entry("a", title="same"), entry("b", title="same")))
            assert await store.load([FEED]) == {}

    async def test_frozen(self, own_mongod: Mongod) -> None:
        """Calls and closing end although the server says nothing."""
        async with open_store(own_mongod.url, call_timeout=0.5) as store:
            await store.save(update(entry()))
            own_mongod.freeze()
            with pytest.raises(StoreUnavailable, match=own_mongod.url):
                await store.save(update(entry("b")))

        own_mongod.thaw()
        async with open_store(own_mongod.url) as store:
            assert await store.save(update(entry("b"))) == EntryCounts(new=1)

    async def test_frozen_at_the_moment_of_closing(self, own_mongod: Mongod) -> None:
        async with open_store(own_mongod.url, call_timeout=0.5) as store:
            await store.save(update(entry()))
            own_mongod.freeze()

    async def test_frozen_and_cancelled_in_a_save(self, own_mongod: Mongod) -> None:
        """The save is finished or given up at its deadline; there is no third way out."""
        async with open_store(own_mongod.url, call_timeout=0.5) as store:
            own_mongod.freeze()
            with pytest.raises(StoreError), trio.move_on_after(0.1):
                await store.save(update(entry()))
