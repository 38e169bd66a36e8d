"""The tables of `SqliteStore`, made of the fields of the records, and the statements that it runs on them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from ..._records import FeedState, Report
from ..._records.feed_state import FEED_STATE
from ..._records.history import HISTORY
from ..._records.kinds import Form, iso
from ..._records.lease import LEASE
from ..._records.table import Field, InvalidRecord
from ..plan import Known
from ..records import ENTRY_FIELDS, run_record, text_or_none
from ..renames import StoredKey

_FEEDS: Final = tuple(FEED_STATE.fields)
_ENTRIES: Final = tuple(ENTRY_FIELDS)
_LEASE: Final = (*LEASE.fields, "renewed")

_RUNS: Final = {
    "id": "INTEGER PRIMARY KEY",
    "ended": "TEXT NOT NULL",
    "seconds": "REAL NOT NULL",
    **dict.fromkeys(("feeds", "not_started", "duplicates"), "INTEGER NOT NULL"),
    **dict.fromkeys(("outcomes", "entries", "errors", "lanes", "loop_lag"), "TEXT NOT NULL"),
    "shard": "TEXT",
}


def _columns(fields: Mapping[str, Field]) -> str:
    return ", ".join(f"{name} {field.column}" for name, field in fields.items())


def _insert(table: str, names: Iterable[str]) -> str:
    """The names are those of fields, never a value."""
    names = tuple(names)
    return f"INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"


def _replacing(names: Iterable[str], *but: str) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in names if name not in but)


INDEXES: Final = (
    # The newest entries of a feed; what has been stored or changed since; feeds that are due.
    "CREATE INDEX IF NOT EXISTS entries_by_date ON entries (feed, published DESC)",
    "CREATE INDEX IF NOT EXISTS entries_by_change ON entries (last_changed DESC)",
    "CREATE INDEX IF NOT EXISTS feeds_by_next_fetch ON feeds (next_fetch)",
)

CREATE_LEASE: Final = (
    f"CREATE TABLE lease ({_columns(LEASE.fields)}, renewed TEXT NOT NULL, PRIMARY KEY (id))"
)
CREATE_HISTORY: Final = (
    f"CREATE TABLE history ({_columns(HISTORY.fields)}, PRIMARY KEY (feed_id)) WITHOUT ROWID"
)
TABLE_NAMES: Final = frozenset({"feeds", "entries", "runs"})
"""In every version."""

TABLES: Final = (
    f"CREATE TABLE feeds ({_columns(FEED_STATE.fields)}, PRIMARY KEY (feed_id)) WITHOUT ROWID",
    f"CREATE TABLE entries ({_columns(ENTRY_FIELDS)}, PRIMARY KEY (feed, key))",
    f"CREATE TABLE runs ({', '.join(f'{name} {column}' for name, column in _RUNS.items())})",
    CREATE_LEASE,
    CREATE_HISTORY,
    *INDEXES,
)

SELECT_STATE: Final = f"SELECT {', '.join(_FEEDS)} FROM feeds WHERE feed_id = ?"  # noqa: S608

SELECT_STATES: Final = f"""
    SELECT {", ".join(_FEEDS)} FROM feeds WHERE feed_id > ? ORDER BY feed_id LIMIT ?
"""  # noqa: S608

UPSERT_STATE: Final = f"""
    INSERT {_insert("feeds", _FEEDS)} ON CONFLICT (feed_id) DO UPDATE SET {_replacing(_FEEDS)}
"""

RESTORE_STATE: Final = f"INSERT {_insert('feeds', _FEEDS)} ON CONFLICT (feed_id) DO NOTHING"

SELECT_ENTRIES: Final = f"""
    SELECT {", ".join(f"e.{name}" for name in _ENTRIES)}, f.url AS feed_url, f.title AS feed_title
    FROM entries e LEFT JOIN feeds f ON f.feed_id = e.feed
"""  # noqa: S608

_SELECT_KNOWN: Final = "SELECT key, hash, updated, rewrites FROM entries WHERE feed = ? AND key IN"

# Other programs may have stored bytes as a key.
_SELECT_KEYS: Final = """
    SELECT key, link, title, published, hash, updated, rewrites FROM entries
    WHERE typeof(key) = 'text' AND feed = ?
