"""Reading a file without a trace: nothing is written in its folder, and it may be a read-only one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from typing import NamedTuple, TypeVar, TypeVarTuple, Unpack

from .file import connect_to_read, connect_to_read_alone

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _Version(NamedTuple):
    """What tells one state of a file from another."""

    inode: int
    size: int
    modified: int


class FileReader:
    """Queries a file that others may write to.

    SQLite can't read a file in WAL mode without making ``-wal`` and ``-shm`` files beside it, unless it may
    take the file for immutable: then it neither locks nor looks for changes. Nobody has the file open as
    long as there is no ``-wal``. So it is taken for immutable then, and a query is made once more where the
    file was not the same before and after it. As soon as there is a ``-wal``, the reader takes part in the
    locks, like any other.

    Args:
      path: of the file, which exists.
      timeout: seconds for which a query waits for the locks of other connections.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._path, self._timeout = path, timeout
        self._connection: sqlite3.Connection | None = None
        self._version: _Version | None = None

    def read(self, query: Callable[[sqlite3.Connection, Unpack[Ts]], T], *args: *Ts) -> T:
        """What the query finds in one state of the file. Blocks.

        Raises:
          sqlite3.Error: the file can't be opened or read.
        """
        while True:
            version = self._version_now()
            connection = self._connected(version)
            try:
                found = query(connection, *args)
            except sqlite3.Error:
                if version == self._version_now():
                    raise
            else:
                if version is None or version == self._version_now():
                    return found

    def close(self) -> None:
        """Close the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self, version: _Version | None) -> sqlite3.Connection:
        if self._connection is None or version != self._version:
            self.close()
            connect = connect_to_read if version is None else connect_to_read_alone
            self._connection, self._version = connect(self._path, self._timeout), version
        return self._connection

    def _version_now(self) -> _Version | None:
        """The state of the file; None when it may change at any time, because somebody has it open."""
        if os.path.lexists(f"{self._path}-wal"):
            return None
        try:
            found = os.stat(self._path)
        except OSError:  # let SQLite say what is wrong
            return None
        return _Version(found.st_ino, found.st_size, found.st_mtime_ns)
