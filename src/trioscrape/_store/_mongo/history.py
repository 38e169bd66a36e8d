"""The history of feeds in MongoDB: a document for each feed, to which the server adds polls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymongo import ReplaceOne, UpdateOne
from pymongo.database import Database

from ..._records import FeedHistory, Poll
from ..._records.history import HISTORY, KEPT_POLLS
from ..._records.kinds import Form
from ..history import clean_history, first_history, valid_histories
from .documents import Document, journaled, tolerant
from .errors import DUPLICATE_KEY, in_bulk, retried


def add_polls(
    database: Database[Document], polled: Sequence[tuple[str, Poll]]
) -> list[Mapping[str, Any] | None]:
    """Remember a poll of each of these feeds; for each the error of the server, if it has accepted none."""
    errors: list[Mapping[str, Any] | None] = [None] * len(polled)
    histories = [first_history(*each) for each in polled]
    writes = [_addition(each) for each in histories]
    collection = journaled(database.history)
    failed = retried(in_bulk, collection.bulk_write, writes) if writes else ()
    # With a duplicate key the poll is there already: its acknowledgement was lost. Anything else means that
    # another program has written something which nothing can be added to.
    again = [error["index"] for error in failed if error["code"] != DUPLICATE_KEY]
    replaced = [
        ReplaceOne({"_id": histories[at].feed_id}, _document(histories[at]), upsert=True) for at in again
    ]
    for error in retried(in_bulk, collection.bulk_write, replaced) if replaced else ():
        errors[again[error["index"]]] = error
    return errors


def _addition(history: FeedHistory) -> UpdateOne:
    document = _document(history)
    [poll] = document["recent"]
    known = {name: getattr(history, name) for name in ("last_success", "last_news", "last_gap")}
    values = {name: value for name, value in known.items() if value is not None}
    none = dict.fromkeys(known.keys() - values.keys())
    now = {name: getattr(history, name) for name in ("last_fetch", "last_lateness")}
    counts = {name: getattr(history, name) for name in ("polls", "polls_with_news", "gaps")}
    return UpdateOne(
        {"_id": history.feed_id, "last_fetch": {"$ne": history.last_fetch}},
        {
            "$inc": counts,
            "$set": {**values, **now},
            **({"$setOnInsert": none} if none else {}),
            "$push": {"recent": {"$each": [poll], "$slice": -KEPT_POLLS}},
        },
        upsert=True,
    )


def _document(history: FeedHistory) -> Document:
    document = HISTORY.write(history, Form.DOCUMENT)
    del document["feed_id"]  # it is the ``_id``
    return document


def read_history(
    database: Database[Document], feed_ids: Sequence[str], without: Sequence[str]
) -> dict[str, FeedHistory]:
    """See `Reader.read_history`; `without` are fields that nobody asks for."""
    query = {"_id": {"$in": list(feed_ids)}}
    fields = dict.fromkeys(without, 0) or None
    history = tolerant(database.history)
    found = retried(lambda: history.find(query, fields).to_list())
    return valid_histories(found, _history_of)


def _history_of(document: Document) -> FeedHistory:
    return HISTORY.read({**document, "feed_id": document["_id"]}, Form.DOCUMENT)


def restore_history(database: Database[Document], histories: Iterable[FeedHistory]) -> int:
    """See `Store.restore_history`."""
    documents = {each.feed_id: _document(clean_history(each)) for each in histories}
    found = retried(lambda: [*database.history.find({"_id": {"$in": list(documents)}}, {"_id": 1})])
    new = documents.keys() - {each["_id"] for each in found}
    writes = [UpdateOne({"_id": feed}, {"$setOnInsert": documents[feed]}, upsert=True) for feed in new]
    if writes:
        retried(journaled(database.history).bulk_write, writes, ordered=False)
    return len(writes)
