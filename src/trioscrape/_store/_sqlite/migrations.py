"""Files of older schema versions, made into files of the current one."""

from __future__ import annotations

import sqlite3
from typing import Final

from ..records import SCHEMA_VERSION
from .schema import INDEXES, TABLES

MIGRATIONS: Final = {
    1: (
        "ALTER TABLE feeds ADD COLUMN link TEXT",
        "ALTER TABLE feeds ADD COLUMN subtitle TEXT",
        "ALTER TABLE feeds ADD COLUMN language TEXT",
        "ALTER TABLE feeds ADD COLUMN updated TEXT",
        "ALTER TABLE feeds ADD COLUMN self_link TEXT",
        "ALTER TABLE feeds ADD COLUMN hub TEXT",
        "ALTER TABLE feeds ADD COLUMN distrusts_ids INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE feeds ADD COLUMN found_at TEXT",
        "ALTER TABLE entries ADD COLUMN summary_type TEXT",
        "ALTER TABLE entries ADD COLUMN content_type TEXT",
        "ALTER TABLE entries ADD COLUMN language TEXT",
        "ALTER TABLE entries ADD COLUMN rewrites INTEGER NOT NULL DEFAULT 0",
        # Before texts had types they were always HTML.
        "UPDATE entries SET summary_type = 'html' WHERE summary IS NOT NULL",
        "UPDATE entries SET content_type = 'html' WHERE content IS NOT NULL",
        *INDEXES,
    ),
    2: (
        "ALTER TABLE feeds RENAME COLUMN found_at TO validators_url",
        "UPDATE feeds SET failure = 'connection-refused' WHERE failure = 'refused'",
        "UPDATE feeds SET failure = 'fetch-timeout' WHERE failure = 'deadline'",
        # The keys of a JSON object, whose other keys are reasons too and whose values are numbers.
        """UPDATE runs SET errors = replace(errors, '"refused":', '"connection-refused":')""",
        """UPDATE runs SET errors = replace(errors, '"deadline":', '"fetch-timeout":')""",
    ),
    3: (
        "ALTER TABLE feeds ADD COLUMN shared_keys TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE entries ADD COLUMN categories TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE entries ADD COLUMN image TEXT",
        "ALTER TABLE entries ADD COLUMN comments TEXT",
        "ALTER TABLE entries ADD COLUMN source TEXT",
        "ALTER TABLE entries ADD COLUMN duration INTEGER",
        "ALTER TABLE entries ADD COLUMN episode INTEGER",
        "ALTER TABLE entries ADD COLUMN season INTEGER",
        "ALTER TABLE entries ADD COLUMN explicit INTEGER",
        "ALTER TABLE entries ADD COLUMN chapters TEXT",
        "ALTER TABLE entries ADD COLUMN transcripts TEXT NOT NULL DEFAULT '[]'",
    ),
    4: (
        # The next fetch of a feed says what its URL is in the list.
        "ALTER TABLE feeds ADD COLUMN listed_url TEXT",
        "ALTER TABLE feeds ADD COLUMN moved_from TEXT",
        "ALTER TABLE feeds ADD COLUMN moved_since TEXT",
        "ALTER TABLE feeds ADD COLUMN postponed TEXT",
        "ALTER TABLE feeds ADD COLUMN postponed_by TEXT",
        "ALTER TABLE feeds ADD COLUMN last_turn TEXT",
        "ALTER TABLE feeds ADD COLUMN listed_title TEXT",
        "ALTER TABLE feeds ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE feeds ADD COLUMN rhythm TEXT",
        """
            CREATE TABLE lease (
                id TEXT NOT NULL, host TEXT NOT NULL, process INTEGER NOT NULL, since TEXT NOT NULL,
                system TEXT, shard INTEGER, shards INTEGER, renewed TEXT NOT NULL, PRIMARY KEY (id)
            )
        """,
        "ALTER TABLE runs ADD COLUMN shard TEXT",
        "ALTER TABLE feeds ADD COLUMN newest_entry TEXT",
        "ALTER TABLE feeds ADD COLUMN longest_silence INTEGER",
        "ALTER TABLE feeds ADD COLUMN failure_detail TEXT",
        "ALTER TABLE feeds ADD COLUMN failing_since TEXT",
        "ALTER TABLE feeds ADD COLUMN delays TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE feeds ADD COLUMN expected_delay INTEGER",
        "ALTER TABLE feeds ADD COLUMN cloud TEXT",
        "ALTER TABLE feeds ADD COLUMN same_as TEXT",
        """
            CREATE TABLE history (
                feed_id TEXT NOT NULL, polls INTEGER NOT NULL, polls_with_news INTEGER NOT NULL,
                last_fetch TEXT, last_success TEXT, last_news TEXT, last_lateness INTEGER,
                gaps INTEGER NOT NULL, last_gap TEXT, recent TEXT NOT NULL,
                PRIMARY KEY (feed_id)
            ) WITHOUT ROWID
        """,
    ),
}
"""What makes a file of each version one of the next. A step stays as it was written: it is history.

A field that is added to a record is ``ALTER TABLE … ADD COLUMN``; the column comes last then, and needs a
default if it is NOT NULL.
"""


def version_of(db: sqlite3.Connection) -> int:
    """The schema version of the file; 0 for a file that is empty, or of another program."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def migrate(db: sqlite3.Connection) -> None:
    """Create the tables, or migrate those of an older version; within a transaction of the caller."""
    # Read within the transaction: two processes may have found the file empty, or old.
    version = version_of(db)
    if version == SCHEMA_VERSION:
        return
    steps = [MIGRATIONS[old] for old in range(version, SCHEMA_VERSION)] if version else [TABLES]
    for step in steps:
        for statement in step:
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
