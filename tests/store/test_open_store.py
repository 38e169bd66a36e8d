"""Opening a store: which URLs are valid, which secrets are never shown, how opening fails."""

import os
import sqlite3
import threading
import traceback
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import pytest
import trio
from pymongo import MongoClient
from pymongo.uri_parser import parse_uri

from trioscrape import StoreError, UsageError
from trioscrape._records import EntryCounts
from trioscrape._store import check_store_url, open_store
from trioscrape._store._mongo.url import parse_mongo_url
from trioscrape._store._sqlite.file import why_inaccessible
from trioscrape._store._sqlite.store import sqlite_path
from trioscrape._store.records import SCHEMA_VERSION

from support.limiters import default_limiter_filled
from support.mongod import Mongod, free_port
from support.stores import FEED, entry, update

SECRET = "s3cr/t @%é"
SPELLINGS = (SECRET, quote(SECRET, safe=""), quote_plus(SECRET), quote(SECRET), "s3cr")


def said(error: BaseException) -> str:
    """Everything that a traceback of it would show, and its repr."""
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.fixture(params=["sqlite", "mongo"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "mongo":
        return str(request.getfixturevalue("mongodb_url"))
    return f"sqlite:{tmp_path / 'store.db'}"


class TestURLs:
    @pytest.mark.parametrize(
        "url",
        [
            "sqlite:news.db",
            "sqlite:/var/lib/news.db",
            "mongodb://localhost",
            "mongodb://a.test,b.test:27018/news?replicaSet=rs0&w=majority&tls=true",
            "mongodb://[::1]:27017/news",
            "mongodb://%2Ftmp%2Fmongodb-27017.sock/news",
            "mongodb+srv://me:secret@cluster.a.test/news?retryWrites=true&srvMaxHosts=2",
        ],
    )
    def test_valid_urls(self, url: str) -> None:
        check_store_url(url)

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("", "must be mongodb://"),
            ("news.db", "(did you mean sqlite:news.db?)"),
            ("mysql://a.test/x", "mysql://a.test/x"),
            ("sqlite:", "has no path"),
            ("sqlite:a\0b", "NUL character"),
            ("mongodb://", "at least one hostname"),
            ("mongodb:///news", "Empty host"),
            ("mongodb://a.test:99999/", "Port"),
            ("mongodb://a test/", "a space or a control character"),
            ("mongodb://a.test/?appnam=x", "Unknown option"),
            ("mongodb://a.test/?maxPoolSize=many", "must be an integer"),
            ("mongodb://a.test/?minPoolSize=9&maxPoolSize=2", "minPoolSize must be smaller"),
            ("mongodb://a.test/?w=0", "no write is acknowledged"),
            ("mongodb://a.test/news.entries", "collection"),
            ("mongodb+srv://a.test:27017/news", "no port"),
        ],
    )
    def test_invalid_urls(self, url: str, why: str) -> None:
        with pytest.raises(UsageError) as caught:
            check_store_url(url)
        assert why in str(caught.value)
        assert "\n" not in str(caught.value)

    async def test_open_store_checks_first(self) -> None:
        with pytest.raises(UsageError):
            async with open_store("mysql://a.test/x"):
                pass

    @pytest.mark.parametrize(
        "url",
        [
            "mysql://me:s3cret@a.test/x",
            "mysql://me:s3/s3cret@a.test/x",
            "mysql:me:s3cret@a.test",
            "mongodb://me:12/s3cret@a.test/x?nonsense=1",
            "mongodb://me:s3/cret/s3cret@a.test/x?w=0",
            "mongodb://me:s3cret@s3cret@a.test/x?w=0",
            "mongodb://me:s3cret",
            "mongodb://me:s3cret@a.test/x?w=0",
            "mongodb://a.test/?tlsCertificateKeyFilePassword=s3cret&nonsense=1",
            "mongodb://a.test/?authMechanismProperties=AWS_SESSION_TOKEN:s3cret,x",
        ],
    )
    def test_an_invalid_url_keeps_its_secret(self, url: str) -> None:
        with pytest.raises(UsageError) as caught:
            check_store_url(url)
        assert "s3cret" not in said(caught.value)

    @pytest.mark.parametrize(
        "password",
        [
            "s3/cret",
            "s3:cret",
            "s3@cret",
            "x?s3cret",
            "x?s3=cret",
            "%s3cret",
            "100%",
            "a#b",
            "a b",
            "[x]",
            "p%40",
        ],
    )
    def test_a_password_need_not_be_percent_encoded(self, password: str) -> None:
        """What is encoded is not encoded again."""
        parsed = parse_mongo_url(f"mongodb://me:{password}@a.test,b.test:27018/x")

        assert parsed.redacted_url == "mongodb://a.test:27017,b.test:27018/x"
        assert parse_uri(parsed.url)["password"] == unquote(password)

    @pytest.mark.parametrize(
        "url", ["mongodb://a.test/x?appName=me@home", "mongodb://me:p%40@[::1]:27017/?appName=a@b"]
    )
    def test_what_is_after_the_host_is_no_password(self, url: str) -> None:
        assert parse_mongo_url(url).url == url

    @pytest.mark.parametrize(
        ("url", "path"),
        [
            ("sqlite:a.db", "a.db"),
            ("sqlite:/a/b.db", "/a/b.db"),
            ("sqlite:///a.db", "a.db"),
            ("sqlite:////a/b.db", "/a/b.db"),
            ("sqlite:~/a.db", f"{Path.home()}/a.db"),
            ("sqlite:C:\\a.db", "C:\\a.db"),
        ],
    )
    def test_paths_of_sqlite(self, url: str, path: str) -> None:
        assert sqlite_path(url) == path

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("sqlite:", "has no path"),
            ("sqlite:///", "has no path"),
            ("sqlite://a.db", "write sqlite:a.db"),
            ("sqlite://news/a.db", "write sqlite:news/a.db"),
            ("sqlite::memory:", "would lose everything"),
            ("sqlite://", "would lose everything"),
            ("sqlite:///:memory:", "would lose everything"),
            ("sqlite:file:x?mode=memory", "would lose everything"),
        ],
    )
    def test_no_paths_of_sqlite(self, url: str, said: str) -> None:
        with pytest.raises(UsageError, match=said):
            check_store_url(url)


