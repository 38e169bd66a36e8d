"""What `MongoStore` does to be read back, and to take what was read back from another store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.database import Database

from ..._records import FeedState, StoredEntry
from ..._records.kinds import clean_state
from ..pages import Wanted, page_of, position
from ..records import chunks, entry_of_record, restored_record, state_record
from ..validation import sound_states
from .documents import (
    in_bulk,
    retried,
    state_of,
    waiting_for_the_journal,
    whatever_it_holds,
    write_error,
)

Document = dict[str, Any]


def load(database: Database[Document], feed_ids: Sequence[str]) -> dict[str, FeedState]:
    """See `Store.load`."""
    feeds = whatever_it_holds(database.feeds)
    states: dict[str, FeedState] = {}
    for some in chunks(feed_ids):
        query = {"_id": {"$in": list(some)}}
        found = retried(lambda query: feeds.find(query).to_list(), query)
        states |= sound_states(found, state_of)
    return states


def page_of_entries(
    database: Database[Document], wanted: Wanted, after: StoredEntry | None, count: int
) -> list[StoredEntry]:
    """See `Paged._page_of_entries`.

    The index is on ``last_changed`` alone: one that had feed and key in it too, the whole order, would
    take a tenth of the speed of writing. A save gives all of its entries the same moment, so a page
    takes whole moments, and puts each into its order itself. What the page before has left of a moment
    is looked for first; there only is such a rest where one moment has more than a page.
    """
    page = _rest_of_moment(database, wanted, after, count) if after is not None else []
    page = page or _whole_moments(database, wanted, after, count)
    return retried(_with_feeds, database, page)


def _rest_of_moment(
    database: Database[Document], wanted: Wanted, after: StoredEntry, count: int
) -> list[StoredEntry]:
    later = "$gt" if wanted.oldest_first else "$lt"
    moment, feed, key = position(after)
    query = {"$or": [{"feed": {later: feed}}, {"feed": feed, "key": {later: key}}]}
    return _of_moment(database, wanted, query | {"last_changed": moment}, count)


def _of_moment(
    database: Database[Document], wanted: Wanted, query: Document, count: int
) -> list[StoredEntry]:
    way = 1 if wanted.oldest_first else -1
    return retried(_found, database, _of_feed(wanted, query), [("feed", way), ("key", way)], count)


def _whole_moments(
    database: Database[Document], wanted: Wanted, after: StoredEntry | None, count: int
) -> list[StoredEntry]:
    bounds = {} if wanted.since is None else {"$gte": wanted.since}
    if after is not None:
        bounds["$gt" if wanted.oldest_first else "$lt"] = after.last_changed
    query = _of_feed(wanted, {"last_changed": bounds} if bounds else {})
    way = 1 if wanted.oldest_first else -1
    found = retried(_found, database, query, [("last_changed", way)], count + 1)
    if not found:
        return []
    # Whether the last moment is there as a whole nobody knows, unless it is the end of everything.
    last = found[-1].last_changed
    page = [stored for stored in found if stored.last_changed != last]
    if not page:
        return _of_moment(database, wanted, {"last_changed": last}, count)
    return sorted(page, key=position, reverse=not wanted.oldest_first)


def _found(
    database: Database[Document], query: Document, order: list[tuple[str, int]], count: int
) -> list[StoredEntry]:
    with database.entries.find(query, sort=order, limit=count, batch_size=count) as cursor:
        return page_of(_stored(document) for document in cursor)


def _of_feed(wanted: Wanted, query: Document) -> Document:
    return query if wanted.feed is None else {"$and": [{"feed": wanted.feed}, query]}


def _stored(document: Document) -> StoredEntry:
    # In version 1 of the schema all texts were HTML.
    types = {f"{name}_type": "html" for name in ("summary", "content") if document[name] is not None}
    return StoredEntry(
        document["feed"],
        entry_of_record(types | document),
        document["first_seen"],
        document["last_changed"],
        document["truncated"],
    )


def _with_feeds(database: Database[Document], page: Sequence[StoredEntry]) -> list[StoredEntry]:
    """The same with the URLs and titles of their feeds."""
    ids = list({stored.feed_id for stored in page})
    names = ("url", "title")
    feeds = {
        found["_id"]: found for found in database.feeds.find({"_id": {"$in": ids}}, names, batch_size=1000)
    }
    known = [feeds.get(stored.feed_id, {}) for stored in page]
    return [
        replace(stored, feed_url=feed.get("url"), feed_title=feed.get("title"))
        for stored, feed in zip(page, known, strict=True)
    ]


def page_of_feeds(database: Database[Document], after: FeedState | None, count: int) -> list[FeedState]:
    """See `Paged._page_of_feeds`."""
    query = {"_id": {"$gt": after.feed_id}} if after is not None else {}
    found = retried(lambda: database.feeds.find(query, sort=[("_id", 1)], limit=count).to_list())
    return [state_of(document) for document in found]


def restore_entries(database: Database[Document], entries: Iterable[StoredEntry]) -> int:
    """See `Store.restore_entries`.

    Raises:
      PyMongoError: some may be stored and some not.
    """
    # Of two of the same key the later one counts.
    records = [restored_record(stored) for stored in sorted(entries, key=position)]
    latest = {(record["feed"], record["key"]): record for record in records}
    known = retried(_moments, database, latest.values())
    writes = []
    for (feed, key), record in latest.items():
        first_seen, before = record["first_seen"], known.get((feed, key))
        if before is None or before[1] < record["last_changed"]:
            values = {**record, "first_seen": min(first_seen, before[0]) if before else first_seen}
            writes.append(UpdateOne({"feed": feed, "key": key}, {"$set": values}, upsert=True))
    if writes:
        errors = retried(in_bulk, waiting_for_the_journal(database.entries).bulk_write, writes)
        if errors:
            raise write_error(errors[0])
    return len(writes)


def _moments(
    database: Database[Document], records: Iterable[Document]
) -> dict[tuple[str, str], tuple[datetime, datetime]]:
    """When those of the entries that are stored came in, and changed last, by feed and key."""
    keys: dict[str, list[str]] = {}
    for record in records:
        keys.setdefault(record["feed"], []).append(record["key"])
    if not keys:
        return {}
    query = {"$or": [{"feed": feed, "key": {"$in": some}} for feed, some in keys.items()]}
    names = {"_id": 0, "feed": 1, "key": 1, "first_seen": 1, "last_changed": 1}
    found = whatever_it_holds(database.entries).find(query, names, batch_size=1000)
    times = {}
    for each in found:
        first_seen, last_changed = each.get("first_seen"), each.get("last_changed")
        if isinstance(first_seen, datetime) and isinstance(last_changed, datetime):
            times[each["feed"], each["key"]] = first_seen, last_changed
    return times


def restore_feeds(database: Database[Document], states: Iterable[FeedState]) -> int:
    """See `Store.restore_feeds`."""
    ids = {state.feed_id: state for state in states}
    query = {"_id": {"$in": list(ids)}}
    known = retried(lambda: {found["_id"] for found in database.feeds.find(query, {"_id": 1})})
    writes = []
    for feed in ids.keys() - known:
        values = state_record(clean_state(ids[feed]))
        identity = {"_id": values.pop("feed_id")}
        writes.append(UpdateOne(identity, {"$setOnInsert": values}, upsert=True))
    if writes:
        retried(waiting_for_the_journal(database.feeds).bulk_write, writes, ordered=False)
    return len(writes)
