"""What `SqliteStore` runs to be read back, and to take what was read back from another store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from ..._records import Entry, FeedState, StoredEntry
from ..._records.kinds import clean_state
from ..pages import Wanted, page_of
from ..records import ENTRY_FIELDS, STATE_FIELDS, entry_of_record, restored_record, state_record
from .schema import row, state_of_row

_SELECT_ENTRIES: Final = f"""
    SELECT e.feed, e.first_seen, e.last_changed, e.truncated, f.url, f.title,
        {", ".join(f"e.{name}" for name in ENTRY_FIELDS)}
    FROM entries e LEFT JOIN feeds f ON f.feed_id = e.feed
"""  # noqa: S608 - names of fields, never a value

_SELECT_FEEDS: Final = f"""
    SELECT {", ".join(STATE_FIELDS)} FROM feeds WHERE feed_id > ? ORDER BY feed_id LIMIT ?
"""  # noqa: S608

_RESTORED_FIELDS: Final = ("feed", *ENTRY_FIELDS, "truncated", "rewrites", "first_seen", "last_changed")
_CHANGED_FIELDS: Final = [name for name in _RESTORED_FIELDS if name not in ("feed", "key", "first_seen")]

_RESTORE_ENTRY: Final = f"""
    INSERT INTO entries ({", ".join(_RESTORED_FIELDS)})
    VALUES ({", ".join(f":{name}" for name in _RESTORED_FIELDS)})
    ON CONFLICT (feed, key) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _CHANGED_FIELDS)},
        first_seen = min(first_seen, excluded.first_seen)
    WHERE last_changed < excluded.last_changed
"""  # noqa: S608

_RESTORE_FEED: Final = f"""
    INSERT INTO feeds ({", ".join(STATE_FIELDS)}) VALUES ({", ".join(f":{name}" for name in STATE_FIELDS)})
    ON CONFLICT (feed_id) DO NOTHING
"""  # noqa: S608


def page_of_entries(
    db: sqlite3.Connection, wanted: Wanted, after: StoredEntry | None, count: int
) -> list[StoredEntry]:
    """See `Paged._page_of_entries`."""
    later, order = (">", "ASC") if wanted.oldest_first else ("<", "DESC")
    conditions, given = ["TRUE"], dict[str, Any]({"count": count})
    if wanted.feed is not None:
        conditions.append("e.feed = :feed")
        given["feed"] = wanted.feed
    if wanted.since is not None:
        conditions.append("e.last_changed >= :since")
        given["since"] = wanted.since
    if after is not None:
        conditions.append(f"(e.last_changed, e.feed, e.key) {later} (:moment, :of_feed, :key)")
        given |= {"moment": after.last_changed, "of_feed": after.feed_id, "key": after.entry.key}
    statement = f"""
        {_SELECT_ENTRIES} WHERE {" AND ".join(conditions)}
        ORDER BY e.last_changed {order}, e.feed {order}, e.key {order} LIMIT :count
    """
    cursor = db.execute(statement, row(given))
    page = page_of(_stored(found) for found in cursor)
    cursor.close()  # ends the transaction, also when the page was full before its time
    return page


def page_of_feeds(db: sqlite3.Connection, after: FeedState | None, count: int) -> list[FeedState]:
    """See `Paged._page_of_feeds`."""
    found = db.execute(_SELECT_FEEDS, (after.feed_id if after else "", count)).fetchall()
    return [state_of_row(each) for each in found]


def restore_entries(db: sqlite3.Connection, entries: Iterable[StoredEntry]) -> int:
    """See `Store.restore_entries`; in a transaction of the caller's."""
    return _written(db, _RESTORE_ENTRY, (row(restored_record(stored)) for stored in entries))


def restore_feeds(db: sqlite3.Connection, states: Iterable[FeedState]) -> int:
    """See `Store.restore_feeds`; in a transaction of the caller's."""
    return _written(db, _RESTORE_FEED, (row(state_record(clean_state(state))) for state in states))


def _written(db: sqlite3.Connection, statement: str, rows: Iterable[dict[str, Any]]) -> int:
    before = db.total_changes
    db.executemany(statement, rows)
    return db.total_changes - before


def _stored(found: Sequence[Any]) -> StoredEntry:
    feed, first_seen, last_changed, truncated, url, title, *values = found
    return StoredEntry(
        feed,
        _entry(dict(zip(ENTRY_FIELDS, values, strict=True))),
        datetime.fromisoformat(first_seen),
        datetime.fromisoformat(last_changed),
        bool(truncated),
        url,
        title,
    )


def _entry(record: dict[str, Any]) -> Entry:
    for name in ("authors", "tags", "enclosures"):
        record[name] = json.loads(record[name])
    for name in ("published", "updated"):
        record[name] = record[name] and datetime.fromisoformat(record[name])
    return entry_of_record(record)
