"""What older versions of the schema have left on disk, made as they made it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pymongo.database import Database

VERSION_1 = """
    CREATE TABLE feeds (
        feed_id TEXT PRIMARY KEY, url TEXT NOT NULL, title TEXT,
        etag TEXT, last_modified TEXT, body_hash TEXT, timers TEXT NOT NULL,
        next_fetch TEXT, next_unconditional TEXT, failures INTEGER NOT NULL, failure TEXT,
        gone TEXT, moved_to TEXT, moved_days TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE entries (
        feed TEXT NOT NULL, key TEXT NOT NULL, hash TEXT NOT NULL,
        link TEXT, title TEXT, summary TEXT, content TEXT, authors TEXT NOT NULL,
        published TEXT, updated TEXT, tags TEXT NOT NULL, enclosures TEXT NOT NULL,
        truncated INTEGER NOT NULL, first_seen TEXT NOT NULL, last_changed TEXT NOT NULL,
        PRIMARY KEY (feed, key)
    );
    CREATE INDEX entries_by_date ON entries (feed, published DESC);
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, ended TEXT NOT NULL, seconds REAL NOT NULL, feeds INTEGER NOT NULL,
        not_started INTEGER NOT NULL, duplicates INTEGER NOT NULL, outcomes TEXT NOT NULL,
        entries TEXT NOT NULL, errors TEXT NOT NULL, lanes TEXT NOT NULL, loop_lag TEXT NOT NULL
    );
    PRAGMA user_version = 1;

    INSERT INTO feeds VALUES (
        'ffffffffffffffffffffffffffffffff', 'https://a.test/feed', 'A', '"1"', NULL, 'b',
        '{"max_age": 60, "every": 0, "skip_hours": [], "skip_days": [6]}',
        NULL, NULL, 0, NULL, NULL, NULL, '[]'
    );
    INSERT INTO entries VALUES
        ('ffffffffffffffffffffffffffffffff', 'a', 'hash of a', NULL, 'Title of a', NULL, '<p>x</p>', '[]',
         NULL, NULL, '[]', '[]', 0, 'then', 'then'),
        ('ffffffffffffffffffffffffffffffff', 'b', 'hash of b', NULL, 'Title of b', 'short', NULL, '["Bea"]',
         NULL, NULL, '[]', '[]', 0, 'then', 'then');
"""

VERSION_2 = """
    CREATE TABLE feeds (
        feed_id TEXT PRIMARY KEY, url TEXT NOT NULL, title TEXT, link TEXT, subtitle TEXT, language TEXT,
        updated TEXT, self_link TEXT, hub TEXT, distrusts_ids INTEGER NOT NULL DEFAULT 0,
        etag TEXT, last_modified TEXT, found_at TEXT, body_hash TEXT, timers TEXT NOT NULL,
        next_fetch TEXT, next_unconditional TEXT, failures INTEGER NOT NULL, failure TEXT,
        gone TEXT, moved_to TEXT, moved_days TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE entries (
        feed TEXT NOT NULL, key TEXT NOT NULL, hash TEXT NOT NULL,
        link TEXT, title TEXT, summary TEXT, summary_type TEXT, content TEXT, content_type TEXT,
        authors TEXT NOT NULL, published TEXT, updated TEXT, tags TEXT NOT NULL, enclosures TEXT NOT NULL,
        language TEXT,
        truncated INTEGER NOT NULL, first_seen TEXT NOT NULL, last_changed TEXT NOT NULL,
        rewrites INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (feed, key)
    );
    CREATE INDEX entries_by_date ON entries (feed, published DESC);
    CREATE INDEX entries_by_change ON entries (last_changed DESC);
    CREATE INDEX feeds_by_next_fetch ON feeds (next_fetch);
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, ended TEXT NOT NULL, seconds REAL NOT NULL, feeds INTEGER NOT NULL,
        not_started INTEGER NOT NULL, duplicates INTEGER NOT NULL, outcomes TEXT NOT NULL,
        entries TEXT NOT NULL, errors TEXT NOT NULL, lanes TEXT NOT NULL, loop_lag TEXT NOT NULL
    );
    PRAGMA user_version = 2;

    INSERT INTO feeds (feed_id, url, title, etag, found_at, timers, failures, failure, moved_days) VALUES
        ('ffffffffffffffffffffffffffffffff', 'https://a.test/feed', 'A', '"1"', 'https://www.a.test/feed',
         '{"max_age": 60, "every": 0, "skip_hours": [], "skip_days": [6]}', 1, 'refused', '[]'),
        ('00000000000000000000000000000000', 'https://b.test/feed', NULL, NULL, NULL,
         '{"max_age": 0, "every": 0, "skip_hours": [], "skip_days": []}', 2, 'deadline', '["2026-02-28"]'),
        ('11111111111111111111111111111111', 'https://c.test/feed', NULL, NULL, NULL,
         '{"max_age": 0, "every": 0, "skip_hours": [], "skip_days": []}', 3, 'http-404', '[]');
    INSERT INTO entries VALUES
        ('ffffffffffffffffffffffffffffffff', 'a', 'hash of a', NULL, 'Title of a', NULL, NULL, '<p>x</p>',
         'html', '[]', NULL, NULL, '[]', '[]', NULL, 0, 'then', 'then', 0),
        ('ffffffffffffffffffffffffffffffff', 'b', 'hash of b', NULL, 'Title of b', 'short', 'text', NULL,
         NULL, '["Bea"]', NULL, NULL, '[]', '[]', NULL, 0, 'then', 'then', 3);
    INSERT INTO runs VALUES
        (1, '2026-02-28T12:00:00.000+00:00', 1.5, 6, 0, 0, '{"refused": 1, "failed": 5}',
         '{"new": 0, "changed": 0, "unchanged": 0}', '{"refused": 2, "http-404": 2, "deadline": 1}',
         '{}', '{}');
