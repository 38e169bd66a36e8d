"""The lease of a database: a document in ``meta``, whose moments are those of the server's clock."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.database import Database

from ..._records.kinds import Form
from ..._records.lease import LEASE, Lease
from ..._records.table import InvalidRecord
from .documents import Document, tolerant
from .errors import retried

_ID: Final = "lease"


def acquire_lease(database: Database[Document], lease: Lease, expiry: float) -> Lease | None:
    """See `Store.acquire_lease`."""
    meta = tolerant(database.meta)
    found = retried(
        meta.find_one_and_update,
        {"_id": _ID},
        _replacing(lease, expiry),
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    # What another program has written in its place is over soon, and no reason to wait.
    with suppress(InvalidRecord):
        holder = LEASE.read(found or {}, Form.DOCUMENT)
        return None if holder.id == lease.id else holder
    return None


def _replacing(lease: Lease, expiry: float) -> list[dict[str, Any]]:
    """The update that replaces the document if its lease is the same or over. ``$$NOW`` needs MongoDB 4.2."""
    # Not as they are: a text that begins with a dollar sign would be the name of a field.
    values = {"$literal": {"_id": _ID, **LEASE.write_cleaned(lease, Form.DOCUMENT)[0]}}
    age = {"$abs": {"$subtract": ["$$NOW", "$renewed"]}}
    over = {"$cond": [{"$eq": [{"$type": "$renewed"}, "date"]}, {"$gte": [age, round(expiry * 1000)]}, True]}
    own = {"$eq": ["$id", {"$literal": lease.id}]}
    renewed = {"$mergeObjects": [values, {"renewed": "$$NOW"}]}
    return [{"$replaceWith": {"$cond": [{"$or": [own, over]}, renewed, "$$ROOT"]}}]


def release_lease(database: Database[Document], lease: Lease) -> None:
    """See `Store.release_lease`."""
    retried(database.meta.delete_one, {"_id": _ID, "id": lease.id})