class TestSecrets:
    async def test_none_is_shown_by_an_open_store(self, mongodb_url: str) -> None:
        with MongoClient[Any](mongodb_url) as client:
            database = client.get_default_database()
            database.command("createUser", "me@", pwd=SECRET, roles=["dbOwner"])
            url = mongodb_url.replace("://", f"://me%40:{quote(SECRET, safe='')}@") + "?appname=x"
            try:
                async with open_store(url) as store:
                    await store.save(update(entry()))
                    shown = f"{store.redacted_url} {store!r} {store}"
            finally:
                database.command("dropUser", "me@")

        assert store.redacted_url == mongodb_url
        assert not any(spelling in shown for spelling in SPELLINGS)

    async def test_none_is_told_when_the_password_is_wrong(self, mongodb_url: str) -> None:
        url = mongodb_url.replace("://", f"://me%40:{quote(SECRET, safe='')}@")
        with pytest.raises(StoreError, match=r"Authentication failed\.$") as caught:
            async with open_store(url):
                pass

        assert mongodb_url in str(caught.value)
        assert not any(spelling in said(caught.value) for spelling in SPELLINGS)

    async def test_none_is_told_when_nobody_listens(self) -> None:
        port = free_port()
        url = f"mongodb://me:{quote_plus(SECRET)}@127.0.0.1:{port}/news?tlsCertificateKeyFilePassword=s3cr"
        with pytest.raises(StoreError, match=r": 127\.0\.0\.1:\d+: Connection refused$") as caught:
            async with open_store(url.partition("?")[0], connect_timeout=0.3):
                pass

        assert f"mongodb://127.0.0.1:{port}/news" in str(caught.value)
        assert not any(spelling in said(caught.value) for spelling in SPELLINGS)


