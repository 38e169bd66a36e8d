"""Lines of JSON: what is written, and what is read as a record."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape import Entry, FeedState, StoredEntry
from trioscrape._cli.csv import COLUMNS
from trioscrape._cli.jsonl import LONGEST_LINE, BadLine, line_of, record_of
from trioscrape._records.feed_state import FEED_STATE
from trioscrape._records.kinds import Form
from trioscrape._store._sqlite.read import page_of_entries, page_of_feeds, restore_entries, restore_feeds
from trioscrape._store._sqlite.schema import TABLES
from trioscrape._store.pages import Wanted
from trioscrape._store.records import clean_state, restored_record

from support.stores import FEED, FULL_ENTRY, entry, state

FIRST, LAST = datetime(2026, 2, 28, 12, tzinfo=UTC), datetime(2026, 3, 1, 0, 0, 0, 1000, UTC)
STORED = StoredEntry(FEED, replace(FULL_ENTRY, truncated=True), FIRST, LAST, "https://a.test/feed", "A")


def line(record: Any, **changes: Any) -> bytes:
    return json.dumps(json.loads(line_of(record)) | changes).encode()


@pytest.mark.parametrize(
    "record",
    [
        STORED,
        StoredEntry(FEED, Entry("k", "h"), FIRST, FIRST),
        StoredEntry(FEED, Entry("k", "h"), LAST, FIRST),  # the clock was set back
        state(),
        FeedState(FEED, "https://a.test/"),
        state(etag=f'W/"{bytes([*range(32, 127), *range(128, 256)]).decode("latin-1")}"'),
        replace(
            STORED, entry=entry(title="a\0\u2028\r\n\N{BALLOON}", published=datetime(1, 1, 1, tzinfo=UTC))
        ),
    ],
)
def test_there_and_back(record: Any) -> None:
    assert record_of(line_of(record).encode()) == record
    assert line_of(record).isascii()
    assert line_of(record).count("\n") == 1


def test_the_fields_are_those_of_the_records() -> None:
    names = {field.name for kind in (StoredEntry, Entry) for field in fields(kind)} - {"entry"}

    assert set(json.loads(line_of(STORED))) == names | {"type"}
    assert set(json.loads(line_of(state()))) == {field.name for field in fields(FeedState)} | {"type"}
    assert set(COLUMNS) == names - {"hash", "categories"}


def test_a_missing_field_has_its_default_and_an_unknown_one_is_ignored() -> None:
    short = {"type": "feed", "feed_id": FEED, "url": "https://a.test/", "colour": "red", "timers": {}}

    assert record_of(json.dumps(short).encode()) == FeedState(FEED, "https://a.test/")


def test_moments_of_other_zones_and_of_none_are_utc() -> None:
    found = record_of(
        line(STORED, first_seen="2026-02-28T14:00+02:00", last_changed="2026-03-01 00:00:00.0019")
    )

    assert found == STORED


def test_credentials_in_urls_of_a_feed_are_left_out() -> None:
    bad = line(state(), url="https://me:secret@a.test/", validators_url="https://me:secret@a.test/f")

    found = record_of(bad)

    assert isinstance(found, FeedState)
    assert (found.url, found.validators_url) == ("https://a.test/", "https://a.test/f")


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"type": "feed", "failures": ' + b"9" * 5000 + b"}", "not JSON"),
        (b" " * (LONGEST_LINE + 1), "longer than 64 MiB"),
        (b"[]", 'not an object with "type": "feed", "history" or "entry"'),
        (b"null", 'not an object with "type": "feed", "history" or "entry"'),
        (b'{"type": "run"}', 'not an object with "type": "feed", "history" or "entry"'),
        (b'{"type": ["feed"]}', 'not an object with "type": "feed", "history" or "entry"'),
        (b'{"type": "feed"}', "feed_id is missing"),
        (b'{"type": "entry"}', "key is missing"),
        (line(STORED, key=""), "key must be text that is not empty"),
        (line(STORED, title=7), "title must be text"),
        (line(STORED, tags=None), "tags must be a list of texts"),
        (line(STORED, tags=["a", 7]), "tags must be a list of texts"),
        (line(STORED, enclosures=[{}]), "enclosures: url is missing"),
        (line(STORED, enclosures=["x"]), "enclosures must be a list of enclosures"),
        (
            line(STORED, enclosures=[{"url": "x", "length": True}]),
            "enclosures: length must be a whole number from 0 to",
        ),
        (line(STORED, content_type="xml"), "content_type must be html or text"),
        (line(STORED, truncated=1), "truncated must be true or false"),
        (line(STORED, first_seen=None), "first_seen must be a date and time (ISO 8601)"),
        (line(STORED, published="yesterday"), "published must be a date and time (ISO 8601)"),
        (line(STORED, published="0001-01-01T00:00+14:00"), "published must be a date and time (ISO 8601)"),
        (line(state(), url=None), "url must be an http or https URL"),
        (line(state(), url="ftp://me:secret@a.test/"), "url must be an http or https URL"),
        (line(state(), failures="3"), "failures must be a whole number from 0 to 2147483647"),
        (line(state(), timers=[]), "timers must be an object"),
        (line(state(), timers={"every": 1.5}), "timers: every must be a whole number from 0 to 2147483647"),
        (line(state(), timers={"every": 2**31}), "timers: every must be a whole number from 0 to 2147483647"),
        (line(state(), failures=-1), "failures must be a whole number from 0 to 2147483647"),
        (line(state(), failures=True), "failures must be a whole number from 0 to 2147483647"),
        (line(state(), moved_days="2026"), "moved_days must be a list of days like 2026-02-28"),
        (line(state(), moved_days=["\ud800"]), "moved_days must be a list of days like 2026-02-28"),
        (line(state(), etag=5), "etag must be text"),
        (line(state(), moved_to="nowhere"), "moved_to must be an http or https URL"),
        (
            line(state(), timers={"skip_hours": [24]}),
            "timers: skip_hours must be a list of hours from 0 to 23",
        ),
        (line(state(), feed_id="\ud800"), "feed_id must be 32 hexadecimal digits"),
        (line(STORED, feed_id=7), "feed_id must be 32 hexadecimal digits"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_line_says_why(bad: bytes, why: str) -> None:
    with pytest.raises(BadLine) as caught:
        record_of(bad)

    assert str(caught.value).startswith(why)
    assert "secret" not in str(caught.value)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["2026-02-28", "0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", "https://a.test/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
"""JSON, with lone surrogates too: their escapes are JSON."""


@given(st.sampled_from([STORED, state()]), st.data())
def test_any_line_is_stored_or_is_bad(record: Any, data: st.DataObject) -> None:
    """What is stored comes back as one and the same line."""
    known = json.loads(line_of(record))
    name = data.draw(st.sampled_from(sorted(known)))
    try:
        found = record_of(line(record, **{name: data.draw(ANYTHING)}))
    except BadLine:
        return

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for statement in TABLES:
            db.execute(statement)
        if isinstance(found, StoredEntry):
            assert restore_entries(db, [found]) == 1
            bson.encode(restored_record(found, Form.DOCUMENT))
            [back] = page_of_entries(db, Wanted(), None, 9)
            assert record_of(line_of(back).encode()) == back
        else:
            assert restore_feeds(db, [found]) == 1
            bson.encode(FEED_STATE.write(clean_state(found), Form.DOCUMENT))
            [kept] = page_of_feeds(db, None, 9)
            assert record_of(line_of(kept).encode()) == kept
