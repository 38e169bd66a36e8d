"""The index of an archive: when it is damaged, nothing is lost but that payloads are kept once more."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from trioscrape._archive.payloads import NAME, Kept, PayloadIndex
from trioscrape._archive.writer import WarcWriter

from support.archives import checked, files, largest_file, records
from support.kept import exchange

KEPT = Kept("<1>", "http://a.test/feed", "2026-02-28T12:00:00Z")


def another(statement: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.unlink()
        with closing(sqlite3.connect(path)) as db:
            db.execute(statement)
            db.commit()

    return make


def from_page_2(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4096] + b"\xaa" * 20 * 4096)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "no database": lambda path: path.write_bytes(b"no database" * 1000),
    "from its second page": from_page_2,
    "other payloads": another("CREATE TABLE payloads (x)"),
    "other files": another("CREATE TABLE files (x)"),
    "other tables": another("CREATE TABLE x (y)"),
    "of a later version": another("PRAGMA user_version = 99"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_one_that_is_damaged_is_made_anew(writer: WarcWriter, folder: Path, name: str) -> None:
    writer.write([exchange(b"%d" % number) for number in range(200)])
    writer.close()
    DAMAGE[name](folder / NAME)
    for _ in range(2):
        again = WarcWriter(folder)
        again.write([exchange(b"7")])
        again.close()

    kinds = [each.kind for each in records(folder)]
    assert (kinds.count("response"), kinds.count("revisit")) == (201, 1)
    assert checked(folder) == ""


@pytest.mark.parametrize("call", ["find", "add", "note", "size", "forget_missing", "undo"])
def test_one_that_is_damaged_while_it_is_open(tmp_path: Path, call: str) -> None:
    with closing(PayloadIndex(tmp_path)) as index:
        index.note("a.warc.gz", 1)
        assert index._db is not None
        index._db.executescript("DROP TABLE payloads; DROP TABLE files")
        arguments = {
            "find": (b"1",),
            "add": (b"1", KEPT, "a.warc.gz"),
            "note": ("a.warc.gz", 2),
            "size": ("a.warc.gz",),
            "forget_missing": ((),),
            "undo": (),
        }
        getattr(index, call)(*arguments[call])
        index.add(b"2", KEPT, "a.warc.gz")
        index.note("a.warc.gz", 3)

        assert index.find(b"2") == KEPT
        assert index.size("a.warc.gz") == 3


def test_one_that_can_not_be_opened_is_an_error(tmp_path: Path) -> None:
    """It is not thrown away: a new one would have the same problem."""
    (tmp_path / NAME).mkdir()

    with pytest.raises(OSError, match="unable to open database file"):
        PayloadIndex(tmp_path)


def test_a_full_disk_is_no_damage(tmp_path: Path) -> None:
    with closing(PayloadIndex(tmp_path)) as index:
        index.note("a.warc.gz", 1)
        with largest_file(10_000), pytest.raises(OSError, match="disk"):
            for number in range(10_000):
                index.add(b"%d" % number, KEPT, "a.warc.gz")
                index.note("a.warc.gz", number)
        index.undo()

        assert index.size("a.warc.gz") is not None


def test_a_file_is_known_again_after_the_index_is_lost(writer: WarcWriter, folder: Path) -> None:
    writer.write([exchange(b"1")])
    assert writer._index._db is not None
    writer._index._db.executescript("DROP TABLE files")
    writer.write([exchange(b"2")])

    (path,) = folder.glob("*.open")
    assert writer._index.size(path.name.removesuffix(".open")) == path.stat().st_size
    writer.close()
    assert len(files(folder)) == 1
