"""An archive read again: the polls that were written, whatever has become of the files."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trioscrape import Config, UsageError
from trioscrape._archive.exchange import Exchange, KeptPoll
from trioscrape._archive.reader import ArchiveReader
from trioscrape._archive.writer import WarcWriter
from trioscrape._errors import FeedFailed

from support.archives import files
from support.kept import exchange, fetch, poll


def read(folder: Path) -> tuple[list[KeptPoll], list[str]]:
    with closing(ArchiveReader(folder, Config().body_limit)) as archive:
        return list(archive), archive.damage


def body(one: Exchange) -> bytes:
    return b"".join(one.body) if one.read_body is None else one.read_body()


def bodies(polls: list[KeptPoll]) -> list[bytes]:
    """That of the first answer of each."""
    return [body(each.fetches[0].exchanges[0]) for each in polls]


def content(one: Exchange) -> tuple[object, ...]:
    return one.url, one.at, one.head, one.address, one.is_http2, body(one), one.truncated


def test_a_poll_is_read_as_it_was_written(writer: WarcWriter, folder: Path) -> None:
    first = exchange(b"", status=503, truncated="unspecified")
    redirect, answer = exchange(b"", status=301, truncated="unspecified"), exchange(is_http2=True)
    failed = FeedFailed(
        "http-503", "Busy", not_before=datetime(2026, 2, 28, 13, tzinfo=UTC), postponed_by="a.test"
    )
    written = poll(fetch(first, failed=failed), fetch(again=True), fetch(redirect, answer), reason="tls")
    writer.write([first, redirect, answer, written])
    writer.close()

    (found,), damage = read(folder)

    assert damage == []
    for name in ("feed", "feed_id", "began", "ended", "next_run", "outcome", "reason"):
        assert getattr(found, name) == getattr(written, name)
    one, again, two = found.fetches
    assert [content(each) for each in one.exchanges] == [content(first)]
    assert [content(each) for each in two.exchanges] == [content(redirect), content(answer)]
    assert (one.again, again.again, two.failed) == (False, True, None)
    assert vars(one.failed) == vars(failed)


def test_a_revisit_has_the_payload_of_an_earlier_file(writer: WarcWriter, folder: Path) -> None:
    first, second = exchange(), exchange()
    writer.write([first, poll(fetch(first))])
    writer.close()
    again = WarcWriter(folder)
    again.write([second, poll(fetch(second))])
    again.close()

    polls, _ = read(folder)

    assert bodies(polls) == [b"<rss/>", b"<rss/>"]


def test_a_file_that_ends_in_the_middle(writer: WarcWriter, folder: Path) -> None:
    """What is whole is read, and so are the other files."""
    first, second = exchange(), exchange(b"<other/>")
    writer.write([first, poll(fetch(first))])
    whole = writer.written
    writer.write([second, poll(fetch(second))])
    writer.close()
    again = WarcWriter(folder)
    third = exchange(b"<third/>")
    again.write([third, poll(fetch(third))])
    again.close()
    data = files(folder)[0].read_bytes()
    for end in range(whole + 1, len(data), 97):
        files(folder)[0].write_bytes(data[:end])

        polls, damage = read(folder)

        assert bodies(polls) == [b"<rss/>", b"<third/>"]
        assert damage == [
            f"{files(folder)[0].name}: it ends in the middle of a record; the rest of this file is left out"
        ]


def test_a_file_that_is_damaged(writer: WarcWriter, folder: Path) -> None:
    writer.write([each := exchange(), poll(fetch(each))])
    writer.close()
    (path,) = files(folder)
    data = bytearray(path.read_bytes())
    for place in range(20, len(data), 101):
        changed = data.copy()
        changed[place] ^= 0xFF
        path.write_bytes(changed)

        polls, damage = read(folder)

        assert len(polls) <= 1
        assert damage or polls


def test_a_payload_that_is_gone_costs_its_polls(writer: WarcWriter, folder: Path) -> None:
    first, second, third = exchange(), exchange(), exchange(b"<third/>")
    writer.write([first])
    writer.close()
    again = WarcWriter(folder)
    again.write([second, poll(fetch(second)), third, poll(fetch(third))])
    again.close()
    files(folder)[0].unlink()

    polls, damage = read(folder)

    assert bodies(polls) == [b"<third/>"]
    assert damage == [f"{files(folder)[0].name}: the payload of {second.url} is not in the archive"]


def test_a_folder_without_archives(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no WARC files"):
        ArchiveReader(tmp_path, Config().body_limit)


def test_an_archive_that_is_being_written(writer: WarcWriter, folder: Path) -> None:
    """What has been written by now; and its file may be closed at any moment, which changes its name."""
    first, second = exchange(), exchange(b"<other/>")
    writer.write([first, second, poll(fetch(first)), poll(fetch(second))])
    with closing(ArchiveReader(folder, Config().body_limit)) as archive:
        assert archive.files == 1
        polls = iter(archive)
        one = next(polls)
        writer.close()
        (two,) = polls

        assert bodies([one, two]) == [b"<rss/>", b"<other/>"]
        assert archive.damage == []


def test_a_file_that_is_closed_before_it_is_opened(writer: WarcWriter, folder: Path) -> None:
    writer.write([each := exchange(), poll(fetch(each))])
    with closing(ArchiveReader(folder, Config().body_limit)) as archive:
        writer.close()

        assert bodies(list(archive)) == [b"<rss/>"]


def test_a_file_that_is_closed_while_files_are_listed(
    writer: WarcWriter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.write([each := exchange(), poll(fetch(each))])
    glob = Path.glob

    def closing_meanwhile(path: Path, pattern: str) -> list[Path]:
        found = list(glob(path, pattern))
        writer.close()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Path, "glob", closing_meanwhile)
        archive = ArchiveReader(folder, Config().body_limit)

    with closing(archive):
        assert bodies(list(archive)) == [b"<rss/>"]


def test_a_file_that_is_deleted(writer: WarcWriter, folder: Path) -> None:
    writer.write([exchange()])
    writer.close()
    with closing(ArchiveReader(folder, Config().body_limit)) as archive:
        files(folder)[0].unlink()

        with pytest.raises(FileNotFoundError):
            list(archive)
