"""Forgetting feeds in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable


def count_entries(db: sqlite3.Connection, feed_ids: Iterable[str]) -> int:
    """See `Reader.count_entries`."""
    found = (
        db.execute("SELECT count(*) FROM entries WHERE feed = ?", (feed,)).fetchone() for feed in feed_ids
    )
    return sum(count for (count,) in found)


def forget(db: sqlite3.Connection, feed_ids: Iterable[str]) -> int:
    """See `Store.forget`; within a transaction of the caller."""
    deleted = 0
    for feed in feed_ids:
        deleted += db.execute("DELETE FROM entries WHERE feed = ?", (feed,)).rowcount
        db.execute("DELETE FROM history WHERE feed_id = ?", (feed,))
        db.execute("DELETE FROM feeds WHERE feed_id = ?", (feed,))
    return deleted
