"""Stored entries, or feeds, as rows of CSV: for Excel and other spreadsheets, or as data for programs.

RFC 4180: commas, CRLF, quotes doubled, a header row; in UTF-8. Enclosures, transcripts and the source are
given by URL, and categories by their terms, which are the tags. To read stored entries back, export JSON.

Feeds are written by strangers, and a spreadsheet runs the formulas in a file that its user opens (OWASP, "CSV
Injection"). So the form for spreadsheets gets an apostrophe in front of whatever looks like one.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
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

EXCEL_CELL: Final = 32_767
"""Characters that Excel takes in a cell, in UTF-16; the rest of a longer one would go into the next rows."""

# What begins a formula, also full-width in Japanese and Chinese, behind what is not seen. Excel takes a
# semicolon for the end of a cell where the decimal mark is a comma, and then a line end for the end of a row.
_WIDE: Final = "＝＋－＠﹦﹢﹣﹫"
_FORMULA: Final = re.compile(rf"(\A|[;\t\r\n])([^\x21\x23-\x7e\t\r\n{_WIDE}]*)([=+\-@{_WIDE}])")


@dataclass(frozen=True, slots=True)
class Dialect:
    """A form of CSV."""

    cell: Callable[[Any], str]
    """Writes a value."""
    begin: str
    """What comes before the header."""
    quoting: int
    """One of csv's constants."""

    def row(self, values: Iterable[Any]) -> str:
        """A row with these values."""
        row = io.StringIO(newline="")
        csv.writer(row, quoting=self.quoting).writerow(map(self.cell, values))  # type: ignore[arg-type]
        return row.getvalue()


def header(dialect: Dialect) -> str:
    """The beginning of a table of entries."""
    return dialect.begin + dialect.row(COLUMNS)


def row_of(stored: StoredEntry, dialect: Dialect) -> str:
    """The entry as a row."""
    entry = stored.entry
    of_entry = {name: getattr(entry, name) for name in COLUMNS if hasattr(entry, name)}
    of_store = {name: getattr(stored, name) for name in COLUMNS if hasattr(stored, name)}
    values = of_entry | of_store
    values["enclosures"] = [enclosure.url for enclosure in entry.enclosures]
    values["transcripts"] = [transcript.url for transcript in entry.transcripts]
    values["source"] = entry.source and entry.source.link
    return dialect.row(values[name] for name in COLUMNS)


def feed_header(dialect: Dialect) -> str:
    """The beginning of a table of feeds."""
    return dialect.begin + dialect.row(FEED_STATE.fields)


def row_of_feed(state: FeedState, dialect: Dialect) -> str:
    """The feed as a row, with all of its fields; lists and objects are JSON."""
    written = FEED_STATE.write(state, Form.COLUMN)
    moments = {name: value for name in written if isinstance(value := getattr(state, name), datetime)}
    return dialect.row((written | moments).values())


def _data_cell(value: Any) -> str:
    """The value as it is: dates are ISO 8601, lists are JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, datetime):
        return iso(value)
    return str(value) if type(value) is int else json.dumps(value, ensure_ascii=False)


def _excel_cell(value: Any) -> str:
    """The value as Excel understands it: dates are in UTC without saying so, lists are joined."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "seconds")
    if value is None or isinstance(value, int):
        return _data_cell(value)
    text = value if isinstance(value, str) else "; ".join(value)
    return _cut(_FORMULA.sub(_guarded, text[: EXCEL_CELL + 1]))


def _guarded(match: re.Match[str]) -> str:
    separator, unseen, sign = match.groups()
    if any(character.isprintable() and character not in ' "' for character in unseen):
        return match[0]  # there is something to be seen before the sign
    return f"{separator}'{unseen}{sign}"


def _cut(text: str) -> str:
    if 2 * len(text) <= EXCEL_CELL or len(text.encode("utf-16-le")) <= 2 * EXCEL_CELL:
        return text
    return text.encode("utf-16-le")[: 2 * EXCEL_CELL - 2].decode("utf-16-le", "ignore") + "…"


EXCEL: Final = Dialect(_excel_cell, "\ufeff", csv.QUOTE_ALL)
"""For Excel, which takes a file for UTF-8 if it begins with a byte order mark, and for other spreadsheets."""
DATA: Final = Dialect(_data_cell, "", csv.QUOTE_MINIMAL)
"""For programs."""
