"""Stored entries, or feeds, as rows of CSV, for spreadsheets.

RFC 4180: commas, CRLF, quotes doubled, a header row; in UTF-8. Lists are joined by ``; `` to one text;
enclosures, transcripts and the source are given by URL, and categories by their terms, which are the tags.
To read stored entries back, export JSON.

Text that begins like a formula gets an apostrophe in front. The author of a feed could otherwise
run a formula in the spreadsheet of a user who opens the file (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from .._records import FeedState, StoredEntry
from .._records.feed_state import FEED_STATE
from .._records.kinds import Form, iso

COLUMNS: Final = (
    "feed_url",
    "feed_title",
    "title",
    "link",
    "published",
    "updated",
    "first_seen",
    "last_changed",
    "authors",
    "tags",
    "enclosures",
    "language",
    "summary",
    "summary_type",
    "content",
    "content_type",
    "truncated",
    "feed_id",
    "key",
    "image",
    "comments",
    "source",
    "duration",
    "episode",
    "season",
    "explicit",
    "chapters",
    "transcripts",
)

_FORMULA: Final = tuple("=+-@\t\r\n＝＋－＠")
"""What a formula begins with, or what is skipped before it; full-width signs in Japanese and Chinese."""


def header() -> str:
    """The first row."""
    return _row(COLUMNS)


def row_of(stored: StoredEntry) -> str:
    """The entry as a row."""
    entry = stored.entry
    of_entry = {name: getattr(entry, name) for name in COLUMNS if hasattr(entry, name)}
    of_store = {name: getattr(stored, name) for name in COLUMNS if hasattr(stored, name)}
    values = of_entry | of_store
    values["enclosures"] = [enclosure.url for enclosure in entry.enclosures]
    values["transcripts"] = [transcript.url for transcript in entry.transcripts]
    values["source"] = entry.source and entry.source.link
    return _row(_cell(values[name]) for name in COLUMNS)


def feed_header() -> str:
    """The first row of a table of feeds."""
    return _row(FEED_STATE.fields)


def row_of_feed(state: FeedState) -> str:
    """The feed as a row, with all of its fields; lists and objects are JSON."""
    return _row(_cell(value) for value in FEED_STATE.write(state, Form.COLUMN).values())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = value if isinstance(value, str) else "; ".join(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _row(cells: Iterable[str]) -> str:
    row = io.StringIO(newline="")
    csv.writer(row).writerow(cells)
    return row.getvalue()
