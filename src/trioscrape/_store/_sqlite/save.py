"""Saving feeds in SQLite: what differs is written, all of it in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..._errors import StoreRejected
from ..._records import EntryCounts, FeedState, FeedUpdate, Poll
from ..._records.feed_state import FEED_STATE
from ..._records.kinds import Form, iso
from ..plan import Document, Known, Plan
from ..records import chunks, clean_state, now, valid_states
from ..renames import NEWEST, Renames, Search, StoredKey, find_renames, search
from .errors import kind_of
from .history import add_poll
from .schema import (
    RENAME_ENTRY,
    SELECT_BY_DATE,
    SELECT_BY_KEY,
    SELECT_NEWEST,
    SELECT_STATE,
    UPSERT_ENTRY,
    UPSERT_STATE,
    known_of_row,
    select_known,
    state_of_row,
    stored_key_of_row,
)


class _RolledBack(Exception):
    """One feed has undone the writes of all feeds of a transaction: ``RAISE(ROLLBACK, …)`` in a trigger."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be written of one feed."""

    feed: str
    """Its id."""
    state: Mapping[str, Any] | None
    """Its row, if that is not stored as it is."""
    entries: Document
    plan: Plan
    poll: Poll | None
    """As it is to be stored."""
    at: datetime | None
    """See `FeedUpdate.at`."""


def save_all(db: sqlite3.Connection, updates: Sequence[FeedUpdate]) -> list[EntryCounts | Exception]:
    """For each feed its counts, or why it is not stored; see `MergedSaves`.

    Everything is read before the transaction begins. So where no feed has anything to write, none waits
    for another process that writes.

    Raises:
      sqlite3.Error: nothing has been stored.
    """
    works = [_work(db, update) for update in updates]
    outcomes: list[EntryCounts | Exception] = [work.plan.counts for work in works]
    if any(work.plan.writes or work.state or work.poll for work in works):
        while not _all_written(db, works, outcomes):
            pass
    return outcomes


def load(db: sqlite3.Connection, feed_ids: Iterable[str]) -> dict[str, FeedState]:
    """See `Store.load`."""
    # One query a feed takes microseconds here, and needs no list of question marks.
    rows = (db.execute(SELECT_STATE, (feed_id,)).fetchone() for feed_id in feed_ids)
    return valid_states(filter(None, rows), state_of_row)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit all of the block or nothing; waits for other processes that write."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _work(db: sqlite3.Connection, update: FeedUpdate) -> _Work:
    state, entries = clean_state(update.state), Document.of(update)
    feed, record = state.feed_id, FEED_STATE.write(state, Form.COLUMN)
    row = db.execute(SELECT_STATE, (feed,)).fetchone()
    # To read a state takes as long as all the rest of a poll that changes nothing.
    before = state if row == tuple(record.values()) else _state(row)
    stored = _known(db, feed, entries)
    renames = Renames()
    if before is not None and (wanted := search(entries, stored, state)):
        found = _found(db, feed, wanted)
        renames = find_renames(entries, stored, found, state, newest=wanted.newest > 0)
    entries = renames.document(entries)
    plan = renames.plan(entries, stored)
    poll = update.counted(plan.counts)
    return _Work(feed, record if before != state else None, entries, plan, poll, update.at)


def _state(row: Sequence[Any] | None) -> FeedState | None:
    return next(iter(valid_states(filter(None, (row,)), state_of_row).values()), None)


def _found(db: sqlite3.Connection, feed: str, wanted: Search) -> Iterator[StoredKey]:
    rows = [
        *(row for key in wanted.keys for row in db.execute(SELECT_BY_KEY, (feed, key))),
        *(row for date in wanted.dates for row in db.execute(SELECT_BY_DATE, (feed, iso(date), NEWEST))),
    ]
    if wanted.newest:
        rows += db.execute(SELECT_NEWEST, (feed, wanted.newest))
    return map(stored_key_of_row, rows)


def _known(db: sqlite3.Connection, feed: str, keys: Iterable[str]) -> dict[str, Known]:
    found = (db.execute(*select_known(feed, some)).fetchall() for some in chunks(tuple(keys)))
    return {key: known_of_row(row) for rows in found for key, *row in rows}


def _all_written(
    db: sqlite3.Connection, works: Sequence[_Work], outcomes: list[EntryCounts | Exception]
) -> bool:
    """Write what is not rejected so far, and note what is; False: all of it was undone, try again."""
    moment = now()
    with suppress(_RolledBack), transaction(db):
        for place, work in enumerate(works):
            if not isinstance(outcomes[place], Exception) and (error := _written(db, work, moment)):
                outcomes[place] = error
                if not db.in_transaction:
                    raise _RolledBack
        return True
    return False


def _written(db: sqlite3.Connection, work: _Work, moment: datetime) -> Exception | None:
    """Write the feed within the transaction; an error about its values undoes its own part only."""
    feed, todo = work.feed, work.plan
    when = iso(work.at or moment)
    db.execute("SAVEPOINT feed")
    try:
        db.executemany(RENAME_ENTRY, [(after, feed, before) for after, before in todo.renamed.items()])
        rewrites = dict(todo.changed)
        if keys := (*todo.new, *rewrites):
            db.executemany(
                UPSERT_ENTRY,
                [
                    (feed, *row, when, when, rewrites.get(key, 0))
                    for key, row in zip(keys, work.entries.rows(keys, Form.COLUMN), strict=True)
                ],
            )
        if work.state is not None:
            db.execute(UPSERT_STATE, work.state)
        if work.poll is not None:
            add_poll(db, feed, work.poll)
    except (sqlite3.Error, ValueError, OverflowError) as error:
        if kind_of(error) is not StoreRejected:
            raise
        if db.in_transaction:
            db.execute("ROLLBACK TO feed")
        return error
    finally:
        if db.in_transaction:  # some errors end it
            db.execute("RELEASE feed")
    return None
