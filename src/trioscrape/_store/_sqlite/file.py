"""How an SQLite file is opened, and what is made in it at first."""

from __future__ import annotations

import sqlite3
import time
from functools import partial
from pathlib import Path
from urllib.parse import quote

from ..records import SCHEMA_VERSION
from .schema import MIGRATIONS, TABLES

# Others may have written in another encoding, and one such text would fail everything that is read with it.
_text = partial(str, encoding="utf-8", errors="replace")


def connect(path: str, timeout: float) -> sqlite3.Connection:
    """A connection that makes the file when there is none; waits so many seconds for other connections.

    One thread at a time may use it; it need not always be the same one.
    """
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    db.text_factory = _text
    return db


def connect_to_read(path: str, timeout: float) -> sqlite3.Connection:
    """A connection that makes no file and writes nothing.

    Not ``mode=ro``: who reads a file in WAL mode takes part in its locks, and the last one to close it
    has to put it in order.
    """
    where = f"file:{quote(str(Path(path).absolute()))}?mode=rw"
    db = sqlite3.connect(where, timeout=timeout, isolation_level=None, check_same_thread=False, uri=True)
    db.text_factory = _text
    db.execute("PRAGMA query_only = ON")
    return db


def log_writes_ahead(db: sqlite3.Connection, seconds: float) -> None:
    """Put the file into WAL mode, which is waited for so long."""
    # The one statement that does not wait for other connections by itself: it may find a few
    # that want the same of a new file, and SQLite ends the deadlock by failing all but one.
    ends = time.monotonic() + seconds
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
            time.sleep(0.01)
        else:
            return


def version_of(db: sqlite3.Connection) -> int:
    """The version of the schema; 0 where nobody has set one."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Make the tables, or what a file of an older version lacks; in a transaction of the caller's."""
    # Asked inside the transaction: two processes may have found the file empty, or old.
    while (version := version_of(db)) < SCHEMA_VERSION:
        for statement in MIGRATIONS[version] if version else TABLES:
            db.execute(statement)