class TestOpening:
    async def test_with_the_default_limiter_of_trio_full(self, store_url: str) -> None:
        with default_limiter_filled(), trio.fail_after(60):
            async with open_store(store_url) as store:
                await store.save(update(entry()))
                assert FEED in await store.load([FEED])

    async def test_again_finds_what_was_stored(self, store_url: str) -> None:
        for expected in (EntryCounts(new=1), EntryCounts(unchanged=1)):
            async with open_store(store_url) as store:
                assert await store.save(update(entry())) == expected

    async def test_many_at_once_find_the_store_empty(self, store_url: str) -> None:
        async def save(number: int) -> None:
            async with open_store(store_url) as store:
                await store.save(update(entry(), feed_id=f"{number:032x}"))

        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(save, number)

    async def test_a_frozen_server(self, own_mongod: Mongod) -> None:
        own_mongod.freeze()
        with pytest.raises(StoreError, match=f"{own_mongod.url}/trioscrape did not answer within 0.5 s"):
            async with open_store(own_mongod.url, connect_timeout=0.5):
                pass

    async def test_cancelled_while_nobody_answers(self) -> None:
        url = f"mongodb://127.0.0.1:{free_port()}/"
        with trio.move_on_after(0.1) as scope:
            async with open_store(url, connect_timeout=3600):
                pass
        assert scope.cancelled_caught

    async def test_a_server_that_starts_late(self, own_mongod: Mongod) -> None:
        own_mongod.kill()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, own_mongod.start)
            async with open_store(own_mongod.url, connect_timeout=60) as store:
                await store.save(update(entry()))

    async def test_a_newer_schema_in_mongodb(self, mongodb_url: str) -> None:
        with MongoClient[Any](mongodb_url) as client:
            database = client.get_default_database()
            database.meta.insert_one({"_id": "schema", "version": SCHEMA_VERSION + 1})
            with pytest.raises(
                StoreError,
                match=f"has schema version {SCHEMA_VERSION + 1}, and this trioscrape knows versions up to"
                f" {SCHEMA_VERSION}; install a newer",
            ):
                async with open_store(mongodb_url):
                    pass
            assert database.list_collection_names() == ["meta"]

    async def test_a_newer_schema_in_sqlite(self, tmp_path: Path) -> None:
        path = tmp_path / "new.db"
        with closing(sqlite3.connect(path)) as db:
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        before = path.read_bytes()

        with pytest.raises(StoreError, match=rf"new\.db has schema version {SCHEMA_VERSION + 1}"):
            async with open_store(f"sqlite:{path}"):
                pass
        assert path.read_bytes() == before

    async def test_the_database_of_another_program(self, tmp_path: Path) -> None:
        path = tmp_path / "other.db"
        with closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE entries (amount)")
        before = path.read_bytes()

        with pytest.raises(StoreError, match="another program"):
            async with open_store(f"sqlite:{path}"):
                pass
        assert path.read_bytes() == before

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("", "it is a directory, not a file"),
            ("missing/x.db", "the directory {}/missing does not exist"),
            ("text.db", "file is not a database"),
        ],
    )
    async def test_a_file_that_can_not_be_opened(self, tmp_path: Path, name: str, why: str) -> None:
        (tmp_path / "text.db").write_text("This is no database.\n" * 100)
        with pytest.raises(StoreError) as caught:
            async with open_store(f"sqlite:{tmp_path / name}"):
                pass
        assert str(caught.value) == f"sqlite:{tmp_path / name}: {why.format(tmp_path)}"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root has all permissions")
    @pytest.mark.parametrize(
        ("mode", "why"), [(0o000, "can't be entered"), (0o500, "no files can be created in")]
    )
    def test_a_directory_without_permission(self, tmp_path: Path, mode: int, why: str) -> None:
        tmp_path.chmod(mode)
        try:
            assert (why_inaccessible(f"{tmp_path}/x.db") or "").startswith(why)
        finally:
            tmp_path.chmod(0o700)


class TestLeaving:
    async def test_the_error_of_the_block_comes_out_as_itself(self, store_url: str) -> None:
        with pytest.raises(ZeroDivisionError):
            async with open_store(store_url):
                raise ZeroDivisionError

    async def test_a_cancelled_block_closes_the_store(self, store_url: str) -> None:
        before = pymongo_threads()
        with trio.CancelScope() as scope:
            async with open_store(store_url) as store:
                scope.cancel()
                await trio.lowlevel.checkpoint()

        with pytest.raises(StoreError):
            await store.save(update(entry()))
        for thread in pymongo_threads() - before:
            await trio.to_thread.run_sync(thread.join, 30)
            assert not thread.is_alive()


def pymongo_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if "pymongo" in thread.name}
