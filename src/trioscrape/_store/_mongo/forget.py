"""Forgetting feeds in MongoDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pymongo.database import Database

from ..records import chunks
from .documents import Document, journaled
from .errors import retried

_OF_THE_LAST_DOCUMENT: Final = ("etag", "last_modified", "validators_url", "body_hash", "next_fetch")


def count_entries(database: Database[Document], feed_ids: Sequence[str]) -> int:
    """See `Reader.count_entries`."""
    queries = [{"feed": {"$in": list(some)}} for some in chunks(feed_ids)]
    return sum(retried(database.entries.count_documents, query) for query in queries)


def forget(database: Database[Document], feed_ids: Sequence[str]) -> int:
    """See `Store.forget`.

    The states go last, so that the same call finds what one that broke off has left. A run that comes
    between fetches those feeds whole: a state with validators but without entries would get no document.
    """
    feeds, entries = journaled(database.feeds), journaled(database.entries)
    deleted = 0
    for some in chunks(feed_ids):
        ids = {"$in": list(some)}
        retried(feeds.update_many, {"_id": ids}, {"$unset": dict.fromkeys(_OF_THE_LAST_DOCUMENT, "")})
        retried(journaled(database.history).delete_many, {"_id": ids})
        deleted += retried(entries.delete_many, {"feed": ids}).deleted_count
        retried(feeds.delete_many, {"_id": ids})
    return deleted
