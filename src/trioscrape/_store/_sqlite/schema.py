"""The tables of `SqliteStore`, and the statements that it runs on them.

Lists and subdocuments are JSON; moments are ISO 8601 in UTC with milliseconds, so that they sort as text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from ..._records import FeedState, Report
from ..plan import Known
from ..records import SCHEMA_VERSION, STATE_FIELDS, run_record, state_of_record
from ..validation import expecting

INDEXES: Final = (
    # The newest entries of a feed; what has come in or changed since; feeds that are due.
    "CREATE INDEX IF NOT EXISTS entries_by_date ON entries (feed, published DESC)",
    "CREATE INDEX IF NOT EXISTS entries_by_change ON entries (last_changed DESC)",
    "CREATE INDEX IF NOT EXISTS feeds_by_next_fetch ON feeds (next_fetch)",
)

TABLES: Final = (
    """
    CREATE TABLE feeds (
        feed_id TEXT PRIMARY KEY, url TEXT NOT NULL, title TEXT, link TEXT, subtitle TEXT, language TEXT,
        updated TEXT, self_link TEXT, hub TEXT, distrusts_ids INTEGER NOT NULL DEFAULT 0,
        etag TEXT, last_modified TEXT, validators_url TEXT, body_hash TEXT, timers TEXT NOT NULL,
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
        rewrites INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (feed, key)
    )
    """,
    *INDEXES,
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, ended TEXT NOT NULL, seconds REAL NOT NULL, feeds INTEGER NOT NULL,
        not_started INTEGER NOT NULL, duplicates INTEGER NOT NULL, outcomes TEXT NOT NULL,
        entries TEXT NOT NULL, errors TEXT NOT NULL, lanes TEXT NOT NULL, loop_lag TEXT NOT NULL
    )
    """,
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

MIGRATIONS: Final = {
    # Texts were always HTML before they had types.
    1: (
        "ALTER TABLE feeds ADD COLUMN link TEXT",
        "ALTER TABLE feeds ADD COLUMN subtitle TEXT",
        "ALTER TABLE feeds ADD COLUMN language TEXT",
        "ALTER TABLE feeds ADD COLUMN updated TEXT",
        "ALTER TABLE feeds ADD COLUMN self_link TEXT",
        "ALTER TABLE feeds ADD COLUMN hub TEXT",
        "ALTER TABLE feeds ADD COLUMN distrusts_ids INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE feeds ADD COLUMN validators_url TEXT",
        "ALTER TABLE entries ADD COLUMN summary_type TEXT",
        "ALTER TABLE entries ADD COLUMN content_type TEXT",
        "ALTER TABLE entries ADD COLUMN language TEXT",
        "ALTER TABLE entries ADD COLUMN rewrites INTEGER NOT NULL DEFAULT 0",
        "UPDATE entries SET summary_type = 'html' WHERE summary IS NOT NULL",
        "UPDATE entries SET content_type = 'html' WHERE content IS NOT NULL",
        *INDEXES,
        "PRAGMA user_version = 2",
    ),
}
"""What makes a file of one version into one of the next. Columns are added at the end of their tables."""

# The names are those of the fields of a record, never a value.
SELECT_STATE: Final = f"SELECT {', '.join(STATE_FIELDS)} FROM feeds WHERE feed_id = ?"  # noqa: S608

UPSERT_STATE: Final = f"""
    INSERT INTO feeds ({", ".join(STATE_FIELDS)}) VALUES ({", ".join(f":{name}" for name in STATE_FIELDS)})
    ON CONFLICT (feed_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in STATE_FIELDS)}
"""  # noqa: S608

SELECT_KNOWN: Final = "SELECT hash, updated, rewrites FROM entries WHERE feed = ? AND key = ?"

# Others may have put bytes there.
SELECT_KEYS: Final = "SELECT key FROM entries WHERE feed = ? AND typeof(key) = 'text'"

# Where somebody else has stored the new one meanwhile, both stay.
RENAME_ENTRY: Final = "UPDATE OR IGNORE entries SET key = ? WHERE feed = ? AND key = ?"

UPSERT_ENTRY: Final = """
    INSERT INTO entries (
        feed, key, hash, link, title, summary, summary_type, content, content_type, authors,
        published, updated, tags, enclosures, language, truncated, rewrites, first_seen, last_changed
    ) VALUES (
        :feed, :key, :hash, :link, :title, :summary, :summary_type, :content, :content_type, :authors,
        :published, :updated, :tags, :enclosures, :language, :truncated, :rewrites, :moment, :moment
    ) ON CONFLICT (feed, key) DO UPDATE SET
        hash = excluded.hash, link = excluded.link, title = excluded.title,
        summary = excluded.summary, summary_type = excluded.summary_type,
        content = excluded.content, content_type = excluded.content_type, authors = excluded.authors,
        published = excluded.published, updated = excluded.updated, tags = excluded.tags,
        enclosures = excluded.enclosures, language = excluded.language,
        truncated = excluded.truncated, rewrites = excluded.rewrites, last_changed = excluded.last_changed
"""

REPLACE_RUN: Final = """
    REPLACE INTO runs (
        id, ended, seconds, feeds, not_started, duplicates, outcomes, entries, errors, lanes, loop_lag
    ) VALUES (
        :id, :ended, :seconds, :feeds, :not_started, :duplicates, :outcomes, :entries, :errors, :lanes,
        :loop_lag
    )
"""


def state_of_row(row: Sequence[Any]) -> FeedState:
    """The state in a row of `SELECT_STATE`.

    Raises:
      ForeignRecord: it holds none.
    """
    record = dict(zip(STATE_FIELDS, row, strict=True))
    with expecting(f"feed {record['feed_id']}"):
        for name in ("timers", "moved_days"):
            record[name] = json.loads(record[name])
        for name in ("updated", "next_fetch", "next_unconditional", "gone"):
            record[name] = record[name] and datetime.fromisoformat(record[name])
        record["distrusts_ids"] = {0: False, 1: True}[record["distrusts_ids"]]
        return state_of_record(record)


def known_of_row(row: Sequence[Any]) -> Known:
    """What a row of `SELECT_KNOWN` says."""
    digest, updated, rewrites = row
    with suppress(ValueError, TypeError):
        updated = updated and datetime.fromisoformat(updated)
    return Known.of(digest, updated, rewrites)


def run_row(report: Report) -> dict[str, Any]:
    """The values of `REPLACE_RUN`."""
    # The key of the table is an integer, and older files have it: as many bits of the id as fit, time first.
    return row({"id": int(report.run_id[:16], 16) >> 1, **run_record(report)})


def row(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with every value as its column holds it."""
    return {name: _column(value) for name, value in record.items()}


def _column(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value
