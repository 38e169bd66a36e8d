"""The history of feeds in SQLite: a row for each feed, with its last polls as a JSON list.

A poll is added by one statement that reads nothing: SQLite itself counts, and shortens the list. So a feed
that has not been modified costs one row of half a page.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from ..._errors import StoreRejected
from ..._records import FeedHistory, Poll
from ..._records.history import HISTORY, KEPT_POLLS
from ..._records.kinds import Form
from ..history import clean_history, first_history, valid_histories
from .errors import kind_of

_NAMES: Final = tuple(HISTORY.fields)
_INSERT: Final = f"""
    INSERT INTO history ({", ".join(_NAMES)}) VALUES ({", ".join(f":{name}" for name in _NAMES)})
"""  # noqa: S608

# Another program may have written something that is no list. A poll that is repeated, because its
# acknowledgement was lost, has the same moment.
_ADD: Final = f"""
    {_INSERT} ON CONFLICT (feed_id) DO UPDATE SET
        polls = polls + 1,
        polls_with_news = polls_with_news + excluded.polls_with_news,
        last_fetch = excluded.last_fetch,
        last_success = ifnull(excluded.last_success, last_success),
        last_news = ifnull(excluded.last_news, last_news),
        last_lateness = excluded.last_lateness,
        gaps = gaps + excluded.gaps,
        last_gap = ifnull(excluded.last_gap, last_gap),
        recent = CASE
            WHEN NOT json_valid(recent) OR json_type(recent) != 'array' THEN excluded.recent
            WHEN json_array_length(recent) >= {KEPT_POLLS} THEN
                json_insert(json_remove(recent, '$[0]'), '$[#]', json_extract(excluded.recent, '$[0]'))
            ELSE json_insert(recent, '$[#]', json_extract(excluded.recent, '$[0]'))
        END
    WHERE last_fetch IS NOT excluded.last_fetch
"""
_RESTORE: Final = f"{_INSERT} ON CONFLICT (feed_id) DO NOTHING"


def add_poll(db: sqlite3.Connection, feed_id: str, poll: Poll) -> None:
    """Remember a poll; within a transaction of the caller."""
    db.execute(_ADD, HISTORY.write(first_history(feed_id, poll), Form.COLUMN))


def add_polls(db: sqlite3.Connection, polled: Iterable[tuple[str, Poll]]) -> None:
    """See `Store.add_polls`; within a transaction of the caller."""
    # In the order of the rows, those that share a page are written with it.
    for feed_id, poll in sorted(polled, key=itemgetter(0)):
        try:
            add_poll(db, feed_id, poll)
        except sqlite3.Error as error:
            if kind_of(error) is not StoreRejected or not db.in_transaction:
                raise


def read_history(
    db: sqlite3.Connection, feed_ids: Sequence[str], without: Sequence[str]
) -> dict[str, FeedHistory]:
    """See `Reader.read_history`; `without` are fields that nobody asks for."""
    names = [name for name in _NAMES if name not in without]
    statement = f"SELECT {', '.join(names)} FROM history WHERE feed_id = ?"  # noqa: S608
    rows = (db.execute(statement, (feed_id,)).fetchone() for feed_id in feed_ids)
    records = (dict(zip(names, row, strict=True)) for row in rows if row)
    return valid_histories(records, lambda record: HISTORY.read(record, Form.COLUMN))


def restore_history(db: sqlite3.Connection, histories: Iterable[FeedHistory]) -> int:
    """See `Store.restore_history`; within a transaction of the caller."""
    rows: list[dict[str, Any]] = [HISTORY.write(clean_history(each), Form.COLUMN) for each in histories]
    before = db.total_changes
    db.executemany(_RESTORE, rows)
    return db.total_changes - before
