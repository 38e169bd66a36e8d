"""The tables of `SqliteStore`, and the statements that it runs on them.

Lists and subdocuments are JSON; moments are ISO 8601 in UTC with milliseconds, so that they sort as text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from .._types import FeedState
from ._records import SCHEMA_VERSION, STATE_FIELDS, state_of_record

TABLES: Final = (
    """
    CREATE TABLE feeds (
        feed_id TEXT PRIMARY KEY, url TEXT NOT NULL, title TEXT, link TEXT, subtitle TEXT, language TEXT,
        updated TEXT, self_link TEXT, hub TEXT, distrusts_ids INTEGER NOT NULL,
        etag TEXT, last_modified TEXT, found_at TEXT, body_hash TEXT, timers TEXT NOT NULL,
        next_fetch TEXT, next_unconditional TEXT, failures INTEGER NOT NULL, failure TEXT,
        gone TEXT, moved_to TEXT, moved_days TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE entries (
        feed TEXT NOT NULL, key TEXT NOT NULL, hash TEXT NOT NULL,
        link TEXT, title TEXT, summary TEXT, summary_type TEXT, content TEXT, content_type TEXT,
        authors TEXT NOT NULL, published TEXT, updated TEXT, tags TEXT NOT NULL, enclosures TEXT NOT NULL,
        language TEXT,
        truncated INTEGER NOT NULL, first_seen TEXT NOT NULL, last_changed TEXT NOT NULL,
        PRIMARY KEY (feed, key)
    )
    """,
    "CREATE INDEX entries_by_date ON entries (feed, published DESC)",
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, ended TEXT NOT NULL, seconds REAL NOT NULL, feeds INTEGER NOT NULL,
        not_started INTEGER NOT NULL, duplicates INTEGER NOT NULL, outcomes TEXT NOT NULL,
        entries TEXT NOT NULL, errors TEXT NOT NULL, lanes TEXT NOT NULL, loop_lag TEXT NOT NULL
    )
    """,
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

# The names are those of the fields of a record, never a value.
SELECT_STATE: Final = f"SELECT {', '.join(STATE_FIELDS)} FROM feeds WHERE feed_id = ?"  # noqa: S608

UPSERT_STATE: Final = f"""
    INSERT INTO feeds ({", ".join(STATE_FIELDS)}) VALUES ({", ".join(f":{name}" for name in STATE_FIELDS)})
    ON CONFLICT (feed_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in STATE_FIELDS)}
"""  # noqa: S608

SELECT_HASH: Final = "SELECT hash FROM entries WHERE feed = ? AND key = ?"

UPSERT_ENTRY: Final = """
    INSERT INTO entries (
        feed, key, hash, link, title, summary, summary_type, content, content_type, authors,
        published, updated, tags, enclosures, language, truncated, first_seen, last_changed
    ) VALUES (
        :feed, :key, :hash, :link, :title, :summary, :summary_type, :content, :content_type, :authors,
        :published, :updated, :tags, :enclosures, :language, :truncated, :moment, :moment
    ) ON CONFLICT (feed, key) DO UPDATE SET
        hash = excluded.hash, link = excluded.link, title = excluded.title,
        summary = excluded.summary, summary_type = excluded.summary_type,
        content = excluded.content, content_type = excluded.content_type, authors = excluded.authors,
        published = excluded.published, updated = excluded.updated, tags = excluded.tags,
        enclosures = excluded.enclosures, language = excluded.language,
        truncated = excluded.truncated, last_changed = excluded.last_changed
"""

INSERT_RUN: Final = """
    INSERT INTO runs (
        ended, seconds, feeds, not_started, duplicates, outcomes, entries, errors, lanes, loop_lag
    ) VALUES (
        :ended, :seconds, :feeds, :not_started, :duplicates, :outcomes, :entries, :errors, :lanes,
        :loop_lag
    )
"""


def state_of_row(row: Sequence[Any]) -> FeedState:
    """The state in a row of `SELECT_STATE`."""
    record = dict(zip(STATE_FIELDS, row, strict=True))
    for name in ("timers", "moved_days"):
        record[name] = json.loads(record[name])
    for name in ("updated", "next_fetch", "next_unconditional", "gone"):
        record[name] = record[name] and datetime.fromisoformat(record[name])
    record["distrusts_ids"] = bool(record["distrusts_ids"])
    return state_of_record(record)


def row(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with every value as its column holds it."""
    return {name: _column(value) for name, value in record.items()}


def _column(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value
