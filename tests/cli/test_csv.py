"""Rows of CSV: for Excel, where nothing is a formula, and for programs, which get the values as they are."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trioscrape import Enclosure, StoredEntry
from trioscrape._cli.csv import (
    DATA,
    EXCEL,
    EXCEL_CELL,
    Dialect,
    feed_header,
    header,
    row_of,
    row_of_feed,
)

from support.stores import FEED, FULL_ENTRY, entry, state

FIRST, LAST = datetime(2026, 2, 28, 12, tzinfo=UTC), datetime(2026, 3, 1, 0, 0, 0, 1000, UTC)
STORED = StoredEntry(FEED, replace(FULL_ENTRY, truncated=True), FIRST, LAST, "https://a.test/feed", "A")


def row(stored: StoredEntry, dialect: Dialect) -> dict[str, str]:
    text = (header(dialect) + row_of(stored, dialect)).removeprefix(dialect.begin)
    [found] = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    return found


def excel_cell(text: str) -> str:
    return row(replace(STORED, feed_title=text), EXCEL)["feed_title"]


def test_for_excel() -> None:
    found = row(STORED, EXCEL)

    assert header(EXCEL).startswith('\ufeff"feed_url","feed_title",')
    assert found["title"] == "Ärger – 日本 🎈"
    assert found["content"] == "<p>long</p>\n"
    assert found["authors"] == "Ann; Bob"
    assert found["tags"] == "a; b, c; "
    assert found["enclosures"] == "https://a.test/1.mp3; https://a.test/2"
    assert found["published"] == "2024-02-29 23:59:59"
    assert (found["truncated"], found["feed_title"]) == ("true", "A")


def test_for_programs() -> None:
    found = row(replace(STORED, feed_title="=1+1"), DATA)

    assert header(DATA).startswith("feed_url,feed_title,")
    assert found["feed_title"] == "=1+1"
    assert json.loads(found["authors"]) == ["Ann", "Bob"]
    assert json.loads(found["tags"]) == ["a", "b, c", ""]
    assert json.loads(found["enclosures"]) == ["https://a.test/1.mp3", "https://a.test/2"]
    assert found["published"] == "2024-02-29T23:59:59.123+00:00"
    assert (found["first_seen"], found["truncated"]) == ("2026-02-28T12:00:00.000+00:00", "true")
    assert row(replace(STORED, entry=entry(content="x" * 99_999)), DATA)["content"] == "x" * 99_999


@pytest.mark.parametrize("dialect", [EXCEL, DATA])
def test_in_both(dialect: Dialect) -> None:
    """RFC 4180 §2; what there is not is empty."""
    text = row_of(replace(STORED, entry=entry(title='a,"b"\r\nc')), dialect)

    assert ',"a,""b""\r\nc",' in text
    assert text.endswith("\r\n")
    assert row(replace(STORED, entry=entry(title=None)), dialect)["title"] == ""


@pytest.mark.parametrize(
    ("dialect", "moment"), [(EXCEL, "2024-02-29 12:30:00"), (DATA, "2024-02-29T12:30:00.123+00:00")]
)
def test_feeds(dialect: Dialect, moment: str) -> None:
    text = (feed_header(dialect) + row_of_feed(state(), dialect)).removeprefix(dialect.begin)
    [found] = csv.DictReader(io.StringIO(text, newline=""), strict=True)

    assert (found["next_fetch"], found["failures"], found["gone"] == "") == (moment, "3", False)
    assert json.loads(found["tags"]) == ["News", "Tech"]


SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫"
UNSEEN = ["", " ", "\u00a0", "\u200b", "\ufeff", "\u2028", "\x00", "\u3000", '"', "\u200b \u00ad"]


@pytest.mark.parametrize("unseen", UNSEEN)
@pytest.mark.parametrize("sign", SIGNS)
def test_no_text_is_a_formula(sign: str, unseen: str) -> None:
    evil = f'{unseen}{sign}cmd|" /C calc"!A0'
    found = row(replace(STORED, feed_title=evil, entry=entry(evil, title=evil, authors=(evil,))), EXCEL)

    assert {found[name] for name in ("feed_title", "title", "key", "authors")} == {f"'{evil}"}


@pytest.mark.parametrize("separator", [";", "\t", "\r\n", "\n", "x; \t"])
def test_nor_is_a_part_that_excel_takes_for_a_cell(separator: str) -> None:
    """Where it separates cells by semicolons, which comes with a comma for the decimal mark."""
    assert excel_cell(f'{separator}"=1') == f"{separator}'\"=1"


@pytest.mark.parametrize("text", ["a=1", "a; b=c", "x-y;z-w", "<a href='x'>;y", "日本=1", "1+1", "'=1"])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert excel_cell(text) == text


def test_an_enclosure_that_begins_one() -> None:
    found = row(replace(STORED, entry=entry(enclosures=(Enclosure("=1"), Enclosure("=2")))), EXCEL)

    assert found["enclosures"] == "'=1;' =2"


PARTS = st.sampled_from([*SIGNS, *UNSEEN, ";", "\t", "\r\n", "a", "'", ",", "🎈"]) | st.characters(
    categories=["Cc", "Cf", "Zs", "Lu"]
)


@given(st.lists(PARTS, max_size=9).map("".join))
@example("\u200b=")
@example("🎈" * EXCEL_CELL)
@example("=" + "x" * EXCEL_CELL)
@example("x" * EXCEL_CELL)
@example("x" * (EXCEL_CELL + 1))
def test_any_cell(text: str) -> None:
    cell = excel_cell(text)

    first = next((char for char in cell if unicodedata.category(char) not in ("Cc", "Cf", "Zs")), "")
    assert first not in tuple(SIGNS)
    assert len(cell.encode("utf-16-le")) <= 2 * EXCEL_CELL
    if len(text) < 99:
        assert cell.replace("'", "") == text.replace("'", "")
    elif not text.startswith("="):
        assert cell == text or cell.endswith("…")
