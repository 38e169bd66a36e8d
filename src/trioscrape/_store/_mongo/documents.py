"""The steps of a call to MongoDB: documents to and fro, and another attempt where one may help."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, ParamSpec, TypeVar

from bson.codec_options import DatetimeConversion
from bson.errors import BSONError
from pymongo.collection import Collection
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    PyMongoError,
    WaitQueueTimeoutError,
    WriteError,
)
from pymongo.write_concern import WriteConcern

from ..._records import FeedState
from ..records import state_of_record
from ..validation import expecting
from .errors import PASSING, codes_of

T = TypeVar("T")
P = ParamSpec("P")

PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts: together about what an election or a quick restart needs."""

DUPLICATE_KEY: Final = 11000

_UNSENDABLE: Final = (BSONError, ValueError, OverflowError)
"""A value that BSON does not have, an integer over 64 bits for example, or a document that is too large."""
_UNSENT: Final = 2  # MongoDB's BadValue


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
        return bool(codes_of(error) & PASSING)
    return isinstance(error, (AutoReconnect, DuplicateKeyError, WaitQueueTimeoutError))


def in_bulk(write: Callable[..., object], requests: Sequence[object]) -> list[Mapping[str, Any]]:
    """Carry out all of them, in any order; what is wrong with some is returned, with ``index`` and ``code``.

    Args:
      write: ``bulk_write`` or ``insert_many`` of a collection.
      requests: what it takes.

    Raises:
      BulkWriteError: what is wrong is no single document.
    """
    try:
        write(requests, ordered=False)
    except BulkWriteError as error:
        details = error.details or {}
        if details.get("writeConcernErrors") or codes_of(error) & PASSING:
            raise
        return list(details["writeErrors"])
    except _UNSENDABLE as error:
        if len(requests) == 1:
            return [{"index": 0, "code": _UNSENT, "errmsg": str(error)}]
        # It spoils the whole message; what is right with the others shows when each goes alone.
        alone = [(place, in_bulk(write, [request])) for place, request in enumerate(requests)]
        return [{**error, "index": place} for place, errors in alone for error in errors]
    return []


def write_error(error: Mapping[str, Any]) -> WriteError:
    """What `in_bulk` has returned, as something to raise."""
    return WriteError(error["errmsg"], error["code"], error)


def state_of(document: Mapping[str, Any]) -> FeedState:
    """The state that a document of ``feeds`` holds.

    Raises:
      ForeignRecord: it holds none.
    """
    with expecting(f"feed {document['_id']}"):
        return state_of_record({**document, "feed_id": document["_id"]})


def whatever_it_holds(collection: Collection[dict[str, Any]]) -> Collection[dict[str, Any]]:
    """The collection, where a value that Python does not have is no error of the documents read with it."""
    options = collection.codec_options.with_options(
        datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
    )
    return collection.with_options(codec_options=options)


def waiting_for_the_journal(collection: Collection[dict[str, Any]]) -> Collection[dict[str, Any]]:
    """The collection with writes that are acknowledged when a kill of the server can't lose them."""
    concern = {**collection.write_concern.document, "j": True}
    return collection.with_options(write_concern=WriteConcern(**concern))


def in_short(error: Exception) -> str:
    """What happened, on one line, without the state of timers and servers that pymongo appends."""
    text = str(error)
    if isinstance(error, BulkWriteError) and error.details:
        text = next((failed["errmsg"] for failed in error.details.get("writeErrors", ())), text)
    text = re.sub(r" to execute command \{ (\w+: \S*),.*", r" to execute \1", text)
    return re.split(r" \(configured timeouts|, Timeout: |, full error: |\n", text, maxsplit=1)[0][:300]
