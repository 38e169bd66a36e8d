"""The indexes of the database, its schema version, and the migration of documents of older versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from pymongo import IndexModel, UpdateMany
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure

from ..records import IS_FOREIGN, SCHEMA_VERSION
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
"""Every start creates those that are missing."""

_COLLECTIONS: Final = ("meta", "feeds", "entries", "runs", "history")
_OTHER_INDEX: Final = {"partialFilterExpression", "sparse", "collation", "hidden"}
"""Options with which an index on the same fields does not find or compare the same."""
_UNAUTHORIZED: Final = 13

_BATCH: Final = 2000
"""Documents a step of a migration: some 50 ms."""


class NotUsable(Exception):
    """Why a database can't be that of a store: words that come after its URL."""


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
    """The schema version of the database; None: nothing is stored in it.

    Raises:
      NotUsable: it is of another program, or what it says of its version is not valid.
      PyMongoError: no access, or the server is gone.
    """
    version = _recorded_version(database)
    if version is None and _has_documents(database):
        # Another process may have created it meanwhile: the version comes before all other documents.
        version = _recorded_version(database)
        if version is None:
            raise NotUsable(IS_FOREIGN)
    return version


def _recorded_version(database: Database[Document]) -> int | None:
    found = tolerant(database.meta).find_one({"_id": "schema"}, {"version": 1})
    if found is None:
        return None
    version = found.get("version")
    # The shell of MongoDB writes every number as a double.
    if isinstance(version, bool) or not isinstance(version, int | float) or version < 1 or version % 1:
        raise NotUsable(
            "has no valid schema version: in its collection meta, the version of the document 'schema'"
            f" must be a whole number from 1 to {SCHEMA_VERSION}"
        )
    return int(version)


def _has_documents(database: Database[Document]) -> bool:
    """Whether there is anything where a store keeps its documents.

    Empty collections, with or without indexes, are what is left of a start that broke off.
    """
    return any(database[name].find_one({}, {"_id": 1}) is not None for name in _COLLECTIONS)


def prepare(database: Database[Document]) -> int:
    """Create the indexes, then record the schema version of a new database. A newer one is left alone.

    Returns:
      The version that the database has.

    Raises:
      NotUsable, PyMongoError: see `schema_version`.
    """
    version = schema_version(database)
    if version is None or version <= SCHEMA_VERSION:
        for name, indexes in INDEXES.items():
            _create_missing(database[name], indexes)
    if version is not None:
        return version
    with suppress(DuplicateKeyError):  # another process was first
        journaled(database.meta).insert_one({"_id": "schema", "version": SCHEMA_VERSION})
    return _recorded_version(database) or SCHEMA_VERSION


def _create_missing(collection: Collection[Document], indexes: Sequence[IndexModel]) -> None:
    """Create those that are not there. So a user who may not do that can use a database that is complete."""
    try:
        there = list(collection.list_indexes())
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        there = []
    missing = [index for index in indexes if not any(_serves_as(index, other) for other in there)]
    if missing:
        collection.create_indexes(missing)


def _serves_as(index: IndexModel, other: Mapping[str, Any]) -> bool:
    wanted = index.document
    return (
        list(wanted["key"].items()) == list(other["key"].items())
        and bool(other.get("unique")) >= wanted.get("unique", False)
        and other.keys().isdisjoint(_OTHER_INDEX)
    )


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
