"""A file that is deleted, moved or replaced while it is open: what is acknowledged is at its path."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trioscrape import EntryCounts, StoreError, StoreUnavailable
from trioscrape._cli.command import main
from trioscrape._store import open_store

from support.stores import FEED, OTHER, entry, report, stored, update


def replaced(path: Path) -> None:
    other = path.with_name("other.db")
    shutil.copy(path, other)
    other.rename(path)


def replaced_by_link(path: Path) -> None:
    other = path.with_name("other.db")
    shutil.copy(path, other)
    path.unlink()
    path.symlink_to(other)


def folder_renamed(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def folder_is_a_file(path: Path) -> None:
    folder_renamed(path)
    path.parent.write_text("")


def log_deleted(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink()


def log_replaced(path: Path) -> None:
    log_deleted(path)
    path.with_name(f"{path.name}-wal").write_bytes(b"")


GONE = "moved or deleted while it was open; what was written since then is not there"
OTHERS = "another file was put in its place, or in that of its write-ahead log, while it was open"
DEEDS: dict[Callable[[Path], None], str] = {
    Path.unlink: GONE,
    folder_renamed: GONE,
    folder_is_a_file: GONE,
    log_deleted: GONE,
    replaced: OTHERS,
    replaced_by_link: OTHERS,
    log_replaced: OTHERS,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder / "news.db"


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
async def test_nothing_is_acknowledged_from_then_on(path: Path, deed: Callable[[Path], None]) -> None:
    async with open_store(f"sqlite:{path}") as store:
        await store.save(update(entry()))
        deed(path)
        for save in (
            lambda: store.save(update(entry(), feed_id=OTHER)),
            lambda: store.save(update(entry())),  # the same again, which writes nothing
            lambda: store.record_run(report()),
            lambda: store.restore_entries([stored("b")]),
            lambda: store.restore_feeds([update(feed_id=OTHER).state]),
            lambda: store.forget([FEED]),
        ):
            with pytest.raises(StoreError, match=DEEDS[deed]) as caught:
                await save()
            assert type(caught.value) is StoreError
            assert str(caught.value).startswith(f"sqlite:{path}: ")


@pytest.mark.parametrize("deed", [folder_renamed, log_deleted])
async def test_what_was_acknowledged_before_is_kept(path: Path, deed: Callable[[Path], None]) -> None:
    """A log that has no name any more is still moved into the file when that is closed."""
    async with open_store(f"sqlite:{path}") as store:
        await store.save(update(entry()))
        deed(path)
    if deed is folder_renamed:
        path = path.parent.with_name("elsewhere") / path.name

    async with open_store(f"sqlite:{path}") as store:
        assert set(await store.load([FEED])) == {FEED}
        assert [each.entry.key async for each in store.read_entries()] == ["k"]


async def test_a_path_that_can_not_be_looked_at_now(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network file system that is away, for example: the write is made again."""
    async with open_store(f"sqlite:{path}") as store:
        with monkeypatch.context() as patched:

            def away(_: object) -> None:
                raise TimeoutError(110, "Connection timed out")

            patched.setattr(os, "stat", away)
            with pytest.raises(StoreUnavailable, match=rf"^sqlite:{path}: Connection timed out$"):
                await store.save(update(entry()))
        assert await store.save(update(entry())) == EntryCounts(unchanged=1)


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


async def test_a_relative_path_in_a_program_that_changes_its_directory(path: Path, tmp_path: Path) -> None:
    with working_in(path.parent):
        async with open_store("sqlite:news.db") as store:
            os.chdir(tmp_path)
            assert await store.save(update(entry())) == EntryCounts(new=1)


async def test_others_who_come_and_go_replace_nothing(path: Path) -> None:
    """The log is deleted by the last one who closes the file."""
    async with open_store(f"sqlite:{path}") as store:
        for number in range(3):
            async with open_store(f"sqlite:{path}") as other:
                await other.save(update(entry(), feed_id=f"{number:032x}"))
            assert await store.save(update(entry(str(number)))) == EntryCounts(new=1)


def test_a_run_says_so_on_one_line(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It ends with 1, and none of its feeds is stored."""
    from trioscrape._store._sqlite import store as module

    save_all = module.save_all

    def delete_and_save(*args: object) -> object:
        path.unlink(missing_ok=True)
        return save_all(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "save_all", delete_and_save)
    feeds = path.with_name("feeds.txt")
    feeds.write_text("".join(f"http://127.0.0.1:1/{number}\n" for number in range(20)))

    assert main(["run", str(feeds), "--store", f"sqlite:{path}", "--json"]) == 1

    out, err = capfd.readouterr()
    assert '"stored": true' not in out
    assert err.endswith(f"trioscrape: sqlite:{path}: the file, or its write-ahead log, was {GONE}\n")
    assert "Traceback" not in err
    assert not path.exists()
