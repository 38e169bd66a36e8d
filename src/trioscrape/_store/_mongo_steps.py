"""The steps of a call to MongoDB: documents to and fro, and another attempt where one may help."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, ParamSpec, TypeVar

from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    PyMongoError,
    WaitQueueTimeoutError,
)
from pymongo.write_concern import WriteConcern

from .._types import Entry, FeedState
from ._mongo_errors import codes_of
from ._records import entry_record, state_of_record

T = TypeVar("T")
P = ParamSpec("P")

PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts: together about what an election or a quick restart needs."""

_DUPLICATE_KEY: Final = 11000


def retried(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call it, and again after errors that pass: connection lost, no primary, two upserts of one key.

    Every call must be idempotent, as the first attempt may have been carried out although its
    answer was lost. Stops when the deadline of the surrounding `pymongo.timeout` has passed.

    Raises:
      PyMongoError: of the last attempt.
    """
    for pause in PAUSES:
        try:
            return call(*args, **kwargs)
        except PyMongoError as error:
            if error.timeout or not _passes(error):
                raise
        time.sleep(pause)
    return call(*args, **kwargs)


def _passes(error: PyMongoError) -> bool:
    if isinstance(error, BulkWriteError):
        return codes_of(error) == {_DUPLICATE_KEY}
    return isinstance(error, (AutoReconnect, DuplicateKeyError, WaitQueueTimeoutError))


def upsert(feed_id: str, entry: Entry, moment: datetime) -> UpdateOne:
    """Store the entry as it is at `moment`, whether it is there or not."""
    record = entry_record(entry)
    key = record.pop("key")
    return UpdateOne(
        {"feed": feed_id, "key": key},
        {"$set": {**record, "last_changed": moment}, "$setOnInsert": {"first_seen": moment}},
        upsert=True,
    )


def state_of(document: Mapping[str, Any]) -> FeedState:
    """The state that a document of ``feeds`` holds."""
    return state_of_record({**document, "feed_id": document["_id"]})


def waiting_for_the_journal(collection: Collection[dict[str, Any]]) -> Collection[dict[str, Any]]:
    """The collection with writes that are acknowledged when a kill of the server can't lose them."""
    concern = {**collection.write_concern.document, "j": True}
    return collection.with_options(write_concern=WriteConcern(**concern))


def in_short(error: Exception) -> str:
    """What happened, on one line, without the state of timers and servers that pymongo appends."""
    text = str(error)
    if isinstance(error, BulkWriteError) and error.details:
        text = next((failed["errmsg"] for failed in error.details.get("writeErrors", ())), text)
    return re.split(r" \(configured timeouts|, Timeout: |, full error: |\n", text, maxsplit=1)[0][:300]