"""

SELECT_BY_KEY: Final = f"{_SELECT_KEYS} AND key = ?"

SELECT_BY_DATE: Final = f"{_SELECT_KEYS} AND published = ? LIMIT ?"

SELECT_NEWEST: Final = f"{_SELECT_KEYS} ORDER BY published DESC LIMIT ?"

# Where another program has stored the new one meanwhile, both stay.
RENAME_ENTRY: Final = "UPDATE OR IGNORE entries SET key = ? WHERE feed = ? AND key = ?"

# The moment at which it was first seen is later than now where the clock was ahead once.
# By place, in the order of `ENTRY_FIELDS`: to look 28 names up for each entry takes a quarter of its time.
UPSERT_ENTRY: Final = f"""
    INSERT INTO entries ({", ".join(_ENTRIES)}) VALUES ({", ".join("?" * len(_ENTRIES))})
        ON CONFLICT (feed, key) DO UPDATE SET {_replacing(_ENTRIES, "feed", "key", "first_seen")},
            first_seen = min(first_seen, excluded.first_seen)
"""  # noqa: S608

RESTORE_ENTRY: Final = f"""
    INSERT {_insert("entries", _ENTRIES)} ON CONFLICT (feed, key) DO UPDATE SET
        {_replacing(_ENTRIES, "feed", "key", "first_seen")},
        first_seen = min(first_seen, excluded.first_seen)
    WHERE last_changed < excluded.last_changed
"""

REPLACE_RUN: Final = f"REPLACE {_insert('runs', _RUNS)}"

SELECT_LEASE: Final = f"SELECT {', '.join(_LEASE)} FROM lease"  # noqa: S608

INSERT_LEASE: Final = f"INSERT {_insert('lease', _LEASE)}"


def select_known(feed: str, keys: Sequence[str]) -> tuple[str, tuple[str | None, ...]]:
    """The statement for what is stored of these keys, and its values.

    It has places for a power of two of keys, so that there are few such statements, which stay compiled.
    """
    places = 1 << (len(keys) - 1).bit_length()
    statement = f"{_SELECT_KNOWN} ({', '.join('?' * places)})"
    return statement, (feed, *keys, *[None] * (places - len(keys)))


def state_of_row(row: Sequence[Any]) -> FeedState:
    """The state in a row of `SELECT_STATE` or `SELECT_STATES`.

    Raises:
      InvalidRecord: it holds none; the text names the feed.
    """
    record = dict(zip(_FEEDS, row, strict=True))
    try:
        return FEED_STATE.read(record, Form.COLUMN)
    except InvalidRecord as error:
        raise InvalidRecord(f"feed {record['feed_id']}: {error}") from error


def entry_of_row(row: Sequence[Any]) -> dict[str, Any]:
    """The record in a row of `SELECT_ENTRIES`."""
    return dict(zip((*_ENTRIES, "feed_url", "feed_title"), row, strict=True))


def known_of_row(row: Sequence[Any]) -> Known:
    """The entry in a row of `select_known` but for its key, as far as `plan` needs it."""
    digest, updated, rewrites = row
    return Known.of(digest, _moment(updated), rewrites)


def stored_key_of_row(row: Sequence[Any]) -> StoredKey:
    """The entry in a row of `SELECT_BY_KEY`, `SELECT_BY_DATE` or `SELECT_NEWEST`."""
    key, link, title, published, *known = row
    return StoredKey(key, text_or_none(link), text_or_none(title), _moment(published), known_of_row(known))


def _moment(text: object) -> datetime | None:
    if isinstance(text, str):
        with suppress(ValueError):
            return datetime.fromisoformat(text)
    return None


def lease_of_row(row: Sequence[Any]) -> dict[str, Any]:
    """The record in a row of `SELECT_LEASE`."""
    return dict(zip(_LEASE, row, strict=True))


def run_row(report: Report) -> dict[str, Any]:
    """The values of `REPLACE_RUN`."""
    record = run_record(report)
    record["ended"] = iso(record["ended"])
    # The key of the table is an integer: as many bits of the id as fit, which begin with the time.
    record["id"] = int(report.run_id[:16], 16) >> 1
    return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in record.items()}
