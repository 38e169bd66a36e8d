"""Leases of stores, and what an outsider can do to those that are stored."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from trioscrape import Lease

SINCE = datetime(2026, 11, 1, 14, 3, tzinfo=UTC)


def lease(name: str, **values: Any) -> Lease:
    """That of a process on a machine which nobody can look into."""
    return replace(Lease(name, f"host of {name}", 4242, SINCE), **values)


def change_lease(url: str, **values: Any) -> None:
    """Set fields of the lease of the store at `url`, as another program could."""
    if url.startswith("mongodb:"):
        with MongoClient[Any](url) as client:
            assert (
                client.get_default_database()
                .meta.update_one(
                    {"_id": "lease"}, {"$set": {f"holders.0.{name}": each for name, each in values.items()}}
                )
                .modified_count
            )
        return
    if not url.startswith("sqlite:"):
        pytest.skip("nobody else can write to it")
    columns = ", ".join(f"{name} = :{name}" for name in values)
    values = {name: each.isoformat() if isinstance(each, datetime) else each for name, each in values.items()}
    with closing(sqlite3.connect(url.removeprefix("sqlite:"))) as db, db:
        assert db.execute(f"UPDATE lease SET {columns}", values).rowcount


def has_lease(url: str) -> bool:
    """Whether the record of a lease is stored, one that is over included."""
    if url.startswith("mongodb:"):
        with MongoClient[Any](url) as client:
            return client.get_default_database().meta.find_one({"_id": "lease"}) is not None
    with closing(sqlite3.connect(url.removeprefix("sqlite:"))) as db:
        return bool(db.execute("SELECT id FROM lease").fetchall())


@contextmanager
def neighbour_of(url: str) -> Iterator[str]:
    """The URL of another store beside it; a database is dropped afterwards."""
    other = f"{url}_2"
    yield other
    if url.startswith("mongodb:"):
        with MongoClient[Any](other) as client:
            client.drop_database(client.get_default_database().name)


def seconds_from_now(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def ended_process() -> int:
    """The id of a process that has ended."""
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)
    return process
