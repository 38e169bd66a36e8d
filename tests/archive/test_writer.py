"""The records of an archive, as readers see them that are not ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from trioscrape._archive import writer as writers
from trioscrape._archive.writer import WarcWriter

from support.archives import checked, files, largest_file, records
from support.kept import exchange, fetch, poll


def test_an_exchange_is_a_response_and_its_request(writer: WarcWriter, folder: Path) -> None:
    one = exchange()
    writer.write([one])
    writer.close()

    info, response, request = records(folder)

    assert (info.kind, response.kind, request.kind) == ("warcinfo", "response", "request")
    assert response.head == one.head
    assert (response.payload, request.block) == (b"<rss/>", one.request)
    assert response.fields["WARC-Target-URI"] == request.fields["WARC-Target-URI"] == one.url
    assert response.fields["WARC-Date"] == "2026-02-28T12:00:00.123456Z"
    assert response.fields["WARC-IP-Address"] == "198.51.100.7"
    assert request.fields["WARC-Concurrent-To"] == response.fields["WARC-Record-ID"] == one.id
    assert "WARC-Truncated" not in response.fields
    assert checked(folder) == ""


def test_the_same_payload_is_kept_once(writer: WarcWriter, folder: Path) -> None:
    """In this run and in the next one, at whatever URL it is."""
    first, second, third = exchange(), exchange(url="http://b.test/feed"), exchange()
    writer.write([first, second, exchange(b"<other/>")])
    writer.close()
    again = WarcWriter(folder)
    again.write([third])
    again.close()

    response, revisit, other, later = [
        each for each in records(folder) if each.kind in ("response", "revisit")
    ]

    assert (response.kind, revisit.kind, other.kind, later.kind) == (
        "response",
        "revisit",
        "response",
        "revisit",
    )
    assert (revisit.block, later.block) == (second.head, third.head)
    for each in (revisit, later):
        assert each.fields["WARC-Profile"] == writers.SAME_PAYLOAD
        assert each.fields["WARC-Refers-To"] == first.id
        assert each.fields["WARC-Refers-To-Target-URI"] == first.url
        assert each.fields["WARC-Refers-To-Date"] == response.fields["WARC-Date"]
        assert each.fields["WARC-Payload-Digest"] == response.fields["WARC-Payload-Digest"]
    assert (writer.answers, writer.revisits, again.revisits) == (3, 1, 1)
    assert checked(folder) == ""


def test_a_304_is_a_revisit_of_its_own_kind(writer: WarcWriter, folder: Path) -> None:
    writer.write([exchange(b"", status=304)])
    writer.close()

    (revisit,) = [each for each in records(folder) if each.kind == "revisit"]

    assert revisit.fields["WARC-Profile"] == writers.NOT_MODIFIED
    assert revisit.head.startswith(b"HTTP/1.1 304 ")
    assert "WARC-Payload-Digest" not in revisit.fields


def test_a_body_that_is_not_whole_says_so(writer: WarcWriter, folder: Path) -> None:
    """It is no payload that another record may refer to."""
    writer.write([exchange(truncated="time"), exchange(), exchange(b"", status=404, truncated="unspecified")])
    writer.close()

    cut, whole, unread = [each for each in records(folder) if each.kind == "response"]

    assert [each.fields.get("WARC-Truncated") for each in (cut, whole, unread)] == [
        "time",
        None,
        "unspecified",
    ]
    assert checked(folder) == ""


def test_http2_and_a_proxy(writer: WarcWriter, folder: Path) -> None:
    writer.write([exchange(address=None, is_http2=True)])
    writer.close()

    _, response, _ = records(folder)

    assert response.fields["WARC-Protocol"] == "h2"
    assert "WARC-IP-Address" not in response.fields


def test_a_poll_names_its_records(writer: WarcWriter, folder: Path) -> None:
    redirect, answer = exchange(b"", status=301), exchange()
    writer.write([redirect, answer, poll(fetch(redirect, answer))])
    writer.close()

    metadata = records(folder)[-1]

    assert metadata.kind == "metadata"
    assert metadata.fields["WARC-Concurrent-To"] == answer.id
    assert redirect.id.encode() in metadata.block
    assert checked(folder) == ""


def test_a_file_that_is_full_is_followed_by_another(
    writer: WarcWriter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "LARGEST", 2000)
    for number in range(12):
        writer.write([exchange(b"%d" % number)])
    writer.close()

    assert len(files(folder)) > 2
    assert all(path.stat().st_size < 4000 for path in files(folder))
    assert [each.payload for each in records(folder) if each.kind == "response"] == [
        b"%d" % number for number in range(12)
    ]
    assert writer.written == sum(path.stat().st_size for path in files(folder))
    assert checked(folder) == ""


def test_one_process_at_a_time_writes(writer: WarcWriter, folder: Path) -> None:
    with pytest.raises(BlockingIOError, match="another process is writing to it"):
        WarcWriter(folder)
    writer.write([exchange()])


def test_what_a_killed_process_left_is_closed(writer: WarcWriter, folder: Path) -> None:
    """Without the record that it was writing."""
    writer.write([exchange()])
    (left,) = folder.glob("*.open")
    copy = folder.with_name("copy")
    copy.mkdir()
    for path in folder.iterdir():  # as the disk was at the moment of the kill
        (copy / path.name).write_bytes(path.read_bytes())
    with (copy / left.name).open("ab") as file:
        file.write(b"\x1f\x8b\x08torn")
    again = WarcWriter(copy)
    again.write([exchange()])
    again.close()

    assert len(files(copy)) == 2
    assert [each.kind for each in records(copy)].count("revisit") == 1
    assert checked(copy) == ""


def test_payloads_of_a_file_that_is_gone_are_kept_again(writer: WarcWriter, folder: Path) -> None:
    writer.write([exchange()])
    writer.close()
    files(folder)[0].unlink()
    again = WarcWriter(folder)
    again.write([exchange()])
    again.close()

    assert [each.kind for each in records(folder)] == ["warcinfo", "response", "request"]


def test_what_the_disk_has_no_room_for_is_not_half_written(writer: WarcWriter, folder: Path) -> None:
    writer.write([exchange()])
    with largest_file(writer.written + 100), pytest.raises(OSError, match="File too large"):
        writer.write([exchange(bytes(range(256)) * 100)])
    (path,) = folder.glob("*.open")
    assert path.stat().st_size == writer.written
    assert (writer.answers, writer.revisits) == (1, 0)
    writer.write([exchange(bytes(range(256)) * 100)])
    writer.close()

    payloads = [each.payload for each in records(folder) if each.kind == "response"]
    assert payloads == [b"<rss/>", bytes(range(256)) * 100]
    assert checked(folder) == ""


def test_where_nothing_came_there_is_no_file(writer: WarcWriter, folder: Path) -> None:
    writer.close()

    assert files(folder) == []


def test_a_file_whose_first_records_had_no_room_begins_as_all_do(writer: WarcWriter, folder: Path) -> None:
    with largest_file(100), pytest.raises(OSError, match="File too large"):
        writer.write([exchange()])
    writer.write([exchange()])
    writer.close()

    assert [each.kind for each in records(folder)] == ["warcinfo", "response", "request"]


def test_what_is_not_noted_in_the_index_is_not_in_the_file(
    writer: WarcWriter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run cuts files at what was noted, and what is put back must not be in it twice."""
    writer.write([exchange()])
    before = writer.written
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(writer._index, "note", fails)
        writer.write([exchange(b"<other/>")])
    assert (writer.written, writer.answers) == (before, 1)
    writer.write([exchange(b"<other/>")])
    writer.close()

    assert [each.payload for each in records(folder) if each.kind == "response"] == [b"<rss/>", b"<other/>"]


def fails(*_: object) -> None:
    raise OSError("the disk is full")


def test_where_nothing_could_be_written_there_is_no_file(writer: WarcWriter, folder: Path) -> None:
    with largest_file(100), pytest.raises(OSError, match="File too large"):
        writer.write([exchange()])
    writer.close()

    assert files(folder) == []
