"""Errors of MongoDB: which of them are an outage, which concern single documents, when to try again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, ParamSpec, TypeVar

from bson.errors import BSONError
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
    WriteError,
)

from ..._errors import StoreError, StoreRejected, StoreUnavailable

T = TypeVar("T")
P = ParamSpec("P")

_NOT_PRIMARY: Final = frozenset({10058, 10107, 13435, 13436, 11600, 11602, 91, 189})
"""A member that stops, starts or is not the primary any more (SDAM specification)."""
_TROUBLE_BETWEEN_SERVERS: Final = frozenset({6, 7, 89, 134, 202, 262, 384, 9001})
"""The others that are retryable (retryable writes specification), and those of mongos."""
_TROUBLE_OF_ONE_SERVER: Final = frozenset(
    {
        14031,  # OutOfDiskSpace
        50,  # MaxTimeMSExpired
        64,  # WriteConcernTimeout
        24,  # LockTimeout
        112,  # WriteConflict
        133,  # FailedToSatisfyReadPreference
        11601,  # Interrupted: somebody has killed the operation
        43,  # CursorNotFound: this and the next two come to a read whose server changes
        175,  # QueryPlanKilled
        237,  # CursorKilled
    }
)
_OUTAGE: Final = _NOT_PRIMARY | _TROUBLE_BETWEEN_SERVERS | _TROUBLE_OF_ONE_SERVER

DUPLICATE_KEY: Final = 11000

_UNSENDABLE: Final = (BSONError, ValueError, OverflowError)
"""A value that BSON does not have, an integer over 64 bits for example, or a document that is too large."""
_BAD_VALUE: Final = 2

PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts: together about as long as an election or a quick restart takes."""


def is_outage(error: Exception) -> bool:
    """Whether the same call may succeed later."""
    if isinstance(error, (AutoReconnect, WaitQueueTimeoutError)):
        return True
    if isinstance(error, BulkWriteError):
        # It has codes of its own for the writes that failed.
        return _passes(error)
    if isinstance(error, OperationFailure) and error.code in _OUTAGE:
        return True
    if isinstance(error, PyMongoError):
        return error.timeout or error.has_error_label("RetryableWriteError")
    # No descriptor, no route: pymongo lets few of these through as they are.
    return isinstance(error, OSError)


def kind_of(error: Exception) -> type[StoreError]:
    """What an error is to the caller of a store."""
    if is_outage(error):
        return StoreUnavailable
    return StoreRejected if isinstance(error, WriteError) else StoreError


def retried(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call it, and again after errors that pass: connection lost, no primary, two upserts of one key.

    Every call must be idempotent, as the first attempt may have been carried out although its
    answer was lost. Stops when the timeout of the surrounding `pymongo.timeout` has expired.

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
        return bool(_codes(error) & _OUTAGE)
    return isinstance(error, (AutoReconnect, DuplicateKeyError, WaitQueueTimeoutError))


def _codes(error: BulkWriteError) -> set[int]:
    """Of all writes that failed, and of acknowledgements that did not come as they should."""
    details = error.details or {}
    failed = (*details.get("writeErrors", ()), *details.get("writeConcernErrors", ()))
    return {each.get("code", 0) for each in failed}


def in_bulk(write: Callable[..., object], requests: Sequence[object]) -> list[Mapping[str, Any]]:
    """Make all the writes, in any order; the errors of single ones are returned, with ``index`` and ``code``.

    Args:
      write: ``bulk_write`` or ``insert_many`` of a collection.
      requests: what it takes.

    Raises:
      BulkWriteError: for an error that is not about a single write.
    """
    try:
        write(requests, ordered=False)
    except BulkWriteError as error:
        details = error.details or {}
        if details.get("writeConcernErrors") or _passes(error):
            raise
        return list(details["writeErrors"])
    except _UNSENDABLE as error:
        if len(requests) == 1:
            return [{"index": 0, "code": _BAD_VALUE, "errmsg": str(error)}]
        # The whole message can't be sent because of one write; each is sent alone to find it.
        alone = [(place, in_bulk(write, [request])) for place, request in enumerate(requests)]
        return [{**error, "index": place} for place, errors in alone for error in errors]
    return []


def write_error(error: Mapping[str, Any]) -> WriteError:
    """The exception for an error that `in_bulk` has returned."""
    return WriteError(error["errmsg"], error["code"], error)


def in_short(error: Exception) -> str:
    """What happened, on one line, without the state of timers and servers that pymongo appends."""
    text = str(error)
    if isinstance(error, BulkWriteError) and error.details:
        text = next((failed["errmsg"] for failed in error.details.get("writeErrors", ())), text)
    text = re.sub(r"\[Errno -?\d+\] ", "", text)
    text = re.sub(r" to execute command \{ (\w+: \S*),.*", r" to execute \1", text)
    return re.split(r" \(configured timeouts|, Timeout: |, full error: |\n", text, maxsplit=1)[0][:300]
