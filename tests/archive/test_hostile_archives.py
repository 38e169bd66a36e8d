"""Archives that are damaged, or made by somebody else: each fault costs what it is in, and no more."""

from __future__ import annotations

import tracemalloc
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from trioscrape import Config
from trioscrape._archive.poll_record import MOST_ANSWERS
from trioscrape._archive.reader import ArchiveReader
from trioscrape._archive.warc_file import POLL
from trioscrape._run.replay import open_replay
from trioscrape.testing import MemoryStore

from support.hostile_archives import archive, failure, poll, record, response, revisit

LONG = "9" * 5000
DEEP = b"[" * 200_000
UNREAD = {
    "length-no-ascii-digit": record("response", b"x", Content_Length="\xb2"),
    "length-of-5000-digits": record("response", b"x", Content_Length=LONG),
    "empty-member": zlib.compress(b"", 1, 31),
    "json-too-deep": record("metadata", DEEP, POLL),
    "number-of-5000-digits": record("metadata", b'{"feed":' + LONG.encode() + b"}", POLL),
    "json-of-another-form": record("metadata", b"[]", POLL),
    "ip-address": response(WARC_IP_Address="not one") + poll(),
    "no-ip-address": response(WARC_IP_Address="") + poll(),
    "date": response(WARC_Date="x") + poll(),
    "date-that-leaves-the-calendar": response(WARC_Date="0001-01-01T00:00:00+14:00") + poll(),
    "began-leaves-the-calendar": poll(began="0001-01-01T00:00:00+14:00"),
    "began-without-time-zone": poll(began="2026-01-01T00:00:00"),
    "began-number": poll(began=5),
    "ended-at-the-end-of-time": poll(ended="9999-12-31T23:59:59Z"),
    "next-run": poll(next_run="x"),
    "url": poll({"url": 5}),
    "url-none": poll({"url": None}),
    "url-surrogate": poll({"url": "http://a.test/\ud800"}),
    "title": poll({"title": 5}),
    "title-list": poll({"title": [1]}),
    "tags": poll({"tags": [1, None]}),
    "tags-text": poll({"tags": "abc"}),
    "without-scheme": poll({"without_scheme": "yes"}),
    "feed-none": record("metadata", b'{"feed": null, "fetches": []}', POLL),
    "feed-id": poll(feed_id=5),
    "feed-id-list": poll(feed_id=[]),
    "feed-id-surrogate": poll(feed_id="\ud800\0"),
    "feed-id-too-long": poll(feed_id="a" * 40),
    "outcome": poll(outcome=None),
    "reason": poll(reason=[]),
    "took-turn": poll(took_turn=1),
    "fetches": poll(fetches=5),
    "records-text": poll(fetches=[{"records": "<1>"}]),
    "again": poll(fetches=[{"records": [], "again": []}]),
    "failure-unknown": poll(fetches=[{"records": [], "failed": failure(reason="bogus")}]),
    "failure-list": poll(fetches=[{"records": [], "failed": failure(reason=["tls"])}]),
    "failure-detail": poll(fetches=[{"records": [], "failed": failure(detail=5)}]),
    "failure-none": poll(fetches=[{"records": [], "failed": None}]),
    "postponed-by": poll(put_off=failure(postponed_by=5), fetches=[]),
    "put-off-text": poll(put_off="x"),
    "too-many-fetches": poll(fetches=[{"records": []}] * (MOST_ANSWERS + 1)),
    "too-many-answers": poll(fetches=[{"records": ["<2>"] * MOST_ANSWERS}] * 2),
    "head-too-long": response(head=b"HTTP/1.1 200 OK\r\nX: " + b"x" * 600_000 + b"\r\n\r\n") + poll(),
    "warc-head-too-long": record("response", b"x", X="x" * 600_000),
    "payload-of-nobody": revisit(1, "sha1:X") + poll(),
}
"""Each has no poll that could be replayed."""


