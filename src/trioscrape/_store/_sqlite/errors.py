"""Errors of SQLite: which of them are an outage, and which concern a single record."""

from __future__ import annotations

import sqlite3
from typing import Final

from ..._errors import StoreError, StoreRejected, StoreUnavailable

_PASSING: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,  # a lock of the write-ahead log, in spite of many attempts
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_CANTOPEN,  # no file descriptor left, or a folder that is not mounted just now
    }
)
"""Temporary errors, such as a lock or a full disk: the next attempt may succeed."""
_OF_VALUES: Final = frozenset(
    {
        sqlite3.SQLITE_CONSTRAINT,  # unique indexes, and triggers that raise
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_TOOBIG,
        # Everything else that goes wrong in a trigger or in the expression of an index.
        sqlite3.SQLITE_ERROR,
    }
)


def code_of(error: Exception) -> int | None:
    """Its result code without the details (https://sqlite.org/rescode.html); None: it has none."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def kind_of(error: Exception) -> type[StoreError]:
    """What an error of a write is to the caller of a store.

    An `OSError` is that of looking at the path. What Python itself can't hand to SQLite has no code: text
    that is not UTF-8, integers over 64 bits.
    """
    code = code_of(error)
    if code in _PASSING or isinstance(error, OSError):
        return StoreUnavailable
    return StoreRejected if code is None or code in _OF_VALUES else StoreError
