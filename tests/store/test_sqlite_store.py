"""What only SQLite has: one file, transactions, other processes on the same file, a kill in the middle."""

import hashlib
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio

from trioscrape import StoreError, StoreUnavailable
from trioscrape._records import EntryCounts
from trioscrape._store import Store, open_store
from trioscrape._store.batches import CALLERS
from trioscrape._store.records import SCHEMA_VERSION

from support.stores import FEED, FULL_ENTRY, OTHER, entry, report, update


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "news.db"


@pytest.fixture
def outside(path: Path) -> Iterator[sqlite3.Connection]:
    """Another process's view of the file, as it were."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        yield connection


async def test_the_width_is_that_of_one_writer(path: Path) -> None:
    async with open_store(f"sqlite:{path}", width=8) as store:
        assert store.width == CALLERS
        assert store.redacted_url == f"sqlite:{path}"


async def test_the_file(path: Path, outside: sqlite3.Connection) -> None:
    async with open_store(f"sqlite:{path}") as store:
        await store.save(update(FULL_ENTRY))
        await store.record_run(report())

    assert outside.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert outside.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    published, enclosures = outside.execute("SELECT published, enclosures FROM entries").fetchone()
    assert published == "2024-02-29T23:59:59.123+00:00"
    assert enclosures.startswith('[{"url": "https://a.test/1.mp3", "type": "audio/mpeg", "length": 1099')
    assert outside.execute("SELECT feeds, seconds FROM runs").fetchall() == [(500, 12.5)]


async def test_the_same_again_leaves_every_byte_alone(path: Path, tmp_path: Path) -> None:
    same = update(entry("a"), entry("b"))

    def digests() -> dict[str, str]:
        files = sorted(tmp_path.iterdir())
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    async with open_store(f"sqlite:{path}") as store:
        await store.save(same)
    before = digests()
    async with open_store(f"sqlite:{path}") as store:
        await store.save(same)
    assert digests() == before


async def test_first_seen_stays_and_last_changed_moves(path: Path, outside: sqlite3.Connection) -> None:
    async with open_store(f"sqlite:{path}") as store:
        await store.save(update(entry()))
        then = "2024-02-29T12:00:00.000+00:00"
        outside.execute("UPDATE entries SET first_seen = ?, last_changed = ?", (then, then))
        await store.save(update(entry(hash="other")))

    first_seen, last_changed = outside.execute("SELECT first_seen, last_changed FROM entries").fetchone()
    assert first_seen == then
    assert last_changed > then


async def test_text_in_another_encoding(path: Path, outside: sqlite3.Connection) -> None:
    """As a shell in another locale would leave it."""
    async with open_store(f"sqlite:{path}") as store:
        await store.save(update(entry("a"), entry("b")))
        for table, column in (
            ("feeds", "title"),
            ("feeds", "body_hash"),
            ("entries", "title"),
            ("entries", "hash"),
        ):
            outside.execute(f"UPDATE {table} SET {column} = CAST(x'e9' AS TEXT)")

        assert (await store.load([FEED]))[FEED].title == "\N{REPLACEMENT CHARACTER}"
        assert [each.entry.title async for each in store.read_entries()] == ["\N{REPLACEMENT CHARACTER}"] * 2
        assert await store.save(update(entry("a"), entry("b"))) == EntryCounts(changed=2)
        assert await store.load([FEED]) == {FEED: update().state}


async def test_a_key_that_is_no_text(path: Path, outside: sqlite3.Connection) -> None:
    """It is passed over where a feed's entries are looked for under other URLs."""
    async with open_store(f"sqlite:{path}") as store:
        await store.save(update(entry("http://a.test/1"), entry("http://a.test/2")))
        outside.execute("UPDATE entries SET key = x'ff' WHERE key = 'http://a.test/1'")

        moved = update(entry("https://a.test/1"), entry("https://a.test/2"))
        assert await store.save(moved) == EntryCounts(new=1, changed=1)


async def test_a_write_that_fails_half_way_is_rolled_back(path: Path, outside: sqlite3.Connection) -> None:
    async with open_store(f"sqlite:{path}") as store:
        outside.execute(
            "CREATE TRIGGER full AFTER INSERT ON entries WHEN new.key = 'c'"
            " BEGIN SELECT RAISE(FAIL, 'disk full'); END"
        )
        with pytest.raises(StoreError, match=r"news\.db: disk full"):
            await store.save(update(entry("a"), entry("b"), entry("c")))
        assert outside.execute("SELECT count(*) FROM entries").fetchone() == (0,)
        assert await store.load([FEED]) == {}

        outside.execute("DROP TRIGGER full")
        assert await store.save(update(entry("a"))) == EntryCounts(new=1)


