"""How a client of MongoDB is set up, and what it finds and makes in a database at first."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC
from typing import Any, Final

from pymongo import IndexModel, MongoClient
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from ..records import SCHEMA_VERSION
from .documents import waiting_for_the_journal
from .pools import Pools
from .url import MongoURL

Document = dict[str, Any]

INDEXES: Final = {
    "entries": [
        IndexModel([("feed", 1), ("key", 1)], unique=True),
        IndexModel([("feed", 1), ("published", -1)]),  # the newest entries of a feed
        IndexModel([("last_changed", -1)]),  # what has come in or changed since
    ],
    "feeds": [IndexModel([("next_fetch", 1)])],  # feeds that are due
}
"""Making one that is there costs nothing, so every start makes them all."""


def make_client(url: MongoURL, pools: Pools, connections: int, timeout: float) -> MongoClient[Document]:
    """A client for exactly so many connections. What the URL says wins over everything else.

    Args:
      url: of the server.
      pools: is told what the connections do.
      connections: at most and at least.
      timeout: seconds for a connection to be made, and for a call to find a server.

    Raises:
      PyMongoError, ValueError: the options of the URL contradict each other.
    """
    milliseconds = int(timeout * 1000)
    defaults: dict[str, Any] = {
        "appname": "trioscrape",
        "connectTimeoutMS": milliseconds,
        "maxConnecting": connections,
        # One connection and one lookup less than the streaming of server states.
        "serverMonitoringMode": "poll",
        "serverSelectionTimeoutMS": milliseconds,
        "retryWrites": True,
        # MongoDB's own default may be another one, which the administrator of a cluster sets.
        "w": "majority",
    }
    return MongoClient(
        url.url,
        event_listeners=[pools],
        maxPoolSize=connections,
        minPoolSize=connections,
        tz_aware=True,
        tzinfo=UTC,
        **{name: value for name, value in defaults.items() if name.lower() not in url.options},
    )


def schema_version(database: Database[Document]) -> int | None:
    """The version of the schema that the database has; None when it is new.

    Raises:
      PyMongoError: no access, or the server has gone.
    """
    schema = database.meta.find_one({"_id": "schema"})
    return None if schema is None else int(schema["version"])


def prepare(database: Database[Document]) -> int:
    """Record the schema's version and make the indexes; nothing is done to a newer version.

    Returns:
      The version that was found, or this one's for a database that is new.

    Raises:
      PyMongoError: no access, or the server has gone.
    """
    meta = waiting_for_the_journal(database.meta)
    found = schema_version(database)
    version = SCHEMA_VERSION if found is None else found
    if version > SCHEMA_VERSION:
        return version
    if found is None:
        with suppress(DuplicateKeyError):  # another process was first
            meta.insert_one({"_id": "schema", "version": SCHEMA_VERSION})
    for name, indexes in INDEXES.items():
        database[name].create_indexes(indexes)
    if version < SCHEMA_VERSION:
        # Documents of version 1 stay as they are: what they lack has its default when it is read.
        meta.update_one({"_id": "schema"}, {"$max": {"version": SCHEMA_VERSION}})
    return version