"""

FILES = {1: VERSION_1, 2: VERSION_2}
"""By version, the statements that make a file of it."""

_THEN = datetime(2024, 1, 1, tzinfo=UTC)
_TIMERS: dict[str, Any] = {"max_age": 60, "every": 0, "skip_hours": [], "skip_days": [6]}


def fill_version_1(database: Database[Any]) -> None:
    """A feed and its entries in a database of version 1."""
    database.meta.insert_one({"_id": "schema", "version": 1})
    feed = {"_id": "f" * 32, "url": "https://a.test/feed", "title": "A", "etag": '"1"', "timers": _TIMERS}
    database.feeds.insert_one({**feed, "failures": 0, "failure": None, "moved_days": []})
    database.entries.insert_many(
        [
            {**_entry("a"), "summary": None, "content": "<p>x</p>"},
            {**_entry("b"), "summary": "short", "content": None},
        ]
    )


def fill_version_2(database: Database[Any], feeds: int = 3) -> None:
    """So many feeds, with entries and a run each, in a database of version 2. Half the entries are older."""
    database.meta.insert_one({"_id": "schema", "version": 2})
    for number in range(feeds):
        failure = ("refused", "deadline", "http-404", None)[number % 4]
        feed = {"_id": f"{number:032x}", "url": f"https://{number}.test/feed", "title": None, "etag": '"1"'}
        more = {"found_at": f"https://www.{number}.test/feed", "timers": _TIMERS, "failures": number}
        database.feeds.insert_one({**feed, **more, "failure": failure, "moved_days": []})
        old = {**_entry("old", feed=f"{number:032x}"), "summary": "short", "content": None}
        types = {"summary_type": "text", "content_type": None, "language": None, "rewrites": 3}
        database.entries.insert_many(
            [old, {**_entry("new", feed=f"{number:032x}"), "summary": "short", "content": None, **types}]
        )
        errors = {"refused": 2, "http-404": 2, "deadline": 1} if number % 2 else {"http-404": 1}
        database.runs.insert_one({"ended": _THEN, "outcomes": {"refused": 1}, "errors": errors})


def _entry(key: str, feed: str = "f" * 32) -> dict[str, Any]:
    lists: dict[str, Any] = {"authors": [], "tags": [], "enclosures": []}
    dates = {"published": None, "updated": None, "first_seen": _THEN, "last_changed": _THEN}
    texts = {"hash": f"hash of {key}", "link": None, "title": f"Title of {key}"}
    return {"feed": feed, "key": key, **texts, **lists, **dates, "truncated": False}