async def test_a_file_that_another_process_has_locked(path: Path, outside: sqlite3.Connection) -> None:
    async with open_store(f"sqlite:{path}", call_timeout=0.05) as store:
        outside.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="another process is writing to it: database is locked"):
            await store.save(update(entry()))
        assert await store.load([FEED]) == {}

        outside.execute("ROLLBACK")
        assert await store.save(update(entry())) == EntryCounts(new=1)

        outside.execute("BEGIN IMMEDIATE")
        assert await store.save(update(entry())) == EntryCounts(unchanged=1)


def commits(path: Path) -> int:
    """Transactions in the write-ahead log (https://sqlite.org/fileformat2.html#walformat)."""
    log = path.with_name(f"{path.name}-wal").read_bytes()
    frame = 24 + int.from_bytes(log[8:12])
    # The last frame of a transaction says how many pages the file has; the others say 0.
    return sum(log[start + 4 : start + 8] != bytes(4) for start in range(32, len(log), frame))


async def test_feeds_that_wait_are_one_transaction(path: Path) -> None:
    """Each waits for the disk."""
    async with open_store(f"sqlite:{path}") as store:
        before = commits(path)
        async with trio.open_nursery() as nursery:
            for number in range(30):
                nursery.start_soon(store.save, update(entry(), feed_id=f"{number:032x}"))
        assert commits(path) - before <= 2
        assert len(await store.load([f"{number:032x}" for number in range(30)])) == 30


READER = """
import sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=0)
seen = 0
while seen < int(sys.argv[2]):
    (feeds,), (entries,) = (
        db.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("feeds", "entries")
    )
    assert feeds >= seen and entries >= feeds * 20, (seen, feeds, entries)
    seen = feeds
"""


async def test_another_process_reads_while_we_write(path: Path) -> None:
    """It never waits (its timeout is 0), and never sees a feed without its entries."""
    async with open_store(f"sqlite:{path}") as store, trio.open_nursery() as nursery:
        command = [sys.executable, "-c", READER, str(path), "150"]
        nursery.start_soon(trio.run_process, command)
        for number in range(150):
            entries = (entry(str(key)) for key in range(20))
            await store.save(update(*entries, feed_id=f"{number:032x}"))


async def test_another_process_that_writes_is_waited_for(path: Path, outside: sqlite3.Connection) -> None:
    saved = []

    async def save(store: Store) -> None:
        saved.append(await store.save(update(entry())))

    async with open_store(f"sqlite:{path}", call_timeout=60) as store, trio.open_nursery() as nursery:
        outside.execute("BEGIN IMMEDIATE")
        nursery.start_soon(save, store)
        # What writes nothing does not wait, and a new run can begin.
        async with open_store(f"sqlite:{path}") as other:
            assert await other.load([FEED]) == {}
        assert saved == []
        outside.execute("COMMIT")
    assert saved == [EntryCounts(new=1)]


async def test_two_stores_on_one_file(path: Path) -> None:
    async with open_store(f"sqlite:{path}") as one, open_store(f"sqlite:{path}") as other:
        await one.save(update(entry()))
        await other.save(update(entry(), feed_id=OTHER))
        assert set(await one.load([FEED, OTHER])) == {FEED, OTHER}


KILLED = """
import sys
import trio
sys.path.insert(0, {tests!r})
from support.stores import entry, update
from trioscrape._store import Store, open_store
from trioscrape._store.batches import CALLERS

async def main():
    async with open_store("sqlite:" + sys.argv[1]) as store:
        for number in range(100_000):
            feed_id = format(number, "032x")
            await store.save(update(*(entry(str(key)) for key in range(50)), feed_id=feed_id))
            print(feed_id, flush=True)

trio.run(main)
"""


def test_a_killed_process_loses_nothing_that_was_acknowledged(path: Path) -> None:
    code = KILLED.format(tests=str(Path(__file__).parents[1]))
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().strip() for _ in range(50)]
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.read().split()

    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        states = {feed_id for (feed_id,) in db.execute("SELECT feed_id FROM feeds")}
        entries = dict(db.execute("SELECT feed, count(*) FROM entries GROUP BY feed"))
    assert set(acknowledged) <= states
    assert entries == dict.fromkeys(states, 50)
