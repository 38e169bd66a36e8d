"""Files for ``trioscrape import`` that somebody else has made, and a run over what is stored then.

A new line is a row of `ENTRIES`, `FEEDS` or `JUNK`. An entry or feed is a valid one with some fields changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from trioscrape import FeedState, StoredEntry, feed_id
from trioscrape._cli.jsonl import line_of

from support.adversary import (
    LONG,
    MEMORY,
    STORES,
    Sites,
    assert_none,
    broken_promises,
    broken_promises_to,
    document,
    open_sites,
    program,
    read,
    scrape,
    some,
)
from support.servers import FEED
from support.stores import entry, moment, state

SCRIPT = "<p>kept</p><script>steal()</script><img src='http://a.test/i' onerror='steal()'><p title='"
LATE, EARLY = "9999-12-31T23:59:59.000+00:00", "0001-01-01T00:00:00.000+00:00"
LONG_LINE = 100 * 10**6 if LONG else 68 * 10**6
"""Bytes of a line, of which the longest that is read has 64 MiB."""


class Line(NamedTuple):
    changes: dict[str, Any]
    """Fields in place of those of a valid record."""
    taken: bool | None = True
    """Whether it is stored; None: it may be refused, or stored without what means harm."""


EITHER: None = None
ENTRIES: dict[str, Line] = {
    # What would do harm on a page
    "script": Line({"content": SCRIPT, "content_type": "html"}, EITHER),
    "script in the summary": Line({"summary": SCRIPT, "summary_type": "html"}, EITHER),
    "script without a type": Line({"content": SCRIPT, "content_type": None}, EITHER),
    "script in a text": Line({"content": SCRIPT, "content_type": "text"}),
    "script in the title": Line({"title": SCRIPT, "authors": [SCRIPT], "tags": [SCRIPT]}, EITHER),
    "link": Line({"link": "javascript:steal()"}, EITHER),
    "link with a tab": Line({"link": "java\tscript:steal()"}, EITHER),
    "link with a control character": Line({"link": "\x01javascript:steal()"}, EITHER),
    "link to a file": Line({"link": "file:///etc/passwd"}, EITHER),
    "link, relative": Line({"link": "//a.test/"}, EITHER),
    "image": Line({"image": "data:image/svg+xml,<svg onload='steal()'>"}, EITHER),
    "comments": Line({"comments": "vbscript:steal()"}, EITHER),
    "chapters": Line({"chapters": "javascript:steal()"}, EITHER),
    "source": Line({"source": {"title": "S", "link": "javascript:steal()"}}, EITHER),
    "enclosure": Line({"enclosures": [{"url": "javascript:steal()"}]}, EITHER),
    "transcript": Line({"transcripts": [{"url": "data:text/html,x"}]}, EITHER),
    "feed_url": Line({"feed_url": "javascript:steal()"}, EITHER),
    "HTML that is cut in a tag": Line(
        {"content": f"{'x' * (6 * 2**20 - 20)}<p title='{'y' * 999}'>", "content_type": "html"}, EITHER
    ),
    # Moments
    "last_changed, late": Line({"last_changed": LATE}, EITHER),
    "first_seen, early": Line({"first_seen": EARLY}, EITHER),
    "last_changed before first_seen": Line({"first_seen": LATE, "last_changed": EARLY}, EITHER),
    "published, late": Line({"published": LATE, "updated": EARLY}),
    "published, year 0": Line({"published": "0000-01-01T00:00:00+00:00"}, taken=False),
    "published, year -1": Line({"published": "-0001-01-01T00:00:00+00:00"}, taken=False),
    "published, year 10000": Line({"published": "10000-01-01T00:00:00+00:00"}, taken=False),
    "published, out of the calendar in UTC": Line({"published": "0001-01-01T00:00:00+14:00"}, taken=False),
    "published, a number": Line({"published": 1e300}, taken=False),
    "first_seen, none": Line({"first_seen": None}, taken=False),
    # Texts
    "key with control characters": Line({"key": "\x1b]0;x\x07\r\n\x9b"}),
    "key with NUL": Line({"key": "a\0b", "title": "a\0b"}),
    "key of a lone surrogate": Line({"key": "\ud800", "title": "\udfff\ud800"}),
    "key of an operator": Line({"key": "$where", "tags": ["$set", "a.b"]}),
    "key, empty": Line({"key": ""}, taken=False),
    "key, a list": Line({"key": [["a"]]}, taken=False),
    "key, a long one": Line({"key": "x" * 3_000_000}),
    "title, bidi": Line({"title": "\u202etxet\u2066", "authors": ["\x1b[2J"]}),
    "title, a long one": Line({"title": "x" * 3_000_000}),
    "a long line that is one": Line({"content": "x" * (50_000_000 if LONG else 10_000_000)}),
    # Numbers, and values of another type
    "duration, huge": Line({"duration": 10**40}, taken=False),
    "duration, negative": Line({"duration": -1}, taken=False),
    "duration, NaN": Line({"duration": float("nan")}, taken=False),
    "episode, infinite": Line({"episode": float("inf")}, taken=False),
    "episode, a float": Line({"episode": 1e308}, taken=False),
    "length, huge": Line({"enclosures": [{"url": "http://a.test/", "length": 10**400}]}, taken=False),
    "explicit, a text": Line({"explicit": "yes"}, taken=False),
    "tags, an object": Line({"tags": {"$gt": ""}}, taken=False),
    "tags, many": Line({"tags": ["x"] * 100_000}),
    "feed_id, another's path": Line({"feed_id": "../" * 10 + "aa"}, taken=False),
    "unknown fields": Line({"__class__": "os.system", "$where": "1", "_id": 1, "rewrites": 10**30}),
}

FEEDS: dict[str, Line] = {
    "url": Line({"url": "javascript:steal()"}, taken=False),
    "url of a file": Line({"url": "file:///etc/passwd"}, taken=False),
    "url with a line end": Line({"url": "http://a.test/\r\nHost: b.test"}, taken=False),
    "url of this machine": Line({"url": "http://stolen.localhost:{port}/stolen"}, EITHER),
    "moved_to": Line({"moved_to": "javascript:steal()"}, taken=False),
    "moved to this machine": Line(
        {"moved_to": "http://stolen.localhost:{port}/stolen", "moved_days": ["2026-01-01"] * 2}, EITHER
    ),
    "listed_url": Line({"listed_url": "http://stolen.localhost:{port}/stolen"}, EITHER),
    "link": Line({"link": "javascript:steal()", "self_link": "data:x", "hub": "vbscript:x"}, EITHER),
    "next_fetch": Line({"next_fetch": LATE}, EITHER),
    "next_unconditional": Line({"next_unconditional": LATE, "etag": None, "last_modified": None}, EITHER),
    "next_fetch, failures": Line({"next_fetch": LATE, "failures": 2**31, "failure": "http-503"}, EITHER),
    "gone": Line({"gone": LATE, "next_fetch": LATE}, EITHER),
    "postponed": Line({"postponed": LATE, "postponed_by": "\x1b[2Ja.test\0"}, EITHER),
    "last_turn": Line({"last_turn": LATE}, EITHER),
    "moved_since": Line({"moved_since": LATE, "moved_from": "http://a.test/"}, EITHER),
    "moved_days": Line({"moved_days": ["9999-12-31"] * 1000}, EITHER),
    "updated": Line({"updated": LATE}),
    "failures": Line({"failures": -1}, taken=False),
    "failures, huge": Line({"failures": 10**400}, taken=False),
    "failure": Line({"failure": "\x1b]0;x\x07", "failures": 1}, EITHER),
    "timers": Line({"timers": {"max_age": 10**9, "every": 10**9}}, EITHER),
    "timers that skip all hours": Line({"timers": {"skip_hours": [*range(24)], "skip_days": [*range(7)]}}),
    "timers, hour 24": Line({"timers": {"skip_hours": [24]}}, taken=False),
    "timers, a text": Line({"timers": "x" * 100_000}, taken=False),
    "etag with a line end": Line({"etag": '"1"\r\nHost: b.test'}, EITHER),
    "etag with NUL": Line({"etag": "\0\x1b\x7f"}, EITHER),
    "etag, a long one": Line({"etag": "x" * 1_000_000}, EITHER),
    "etag of no header": Line({"etag": "日本"}, taken=False),
    "last_modified with a line end": Line({"last_modified": "x\nHost: b.test"}, EITHER),
    "validators_url": Line({"validators_url": "http://me:secret@a.test/"}),
    "shared_keys": Line({"shared_keys": ["x" * 100_000] * 300}),
    "title": Line({"title": "\x1b[2J\u202e<script>steal()</script>", "listed_title": "\0"}, EITHER),
}


def duplicate(sites: Sites, number: int) -> bytes:
    good = entry_line(sites, number, {})
    return good[:-2] + b',"title":"T","title":["x"],"title":"U"}\n'


ENTRY = b'{"type":"entry",'
JUNK: dict[str, bytes] = {
    "nothing": b"{}",
    "null": b"null",
    "a number": b"9" * 5000,
    "a list": b"[" * 100_000 + b"]" * 100_000,
    "a list that does not end": b"[" * 100_000,
    "objects": b'{"type":' * 100_000,
    "a type that is a list": b'{"type":["entry"]}',
    "another type": b'{"type":"run","store":"x"}',
    "upper case": b'{"TYPE":"entry"}',
    "half a line": ENTRY + b'"feed_id":"' + b"0" * 32,
    "two in a line": b'{"type":"feed"}{"type":"feed"}',
    "no UTF-8": ENTRY + b'"key":"\xff\xfe\xe9"}',
    "UTF-16": '{"type":"entry"}'.encode("utf-16"),
    "NULs": bytes(1000),
    "binary": bytes(range(11, 256)) * 40,
    "a pickle": b"\x80\x04cos\x20system",
    "escape sequences": b"\x1b]0;stolen\x07\x1b[2J\xc2\x9b31m",
    "a field with an escape sequence": b'{"type":"entry","\\u001b[2J":1}',
    "a gzip file": b"\x1f\x8b\x08\x00junk",
    "SQL": b"INSERT INTO entries VALUES (1); --",
}


def entry_line(sites: Sites, number: int, changes: dict[str, Any]) -> bytes:
    """A valid entry of a feed of its own, but for the changes."""
    stored = StoredEntry(feed_id(sites.url(f"e{number}")), entry(f"key {number}"), moment(0), moment(1))
    return (json.dumps(json.loads(line_of(stored)) | changes) + "\n").encode()


def feed_line(sites: Sites, label: str, changes: dict[str, Any]) -> bytes:
    """A valid feed at a server of its own, but for the changes."""
    url = sites.url(label)
    plain = FeedState(feed_id(url), url, listed_url=url, etag='"1"', validators_url=url, body_hash="b" * 32)
    text = json.dumps(json.loads(line_of(plain)) | changes)
    return (text.replace("{port}", str(sites.port)) + "\n").encode()


def lines(sites: Sites) -> Iterator[tuple[str, bytes, bool | None]]:
    """The name of each row, its line, and whether it is taken; healthy ones are all over the file."""
    yield "healthy", entry_line(sites, 1000, {}), True
    for number, (name, row) in enumerate(some([*ENTRIES.items()])):
        yield f"entry: {name}", entry_line(sites, number, row.changes), row.taken
    yield "healthy", line_of(state(feed_id(sites.url("healthy0")))).encode(), True
    for number, (name, row) in enumerate(some([*FEEDS.items()])):
        yield f"feed: {name}", feed_line(sites, f"r{number}", row.changes), row.taken
    for name, junk in some([*JUNK.items()]):
        yield f"junk: {name}", junk + b"\n", False
    yield "the same key twice", duplicate(sites, 2000), EITHER
    yield "a line without end", b"x" * LONG_LINE + b"\n", False
    yield "healthy", entry_line(sites, 1001, {}).replace(b"\n", b"\r\n"), True


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "mongo":
        return str(request.getfixturevalue("mongodb_url"))
    return f"sqlite:{tmp_path / 'x.db'}"


async def test_bad_lines_cost_themselves(store: str, tmp_path: Path) -> None:
    async with open_sites({}) as sites:
        rows = [*lines(sites)]
    with (tmp_path / "x.jsonl").open("wb") as file:
        file.writelines(line for _, line, _ in rows)

    ended = await program(tmp_path, "import", "x.jsonl", "--store", store)

    stored = await read(store)
    assert_none(broken_promises(ended, 1, memory=MEMORY + 2 * LONG_LINE))
    refused, doubtful = ([name for name, _, taken in rows if taken is what] for what in (False, EITHER))
    assert 0 <= ended.records[0]["bad_lines"] - len(refused) <= len(doubtful)
    assert {"key 1000", "key 1001"} <= {each.entry.key for each in stored.entries}
    assert_none(stored.dangers())


@pytest.mark.parametrize("name", some([*ENTRIES], 1))
async def test_one_entry(name: str, tmp_path: Path) -> None:
    """Which of the lines it is that was taken, and was not to be, or the reverse."""
    row = ENTRIES[name]
    async with open_sites({}) as sites:
        good, bad = entry_line(sites, 0, {}), entry_line(sites, 1, row.changes)
    (tmp_path / "x.jsonl").write_bytes(good + bad)

    ended = await program(tmp_path, "import", "x.jsonl", "--store", f"sqlite:{tmp_path / 'x.db'}")

    stored = await read(f"sqlite:{tmp_path / 'x.db'}")
    refused = ended.records[0]["bad_lines"]
    assert_none(broken_promises(ended, int(refused > 0)))
    assert refused == (not row.taken if row.taken is not None else refused)
    assert len(stored.entries) == 2 - refused
    assert_none(stored.dangers())


async def test_feeds_are_fetched_as_ever(store: str, tmp_path: Path) -> None:
    """What is stored of a feed by an import sends no request elsewhere, and puts off none."""
    rows = dict(some([*FEEDS.items()]))
    labels = {name: f"r{number}" for number, name in enumerate(rows)}
    async with open_sites(dict.fromkeys(labels.values(), document(FEED))) as sites:
        good = [feed_line(sites, labels[name], row.changes) for name, row in rows.items()]
        # A line that is refused would have all feeds fetched as if they were new: those are left out then.
        for target in f"sqlite:{tmp_path / 'first.db'}", store:
            (tmp_path / "x.jsonl").write_bytes(b"".join(good))
            imported = await program(tmp_path, "import", "x.jsonl", "--store", target)
            refused = {int(number) for number in re.findall(r"(?m)^line (\d+):", imported.said)}
            good = [line for number, line in enumerate(good, 1) if number not in refused]
        ended = await scrape(sites, tmp_path, store)
        stored = await read(store)

    assert_none(broken_promises(imported, 0) + broken_promises(ended, 0))
    assert_none(broken_promises_to(sites, ended))
    ends = {name: ended.ends[sites.url(label)] for name, label in labels.items()}
    elsewhere = {name: "blocked-address" for name, row in rows.items() if "/stolen" in str(row.changes)}
    fetched = {"new", "updated", "not_modified"}
    assert_none({name: end for name, end in ends.items() if end not in fetched | {elsewhere.get(name)}})
    assert_none(stored.dangers())