@pytest.mark.parametrize("name", UNREAD)
def test_what_can_not_be_understood_is_damage(tmp_path: Path, name: str) -> None:
    archive(tmp_path / "a", response(0), UNREAD[name])

    with closing(ArchiveReader(tmp_path / "a", Config().body_limit)) as reader:
        assert list(reader) == []

    (line,) = reader.damage
    assert len(line) < 500


REPLAYED = {
    "status-of-5000-digits": response(head=b"HTTP/1.1 " + b"1" * 5000 + b" OK\r\n\r\n"),
    "status-101": response(head=b"HTTP/1.1 101 OK\r\n\r\n"),
    "status-304": response(head=b"HTTP/1.1 304 OK\r\n\r\n"),
    "no-head": response(head=b"\0\1"),
    "content-length": response(head=b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
    "chunked": response(head=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "truncated": response(WARC_Truncated="length"),
    "another-url": response(WARC_Target_URI="file:///etc/passwd"),
    "no-answer": b"",
}


@pytest.mark.parametrize("name", REPLAYED)
async def test_what_no_server_answers(tmp_path: Path, name: str) -> None:
    """It fails as it would with a server, or is left out; a replay goes on behind it."""
    store = MemoryStore()
    later = response(2) + poll(began="2026-03-01T00:00:00Z", fetches=[{"records": ["<2>"]}])
    archive(tmp_path / "a", REPLAYED[name], poll(), later)

    with closing(ArchiveReader(tmp_path / "a", Config().body_limit)) as reader:
        async with open_replay(iter(reader), store, Config(parse_width=1)) as replay:
            results = [result async for result in replay]

    assert len(results) + replay.missing == 2
    assert str(results[-1].outcome) in ("new", "not_modified")


def bomb(folder: Path, size: int) -> Path:
    """One gzip member, small in the file and of `size` bytes in memory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = b"WARC/1.1\r\nWARC-Type: response\r\nContent-Length: 5\r\n\r\n"
    parts = [
        packer.compress(head),
        *(packer.compress(bytes(2**20)) for _ in range(size >> 20)),
        packer.flush(),
    ]
    return archive(folder, *parts, response(), poll())


def peak_of(folder: Path, polls: int, damage: int) -> int:
    """Bytes that reading an archive takes at the most."""
    tracemalloc.start()
    try:
        with closing(ArchiveReader(folder, 2**20)) as reader:
            assert sum(1 for _ in reader) == polls
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert reader.damaged == damage


def test_a_record_that_is_a_bomb(tmp_path: Path) -> None:
    """It is skipped, and what is behind it is read."""
    assert peak_of(bomb(tmp_path / "a", 100 * 2**20), polls=1, damage=1) < 20 * 2**20


def test_a_poll_with_the_same_payload_again_and_again(tmp_path: Path) -> None:
    many = range(1, 200)
    large = response(0, body=bytes(2**20), WARC_Payload_Digest="sha1:X")
    fetches = [{"records": [f"<{number}>" for number in many]}]
    archive(tmp_path / "a", large, *(revisit(number, "sha1:X") for number in many), poll(fetches=fetches))

    assert peak_of(tmp_path / "a", polls=1, damage=0) < 20 * 2**20


def test_a_poll_whose_answers_have_large_heads(tmp_path: Path) -> None:
    many = range(1, 200)
    head = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000 + b"\r\n\r\n"
    fetches = [{"records": [f"<{number}>" for number in many]}]
    archive(tmp_path / "a", *(response(number, head) for number in many), poll(fetches=fetches))

    assert peak_of(tmp_path / "a", polls=0, damage=1) < 30 * 2**20


def test_answers_without_a_poll(tmp_path: Path) -> None:
    """They are remembered on disk."""
    few = peak_of(archive(tmp_path / "few", *map(response, range(1000)), poll()), polls=1, damage=0)

    many = peak_of(archive(tmp_path / "many", *map(response, range(5000)), poll()), polls=1, damage=0)

    assert many < few + 100_000
