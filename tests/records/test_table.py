"""The fields of a record are written down once, in its annotations, and every form follows from them."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Annotated, Any

import bson
import pytest
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st

from trioscrape import Enclosure, Entry, FeedState, FeedTimers
from trioscrape._records.entries import ENTRY, STORED_ENTRY
from trioscrape._records.feed_state import FEED_STATE
from trioscrape._records.kinds import MOMENT, Form, Several
from trioscrape._records.table import InvalidRecord, Table
from trioscrape._records.texts import URL
from trioscrape._urls import problem_with

from support.stores import FULL_ENTRY, state

UTC_DATES = CodecOptions[dict[str, Any]](tz_aware=True, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LaterState(FeedState):
    """The state of a feed when two fields have been added."""

    later_url: Annotated[str | None, URL] = None
    fetched: Annotated[tuple[datetime, ...], Several(MOMENT, "dates and times")] = ()


LATER = Table(LaterState)


def there_and_back(table: Table[Any], record: Any) -> dict[Form, Any]:
    """The record after it was a document of MongoDB, a line of JSON, and a row of SQLite."""
    document = bson.decode(bson.encode(table.write(record, Form.DOCUMENT)), UTC_DATES)
    line = json.loads(json.dumps(table.write(record, Form.JSON)))
    with closing(sqlite3.connect(":memory:")) as db:
        db.row_factory = sqlite3.Row
        columns = ", ".join(f"{name} {field.column}" for name, field in table.fields.items())
        db.execute(f"CREATE TABLE records ({columns})")
        values = ", ".join(f":{name}" for name in table.fields)
        db.execute(f"INSERT INTO records VALUES ({values})", table.write(record, Form.COLUMN))
        row = dict(db.execute("SELECT * FROM records").fetchone())
    found = {Form.DOCUMENT: document, Form.JSON: line, Form.COLUMN: row}
    return {form: table.read(found[form], form) for form in Form}


def test_a_field_that_is_added_to_a_record_is_in_every_form() -> None:
    """One line each, and nothing else anywhere."""
    moments = (datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 1, 12, 30, 0, 5000, UTC))
    old = {name: getattr(state(), name) for name in FEED_STATE.fields}
    later = LaterState(**old, later_url="https://a.test/", fetched=moments)

    assert list(LATER.fields) == [*FEED_STATE.fields, "later_url", "fetched"]
    assert there_and_back(LATER, later) == dict.fromkeys(Form, later)


def test_records_that_were_written_before_have_its_default() -> None:
    for form in Form:
        read = LATER.read(FEED_STATE.write(state(), form), form)
        assert (read.later_url, read.fetched) == (None, ())


def test_and_what_is_not_valid_is_named() -> None:
    written = LATER.write(LaterState("f" * 32, "https://a.test/"), Form.JSON)
    with pytest.raises(InvalidRecord, match="later_url must be an http or https URL"):
        LATER.read(written | {"later_url": "nowhere"}, Form.JSON)
    with pytest.raises(InvalidRecord, match="fetched must be a list of dates and times"):
        LATER.read(written | {"fetched": ["soon"]}, Form.JSON)


def test_every_field_of_a_stored_record_has_a_kind() -> None:
    assert set(FEED_STATE.fields) == {field.name for field in fields(FeedState)}
    assert set(ENTRY.fields) == {field.name for field in fields(Entry)}
    assert {*STORED_ENTRY.fields, "entry"} == {field.name for field in fields(type(STORED))}


STORED = STORED_ENTRY.read(
    {"feed_id": "f" * 32, "first_seen": "2026-01-01", "last_changed": "2026-01-01"},
    Form.JSON,
    entry=FULL_ENTRY,
)

ODD_TEXT = st.text(st.characters(), max_size=5) | st.sampled_from(["", "\0", "\ud83c"])
ODD_NUMBER = st.integers(-(2**70), 2**70)
ODD_DATE = st.datetimes(timezones=st.timezones() | st.none()) | st.none()
ODD_URL = (st.just("https://a.test/") | ODD_TEXT.map("https://a.test/".__add__)).filter(
    lambda url: problem_with(url) is None
)
LATIN_1 = st.none() | st.text(st.characters(max_codepoint=255), max_size=9)

STATES = st.builds(
    FeedState,
    st.just("f" * 32),
    ODD_URL,
    title=ODD_TEXT,
    link=ODD_TEXT,
    updated=ODD_DATE,
    etag=LATIN_1 | ODD_TEXT,
    validators_url=st.none() | ODD_URL,
    timers=st.builds(
        FeedTimers,
        ODD_NUMBER,
        ODD_NUMBER,
        st.lists(st.integers(-1, 25), max_size=3).map(tuple),
        st.lists(ODD_NUMBER, max_size=3).map(tuple),
    ),
    failures=ODD_NUMBER,
    failure=ODD_TEXT,
)
ENTRIES = st.builds(
    Entry,
    ODD_TEXT.filter(bool),
    ODD_TEXT.filter(bool),
    link=ODD_TEXT,
    title=ODD_TEXT,
    published=ODD_DATE,
    authors=st.lists(ODD_TEXT, max_size=3).map(tuple),
    tags=st.integers(0, 300).map(lambda count: ("tag",) * count),
    enclosures=st.lists(st.builds(Enclosure, ODD_TEXT, st.none() | ODD_TEXT, ODD_NUMBER), max_size=3).map(
        tuple
    ),
)


@given(STATES | ENTRIES, st.sampled_from("éx\ud800"), st.sampled_from([(), ("title",), ("link",)]))
def test_what_was_cleaned_is_read_as_it_was_written(
    record: FeedState | Entry, character: str, endless: tuple[str]
) -> None:
    """In every form, whatever a feed has: else a feed would count as new at each fetch."""
    table: Table[Any] = FEED_STATE if isinstance(record, FeedState) else ENTRY
    record = replace(record, **dict.fromkeys(endless, character * 70_000))
    clean, _ = table.clean(record)

    assert there_and_back(table, clean) == dict.fromkeys(Form, clean)
    assert table.clean(clean) == (clean, False)
    for form in Form:
        written, _ = table.write_cleaned(record, form)
        assert table.read(written, form) == clean


def test_what_is_clean_stays_the_same_object() -> None:
    for table, record in ((FEED_STATE, state()), (ENTRY, FULL_ENTRY)):
        assert table.clean(record)[0] is record  # type: ignore[arg-type]


def test_what_is_left_out_is_reported() -> None:
    long = "x" * 20_000
    for change in (
        {"link": long},
        {"title": long * 4},
        {"tags": ("a",) * 201},
        {"authors": (long,)},
        {"enclosures": (Enclosure(long),)},
        {"enclosures": (Enclosure("https://a.test/", long),)},
    ):
        assert ENTRY.clean(replace(FULL_ENTRY, **change))[1]
    assert not ENTRY.clean(replace(FULL_ENTRY, key=long, title="\ud800", published=datetime.min))[1]
    assert ENTRY.clean(replace(FULL_ENTRY, enclosures=(Enclosure(long),)))[0].enclosures == ()
