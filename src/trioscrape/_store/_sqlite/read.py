"""Reading back from SQLite, and storing what was read back from another store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from ..._records import FeedState, StoredEntry
from ..._records.feed_state import FEED_STATE
from ..._records.kinds import Form, iso
from ..pages import Wanted, page_of
from ..records import clean_state, restored_record, stored_entry
from .schema import (
    RESTORE_ENTRY,
    RESTORE_STATE,
    SELECT_ENTRIES,
    SELECT_STATES,
    entry_of_row,
    state_of_row,
)


def page_of_entries(
    db: sqlite3.Connection, wanted: Wanted, after: StoredEntry | None, count: int
) -> list[StoredEntry]:
    """See `Paged._page_of_entries`."""
    later, order = (">", "ASC") if wanted.oldest_first else ("<", "DESC")
    conditions, values = ["TRUE"], dict[str, Any]({"count": count})
    if wanted.feed is not None:
        conditions.append("e.feed = :feed")
        values["feed"] = wanted.feed
    if wanted.since is not None:
        conditions.append("e.last_changed >= :since")
        values["since"] = iso(wanted.since)
    if after is not None:
        conditions.append(f"(e.last_changed, e.feed, e.key) {later} (:moment, :of_feed, :key)")
        values |= {"moment": iso(after.last_changed), "of_feed": after.feed_id, "key": after.entry.key}
    statement = f"""
        {SELECT_ENTRIES} WHERE {" AND ".join(conditions)}
        ORDER BY e.last_changed {order}, e.feed {order}, e.key {order} LIMIT :count
    """
    cursor = db.execute(statement, values)
    try:
        return page_of(stored_entry(entry_of_row(row), Form.COLUMN) for row in cursor)
    finally:
        cursor.close()  # ends the transaction, also when the page is full before the last row


def feeds_at(db: sqlite3.Connection, urls: Sequence[str]) -> list[str]:
    """See `Paged._feeds_at`."""
    marks = ", ".join("?" for _ in urls)
    statement = f"SELECT feed_id FROM feeds WHERE url IN ({marks}) OR listed_url IN ({marks})"  # noqa: S608
    return [feed for (feed,) in db.execute(statement, (*urls, *urls))]


def last_run(db: sqlite3.Connection) -> datetime | None:
    """See `Reader.last_run`."""
    row = db.execute("SELECT ended FROM runs ORDER BY id DESC LIMIT 1").fetchone()  # ids begin with the time
    with suppress(TypeError, ValueError):  # there is no row, or another program has written it
        return datetime.fromisoformat(row[0]).astimezone(UTC)
    return None


def page_of_feeds(db: sqlite3.Connection, after: FeedState | None, count: int) -> list[FeedState]:
    """See `Paged._page_of_feeds`."""
    rows = db.execute(SELECT_STATES, (after.feed_id if after else "", count)).fetchall()
    return [state_of_row(row) for row in rows]


def restore_entries(db: sqlite3.Connection, entries: Iterable[StoredEntry]) -> int:
    """See `Store.restore_entries`; within a transaction of the caller."""
    return _written(db, RESTORE_ENTRY, (restored_record(stored, Form.COLUMN) for stored in entries))


def restore_feeds(db: sqlite3.Connection, states: Iterable[FeedState]) -> int:
    """See `Store.restore_feeds`; within a transaction of the caller."""
    rows = (FEED_STATE.write(clean_state(state), Form.COLUMN) for state in states)
    return _written(db, RESTORE_STATE, rows)


def _written(db: sqlite3.Connection, statement: str, rows: Iterable[dict[str, Any]]) -> int:
    before = db.total_changes
    db.executemany(statement, rows)
    return db.total_changes - before
