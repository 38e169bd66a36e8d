"""Stored records as JSON Lines and back: what ``trioscrape export`` prints and ``import`` reads.

Each line is a JSON object: a feed, with the fields of `FeedState`::

    {"type": "feed", "feed_id": …, "url": …, "title": …, …, "etag": …, …, "moved_days": […]}

what is remembered of its polls, with the fields of `FeedHistory`::

    {"type": "history", "feed_id": …, "polls": …, …, "recent": [{"at": …, …}, …]}

or an entry, with the fields of `StoredEntry` and `Entry`::

    {"type": "entry", "feed_id": …, "first_seen": …, "last_changed": …, "feed_url": …, "feed_title": …,
     "key": …, "hash": …, "link": …, "title": …, …, "truncated": …}

Dates and times are ISO 8601 in UTC with milliseconds. The same records are always the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from .._records import FeedHistory, FeedState, StoredEntry
from .._records.entries import ENTRY, STORED_ENTRY
from .._records.feed_state import FEED_STATE
from .._records.history import HISTORY
from .._records.kinds import Form
from .._records.table import InvalidRecord

LONGEST_LINE: Final = 64 * 2**20
"""Bytes. The longest entry that a store holds has 8 MiB, and six bytes for one where all is escaped."""

Record = FeedState | StoredEntry | FeedHistory


class BadLine(Exception):
    """Why a line can't be imported, in a few words; it names fields and never quotes a value."""


def line_of(record: Record) -> str:
    """The record as a line, ASCII only."""
    if isinstance(record, FeedState):
        values = {"type": "feed"} | FEED_STATE.write(record, Form.JSON)
    elif isinstance(record, FeedHistory):
        values = {"type": "history"} | HISTORY.write(record, Form.JSON)
    else:
        own = STORED_ENTRY.write(record, Form.JSON)
        values = {"type": "entry"} | own | ENTRY.write(record.entry, Form.JSON)
    return _encode(values) + "\n"


_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


def record_of(line: bytes) -> Record:
    """The record in a line. A field that it lacks has its default; other fields are ignored.

    Raises:
      BadLine: it has none.
    """
    if len(line) > LONGEST_LINE:
        raise BadLine(f"longer than {LONGEST_LINE // 2**20} MiB")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise BadLine("not JSON") from None
    kind = found.get("type") if isinstance(found, dict) else None
    try:
        if kind == "feed":
            return FEED_STATE.read(found, Form.JSON)
        if kind == "history":
            return HISTORY.read(found, Form.JSON)
        if kind == "entry":
            return _stored_entry(found)
    except InvalidRecord as error:
        raise BadLine(str(error)) from None
    raise BadLine('not an object with "type": "feed", "history" or "entry"')


def _stored_entry(found: Mapping[str, Any]) -> StoredEntry:
    return STORED_ENTRY.read(found, Form.JSON, entry=ENTRY.read(found, Form.JSON))
