"""How an SQLite file is opened."""

from __future__ import annotations

import os
import sqlite3
import time
from functools import partial
from pathlib import Path
from urllib.parse import quote

# Other programs may have written in another encoding, and one such text would fail a whole query.
_text = partial(str, encoding="utf-8", errors="replace")


def connect(path: str, timeout: float) -> sqlite3.Connection:
    """A connection to the file, which is created if need be.

    One thread at a time may use it; it need not always be the same one.

    Args:
      path: of the file.
      timeout: seconds for which a statement waits for the locks of other connections.

    Raises:
      sqlite3.Error: the file can't be opened.
    """
    return _connected(path, timeout, uri=False)


class Watched:
    """The file that is open, and its write-ahead log, as they are found at their paths.

    A file that somebody deletes, or puts another one in the place of, can still be written to as long as it
    is open, and all of that is gone when it is closed. To look at both takes 3 µs.

    Args:
      path: of a file that has just been opened.

    Raises:
      OSError: it is gone already.
    """

    def __init__(self, path: str) -> None:
        file = os.path.abspath(path)  # the program may change its directory
        # It stays as long as the file is open. It is beside the file itself, whatever links lead there.
        log = f"{os.path.realpath(file)}-wal"
        self._paths = (file, log) if os.access(log, os.F_OK) else (file,)  # some file systems have none
        self._opened = self._found()

    def problem(self) -> str | None:
        """Why what is written to the open file can't be found at its path; None: it can.

        Raises:
          OSError: the path can't be looked at.
        """
        try:
            found = self._found()
        except (FileNotFoundError, NotADirectoryError):
            return "the file, or its write-ahead log, was moved or deleted while it was open"
        if found != self._opened:
            return "another file was put in its place, or in that of its write-ahead log, while it was open"
        return None

    def _found(self) -> list[tuple[int, int]]:
        return [(found.st_dev, found.st_ino) for found in map(os.stat, self._paths)]


def why_inaccessible(path: str) -> str | None:
    """Why the file at `path` can't be opened or written, where SQLite only says that it can't."""
    file = Path(path).absolute()
    if problem := directory_problem(path):
        return problem
    if file.is_dir():
        return "it is a directory, not a file"
    if file.exists() and not os.access(file, os.R_OK | os.W_OK):
        return "permission denied; the file must be readable and writable"
    if not os.access(file.parent, os.W_OK):  # for the file itself, and for its write-ahead log
        return f"permission denied: no files can be created in the directory {file.parent}"
    return None


def directory_problem(path: str) -> str | None:
    """Why the directory of `path` can't be entered; None if it can."""
    directory = Path(path).absolute().parent
    if not os.access(directory, os.F_OK):
        return f"the directory {directory} does not exist"
    if not os.access(directory, os.X_OK):
        return f"permission denied: the directory {directory} can't be entered"
    return None


def connect_to_read(path: str, timeout: float) -> sqlite3.Connection:
    """The same for a file that is there and that others may have open; nothing can be written.

    Not ``mode=ro``: a reader of a file in WAL mode takes part in its locks, and the last one to close it
    moves the log into the file.
    """
    db = _connected(f"{_uri(path)}?mode=rw", timeout, uri=True)
    db.execute("PRAGMA query_only = ON")
    return db


def connect_to_read_alone(path: str, timeout: float) -> sqlite3.Connection:
    """The same for a file that nobody has open. It is not locked, and no file is made beside it."""
    return _connected(f"{_uri(path)}?mode=ro&immutable=1", timeout, uri=True)


def _uri(path: str) -> str:
    return f"file:{quote(str(Path(path).absolute()))}"


def _connected(path: str, timeout: float, *, uri: bool) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False, uri=uri)
    db.text_factory = _text
    return db


def enable_wal(db: sqlite3.Connection, seconds: float) -> None:
    """Put the file into WAL mode, and wait at most so many seconds for other connections.

    Raises:
      sqlite3.OperationalError: it can't be done, or not in time.
    """
    # The one statement that does not wait by itself: several connections may want the same of a new file,
    # and SQLite ends the deadlock by failing all of them but one.
    deadline = time.monotonic() + seconds
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
