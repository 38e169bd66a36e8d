"""Opening the store that a URL names."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import trio

from .._errors import UsageError
from ._sqlite.store import SCHEME as SQLITE
from ._sqlite.store import SqliteStore
from .protocol import Reader, Store

MONGO = ("mongodb://", "mongodb+srv://")


class _Connectable(Store, Protocol):
    async def connect(self) -> None: ...
    async def connect_to_read(self) -> None: ...


@asynccontextmanager
async def open_store(
    url: str, *, width: int = 4, connect_timeout: float = 10, call_timeout: float = 10
) -> AsyncIterator[Store]:
    """Connect to the store that `url` names, prepare it, and close it after the block.

    ``mongodb://HOST/DATABASE`` and ``mongodb+srv://HOST/DATABASE`` are MongoDB (the database is
    ``trioscrape`` if none is named). ``sqlite:PATH`` is an SQLite file, which is created if need be;
    ``sqlite:///PATH`` is the same, and means what it means to SQLAlchemy: a relative path after three
    slashes, an absolute one after four.

    Tables, collections and indexes are created if need be, and data of an older version is migrated.

    Open the store before the first feed is looked up: then no lookup of a feed can delay a write.

    Args:
      url: of the store.
      width: calls that are served at once; an SQLite file always serves one.
      connect_timeout: seconds for the store to answer.
      call_timeout: seconds for each call after that, retries included.

    Raises:
      UsageError: the URL is not valid.
      StoreError: the store does not answer within the connect timeout, denies access, can't be opened, or
        has a newer schema version. The text has the URL without credentials.

    Cancellation: while connecting, gives up. The store is closed on every way out, in a shielded scope.
    """
    store = _store(url, width, connect_timeout, call_timeout)
    async with _closing(store, connect_timeout + call_timeout):
        await store.connect()
        yield store


@asynccontextmanager
async def open_reader(
    url: str, *, connect_timeout: float = 10, call_timeout: float = 10
) -> AsyncIterator[Reader]:
    """Connect to the store that `url` names for reading only, and close it after the block.

    Nothing is created, migrated or written, so read permission is enough. Runs may write to the store
    meanwhile.

    Args:
      url: see `open_store`.
      connect_timeout: seconds for the store to answer.
      call_timeout: seconds for each page.

    Raises:
      UsageError: the URL is not valid.
      StoreError: see `open_store`; also when there is no such file, nothing is stored yet, or the schema
        version is an older one, which the next run migrates.

    Cancellation: see `open_store`.
    """
    store = _store(url, 1, connect_timeout, call_timeout)
    async with _closing(store, connect_timeout + call_timeout):
        await store.connect_to_read()
        yield store


@asynccontextmanager
async def _closing(store: Store, seconds: float) -> AsyncIterator[None]:
    try:
        yield
    finally:
        # For the wait for a thread; the store itself bounds how long closing takes.
        with trio.move_on_after(seconds, shield=True):
            await store.aclose()


def check_store_url(url: str) -> str:
    """`url` without credentials. Nothing is looked up or opened.

    Raises:
      UsageError: it is not valid.
    """
    return _store(url, 1, 1, 1).redacted_url


def _store(url: str, width: int, connect_timeout: float, call_timeout: float) -> _Connectable:
    if url.startswith(SQLITE):
        return SqliteStore(url, connect_timeout=connect_timeout, timeout=call_timeout)
    if url.startswith(MONGO):
        # Importing pymongo takes a fifth of a second, which users of SQLite need not wait.
        from ._mongo.store import MongoStore  # noqa: PLC0415

        return MongoStore(url, width=width, connect_timeout=connect_timeout, timeout=call_timeout)
    known = "mongodb://HOST/DATABASE, mongodb+srv://HOST/DATABASE or sqlite:PATH"
    meant = f" (did you mean sqlite:{url}?)" if re.fullmatch(r"[\w./-]*[./][\w./-]*", url) else ""
    raise UsageError(f"invalid store URL {_redacted(url)}: it must be {known}{meant}")


def _redacted(url: str) -> str:
    """As much of a URL of an unknown kind as can't be a secret."""
    scheme, colon, rest = url.partition("://")
    rest = rest.rpartition("@")[2]
    host = re.match(r"[\w.-]+(:\d+)?(?![^/?#])(/[\w./-]*)?", rest)
    if not re.fullmatch(r"[\w+.-]*", scheme):
        return "(redacted)"
    return f"{scheme}{colon}{host[0] if host else ''}" or "''"
