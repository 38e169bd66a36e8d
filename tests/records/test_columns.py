"""Entries in columns are those they were made of: to whoever looks at them, and as a store writes them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trioscrape import Category, Enclosure, Entry, EntrySource, Transcript
from trioscrape._records.columns import EntryColumns, characters
from trioscrape._records.entries import ENTRY, clean_entry
from trioscrape._records.kinds import Form
from trioscrape._records.table import InvalidRecord
from trioscrape._records.texts import KEY, NAME, TITLE
from trioscrape._store.records import entry_record

from support.stores import FULL_ENTRY

# What a database takes, what it does not, and what is longer than it may be.
texts = st.one_of(
    st.text(max_size=5),
    st.text(st.characters(categories=["Cs"]), max_size=2),
    st.sampled_from(["x" * KEY.limit, "é" * NAME.limit, "x" * (TITLE.limit + 1), "\ud83d\ude00"]),
)
moments = st.datetimes(
    timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))])
)
numbers = st.integers(-1, 2**65)
names = st.lists(texts, max_size=3).map(tuple) | st.just(("a",) * 201)


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


entries = st.builds(
    Entry,
    key=texts.filter(bool),
    hash=st.text("0123456789abcdef", min_size=1, max_size=3),
    link=optional(texts),
    title=optional(texts),
    summary=optional(texts),
    summary_type=st.sampled_from([None, "html", "text"]),
    authors=names,
    published=optional(moments),
    updated=optional(moments),
    enclosures=st.lists(st.builds(Enclosure, texts, optional(texts), optional(numbers)), max_size=2).map(
        tuple
    ),
    categories=st.lists(st.builds(Category, texts, optional(texts)), max_size=2).map(tuple),
    source=optional(st.builds(EntrySource, optional(texts), optional(texts))),
    duration=optional(numbers),
    explicit=st.sampled_from([None, True, False]),
    transcripts=st.lists(st.builds(Transcript, texts), max_size=1).map(tuple),
    truncated=st.booleans(),
)
several = st.lists(entries, max_size=4).map(tuple)


@given(several)
@example((FULL_ENTRY, Entry("k", "h")))
@settings(deadline=None)
def test_they_are_the_entries_as_a_store_holds_them(given_entries: tuple[Entry, ...]) -> None:
    columns = EntryColumns.of(given_entries)

    assert columns == tuple(map(clean_entry, given_entries))
    assert list(columns) == [columns[place] for place in range(len(columns))]
    assert EntryColumns.of(columns) is columns
    assert characters(columns) == characters(tuple(columns))


@pytest.mark.parametrize("form", Form)
@given(several)
@example((FULL_ENTRY, Entry("k", "h")))
@settings(deadline=None)
def test_their_rows_are_those_of_the_entries(form: Form, given_entries: tuple[Entry, ...]) -> None:
    places = list(reversed(range(len(given_entries))))
    keys = [f"key {place}" for place in places]
    rows = EntryColumns.of(given_entries).rows(keys, places, form)

    records = [dict(zip(ENTRY.fields, row, strict=True)) for row in rows]
    assert records == [
        entry_record(given_entries[place], form) | {"key": key}
        for key, place in zip(keys, places, strict=True)
    ]


@given(several.filter(bool))
@settings(deadline=None)
def test_they_come_through_json_as_they_were(given_entries: tuple[Entry, ...]) -> None:
    columns = EntryColumns.of(given_entries)
    sent = json.loads(json.dumps(columns.columns).encode())

    arrived = EntryColumns.checked(len(columns), sent)

    assert arrived == columns
    assert [*arrived.rows(["k"], [0], Form.DOCUMENT)] == [*columns.rows(["k"], [0], Form.DOCUMENT)]


@given(several, several)
@settings(deadline=None)
def test_they_can_be_joined_and_parted(some: tuple[Entry, ...], others: tuple[Entry, ...]) -> None:
    joined = EntryColumns.joined([EntryColumns.of(some), EntryColumns.of(others)])

    assert joined == EntryColumns.of((*some, *others))
    assert joined.part(len(some), len(joined) + 1) == EntryColumns.of(others)


@pytest.mark.parametrize("name", ENTRY.fields)
@pytest.mark.parametrize("value", ["", 5, -1, 2**70, True, [5], {}, [{}], "2026-01-01", 1.0, ["a"] * 201])
def test_whatever_is_taken_is_as_a_store_holds_it(name: str, value: Any) -> None:
    written = EntryColumns.of((FULL_ENTRY, FULL_ENTRY)).columns
    written[name] = [value, written.get(name, [None])[0]]
    try:
        arrived = EntryColumns.checked(2, written)
    except InvalidRecord:
        return

    assert tuple(arrived) == tuple(map(clean_entry, arrived))
    assert entry_record(arrived[0], Form.JSON) == ENTRY.write(arrived[0], Form.JSON)
    assert ENTRY.write(arrived[0], Form.JSON)[name] == value
    assert type(ENTRY.write(arrived[0], Form.JSON)[name]) is type(value)


def test_a_number_of_entries_without_any_field_is_none() -> None:
    with pytest.raises(InvalidRecord, match="no lists of values"):
        EntryColumns.checked(0, {})
    with pytest.raises(InvalidRecord, match="key is missing"):
        EntryColumns.checked(10**9, {})


def test_what_is_cut_is_noted_beside_what_was_cut_before() -> None:
    long = Entry("a", "h", title="x" * (TITLE.limit + 1))
    columns = EntryColumns.of((long, replace(long, title="x"), replace(long, title="x", truncated=True)))

    assert columns.values("truncated") == [True, False, True]
    assert columns[0].published is None
    assert columns.values("updated") == [None] * 3


def test_moments_are_those_of_the_store() -> None:
    moment = datetime(2026, 1, 1, 12, 0, 0, 123456, timezone(timedelta(hours=2)))
    (entry,) = EntryColumns.of((Entry("k", "h", published=moment),))

    assert entry.published == datetime(2026, 1, 1, 10, 0, 0, 123000, UTC)
