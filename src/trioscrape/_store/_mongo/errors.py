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
        43,  # CursorNotFound: this and the next two are what a read meets when its server changes
        175,  # QueryPlanKilled
        237,  # CursorKilled
    }
)
PASSING: Final = _NOT_PRIMARY | _TROUBLE_BETWEEN_SERVERS | _TROUBLE_OF_ONE_SERVER
"""The codes of an outage."""


def may_pass(error: Exception) -> bool:
    """Whether what `error` says is true for now only."""
    if isinstance(error, (AutoReconnect, WaitQueueTimeoutError)):
        return True
    if isinstance(error, BulkWriteError):
        # What it says of some of the writes says nothing of the others.
        return bool(codes_of(error) & PASSING)
    if isinstance(error, OperationFailure) and error.code in PASSING:
        return True
    if isinstance(error, PyMongoError):
        return error.timeout or error.has_error_label("RetryableWriteError")
    # No descriptor, no route: pymongo lets few of these through as they are.
    return isinstance(error, OSError)


def codes_of(error: BulkWriteError) -> set[int]:
    """The codes of all writes that failed, and of what was not acknowledged as it should be."""
    details = error.details or {}
    failed = (*details.get("writeErrors", ()), *details.get("writeConcernErrors", ()))
    return {each.get("code", 0) for each in failed}
