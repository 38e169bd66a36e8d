"""Reading an SQLite file leaves no trace, whoever writes to it meanwhile."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio

from trioscrape import open_reader, open_store
from trioscrape._store._sqlite.reader import FileReader
from trioscrape._store.pages import PAGE

from support.stores import entry, keys, update


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def fill(path: Path, count: int = 1) -> None:
    async with open_store(f"sqlite:{path}") as store:
        await store.save(update(*(entry(f"{number:04}") for number in range(count))))


async def test_no_file_is_made_beside_it(tmp_path: Path) -> None:
    await fill(tmp_path / "x.db")
    before = (tmp_path / "x.db").stat().st_mtime_ns

    async with open_reader(f"sqlite:{tmp_path / 'x.db'}") as reader:
        assert await keys(reader.read_entries()) == ["0000"]
        assert files(tmp_path) == ["x.db"]

    assert files(tmp_path) == ["x.db"]
    assert (tmp_path / "x.db").stat().st_mtime_ns == before


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A file system with a store in ``x.db`` that is read-only, which only root can make."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system of one's own: {error}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


async def test_a_folder_that_is_read_only(read_only: Path, tmp_path: Path) -> None:
    await fill(tmp_path / "x.db")
    shutil.copy(tmp_path / "x.db", read_only)
    await trio.run_process(["mount", "-o", "remount,ro", str(read_only)])

    async with open_reader(f"sqlite:{read_only / 'x.db'}") as reader:
        assert await keys(reader.read_entries()) == ["0000"]


async def test_a_run_between_two_pages(tmp_path: Path) -> None:
    """The second page has what it has stored."""
    await fill(tmp_path / "x.db", PAGE + 1)
    async with open_reader(f"sqlite:{tmp_path / 'x.db'}") as reader:
        found = reader.read_entries(oldest_first=True)
        first = [(await anext(found)).entry.key for _ in range(PAGE)]
        await fill(tmp_path / "x.db", PAGE + 3)
        rest = await keys(found)

    assert first[-1] == f"{PAGE - 1:04}"
    assert rest == [f"{number:04}" for number in range(PAGE, PAGE + 3)]
    assert files(tmp_path) == ["x.db"]


async def test_a_run_that_goes_on(tmp_path: Path) -> None:
    """What is in its write-ahead log counts."""
    await fill(tmp_path / "x.db")
    async with open_reader(f"sqlite:{tmp_path / 'x.db'}") as reader:
        async with open_store(f"sqlite:{tmp_path / 'x.db'}") as store:
            await store.save(update(entry("0000"), entry("0001")))
            assert sorted(await keys(reader.read_entries())) == ["0000", "0001"]
        assert sorted(await keys(reader.read_entries())) == ["0000", "0001"]
    assert files(tmp_path) == ["x.db"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_change_in_the_middle_of_a_query(tmp_path: Path, fails: bool) -> None:
    """What was read before it may be torn, or may have failed for that reason: it is read again."""
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE numbers (n)")
    attempts = []

    def query(db: sqlite3.Connection) -> int:
        found: int = db.execute("SELECT count(*) FROM numbers").fetchone()[0]
        attempts.append(found)
        if len(attempts) == 1:
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("INSERT INTO numbers VALUES (1)")
            if fails:
                raise sqlite3.DatabaseError("database disk image is malformed")
        return found

    reader = FileReader(str(path), 5)
    assert reader.read(query) == 1
    assert attempts == [0, 1]
    reader.close()


def test_an_error_that_is_no_change(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"no database at all" * 100)

    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        FileReader(str(path), 5).read(lambda db: db.execute("SELECT 1 FROM sqlite_master"))
