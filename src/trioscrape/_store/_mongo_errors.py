"""Which errors of MongoDB are an outage: another attempt may help, a little later."""

from __future__ import annotations

from typing import Final

from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
)

RETRYABLE: Final = frozenset(
    {
        # A member that stops, starts or is not the primary any more (server discovery specification).
        *(91, 189, 10058, 10107, 11600, 11602, 13435, 13436),
        # Others that are retryable (retryable writes specification), and those of mongos.
        *(6, 7, 89, 134, 202, 262, 384, 9001),
    }
)
"""Codes of what may be over in a moment: an election, a restart."""
_PASSING: Final = frozenset(
    {
        *RETRYABLE,
        14031,  # OutOfDiskSpace
        50,  # MaxTimeMSExpired
        64,  # WriteConcernTimeout
        24,  # LockTimeout
        112,  # WriteConflict
        133,  # FailedToSatisfyReadPreference
        11601,  # Interrupted: somebody has killed the operation
        43,  # CursorNotFound: this and the next two are what a read meets when its server changes
        175,  # QueryPlanKilled
        237,  # CursorKilled
    }
)
"""Codes of what may be over in a while."""


def may_pass(error: Exception) -> bool:
    """Whether what `error` says is true for now only."""
    if isinstance(error, (AutoReconnect, WaitQueueTimeoutError)):
        return True
    if isinstance(error, BulkWriteError):
        return bool(error_codes(error) & _PASSING)
    if isinstance(error, OperationFailure) and error.code in _PASSING:
        return True
    if isinstance(error, PyMongoError):
        return error.timeout or error.has_error_label("RetryableWriteError")
    # No descriptor, no route: pymongo lets few of these through as they are.
    return isinstance(error, OSError)


def error_codes(error: BulkWriteError) -> set[int]:
    """The codes of everything that went wrong."""
    details = error.details or {}
    return {
        failed["code"] for kind in ("writeErrors", "writeConcernErrors") for failed in details.get(kind, ())
    }
