"""The steps of a call to MongoDB: documents to and fro, and another attempt where one may help."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, ParamSpec, TypeVar

from pymongo import UpdateOne
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    PyMongoError,
    WaitQueueTimeoutError,
)

from .._types import Entry, FeedState
from ._records import entry_record

T = TypeVar("T")
P = ParamSpec("P")

PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts: together about what an election or a quick restart needs."""

STATE_FIELDS: Final = tuple(field.name for field in fields(FeedState) if field.name != "feed_id")

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
        details = error.details or {}
        codes = {failed.get("code") for failed in details.get("writeErrors", ())}
        return codes == {_DUPLICATE_KEY} and not details.get("writeConcernErrors")
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
    values: dict[str, Any] = {name: document.get(name) for name in STATE_FIELDS}
    return FeedState(feed_id=document["_id"], **values)


def first_line(error: Exception) -> str:
    """An error of pymongo without the state of its timers and servers, which it appends."""
    return re.split(r" \(configured timeouts|, Timeout: |, full error: |\n", str(error), maxsplit=1)[0]
