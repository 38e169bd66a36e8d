"""The leases of a database: a document in ``meta``, whose moments are those of the server's clock.

It has a list of them, only one unless runs share a list. A single update with a pipeline decides and writes,
so no transaction is needed, and a server without replica set will do.
"""

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
        _adding(lease, expiry),
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    holders = (found or {}).get("holders") or []
    if any(holder.get("id") == lease.id for holder in holders):
        return None
    for holder in holders:
        # What another program has written in its place is over soon, and no reason to wait.
        with suppress(InvalidRecord):
            other = LEASE.read(holder, Form.DOCUMENT)
            if other.excludes(lease):
                return other
    return None


def _adding(lease: Lease, expiry: float) -> list[dict[str, Any]]:
    """The update that adds the lease if none of the others excludes it, and removes those that are over.

    ``$$NOW`` needs MongoDB 4.2.
    """
    # Not as they are: a text that begins with a dollar sign would be the name of a field.
    values = {"$literal": LEASE.write_cleaned(lease, Form.DOCUMENT)[0]}
    age = {"$abs": {"$subtract": ["$$NOW", "$$each.renewed"]}}
    lasts = {
        "$cond": [{"$eq": [{"$type": "$$each.renewed"}, "date"]}, {"$lt": [age, round(expiry * 1000)]}, False]
    }
    another = {"$and": [{"$ne": ["$$each.id", {"$literal": lease.id}]}, lasts]}
    holders = {"$cond": [{"$isArray": "$holders"}, "$holders", []]}
    others = {"$filter": {"input": holders, "as": "each", "cond": another}}
    harmless = [{"$eq": ["$$each.shards", lease.shards]}, {"$ne": ["$$each.shard", lease.shard]}]
    excludes = True if lease.shard is None else {"$not": [{"$and": harmless}]}
    in_the_way = {"$filter": {"input": "$holders", "as": "each", "cond": excludes}}
    renewed = [{"$mergeObjects": [values, {"renewed": "$$NOW"}]}]
    added = {"$cond": [{"$eq": [in_the_way, []]}, {"$concatArrays": ["$holders", renewed]}, "$holders"]}
    return [{"$replaceWith": {"_id": _ID, "holders": others}}, {"$set": {"holders": added}}]


def release_lease(database: Database[Document], lease: Lease) -> None:
    """See `Store.release_lease`."""
    retried(database.meta.update_one, {"_id": _ID}, {"$pull": {"holders": {"id": lease.id}}})
    retried(database.meta.delete_one, {"_id": _ID, "holders": []})
