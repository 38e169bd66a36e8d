"""From a URL to a store that is connected."""

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
    """The store that `url` names: connected, checked, its pool filled; closed when the block ends.

    ``mongodb://…`` and ``mongodb+srv://…`` are a `MongoStore` in the database that the URL's path
    names (else ``trioscrape``), ``sqlite:PATH`` is a `SqliteStore`.

    Open it before the first feed is looked up: then no lookup of a feed can delay a write.

    Args:
      url: where the entries go.
      width: calls served at once; an SQLite file always serves one.
      connect_timeout: seconds for the store to answer at first.
      call_timeout: seconds for each call after that, retries included.

    Raises:
      UsageError: the URL can't be understood.
      StoreError: the store does not answer within its connect call_timeout, refuses access, can't be
        opened, or holds data of a newer schema version. The text names the URL, never a password.

    Cancellation: while connecting, gives up; the store is closed, shielded, on every way out.
    """
    store = _store(url, width, connect_timeout, call_timeout)
    async with _closing(store, connect_timeout + call_timeout):
        await store.connect()
        yield store


@asynccontextmanager
async def open_reader(
    url: str, *, connect_timeout: float = 10, call_timeout: float = 10
) -> AsyncIterator[Reader]:
    """The store that `url` names, to read and nothing else; closed when the block ends.

    Nothing is made and nothing is written, so it takes no more than the right to read, and a file
    with the wrong name stays one that is not there. A run may write to the store meanwhile.

    Args:
      url: see `open_store`.
      connect_timeout: seconds for the store to answer at first.
      call_timeout: seconds for each page.

    Raises:
      UsageError: the URL can't be understood.
      StoreError: as `open_store`, and when there is no such file or no store in it, or a file is of an
        older schema version, which the next run brings up to date.

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
        # The timeout is for the queue in front of a thread; closing itself is bounded by the store.
        with trio.move_on_after(seconds, shield=True):
            await store.aclose()


def check_store_url(url: str) -> None:
    """Raise `UsageError` when no store can be at `url`. Nothing is looked up or opened."""
    _store(url, 1, 1, 1)


def _store(url: str, width: int, connect_timeout: float, call_timeout: float) -> _Connectable:
    if url == f"{SQLITE}:memory:":
        raise UsageError("sqlite::memory: would forget everything at the end; name a file")
    if url.startswith(SQLITE):
        return SqliteStore(url, connect_timeout=connect_timeout, timeout=call_timeout)
    if url.startswith(MONGO):
        # pymongo takes a fifth of a second to import, which who uses SQLite need not wait for.
        from ._mongo.store import MongoStore  # noqa: PLC0415

        return MongoStore(url, width=width, connect_timeout=connect_timeout, timeout=call_timeout)
    known = "mongodb://HOST/DATABASE, mongodb+srv://HOST/DATABASE or sqlite:PATH"
    raise UsageError(f"the store URL {_shown(url)} can't be understood; it must be {known}")


def _shown(url: str) -> str:
    """As much of a URL of an unknown kind as is certainly no secret."""
    scheme, colon, rest = url.partition("://")
    rest = rest.rpartition("@")[2]
    host = re.match(r"[\w.-]+(:\d+)?(?![^/?#])(/[\w./-]*)?", rest)
    if not re.fullmatch(r"[\w+.-]*", scheme):
        return "(not shown)"
    return f"{scheme}{colon}{host[0] if host else ''}" or "''"
