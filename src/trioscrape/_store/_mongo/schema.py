"""The indexes of the database, its schema version, and the migration of documents of older versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from pymongo import IndexModel, UpdateMany
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from ..records import SCHEMA_VERSION
from .documents import Document, journaled, tolerant
from .errors import retried

INDEXES: Final = {
    "entries": [
        IndexModel([("feed", 1), ("key", 1)], unique=True),
        IndexModel([("feed", 1), ("published", -1)]),  # the newest entries of a feed
        IndexModel([("last_changed", -1)]),  # what has been stored or changed since
    ],
    "feeds": [IndexModel([("next_fetch", 1)])],  # feeds that are due
}
"""Creating one that is there costs nothing, so every start creates them all."""

_BATCH: Final = 2000
"""Documents a step of a migration: some 50 ms."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a migration does to documents of a collection.

    It is idempotent: a document that has been changed does not match `which` any more.
    """

    collection: str
    which: Mapping[str, Any]
    update: Mapping[str, Any]


def _html_without_type(text: str) -> Change:
    return Change(
        "entries",
        {text: {"$ne": None}, f"{text}_type": {"$exists": False}},
        {"$set": {f"{text}_type": "html"}},
    )


def _other_reason(old: str, new: str) -> tuple[Change, Change]:
    return (
        Change("feeds", {"failure": old}, {"$set": {"failure": new}}),
        Change("runs", {f"errors.{old}": {"$exists": True}}, {"$rename": {f"errors.{old}": f"errors.{new}"}}),
    )


MIGRATIONS: Final[Mapping[int, Sequence[Change]]] = {
    2: (
        # Of version 1, which version 2 has left as they were: before texts had types they were always HTML.
        _html_without_type("summary"),
        _html_without_type("content"),
        Change("feeds", {"found_at": {"$exists": True}}, {"$rename": {"found_at": "validators_url"}}),
        *_other_reason("refused", "connection-refused"),
        *_other_reason("deadline", "fetch-timeout"),
    ),
}
"""What makes documents of each version those of the next. A change stays as it was written: it is history.

A field that is added to a record needs none: a document that lacks it has its default.
"""


def schema_version(database: Database[Document]) -> int | None:
    """The schema version of the database; None when it is new.

    Raises:
      PyMongoError: no access, or the server is gone.
    """
    schema = database.meta.find_one({"_id": "schema"})
    return None if schema is None else int(schema["version"])


def prepare(database: Database[Document]) -> int:
    """Create the indexes, and record the schema version of a new database. A newer one is left alone.

    Returns:
      The version that the database has.

    Raises:
      PyMongoError: no access, or the server is gone.
    """
    version = schema_version(database)
    if version is None:
        with suppress(DuplicateKeyError):  # another process was first
            journaled(database.meta).insert_one({"_id": "schema", "version": SCHEMA_VERSION})
        version = SCHEMA_VERSION
    if version <= SCHEMA_VERSION:
        for name, indexes in INDEXES.items():
            database[name].create_indexes(indexes)
    return version


def changes_since(version: int) -> dict[str, list[Change]]:
    """By collection, what is to be changed in the documents of a database of that version."""
    changes: dict[str, list[Change]] = {}
    for old in range(version, SCHEMA_VERSION):
        for change in MIGRATIONS.get(old, ()):
            changes.setdefault(change.collection, []).append(change)
    return changes


def migrate_some(database: Database[Document], name: str, changes: Sequence[Change], first: Any) -> Any:
    """Change some documents of a collection, in the order of their ids.

    The whole of a large collection would not fit into a timeout. A migration that is killed in the middle
    begins again with the next start, and two of them at once do the same twice.

    Args:
      database: of an older version.
      name: of the collection.
      changes: to be made.
      first: the id where to begin; None: at the first document.

    Returns:
      The id where to go on, None at the end.

    Raises:
      PyMongoError: no access, or the server is gone.
    """
    collection = tolerant(database[name])
    ids = retried(_ids, collection, first)
    writes = [UpdateMany({"_id": {"$in": ids}, **change.which}, change.update) for change in changes]
    if ids:
        retried(journaled(collection).bulk_write, writes, ordered=False)
    return ids[-1] if len(ids) == _BATCH else None


def _ids(collection: Collection[Document], first: Any) -> list[Any]:
    found = collection.find({}, {"_id": 1}, sort=[("_id", 1)], limit=_BATCH)
    if first is not None:
        # Not {"$gte": first}, which finds no ids but those of the same type.
        found = found.min([("_id", first)]).hint([("_id", 1)])
    return [document["_id"] for document in found]


def finish_migration(database: Database[Document]) -> None:
    """Record the schema version: the last step, when all documents have been changed.

    Raises:
      PyMongoError: no access, or the server is gone.
    """
    update = {"$max": {"version": SCHEMA_VERSION}}
    retried(journaled(database.meta).update_one, {"_id": "schema"}, update)
